//! `synwall generate`: manual pages and shell completions, from the definition of the command line. Only packaging needs
//! it, so help does not list it.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;
use filter_user::config::{reference, schema};

/// The section of the manual for administration commands.
const SECTION: &str = "8";

/// One line for the manual's index, since `--help` begins with a paragraph.
const ABOUT: &str = "hide an origin server behind its reverse proxy";

/// The sections that clap knows nothing of.
const SEE_ALSO: &str = r".SH FILES
.TP
.I /etc/synwall/synwall.toml
The configuration of the agent, \fBsynwall.toml\fR(5).
.TP
.I /sys/fs/bpf/synwall
The filter itself, for as long as the machine runs.
.SH SEE ALSO
.BR synwall.toml (5),
.IR /usr/share/doc/synwall
";

/// Write manual pages, shell completions, and the reference and the schema of the configuration file into a directory
#[derive(Args)]
#[command(hide = true)]
pub struct Generate {
    /// The directory; `man` and `completions` are made in it
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The date that the manual pages bear
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "")]
    date: String,
}

impl Generate {
    pub fn run(&self, whole: &Command) -> anyhow::Result<ExitCode> {
        let pages = made(&self.directory.join("man"))?;
        let mut manual = visible(whole).about(ABOUT).disable_help_subcommand(true);
        manual.build();
        self.pages(&manual, &pages)?;
        let completions = made(&self.directory.join("completions"))?;
        for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
            clap_complete::generate_to(shell, &mut visible(whole), "synwall", &completions)
                .with_context(|| format!("cannot write the completions for {shell}"))?;
        }
        for (name, text) in [
            ("configuration.md", reference::markdown()),
            ("synwall.schema.json", schema::json()),
        ] {
            let path = self.directory.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Writes a page for each verb below `command`, and one for itself.
    fn pages(&self, command: &Command, directory: &Path) -> anyhow::Result<()> {
        for verb in command.get_subcommands() {
            self.pages(verb, directory)?;
        }
        let man = Man::new(command.clone())
            .section(SECTION)
            .date(&self.date)
            .source(concat!("synwall ", env!("CARGO_PKG_VERSION")))
            .manual("System administration");
        let path = directory.join(man.get_filename());
        let write = || {
            let mut file = File::create(&path)?;
            man.render(&mut file)?;
            file.write_all(SEE_ALSO.as_bytes())?;
            file.flush()
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The command line without hidden verbs, which completions would offer.
fn visible(whole: &Command) -> Command {
    let mut visible = Command::new("synwall").version(env!("CARGO_PKG_VERSION"));
    if let Some(about) = whole.get_long_about().or_else(|| whole.get_about()) {
        visible = visible.long_about(about.clone());
    }
    if let Some(after) = whole.get_after_help() {
        visible = visible.after_help(after.clone());
    }
    visible.args(whole.get_arguments().cloned()).subcommands(
        whole
            .get_subcommands()
            .filter(|verb| !verb.is_hide_set())
            .cloned(),
    )
}

fn made(directory: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    Ok(directory.to_owned())
}
