//! The packages, and the files that they are made from.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use tests::lab::Output;

/// The version in Cargo.toml, which all crates share.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The directory of the packages.
pub fn directory() -> PathBuf {
    let usual = || workspace().join("target/dist-for-tests");
    env::var_os("SYNWALL_DIST").map_or_else(usual, PathBuf::from)
}

pub fn deb() -> PathBuf {
    directory().join(format!("synwall_{VERSION}-1_amd64.deb"))
}

pub fn tarball() -> PathBuf {
    directory().join(format!("synwall-{VERSION}-x86_64-linux.tar.gz"))
}

/// The root of the repository.
pub fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the workspace above").to_owned()
}

/// A package, unpacked into its own directory.
pub struct Unpacked(tempfile::TempDir);

impl Unpacked {
    pub fn deb() -> Self {
        Self::by(|root| {
            let mut dpkg = Command::new("dpkg-deb");
            dpkg.arg("-x").arg(deb()).arg(root);
            dpkg
        })
    }

    pub fn tarball() -> Self {
        Self::by(|root| {
            let mut tar = Command::new("tar");
            tar.arg("--extract")
                .arg("--file")
                .arg(tarball())
                .arg("--directory")
                .arg(root);
            tar
        })
    }

    fn by(command: impl FnOnce(&Path) -> Command) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Output::of(&mut command(directory.path())).ok();
        Self(directory)
    }

    /// A path in the package.
    pub fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Every file in the package, sorted, without the directory.
    pub fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        collect(self.0.path(), &mut found);
        let relative = |path: PathBuf| path.strip_prefix(self.0.path()).unwrap().display().to_string();
        let mut files: Vec<_> = found.into_iter().map(relative).collect();
        files.sort();
        files
    }
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.unwrap())
    {
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

/// The verbs of the packaged program.
pub fn verbs() -> Vec<String> {
    let unpacked = Unpacked::deb();
    let found = tests::verbs(|verb| {
        let mut help = Command::new(unpacked.path("usr/sbin/synwall"));
        Output::of(help.args(verb.split_whitespace()).arg("--help"))
    });
    assert!(found.contains(&"trust add".to_owned()), "{found:?}");
    found
}
