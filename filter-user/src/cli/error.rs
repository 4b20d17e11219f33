//! The command line's own errors, and the exit codes of all errors.

use std::process::ExitCode;

use filter_user::{
    feed::provider,
    files, filter,
    model::{lengths::Lengths, rules},
};

/// Why the command line itself refuses something.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `--confirm` was given with a change that it cannot undo.
    #[error(
        "--confirm undoes the attaching of interfaces, but {what}; do that separately, without --confirm"
    )]
    ConfirmCoversAttachOnly {
        /// What else would change.
        what: &'static str,
    },
    /// No interface awaits a confirmation.
    #[error("nothing awaits a confirmation{0}")]
    NothingToConfirm(&'static str),
    /// The interface has the filter in another mode.
    #[error(
        "{interface} has the filter in {is} mode already; to change that: synwall down {interface}, then up with --xdp {wanted}"
    )]
    OtherMode {
        /// The interface.
        interface: String,
        /// The mode that it has.
        is: &'static str,
        /// The mode that was asked for.
        wanted: &'static str,
    },
    /// The running filter counts drops by other source networks.
    #[error(
        "the running filter counts drops by {is}, and cannot change to {wanted}: what it has counted would lose its meaning. Set it up anew: synwall down --all, then synwall up …"
    )]
    OtherSources {
        /// What it counts by.
        is: Lengths,
        /// What was asked for.
        wanted: Lengths,
    },
}

/// Exit code 2 for wrong usage, 1 for everything else.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    let is_usage = error.downcast_ref().is_some_and(filter_refuses_usage)
        || error.downcast_ref().is_some_and(files_refuse_usage)
        || error.downcast_ref().is_some_and(is_whole_internet)
        || matches!(
            error.downcast_ref(),
            Some(provider::Error::Unknown { .. } | provider::Error::IsFetched { .. })
        )
        || matches!(error.downcast_ref(), Some(Error::ConfirmCoversAttachOnly { .. }));
    ExitCode::from(if is_usage { 2 } else { 1 })
}

fn filter_refuses_usage(error: &filter::error::Error) -> bool {
    match error {
        filter::error::Error::NobodyTrusted => true,
        filter::error::Error::Rules(error) => is_whole_internet(error),
        _ => false,
    }
}

/// Whether the arguments are to blame, and not the list file.
pub fn files_refuse_usage(error: &files::error::Error) -> bool {
    matches!(
        error,
        files::error::Error::LabelNotSaved(_) | files::error::Error::WholeInternetSaved { .. }
    )
}

fn is_whole_internet(error: &rules::Error) -> bool {
    matches!(error, rules::Error::WholeInternet { .. })
}
