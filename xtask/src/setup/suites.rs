//! Packages of other Debian suites than the machine's own, out of package lists that are kept apart from its lists:
//! apt here goes on as if those suites did not exist.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};

use super::apt;
use crate::exec;

/// What signs them all. The machine's own keys count beside it.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// How long lists are taken for the newest ones.
const FRESH: Duration = Duration::from_secs(24 * 3600);

/// Package lists of some suites, below a directory.
pub struct Suites {
    directory: PathBuf,
}

/// A package that is in one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub package: String,
    pub version: String,
    pub suite: String,
}

impl Suites {
    /// Lists of these suites, at most a day old, from the mirror that the machine's own apt uses.
    pub fn open(directory: &Path, suites: &[&str]) -> Result<Self> {
        let these = Self {
            directory: directory.to_owned(),
        };
        for part in ["lists/partial", "cache/archives/partial"] {
            let part = directory.join(part);
            fs::create_dir_all(&part).with_context(|| format!("cannot make {}", part.display()))?;
        }
        let sources = sources(suites)?;
        let fetched = directory.join("fetched");
        let is_fresh = || {
            let age = SystemTime::now().duration_since(fetched.metadata().ok()?.modified().ok()?);
            Some(age.ok()? < FRESH && fs::read_to_string(&fetched).ok()? == sources)
        };
        if is_fresh() == Some(true) {
            return Ok(these);
        }
        eprintln!(
            "Fetching the package lists of {} into {}; the machine's own stay as they are.",
            suites.join(", "),
            directory.display()
        );
        fs::write(these.sources(), &sources)?;
        // What it says of a suite that has gone names it.
        exec::run(these.apt("apt-get").arg("update"))
            .with_context(|| format!("not all of these suites are on the mirror: {}", suites.join(", ")))?;
        fs::write(fetched, sources)?;
        Ok(these)
    }

    /// The packages whose names begin so, in all their versions.
    pub fn offers(&self, prefix: &str) -> Result<Vec<Offer>> {
        let names = exec::ask(self.apt("apt-cache").args(["pkgnames", prefix]))?;
        let table = exec::ask(self.apt("apt-cache").arg("madison").args(names.lines()))?;
        Ok(table.lines().filter_map(offer).collect())
    }

    /// The packages that a package depends on, by name.
    pub fn depends(&self, offer: &Offer) -> Result<Vec<String>> {
        let exact = format!("{}={}", offer.package, offer.version);
        let fields = exec::ask(self.apt("apt-cache").args(["show", &exact]))?;
        let line = fields.lines().find_map(|line| line.strip_prefix("Depends: "));
        let names = line
            .unwrap_or_default()
            .split(',')
            .filter_map(|one| one.split_whitespace().next())
            .map(str::to_owned);
        Ok(names.collect())
    }

    /// Downloads packages (`name=version`) into a directory.
    pub fn download(&self, debs: &Path, packages: &[String]) -> Result<()> {
        exec::run(
            self.apt("apt-get")
                .arg("download")
                .args(packages)
                .current_dir(debs),
        )
    }

    fn sources(&self) -> PathBuf {
        self.directory.join("sources.list")
    }

    fn apt(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let option = |name: &str, value: &Path| format!("{name}={}", value.display());
        for option in [
            option("Dir::Etc::sourcelist", &self.sources()),
            option("Dir::State::lists", &self.directory.join("lists")),
            option("Dir::Cache", &self.directory.join("cache")),
            "Dir::Etc::sourceparts=-".into(),
            // `_apt` may not write below a home directory.
            "APT::Sandbox::User=root".into(),
            "Acquire::Languages=none".into(),
            // A suite that could not be fetched is an error, and not one that is as old as before.
            "APT::Update::Error-Mode=any".into(),
        ] {
            command.args(["-o", &option]);
        }
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C");
        command
    }
}

/// `package | version | URI SUITE/COMPONENT ARCHITECTURE Packages`
fn offer(line: &str) -> Option<Offer> {
    let mut columns = line.split('|').map(str::trim);
    let (package, version, from) = (columns.next()?, columns.next()?, columns.next()?);
    let suite = from.split_whitespace().nth(1)?.split('/').next()?;
    Some(Offer {
        package: package.to_owned(),
        version: version.to_owned(),
        suite: suite.to_owned(),
    })
}

/// Lines for apt: the suites, from where the machine has its own.
fn sources(suites: &[&str]) -> Result<String> {
    let known = || {
        exec::ask(Command::new("apt-get").args([
            "indextargets",
            "--format",
            "$(REPO_URI) $(RELEASE) $(ORIGIN)",
        ]))
    };
    let mut targets = known()?;
    if mirror(&targets, false).is_none() {
        apt::update("it takes them to tell which mirror this machine uses")?;
        targets = known()?;
    }
    let keyring = if Path::new(KEYRING).is_file() {
        format!("signed-by={KEYRING}")
    } else {
        String::new()
    };
    let mut lines = String::new();
    for suite in suites {
        let security = suite.ends_with("-security");
        let kind = if security { "a security suite" } else { "a suite" };
        let mirror = mirror(&targets, security)
            .with_context(|| format!("there is no mirror with {kind} of Debian among apt's sources"))?;
        lines += &format!("deb [arch=amd64 {keyring}] {mirror} {suite} main\n");
    }
    ensure!(!lines.is_empty(), "no suite is asked for");
    Ok(lines)
}

/// The first of the machine's mirrors for Debian's suites or security suites.
fn mirror(targets: &str, security: bool) -> Option<&str> {
    targets.lines().find_map(|target| {
        let mut words = target.split_whitespace();
        let (uri, suite, origin) = (words.next()?, words.next()?, words.next()?);
        (origin == "Debian" && suite.ends_with("-security") == security).then_some(uri)
    })
}

#[cfg(test)]
mod tests {
    use super::{mirror, offer};

    #[test]
    fn an_offer_is_package_version_and_suite() {
        let offer = offer(" linux-image-6.1.0-56-cloud-amd64 | 6.1.192-2 | http://mirror/debian-security bookworm-security/main amd64 Packages").unwrap();
        assert_eq!(offer.package, "linux-image-6.1.0-56-cloud-amd64");
        assert_eq!(
            (&*offer.version, &*offer.suite),
            ("6.1.192-2", "bookworm-security")
        );
        assert_eq!(super::offer("N: Unable to locate package x"), None);
    }

    #[test]
    fn the_mirror_is_one_of_debians() {
        let targets = "http://other/ stable Else\nhttp://mirror/debian/ bookworm Debian\n\
                       http://mirror/security/ bookworm-security Debian";
        assert_eq!(mirror(targets, false), Some("http://mirror/debian/"));
        assert_eq!(mirror(targets, true), Some("http://mirror/security/"));
        assert_eq!(mirror("http://other/ stable Else", false), None);
    }
}
