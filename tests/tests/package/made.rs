//! The packages, and what they are made from.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use tests::lab::Output;

/// The version in Cargo.toml, which all crates share.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the packages are.
pub fn directory() -> PathBuf {
    let usual = || workspace().join("target/dist");
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

/// A package, unpacked into a directory of its own.
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

    /// A path in it.
    pub fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Every file in it, sorted, with the directory left out.
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

/// The verbs that `--help` lists below a verb, as in `trust add`; the whole tree below none.
pub fn verbs() -> Vec<String> {
    let unpacked = Unpacked::deb();
    let mut found = vec![String::new()];
    let mut next = 0;
    while let Some(verb) = found.get(next).cloned() {
        next += 1;
        let mut help = Command::new(unpacked.path("usr/sbin/synwall"));
        help.args(verb.split_whitespace()).arg("--help");
        let output = Output::of(&mut help).ok();
        let listed = output
            .stdout
            .lines()
            .skip_while(|line| *line != "Commands:")
            .skip(1);
        for line in listed.take_while(|line| !line.is_empty()) {
            // A description that is wrapped goes on below itself.
            let name = line.strip_prefix("  ").and_then(|rest| rest.split(' ').next());
            if let Some(name) = name.filter(|name| !name.is_empty() && *name != "help") {
                found.push(format!("{verb} {name}").trim().to_owned());
            }
        }
    }
    found.retain(|verb| !verb.is_empty());
    assert!(found.contains(&"trust add".to_owned()), "{found:?}");
    found
}
