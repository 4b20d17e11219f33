//! Lists that other users could have changed: synwall refuses a list that everybody can write, and warns if a group
//! can.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown, symlink},
    path::Path,
    process::Command,
    thread,
};

use nix::{sys::stat::Mode, unistd::mkfifo};
use tests::lab::Output;

use crate::command_line::console::Console;

const STRANGER: u32 = 64_002;
const LIST: &str = "192.0.2.0/24\n";

fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// A directory of the laboratory with a list in it. Returns the paths of both.
fn directory_with_list(console: &Console, name: &str) -> (String, String) {
    let directory = console.site.lab.directory().join(name);
    fs::create_dir(&directory).expect("a directory");
    set_mode(&directory, 0o755);
    let list = directory.join("list");
    fs::write(&list, LIST).expect("a list");
    let text = |path: &Path| path.to_str().expect("ASCII").to_owned();
    (text(&directory), text(&list))
}

/// Checks that every verb that reads a list refuses this one, and says who could change it.
#[track_caller]
fn is_refused(console: &Console, list: &str, who: &str) {
    let verbs = [
        format!("trust replace {list}"),
        format!("deny replace {list}"),
        format!("up eth0 --trust-file {list}"),
    ];
    let shown = console.refuses(1, &verbs.each_ref().map(String::as_str));
    let said = format!("the list {list} was not read, because it can be changed by {who}");
    assert_eq!(shown.matches(&said).count(), verbs.len(), "{said}\n{shown}");
    // The workaround that the message names.
    let way_out = format!("- < {list}");
    assert_eq!(shown.matches(&way_out).count(), verbs.len(), "{shown}");
}

#[test]
fn a_list_that_everybody_can_write_is_refused() {
    let console = Console::up();
    let list = console.file("list", LIST);
    for mode in [0o666, 0o646, 0o602] {
        set_mode(&list, mode);
        is_refused(
            &console,
            &list,
            &format!("every user, as {list} has mode {mode:o} (chmod go-w {list})"),
        );
    }
    set_mode(&list, 0o644);
    console.run(&format!("trust replace {list}")).ok();
}

#[test]
fn a_list_of_another_user_is_refused() {
    let console = Console::up();
    let list = console.file("list", LIST);
    set_mode(&list, 0o600);
    chown(&list, Some(STRANGER), None).unwrap();
    is_refused(&console, &list, &format!("user 64002, to whom {list} belongs"));
}

#[test]
fn a_list_in_a_directory_where_others_can_replace_it_is_refused() {
    let console = Console::up();
    let (directory, list) = directory_with_list(&console, "open");
    set_mode(&directory, 0o777);
    is_refused(
        &console,
        &list,
        &format!("every user, as {directory} has mode 777 (chmod go-w {directory})"),
    );
    set_mode(&directory, 0o755);
    chown(&directory, Some(STRANGER), None).unwrap();
    is_refused(
        &console,
        &list,
        &format!("user 64002, to whom {directory} belongs"),
    );
    // A directory further up counts, too.
    chown(&directory, Some(0), None).unwrap();
    let inner = format!("{directory}/inner");
    fs::create_dir(&inner).unwrap();
    let below = format!("{inner}/list");
    fs::write(&below, LIST).unwrap();
    set_mode(&directory, 0o777);
    is_refused(
        &console,
        &below,
        &format!("every user, as {directory} has mode 777"),
    );
    // A sticky directory like /tmp: everybody may create files there, but only the owner may replace them.
    set_mode(&directory, 0o1777);
    console.run(&format!("trust replace {below}")).ok();
    console.run(&format!("trust replace {list}")).ok();
}

#[test]
fn a_list_that_a_group_can_write_is_read_with_a_warning() {
    let console = Console::up();
    let (directory, list) = directory_with_list(&console, "netops");
    chown(&list, None, Some(100)).unwrap();
    chown(&directory, None, Some(101)).unwrap();
    let warned = |said: &str| {
        for verb in [
            format!("trust replace {list}"),
            format!("up eth0 --trust-file {list}"),
        ] {
            let output = console.run(&verb).ok();
            let said = format!("warning: the list {list} can be changed by {said}\n");
            assert!(output.stderr.starts_with(&said), "{output}");
        }
    };
    set_mode(&list, 0o664);
    warned(&format!(
        "group 100, which may write to {list} (chmod g-w {list})"
    ));
    set_mode(&list, 0o644);
    set_mode(&directory, 0o775);
    warned(&format!(
        "group 101, which may write to {directory} (chmod g-w {directory})"
    ));
    set_mode(&directory, 0o755);
    let output = console.run(&format!("trust replace {list}")).ok();
    assert!(!output.stderr.contains("warning"), "{output}");
}

