//! Debian's kernels for virtual machines, the newest of each series that matters, unpacked below
//! `target/tools/kernels`: nothing is installed, nothing boots but an emulator.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::apt;
use super::suites::{Offer, Suites};
use crate::{exec, place};

/// Where the series are: of Debian 11, 12 and 13, and the newest that there is.
const SUITES: [&str; 8] = [
    "bullseye",
    "bullseye-security",
    "bookworm",
    "bookworm-security",
    "trixie",
    "trixie-security",
    "trixie-backports",
    "sid",
];

/// The directory of package lists.
const LISTS: &str = "apt";

/// A line of kernels, of which the newest is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    /// One that gets corrections for years: major and minor version.
    LongTerm(u64, u64),
    /// Whatever is newest.
    Newest,
}

impl Series {
    /// The oldest that synwall is for, those of Debian's stable releases, and the newest.
    pub const ALL: [Self; 4] = [
        Self::LongTerm(5, 10),
        Self::LongTerm(6, 1),
        Self::LongTerm(6, 12),
        Self::Newest,
    ];

    /// What it is called on the command line.
    pub fn name(self) -> String {
        match self {
            Self::LongTerm(major, minor) => format!("{major}.{minor}"),
            Self::Newest => "newest".to_owned(),
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Result<Self> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|series| series.name() == name)
            .with_context(|| format!("there is no series '{name}', but these: {}", names()))
    }

    fn has(self, version: &[u64]) -> bool {
        match self {
            Self::LongTerm(major, minor) => version.starts_with(&[major, minor]),
            Self::Newest => true,
        }
    }
}

/// An unpacked kernel.
#[derive(Debug)]
pub struct Kernel {
    pub series: Series,
    /// As `uname -r` tells it.
    pub release: String,
    /// The package's version, of which the first part is the kernel's.
    pub version: String,
    /// The suite that it was found in.
    pub suite: String,
    /// The compressed kernel.
    pub image: PathBuf,
    /// The directory above `lib/modules`.
    pub root: PathBuf,
}

/// Finds or unpacks the newest kernels of these series.
pub fn find(series: &[Series]) -> Result<Vec<Kernel>> {
    ensure!(
        std::env::consts::ARCH == "x86_64",
        "Debian's kernels are run on x86-64 alone, and this is {}",
        std::env::consts::ARCH
    );
    let home = place::tools().join("kernels");
    let suites = Suites::open(&home.join(LISTS), &SUITES)?;
    let offers = suites.offers("linux-image-")?;
    let mut kernels = Vec::new();
    for series in series {
        let (offer, release) = newest(*series, &offers).with_context(|| {
            format!(
                "no kernel of the series {} is in any of these suites: {}",
                series.name(),
                SUITES.join(", ")
            )
        })?;
        kernels.push(unpacked(*series, &home, &suites, offer, release)?);
    }
    if series == Series::ALL {
        remove_others(&home, &kernels)?;
    }
    Ok(kernels)
}

