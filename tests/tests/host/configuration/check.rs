//! `config check` and `config show`: they explain a configuration, and change nothing.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        process::CommandExt as _,
    },
    path::PathBuf,
};

use serde_json::Value;
use tests::lab::{Lab, Output};

/// A configuration in its own directory.
struct Files(Lab);

impl Files {
    fn new(config: &str) -> Self {
        let files = Self(Lab::new());
        files.write("synwall.toml", config);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.directory().join("etc").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Output::of(
            crate::configuration::synwall()
                .arg("config")
                .args(arguments)
                .arg(self.path("synwall.toml")),
        )
    }

    fn checked(&self) -> Value {
        let output = self.run(&["check", "--json"]);
        let document: Value = serde_json::from_str(&output.stdout).expect("a document");
        assert_eq!(document["ok"], output.code == Some(0), "{output}");
        document
    }
}

/// The texts in a list of a document.
fn texts(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect()
}

const FINE: &str = "interfaces = [\"lo\"]\npolicy = \"observe\"\n[trust]\nprefixes = [\"198.51.100.0/24 office\"]\n\
    files = [\"office.txt\"]\nproviders = [\"qrator\"]\n[deny]\nprefixes = [\"198.51.100.66\"]\n";

#[test]
fn what_is_found_is_said_in_two_lines() {
    let files = Files::new(FINE);
    files.write(
        "office.txt",
        "192.0.2.0/24\n198.51.100.0/24 twice\n2001:db8::/32\n",
    );
    files.write("saved/trust.list", "203.0.113.0/24\n");
    files.write("saved/retire.list", "203.0.113.9\n");
    let output = files.run(&["check"]).ok();
    let file = files.path("synwall.toml").display().to_string();
    assert_eq!(
        output.stdout,
        format!(
            "{file} is fine: observe, drop new, on lo\n\
             prefixes 4 trusted, 1 denied, 1 retired; sources qrator (trust, built-in)\n"
        )
    );
    assert_eq!(output.stderr, "");
    let document = files.checked();
    assert_eq!(document["trusted"], serde_json::json!({"v4": 3, "v6": 1}));
    assert_eq!(document["sources"][0]["built_in"], 1);
}

#[test]
fn every_mistake_is_said_with_its_file_and_line() {
    let files = Files::new(FINE);
    files.write("office.txt", "192.0.2.0/24\n\noffice.example\n");
    files.write("saved/deny.list", "192.0.2.9\n0.0.0.0/0\n");
    let document = files.checked();
    let mistakes = texts(&document["mistakes"]);
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    assert!(
        mistakes[0].contains("/office.txt:3: 'office.example' is not"),
        "{mistakes:?}"
    );
    assert!(
        mistakes[1].contains("/saved/deny.list:2: 0.0.0.0/0 covers every address"),
        "{mistakes:?}"
    );
    let output = files.run(&["check"]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{output}");
    assert_eq!(output.stderr.matches("error: ").count(), 2, "{output}");
    fs::remove_file(files.path("office.txt")).unwrap();
    let document = files.checked();
    assert!(
        texts(&document["mistakes"])[0].contains("cannot read the list"),
        "{document}"
    );
    files.write("synwall.toml", "interfaces = []\npolicy = \"enforced\"\n");
    let document = files.checked();
    assert_eq!(texts(&document["mistakes"]).len(), 2, "{document}");
    assert_eq!(files.run(&["show"]).stderr.matches("error: ").count(), 2);
}

#[test]
fn a_list_of_saved_that_cannot_be_looked_at_is_a_mistake_and_not_missing() {
    let files = Files::new("interfaces = [\"lo\"]\n[trust]\nprefixes = [\"192.0.2.0/24\"]\n");
    let saved = files.path("saved");
    let refused = |why: &str| {
        let document = files.checked();
        let mistakes = texts(&document["mistakes"]).join("\n");
        assert!(
            mistakes.contains("/saved") && mistakes.contains(why),
            "{document}"
        );
    };
    files.run(&["check"]).ok();
    symlink(files.path("nothing"), &saved).unwrap();
    refused("leads nowhere");
    fs::remove_file(&saved).unwrap();
    fs::write(&saved, "").unwrap();
    refused("Not a directory");
    fs::remove_file(&saved).unwrap();
    fs::create_dir(&saved).unwrap();
    files.run(&["check"]).ok();
    symlink(files.path("nothing"), saved.join("trust.list")).unwrap();
    refused("No such file");
}

#[test]
fn of_two_places_that_have_a_prefix_it_is_said_which_one_stands() {
    let files = Files::new(
        "interfaces = [\"lo\"]\n[trust]\nprefixes = [\"192.0.2.0/24\"]\nfiles = [\"t\"]\n[deny]\nfiles = [\"d\"]\n[retire]\nprefixes = [\"192.0.2.0/24\"]\nfiles = [\"r\"]\n",
    );
    for (file, text) in [
        ("t", "10.0.0.0/8\n"),
        ("d", "10.0.0.0/8\n192.0.2.0/24\n"),
        ("r", "10.0.0.0/8\n"),
    ] {
        files.write(file, text);
    }
    let document = files.checked();
    for list in ["trusted", "denied"] {
        assert_eq!(document[list]["v4"], 1, "{document}");
    }
    assert_eq!(document["retired"]["v4"], 2, "they are destinations: {document}");
    let warnings = texts(&document["warnings"]);
    let (of_config, of_files) = (warnings[1], warnings[0]);
    assert!(
        of_config.starts_with("192.0.2.0/24: the trust entry in")
            && of_config.contains("synwall.toml stands"),
        "{warnings:?}"
    );
    assert!(
        of_files.starts_with("10.0.0.0/8: the deny entry in") && of_files.contains("/d stands"),
        "{warnings:?}"
    );
}

#[test]
fn whoever_might_lock_himself_out_is_warned() {
    let files = Files::new(
        "interfaces = [\"lo\"]\ntcp = \"1-1024\"\n[trust]\nprefixes = [\"192.0.2.0/24\"]\n[retire]\nprefixes = [\"127.0.0.0/30\", \"::1\", \"192.0.2.7\"]\n",
    );
    let document = files.checked();
    let warnings = texts(&document["warnings"]).join("\n");
    for expected in [
        "tcp has port 22 in it",
        "127.0.0.1 is an address of lo now, and 127.0.0.0/30 is retired",
        "::1 is an address of lo now",
    ] {
        assert!(
            warnings.contains(expected),
            "not warned of '{expected}':\n{warnings}"
        );
    }
    assert!(!warnings.contains("192.0.2.7"), "{warnings}");
}

#[test]
fn what_is_legal_and_probably_not_meant_is_a_warning() {
    let files = Files::new("interfaces = [\"lo\", \"no-such-card\"]\n");
    let document = files.checked();
    let warnings = texts(&document["warnings"]);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("nobody is trusted"), "{warnings:?}");
    assert!(
        warnings[1].contains("no interface is called no-such-card now"),
        "{warnings:?}"
    );
    files.write(
        "synwall.toml",
        "interfaces = [\"lo\"]\n[trust]\nfiles = [\"list\"]\n[deny]\nprefixes = [\"192.0.2.0/24\"]\n\
         [source.seldom]\nfile = \"list\"\ninterval = \"1h\"\n[source.gone]\nfile = \"gone\"\n[source.missing]\nexec = [\"/no/such/program\"]\n",
    );
    files.write("list", "192.0.2.0/24\n");
    fs::set_permissions(files.path("list"), fs::Permissions::from_mode(0o664)).unwrap();
    fs::set_permissions(files.path("synwall.toml"), fs::Permissions::from_mode(0o664)).unwrap();
    let document = files.checked();
    let warnings = texts(&document["warnings"]).join("\n");
    for expected in [
        "synwall.toml can be changed by group",
        "list can be changed by group",
        "etc/synwall.toml stands, and the trust entry in",
        "source seldom: a prefix that its list lacks once is gone (grace 1h) before the next attempt has brought it back (up to 1h 5m 30s)",
        "source gone: there is no file",
        "source missing: there is no program /no/such/program now",
    ] {
        assert!(
            warnings.contains(expected),
            "not warned of '{expected}':\n{warnings}"
        );
    }
    assert!(
        !warnings.contains("nobody is trusted"),
        "a source trusts somebody:\n{warnings}"
    );
}