#[test]
fn a_link_is_followed_unless_somebody_else_could_have_planted_it() {
    let console = Console::up();
    let (_, list) = directory_with_list(&console, "lists");
    let (public, _) = directory_with_list(&console, "public");
    set_mode(&public, 0o1777);
    let link = format!("{public}/link");
    symlink(&list, &link).unwrap();
    let output = console.run(&format!("trust replace {link}")).ok();
    assert!(output.stderr.contains("1 in the list"), "{output}");
    // The list shows the path of the file, not of the link.
    assert!(
        console
            .run("trust list")
            .ok()
            .stdout
            .contains(&format!("file:{list}\t"))
    );
    std::os::unix::fs::lchown(&link, Some(STRANGER), None).unwrap();
    is_refused(&console, &link, &format!("user 64002, to whom {link} belongs"));
    // A link in the middle of the path, and a link to a link, are refused, too.
    let on_the_way = format!("{public}/directory");
    symlink(Path::new(&list).parent().unwrap(), &on_the_way).unwrap();
    console.run(&format!("trust replace {on_the_way}/list")).ok();
    std::os::unix::fs::lchown(&on_the_way, Some(STRANGER), None).unwrap();
    is_refused(
        &console,
        &format!("{on_the_way}/list"),
        &format!("user 64002, to whom {on_the_way} belongs"),
    );
    let second = console.site.lab.directory().join("second-hand");
    symlink(&link, &second).unwrap();
    is_refused(
        &console,
        second.to_str().unwrap(),
        &format!("user 64002, to whom {link} belongs"),
    );
    // The permissions of the link's target are checked, too.
    std::os::unix::fs::lchown(&link, Some(0), None).unwrap();
    set_mode(&list, 0o666);
    is_refused(&console, &link, &format!("every user, as {list} has mode 666"));
}

#[test]
fn links_in_a_circle_are_an_error() {
    let console = Console::up();
    let (directory, _) = directory_with_list(&console, "circle");
    symlink("b", format!("{directory}/a")).unwrap();
    symlink("a", format!("{directory}/b")).unwrap();
    let shown = console.refuses(1, &[&format!("trust replace {directory}/a")]);
    assert!(shown.contains("Too many levels of symbolic links"), "{shown}");
}

#[test]
fn what_is_handed_over_is_read_whoever_fills_it() {
    let console = Console::up();
    let program = console
        .command("")
        .get_program()
        .to_str()
        .expect("UTF-8")
        .to_owned();
    let (directory, list) = directory_with_list(&console, "others");
    set_mode(&directory, 0o777);
    set_mode(&list, 0o666);
    let bash = |line: &str| {
        let output = Output::of(console.site.origin.command("bash").args(["-c", line])).ok();
        assert!(output.stderr.contains("1 in the list"), "{output}");
    };
    let replace = format!("{program} trust replace");
    bash(&format!("{replace} - < {list}"));
    bash(&format!("{replace} /dev/stdin < {list}"));
    bash(&format!("{replace} /dev/fd/7 7< {list}"));
    bash(&format!("{replace} <(echo 192.0.2.0/24)"));
    bash(&format!(
        "setpriv --reuid=64002 echo 192.0.2.0/24 | {replace} /dev/stdin"
    ));
}

#[test]
fn a_named_pipe_is_waited_for_unless_others_can_fill_it() {
    let console = Console::up();
    let pipe = console.site.lab.directory().join("pipe");
    mkfifo(&pipe, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| fs::write(&pipe, LIST).unwrap());
        console.run(&format!("trust replace {}", pipe.display())).ok();
    });
    // The pipe is refused before it is opened. No process writes to it, so opening it would wait for ever.
    set_mode(&pipe, 0o622);
    let command = console.command(&format!("trust replace {}", pipe.display()));
    let mut impatient = console.site.origin.command("timeout");
    impatient
        .arg("60")
        .arg(command.get_program())
        .args(command.get_args());
    impatient.env_remove("SYNWALL_PIN_DIR");
    let output = console.refused(1, &mut impatient);
    assert!(output.stderr.contains("can be changed by every user"), "{output}");
}

#[test]
fn what_does_not_end_is_not_read_to_its_end() {
    let console = Console::up();
    let shown = console.refuses(1, &["trust replace /dev/zero"]);
    assert!(shown.contains("/dev/zero: it has more than 256 MiB"), "{shown}");
    let mut endless: Command = console.command("trust replace -");
    endless.stdin(fs::File::open("/dev/zero").unwrap());
    let output = endless.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("it has more than 256 MiB"), "{stderr}");
    // `/dev/null` ends at once, so it is an empty list.
    console.run("deny add 192.0.2.7").ok();
    let output = console.run("deny replace /dev/null").ok();
    assert!(output.stderr.contains("1 removed"), "{output}");
}

/// The text of a link of /proc may not name its real target: in another mount namespace it is another file.
#[test]
fn links_of_proc_are_not_followed() {
    let console = Console::up();
    let (directory, list) = directory_with_list(&console, "public");
    set_mode(&directory, 0o777);
    for path in [format!("/proc/self/root{list}"), "/proc/self/cwd/list".to_owned()] {
        let mut command = console.command(&format!("trust replace {path}"));
        let output = Output::of(command.current_dir(&directory)).exits(1);
        assert!(
            output
                .stderr
                .contains("is a link of /proc, which is not followed"),
            "{output}"
        );
    }
    // An open directory on a descriptor is not an open list.
    let mut shell = Command::new("sh");
    let synwall = console.command("trust replace /dev/fd/7/list");
    shell
        .arg("-c")
        .arg(format!("exec \"$0\" trust replace /dev/fd/7/list 7<{directory}"))
        .arg(synwall.get_program());
    let output = Output::of(&mut shell).exits(1);
    assert!(
        output
            .stderr
            .contains("is a link of /proc, which is not followed"),
        "{output}"
    );
    let pins = console.refuses(
        1,
        &[
            "status --pin-dir /dev/fd/0",
            "status --pin-dir /proc/self/root/sys/fs/bpf/synwall",
        ],
    );
    assert!(
        pins.contains("is a link of /proc, which is not followed"),
        "{pins}"
    );
}
