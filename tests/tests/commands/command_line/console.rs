//! The console of an origin: runs commands, and records everything that synwall stores. The record shows that a
//! refused command has changed nothing.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use serde_json::{Value, json};
use tests::lab::{Output, Site};

/// The pin directory of a console: the default one, on the private bpffs.
pub const PINS: &str = "/sys/fs/bpf/synwall";

/// The list that [`Console::up`] starts with.
pub const PROXY: &str = "185.94.108.0/24";

/// An origin with `eth0`, where commands run.
pub struct Console {
    pub site: Site,
}

impl Console {
    /// A console without a filter.
    pub fn new() -> Self {
        Self {
            site: Site::plan().without_server().build(),
        }
    }

    /// A console whose filter is up on `eth0` and trusts the proxy.
    pub fn up() -> Self {
        let console = Self::new();
        console.run("up eth0 --provider qrator").ok();
        console
    }

    /// Runs `synwall` with arguments separated by spaces.
    pub fn run(&self, arguments: &str) -> Output {
        self.site.synwall(arguments.split(' '))
    }

    /// A `synwall` command for the caller to run.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = self.site.synwall_command(arguments.split(' '));
        // `COLUMNS` would change the width of help texts.
        command
            .env_remove("COLUMNS")
            .env_remove("NO_COLOR")
            .env("TERM", "xterm");
        command
    }

    /// Writes a file into the private directory. Its path is the same in every run.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.site.lab.directory().join(name);
        fs::write(&path, content).expect("a file on the private tmpfs");
        path.to_str().expect("a path in ASCII").to_owned()
    }

    /// Runs commands that must all fail with that exit code and change nothing. Returns what the console showed.
    #[track_caller]
    pub fn refuses(&self, code: i32, commands: &[&str]) -> String {
        let before = self.everything();
        let mut shown = String::new();
        for arguments in commands {
            let output = Output::of(&mut self.command(arguments)).exits(code);
            self.is_unchanged(&before, &output);
            writeln!(shown, "{output}").unwrap();
        }
        shown
    }

    /// Runs a prepared command that must fail with that exit code and change nothing.
    #[track_caller]
    pub fn refused(&self, code: i32, command: &mut Command) -> Output {
        let before = self.everything();
        let output = Output::of(command).exits(code);
        self.is_unchanged(&before, &output);
        output
    }

    #[track_caller]
    fn is_unchanged(&self, before: &Value, output: &Output) {
        assert_eq!(output.stdout, "", "messages go to standard error\n{output}");
        assert_ne!(output.stderr, "", "no message\n{output}");
        let (before, after) = (format!("{before:#}"), format!("{:#}", self.everything()));
        let lost: Vec<_> = before.lines().filter(|line| !after.contains(line)).collect();
        let new: Vec<_> = after.lines().filter(|line| !before.contains(line)).collect();
        assert!(
            after == before,
            "{output}\nchanged\n{}\nto\n{}",
            lost.join("\n"),
            new.join("\n")
        );
    }

    /// Everything that a command could change, except counters: pins, maps, lists, settings, programs.
    pub fn everything(&self) -> Value {
        let mut pinned = Vec::new();
        list_pins(Path::new("/sys/fs/bpf"), &mut pinned);
        let document = |arguments: &str| {
            let output = self.run(arguments);
            serde_json::from_str(&output.stdout).unwrap_or(Value::Null)
        };
        let mut status: Value = document("status --json");
        without(
            &mut status,
            &["packets", "passed", "dropped", "would_drop", "drops_per_second"],
        );
        let mut lists: Value = ["trust", "deny", "retire"]
            .map(|list| document(&format!("{list} list --json")))
            .into();
        without(
            &mut lists,
            &["packets", "bytes", "last_hit_seconds", "expires_seconds"],
        );
        json!({ "pins": pinned, "status": status, "lists": lists, "xdp": self.xdp_programs() })
    }

    /// All XDP programs on the interfaces of the origin, synwall's and others.
    pub fn xdp_programs(&self) -> Value {
        let mut ip = self.site.origin.command("ip");
        let links = Output::of(ip.args(["-json", "-details", "link", "show"])).json();
        let programs = links.as_array().expect("a list").iter();
        programs
            .map(|link| json!([link["ifname"], link["xdp"]["prog"], link["xdp"]["attached"]]))
            .collect()
    }

    /// The names of the interfaces that run synwall's program.
    pub fn filtered_interfaces(&self) -> Vec<String> {
        let links = self.xdp_programs();
        let ours = |link: &&Value| {
            link[1]["name"]
                .as_str()
                .is_some_and(|name| name.starts_with("synwall"))
        };
        let name = |link: &Value| link[0].as_str().expect("a name").to_owned();
        links
            .as_array()
            .expect("a list")
            .iter()
            .filter(ours)
            .map(name)
            .collect()
    }
}

/// Every file below a directory of a bpffs, with its inode number. A pin that was created again has another number.
pub fn list_pins(directory: &Path, found: &mut Vec<String>) {
    use std::os::unix::fs::MetadataExt as _;
    let mut entries: Vec<_> = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.unwrap())
        .collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let metadata = entry.metadata().expect("a pin");
        found.push(format!("{} {}", entry.path().display(), metadata.ino()));
        if metadata.is_dir() {
            list_pins(&entry.path(), found);
        }
    }
}

/// Removes these keys everywhere in a document.
fn without(document: &mut Value, keys: &[&str]) {
    match document {
        Value::Object(object) => {
            keys.iter().for_each(|key| drop(object.shift_remove(*key)));
            object.values_mut().for_each(|value| without(value, keys));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| without(value, keys)),
        _ => {}
    }
}