#[test]
fn a_file_that_others_can_write_is_not_read() {
    let files = Files::new(FINE);
    files.write("office.txt", "");
    fs::set_permissions(files.path("synwall.toml"), fs::Permissions::from_mode(0o666)).unwrap();
    let output = files.run(&["check"]);
    assert_eq!(output.code, Some(1), "{output}");
    assert!(
        output
            .stderr
            .contains("was not read, because it can be changed by every user"),
        "{output}"
    );
    let absent = Output::of(crate::configuration::synwall().args(["config", "check", "/no/such/file"]));
    assert_eq!(absent.code, Some(1), "{absent}");
    assert!(
        absent
            .stderr
            .contains("cannot read the configuration /no/such/file"),
        "{absent}"
    );
    fs::set_permissions(files.path("synwall.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(files.path("synwall.toml"), b"interfaces = [\"lo\"]\n# \xff\n").unwrap();
    let output = files.run(&["check"]);
    assert!(
        output.stderr.contains("synwall.toml:2: this is not UTF-8 text"),
        "{output}"
    );
}

#[test]
fn nobody_needs_privileges_to_check_a_file_that_he_can_read() {
    let files = Files::new(FINE);
    files.write("office.txt", "");
    let mut command = crate::configuration::synwall();
    command.args(["config", "check"]).arg(files.path("synwall.toml"));
    let output = Output::of(command.uid(64_001).gid(64_001)).ok();
    assert!(output.stdout.contains("is fine"), "{output}");
}

#[test]
fn what_is_shown_is_a_file_that_says_the_same() {
    let files = Files::new(FINE);
    files.write("office.txt", "");
    files.write("saved/trust.list", "");
    let shown = files.run(&["show"]).ok().stdout;
    assert!(
        shown.contains("\n[source.qrator]\nprovider = \"qrator\"\n"),
        "{shown}"
    );
    assert!(
        !shown.contains("saved"),
        "what is read in any case is not in it:\n{shown}"
    );
    files.write("synwall.toml", &shown);
    assert_eq!(files.run(&["show"]).ok().stdout, shown);
    let document: Value = serde_json::from_str(&files.run(&["show", "--json"]).ok().stdout).unwrap();
    assert_eq!(document["config"]["source"]["qrator"]["interval"], "30m");
    assert_eq!(
        document["config"]["trust"]["prefixes"][0],
        "198.51.100.0/24 office"
    );
    assert_eq!(document["built_in"]["qrator"][0], "185.94.108.0/24");
}