/// Removes kernels that newer ones have taken the place of, and what an interrupted run left.
fn remove_others(home: &Path, kernels: &[Kernel]) -> Result<()> {
    for entry in fs::read_dir(home)?.flatten() {
        let path = entry.path();
        let is_used = kernels.iter().any(|kernel| kernel.root.starts_with(&path));
        if !is_used && !path.ends_with(LISTS) {
            fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// The newest kernel of a series, and its release.
fn newest(series: Series, offers: &[Offer]) -> Option<(&Offer, &str)> {
    offers
        .iter()
        .filter_map(|offer| Some((offer, release(&offer.package)?)))
        // A candidate for a release is not one.
        .filter(|(offer, _)| series.has(&numbers(&offer.version)) && !offer.version.contains("rc"))
        .max_by_key(|(offer, _)| numbers(&offer.version))
}

/// `linux-image-RELEASE` of a kernel for virtual machines. Packages that only depend on the newest have two numbers.
fn release(package: &str) -> Option<&str> {
    let release = package.strip_prefix("linux-image-")?;
    let version = release.strip_suffix("-cloud-amd64")?;
    (version.starts_with(|c: char| c.is_ascii_digit()) && numbers(version).len() >= 3).then_some(release)
}

fn numbers(version: &str) -> Vec<u64> {
    version
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect()
}

fn unpacked(series: Series, home: &Path, suites: &Suites, offer: &Offer, release: &str) -> Result<Kernel> {
    let directory = home.join(format!("{release}_{}", offer.version));
    let root = directory.join("root");
    if !directory.exists() {
        eprintln!(
            "Unpacking Linux {} ({} of {}) into {}.",
            offer.version,
            offer.package,
            offer.suite,
            directory.display()
        );
        apt::unpack(
            &directory,
            |debs| suites.download(debs, &parts(suites, offer, release)?),
            |partial| finish(&partial.join("root"), release),
        )?;
    }
    Ok(Kernel {
        series,
        release: release.to_owned(),
        version: offer.version.clone(),
        suite: offer.suite.clone(),
        image: image(&root, release)?,
        root,
    })
}

/// The package, and those beside it in which newer ones have their parts: `linux-binary-RELEASE` and
/// `linux-modules-RELEASE`.
fn parts(suites: &Suites, offer: &Offer, release: &str) -> Result<Vec<String>> {
    let mut parts = vec![format!("{}={}", offer.package, offer.version)];
    let others = suites.depends(offer)?;
    let others = others.iter().filter(|name| name.ends_with(release));
    parts.extend(others.map(|name| format!("{name}={}", offer.version)));
    Ok(parts)
}

/// What installing does: which module needs which others.
fn finish(root: &Path, release: &str) -> Result<()> {
    // Where /lib is /usr/lib, packages have the latter only.
    if !root.join("lib/modules").exists() {
        symlink("usr/lib", root.join("lib"))?;
    }
    image(root, release)?;
    exec::run(Command::new("depmod").arg("-b").arg(root).arg(release))
}

fn image(root: &Path, release: &str) -> Result<PathBuf> {
    let places = [
        root.join(format!("boot/vmlinuz-{release}")),
        root.join(format!("usr/lib/modules/{release}/vmlinuz")),
    ];
    let Some(image) = places.iter().find(|place| place.is_file()) else {
        bail!(
            "the packages of Linux {release} have no kernel: {}",
            places.map(|place| place.display().to_string()).join(", ")
        );
    };
    fs::canonicalize(image).with_context(|| format!("cannot find {}", image.display()))
}

#[cfg(test)]
mod tests {
    use super::{Offer, Series, newest, release};

    fn offer(package: &str, version: &str) -> Offer {
        Offer {
            package: format!("linux-image-{package}"),
            version: version.to_owned(),
            suite: "sid".to_owned(),
        }
    }

    #[test]
    fn the_newest_kernel_of_a_series_is_taken() {
        let offers = [
            offer("6.1.0-9-cloud-amd64", "6.1.27-1"),
            offer("6.1.0-56-cloud-amd64", "6.1.192-2"),
            offer("6.1.0-56-cloud-amd64-dbg", "6.1.193-1"),
            offer("6.1.0-57-cloud-amd64-unsigned", "6.1.193-1"),
            offer("6.1.0-57-amd64", "6.1.193-1"),
            offer("6.1-cloud-amd64", "6.1.193-1"),
            offer("6.12.9+deb13-cloud-amd64", "6.12.9-1"),
            offer("7.10.1+deb14-cloud-amd64", "7.10.1-1"),
            offer("7.9.3+deb14-cloud-amd64", "7.9.3-1"),
            offer("7.11.0+deb14-cloud-amd64", "7.11~rc7-1~exp1"),
        ];
        for (series, expected) in [
            ("6.1", Some("6.1.192-2")),
            ("6.12", Some("6.12.9-1")),
            ("newest", Some("7.10.1-1")),
            ("5.10", None),
        ] {
            let found = newest(Series::named(series).unwrap(), &offers);
            assert_eq!(found.map(|(offer, _)| &*offer.version), expected, "{series}");
        }
        assert!(Series::named("6.2").is_err());
    }

    #[test]
    fn a_release_is_what_uname_says() {
        assert_eq!(
            release("linux-image-6.1.0-56-cloud-amd64"),
            Some("6.1.0-56-cloud-amd64")
        );
        assert_eq!(release("linux-image-cloud-amd64"), None);
    }
}
