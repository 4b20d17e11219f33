//! What can go wrong, in the words of the person at the console: what failed, on what, why, and what to
//! do next.

use std::{io, path::PathBuf, process::ExitCode};

use crate::{
    config::Mistake,
    files::list_file::BadLine,
    lists::sources::Lengths,
    model::{
        entry::{Action, disturbs_terminals},
        ports::BadPorts,
        prefix::BadPrefix,
    },
    sys::path::Exposed,
};

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong. Nothing has been changed when one of these is returned, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A prefix that is none.
    #[error(transparent)]
    Prefix(#[from] BadPrefix),
    /// A set of ports that is none.
    #[error(transparent)]
    Ports(#[from] BadPorts),
    /// A label that does not fit.
    #[error("label '{0}' is longer than {max} bytes, or has a control character; shorten it", max = crate::model::entry::MAX_LABEL_BYTES)]
    Label(String),
    /// A list file with a line that cannot be used.
    #[error("{file}:{line}")]
    ListLine {
        /// The file, `-` for standard input.
        file: String,
        /// What is wrong with which line.
        line: BadLine,
    },
    /// A list file that cannot be read.
    #[error("cannot read the list {file}: {source}; check the path and its permissions")]
    ListFile {
        /// The file.
        file: String,
        /// Why not.
        source: io::Error,
    },
    /// A list file that others can write.
    #[error(
        "the list {file} was not read, because it can be changed by {exposed}; let only root and whoever runs synwall write there, or, if you have looked at it, hand it over as standard input (- < {file})"
    )]
    ExposedList {
        /// The file.
        file: String,
        /// Who can change what.
        exposed: Exposed,
    },
    /// A configuration file with a mistake.
    #[error("{0}")]
    Config(Mistake),
    /// A configuration file that cannot be read.
    #[error(
        "cannot read the configuration {file}: {source}; check the path (--config FILE) and its permissions"
    )]
    ConfigFile {
        /// The file.
        file: String,
        /// Why not.
        source: io::Error,
    },
    /// A configuration file that others can write.
    #[error(
        "the configuration {file} was not read, because it can be changed by {exposed}; let only root and whoever runs synwall write there"
    )]
    ExposedConfig {
        /// The file.
        file: String,
        /// Who can change what.
        exposed: Exposed,
    },
    /// A state directory that others can write to.
    #[error(
        "the state directory {path} is not used, because it can be changed by {exposed}; let only root and whoever runs synwall write there"
    )]
    ExposedState {
        /// The directory.
        path: PathBuf,
        /// Who can change what.
        exposed: Exposed,
    },
    /// A copy that is not as it was written.
    #[error("the copy {path} is not used: {reason}")]
    DamagedCopy {
        /// The copy.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `--save` without the configuration beside which lists are saved.
    #[error(
        "there is no configuration {file}, beside which --save keeps lists for the agent; write it (a line is enough: interfaces = [\"eth0\"]), name yours with --config FILE, or leave out --save"
    )]
    NoConfig {
        /// The file.
        file: String,
    },
    /// A list that could not be saved.
    #[error("cannot save in {file}: {source}; nothing was changed")]
    NotSaved {
        /// The list.
        file: String,
        /// Why not.
        source: io::Error,
    },
    /// A label that would not be read as it was written.
    #[error(
        "label '{0}' cannot be saved: in a list file # begins a comment, spaces at the ends are lost, and what begins with an address is a second one; choose another"
    )]
    LabelNotSaved(String),
    /// A prefix that no file is believed.
    #[error(
        "{prefix} covers every address, and is not taken from a file, so it cannot be saved; leave out --save"
    )]
    WholeInternetSaved {
        /// The prefix.
        prefix: ipnet::IpNet,
    },
    /// The same in a file.
    #[error(
        "{file}:{line}: {prefix} covers every address, and is not taken from a file; name the networks that are meant. The whole list was left alone"
    )]
    WholeInternetListed {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The prefix.
        prefix: ipnet::IpNet,
    },
    /// A prefix that is saved in another list.
    #[error(
        "{prefix} is saved as a {present} entry and cannot be saved as a {wanted} entry too; remove it there first: synwall {present} remove {prefix} --save"
    )]
    SavedElsewhere {
        /// The prefix.
        prefix: ipnet::IpNet,
        /// The list that has it.
        present: Action,
        /// The list that should have it.
        wanted: Action,
    },
    /// A prefix that would not be in force from the list that it is saved in.
    #[error(
        "{prefix}: {stands} goes before what --save keeps, so it would not be in force as a {wanted} entry for long; take it out there first, or {wanted} longer prefixes of it"
    )]
    Outranked {
        /// The prefix.
        prefix: ipnet::IpNet,
        /// The entry that goes before.
        stands: String,
        /// The list that should have it.
        wanted: Action,
    },
    /// Nobody would be trusted.
    #[error(
        "no trusted prefix: every new connection to the protected ports would be dropped; trust somebody first (up --trust, --trust-file, --provider; trust add), or look without dropping (--observe)"
    )]
    NobodyTrusted,
    /// A prefix that covers a whole IP version.
    #[error("{action} {prefix} covers every address of that IP version; if you mean it, add --force")]
    WholeInternet {
        /// The prefix.
        prefix: ipnet::IpNet,
        /// What should happen to it.
        action: Action,
    },
    /// One prefix, two actions.
    #[error(
        "{prefix} is already a {present} entry and cannot be a {wanted} entry too; {}",
        match kept_by {
            None => format!("remove it there first: synwall {present} remove {prefix}"),
            Some(place) => format!("the agent keeps it ({place}): take it out there first, or {wanted} longer prefixes of it"),
        }
    )]
    Conflict {
        /// The prefix.
        prefix: ipnet::IpNet,
        /// The action that it has.
        present: Action,
        /// Where it comes from, if the agent keeps it there.
        kept_by: Option<String>,
        /// The action that it should have.
        wanted: Action,
    },
    /// A prefix to be removed that is not there.
    #[error("{prefix} is not a {action} entry; nothing was removed (see: synwall {action} list)")]
    NotListed {
        /// The prefix.
        prefix: ipnet::IpNet,
        /// The list.
        action: Action,
    },
    /// More prefixes than a map takes.
    #[error(
        "{wanted} {what} do not fit: a filter holds {limit} at the most; nothing was changed, aggregate the list (for example with iprange or aggregate6)"
    )]
    Full {
        /// How many there would be.
        wanted: usize,
        /// How many there can be.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
    /// A provider that nobody here knows.
    #[error("unknown provider '{name}'; known: {known}")]
    UnknownProvider {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A provider whose networks are not built in.
    #[error(
        "the networks of {name} are fetched, by the agent (synwall run, [trust] providers = [\"{name}\"]); a command alone has those of: {built_in}. Or hand over a list: --trust-file FILE"
    )]
    ProviderIsFetched {
        /// The provider.
        name: String,
        /// The providers whose networks are built in.
        built_in: String,
    },
    /// No interface of that name.
    #[error("there is no interface '{0}' in this network namespace; see: ip -brief link")]
    UnknownInterface(String),
    /// The filter is not on that interface.
    #[error("synwall is not up on '{name}'{known}")]
    NotAttached {
        /// The interface.
        name: String,
        /// Where it is up.
        known: String,
    },
    /// Somebody else's XDP program is there.
    #[error(
        "{interface} already has another XDP program: {program}; synwall does not overwrite it. Detach it with its own tool, or with: ip link set dev {interface} {xdp} off"
    )]
    Occupied {
        /// The interface.
        interface: String,
        /// The program's name and number.
        program: String,
        /// The word that iproute2 has for the mode.
        xdp: &'static str,
    },
    /// The driver runs no XDP programs.
    #[error(
        "{interface} cannot run XDP natively: {source}; use --xdp auto or --xdp generic, which work on every interface at a higher cost per packet"
    )]
    NoNativeMode {
        /// The interface.
        interface: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel would not attach the program.
    #[error("cannot attach to {interface} ({mode} XDP): {source}{hint}")]
    Attach {
        /// The interface.
        interface: String,
        /// The mode that was tried.
        mode: &'static str,
        /// What the kernel said.
        source: io::Error,
        /// What to do about it.
        hint: &'static str,
    },
    /// A link that would not outlive this process.
    #[error(
        "the kernel gave {0} no XDP link that can be pinned, so filtering would end with this command; it was detached again. Kernel 5.10 or newer is needed"
    )]
    LinkNotPinnable(String),
    /// The running kernel is too old.
    #[error("kernel {found} is too old: synwall needs Linux 5.10 or newer")]
    KernelTooOld {
        /// What `uname -r` says.
        found: String,
    },
    /// Not allowed to.
    #[error(
        "not permitted: {missing} missing; run as root (sudo), or grant CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"
    )]
    NotPermitted {
        /// Which capabilities are missing.
        missing: String,
    },
    /// Maps count as locked memory, and there may not be enough of it.
    #[error(
        "not permitted: before Linux 5.11 lists count against RLIMIT_MEMLOCK, and {most} bytes are not enough; run as root (sudo), grant CAP_SYS_RESOURCE too, or lift it: ulimit -l unlimited, for a service LimitMEMLOCK=infinity"
    )]
    LockedMemory {
        /// What the process may lock at most, in bytes.
        most: u64,
    },
    /// No BPF file system.
    #[error(
        "{path} is not on a BPF file system, where the filter would be kept; mount one: mount -t bpf -o mode=0700 bpf /sys/fs/bpf"
    )]
    NoBpffs {
        /// The pin directory.
        path: PathBuf,
    },
    /// Another command has the lock.
    #[error(
        "another synwall command is at work on {path} (waited {seconds} s for it); try again when it is done. Nothing was changed"
    )]
    Locked {
        /// The pin directory.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Another agent is there.
    #[error(
        "another agent (synwall run) keeps the filter in {path}; stop that one, or give this one a filter of its own: --pin-dir DIR"
    )]
    OtherAgent {
        /// The pin directory.
        path: PathBuf,
    },
    /// Another agent has the same state directory.
    #[error(
        "another agent (synwall run) keeps its copies in {path}; stop that one, or give this one another directory: --state-dir DIR"
    )]
    OtherAgentsCopies {
        /// The directory.
        path: PathBuf,
    },
    /// Nothing is up.
    #[error("synwall is not up: nothing is pinned in {path}; start with: synwall up IFACE --trust PREFIX")]
    NotUp {
        /// The pin directory.
        path: PathBuf,
    },
    /// The pin directory belongs to something else.
    #[error(
        "{path} is not a place for synwall: {what}; nothing was touched. Choose another with --pin-dir or SYNWALL_PIN_DIR"
    )]
    ForeignPins {
        /// The pin directory.
        path: PathBuf,
        /// What was found there.
        what: String,
    },
    /// The pins were made by a version with other maps.
    #[error(
        "the filter in {path} was set up by another version of synwall ({what}); it goes on filtering. Change it with that version, or remove it and start again: synwall down --all, then synwall up …"
    )]
    OtherLayout {
        /// The pin directory.
        path: PathBuf,
        /// In what it differs.
        what: String,
    },
    /// `--confirm` together with something that it cannot undo.
    #[error(
        "--confirm undoes the attaching of interfaces, but {what}; do that separately, without --confirm"
    )]
    ConfirmCoversAttachOnly {
        /// What else would change.
        what: &'static str,
    },
    /// There is nothing to confirm.
    #[error("nothing awaits a confirmation{0}")]
    NothingToConfirm(&'static str),
    /// The filter is there in another mode.
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
    /// The filter counts other source networks.
    #[error(
        "the running filter counts drops by {is}, and cannot change to {wanted}: what it has counted would lose its meaning. Set it up anew: synwall down --all, then synwall up …"
    )]
    OtherSources {
        /// What it counts by.
        is: Lengths,
        /// What was asked for.
        wanted: Lengths,
    },
    /// A pinned map that is missing, or another one.
    #[error(
        "cannot use the map pinned as {path}: {source}; if others have changed or removed it, take the filter down and set it up anew: synwall down --all, then synwall up …"
    )]
    Map {
        /// Where it is pinned, or should be.
        path: PathBuf,
        /// What the kernel said, or in what it differs.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The kernel said no.
    #[error("{doing}: {source}")]
    Kernel {
        /// What was being done.
        doing: String,
        /// What the kernel said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// 2 for a wrong command line, 1 for everything else.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Prefix(_)
            | Self::Ports(_)
            | Self::Label(_)
            | Self::LabelNotSaved(_)
            | Self::WholeInternetSaved { .. }
            | Self::NobodyTrusted
            | Self::WholeInternet { .. }
            | Self::UnknownProvider { .. }
            | Self::ProviderIsFetched { .. }
            | Self::ConfirmCoversAttachOnly { .. } => ExitCode::from(2),
            _ => ExitCode::from(1),
        }
    }
}

impl From<Mistake> for Error {
    fn from(mistake: Mistake) -> Self {
        Self::Config(mistake)
    }
}

/// Says what was being done when the kernel said no.
pub(crate) trait Doing<T> {
    /// Wraps the error.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: std::error::Error + Send + Sync + 'static> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::Kernel {
            doing: what(),
            source: Box::new(source),
        })
    }
}

/// Text of several lines without what a terminal would obey.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if disturbs_terminals(c) && c != '\n' {
            escaped.extend(c.escape_debug());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Somebody else's text in a message: no longer than a line, and without what a terminal would obey.
pub fn shown(text: &str) -> String {
    const CHARS: usize = 60;
    let cut = if text.chars().nth(CHARS).is_some() {
        "…"
    } else {
        ""
    };
    text.chars()
        .take(CHARS)
        .flat_map(char::escape_debug)
        .chain(cut.chars())
        .collect()
}
