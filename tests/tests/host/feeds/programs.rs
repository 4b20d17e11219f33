//! Lists from programs: what they print, how they are started, and that no process is left.
//!
//! Longer than 300 lines because each case is a test of its own, and all share the topic and its helpers.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown, symlink},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use caps::{CapSet, Capability};
use filter_user::feed::{definition::MAX_BYTES, exec::run};
use tempfile::TempDir;

use crate::feeds::bounded::bounded;

/// The timeout for a program that ends.
const AMPLE: Duration = Duration::from_secs(30);
/// The timeout for a program that never ends.
const SHORT: Duration = Duration::from_secs(1);
/// A command that runs longer than any test, and must be killed.
const FOREVER: &str = "sleep 1000";
/// By then, a killed process is gone.
const PATIENCE: Duration = Duration::from_secs(30);

fn get(command: &[&str], timeout: Duration) -> Result<String, String> {
    let owned: Vec<_> = command.iter().map(|&word| word.to_owned()).collect();
    let answer = bounded(&command.join(" "), move || run::get(&owned, timeout));
    answer
        .map(|bytes| String::from_utf8(bytes).expect("text"))
        .map_err(|error| error.to_string())
}

fn shell(script: &str, timeout: Duration) -> Result<String, String> {
    get(&["/bin/sh", "-c", script], timeout)
}

/// A directory that only root can write to.
fn directory() -> TempDir {
    TempDir::new().expect("a directory")
}

/// A program that prints a prefix. Another process writes the file. If this process did, the kernel could refuse to
/// run the file as busy (ETXTBSY).
fn program(path: &Path, mode: u32) {
    let script = "printf '#!/bin/sh\\necho 192.0.2.0/24\\n' > \"$1\"";
    let status = Command::new("/bin/sh")
        .args(["-c", script, "sh"])
        .arg(path)
        .status();
    assert!(status.expect("a shell").success());
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn a_script_that_names_no_interpreter_is_run_by_the_shell() {
    let directory = directory();
    let path = directory.path().join("networks");
    program(&path, 0o755);
    let without_the_first_line = Command::new("sed").args(["-i", "1d"]).arg(&path).status();
    assert!(without_the_first_line.expect("an editor").success());
    let text = fs::read_to_string(&path).expect("the script");
    assert_eq!(text, "echo 192.0.2.0/24\n");
    let path = path.to_str().expect("a path");
    assert_eq!(get(&[path], AMPLE), Ok("192.0.2.0/24\n".to_owned()));
}

/// State and process group of a process, if it exists.
fn process(pid: &str) -> Option<(String, String)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain any characters.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<_> = fields.split(' ').collect();
    Some((fields[0].to_owned(), fields[2].to_owned()))
}

/// Running processes of a group. Processes that have ended may still wait for their parent.
fn group(leader: &str) -> Vec<String> {
    let names = fs::read_dir("/proc")
        .expect("processes")
        .map(|entry| entry.expect("an entry").file_name());
    let pids = names.filter_map(|name| name.into_string().ok());
    pids.filter(|pid| process(pid).is_some_and(|(state, group)| state != "Z" && group == leader))
        .collect()
}

#[track_caller]
pub fn until_no_process_is_left(leader: &str) {
    let give_up = Instant::now() + PATIENCE;
    while !group(leader).is_empty() {
        assert!(Instant::now() < give_up, "left: {:?}", group(leader));
        thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn words_of(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("what the program has written");
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn its_output_is_what_it_prints() {
    let ample = [
        ("echo 192.0.2.0/24", "192.0.2.0/24\n"),
        (
            "echo noise >&2; echo 192.0.2.0/24; echo more noise >&2",
            "192.0.2.0/24\n",
        ),
        ("exit 0", ""),
        ("cat", ""),
        ("echo one; sleep 0.1; echo two", "one\ntwo\n"),
        ("exec 1>&-; sleep 0.1", ""),
        ("head -c 1000000 /dev/zero | tr '\\0' x >&2; echo done", "done\n"),
    ];
    for (script, expected) in ample {
        assert_eq!(shell(script, AMPLE), Ok(expected.to_owned()), "{script}");
    }
    let most = shell("head -c 16777216 /dev/zero", AMPLE).map(|output| output.len());
    assert_eq!(most, Ok(MAX_BYTES));
}

#[test]
fn a_failure_says_how_it_ended_and_why() {
    for (script, timeout, expected) in [
        ("exit 1", AMPLE, "it ended with code 1"),
        ("echo list; exit 1", AMPLE, "it ended with code 1"),
        (
            "echo list; echo >&2; echo ' no token ' >&2; echo more >&2; exit 3",
            AMPLE,
            "it ended with code 3: no token",
        ),
        (
            "printf '\\033[2Jno\\377' >&2; exit 255",
            AMPLE,
            "it ended with code 255: \\u{1b}[2Jno\u{fffd}",
        ),
        ("kill -9 $$", AMPLE, "it ended with signal 9"),
        (
            "echo why >&2; kill -SEGV $$",
            AMPLE,
            "it ended with signal 11: why",
        ),
        ("no-such-program", AMPLE, "it ended with code 127: "),
        ("yes", AMPLE, "it printed more than 16 MiB, and was killed"),
        (
            "head -c 16777217 /dev/zero",
            AMPLE,
            "it printed more than 16 MiB, and was killed",
        ),
        (FOREVER, SHORT, "it was not done after 1s, and was killed"),
        ("yes >&2", SHORT, "it was not done after 1s, and was killed"),
        (
            "while :; do echo 1; sleep 0.2; done",
            SHORT,
            "it was not done after 1s, and was killed",
        ),
        (
            "exec >&- 2>&-; sleep 1000",
            SHORT,
            "it was not done after 1s, and was killed",
        ),
    ] {
        let message = shell(script, timeout).unwrap_err();
        let expected = format!("cannot run /bin/sh: {expected}");
        assert!(message.starts_with(&expected), "{script}: {message}");
        assert!(
            expected.ends_with(": ") || message == expected,
            "{script}: {message}"
        );
    }
}

#[test]
fn nothing_is_left_of_a_program() {
    let directory = directory();
    let file = directory.path().join("pids");
    let pids = format!("echo $$ $! > {}", file.display());
    for (what, script, timeout, is_good) in [
        (
            "it hangs",
            format!("trap '' TERM HUP INT; (trap '' TERM; {FOREVER}) & {pids}; wait"),
            SHORT,
            false,
        ),
        (
            "it is done, and its output is held",
            format!("{FOREVER} & {pids}; echo list"),
            SHORT,
            false,
        ),
        (
            "it fails, and its output is held",
            format!("{FOREVER} & {pids}; exit 1"),
            SHORT,
            false,
        ),
        (
            "its complaints are held",
            format!("{FOREVER} >&- & {pids}; echo list"),
            AMPLE,
            true,
        ),
        (
            "it leaves something",
            format!("{FOREVER} >&- 2>&- & {pids}; echo list"),
            AMPLE,
            true,
        ),
        (
            "it fails and leaves something",
            format!("{FOREVER} >&- 2>&- & {pids}; exit 1"),
            AMPLE,
            false,
        ),
        (
            "it prints too much",
            format!("{FOREVER} & {pids}; yes"),
            AMPLE,
            false,
        ),
    ] {
        let result = shell(&script, timeout);
        assert_eq!(result.is_ok(), is_good, "{what}: {result:?}");
        let pids = words_of(&file);
        assert_eq!(process(&pids[0]), None, "{what}: it is reaped");
        until_no_process_is_left(&pids[0]);
        assert!(process(&pids[1]).is_none_or(|(state, _)| state == "Z"), "{what}");
    }
}

#[test]
fn one_that_moves_into_another_group_is_killed_all_the_same() {
    let directory = directory();
    let file = directory.path().join("pid");
    let script = format!(
        "echo $$ > {}; exec perl -e 'setpgrp(0, getpgrp(getppid())) or die; sleep 1000'",
        file.display()
    );
    let message = shell(&script, SHORT).unwrap_err();
    assert!(
        message.ends_with("it was not done after 1s, and was killed"),
        "{message}"
    );
    assert_eq!(process(&words_of(&file)[0]), None, "it is reaped");
}

#[test]
fn one_that_cannot_be_reaped_does_not_hold_the_agent() {
    let directory = directory();
    let file = directory.path().join("pids");
    // While a tracer does not wait for it, a process that has ended is invisible to its parent.
    let tracer = format!(
        "syscall({}, {}, getppid(), 0, 0) == 0 or die; sleep 1000",
        libc::SYS_ptrace,
        libc::PTRACE_SEIZE
    );
    let script = format!(
        "setsid perl -e '{tracer}' >&- 2>&- & echo $$ $! > {}; {FOREVER}",
        file.display()
    );
    let message = shell(&script, SHORT).unwrap_err();
    assert!(
        message.ends_with("it was not done after 1s, and was killed"),
        "{message}"
    );
    let pids = words_of(&file);
    assert!(
        process(&pids[0]).is_some_and(|(state, _)| state == "Z"),
        "it is not reaped"
    );
    assert!(
        Command::new("kill")
            .args(["-9", &pids[1]])
            .status()
            .unwrap()
            .success()
    );
    let give_up = Instant::now() + PATIENCE;
    while let Some(left) = process(&pids[0]) {
        assert!(Instant::now() < give_up, "it is not reaped later: {left:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn one_that_has_left_the_group_does_not_hold_the_agent() {
    let directory = directory();
    let file = directory.path().join("pid");
    let script = format!(
        "setsid sh -c 'echo $$ > {0}.new; mv {0}.new {0}; exec {FOREVER}' & sleep 0.1",
        file.display()
    );
    let message = shell(&script, SHORT).unwrap_err();
    assert!(
        message.ends_with("it was not done after 1s, and was killed"),
        "{message}"
    );
    let pid = words_of(&file).remove(0);
    assert_eq!(
        group(&pid),
        std::slice::from_ref(&pid),
        "it has a group of its own"
    );
    assert!(
        Command::new("kill")
            .args(["-9", &pid])
            .status()
            .unwrap()
            .success()
    );
    until_no_process_is_left(&pid);
}

#[test]
fn a_program_ends_with_whoever_started_it() {
    const FILE: &str = "SYNWALL_TEST_PROGRAM_WRITES_TO";
    if let Some(file) = std::env::var_os(FILE) {
        let file = PathBuf::from(file);
        let script = format!(
            "echo $$ > {0}.new; mv {0}.new {0}; exec {FOREVER}",
            file.display()
        );
        let ended = run::get(
            &["/bin/sh", "-c", &script].map(str::to_owned),
            Duration::from_secs(1000),
        );
        panic!("not killed: {ended:?}");
    }
    let directory = directory();
    let file = directory.path().join("pid");
    let mut starter = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "feeds::programs::a_program_ends_with_whoever_started_it",
        ])
        .env(FILE, &file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let give_up = Instant::now() + PATIENCE;
    while !file.exists() {
        assert!(Instant::now() < give_up, "never started");
        thread::sleep(Duration::from_millis(10));
    }
    let pid = words_of(&file).remove(0);
    assert_eq!(group(&pid), std::slice::from_ref(&pid));
    starter.kill().unwrap();
    starter.wait().unwrap();
    until_no_process_is_left(&pid);
}

#[test]
fn it_works_where_the_end_of_children_is_ignored() {
    const IGNORES: &str = "SYNWALL_TEST_IGNORES_SIGCHLD";
    if std::env::var_os(IGNORES).is_some() {
        assert_eq!(shell("echo list; sleep 0.1", AMPLE), Ok("list\n".to_owned()));
        let status = shell("cat /proc/$$/status", AMPLE).unwrap();
        let ignored = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:\t"))
            .unwrap();
        let ignored = u64::from_str_radix(ignored, 16).unwrap();
        assert_eq!(ignored >> (libc::SIGCHLD - 1) & 1, 0, "it does not inherit that");
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "feeds::programs::it_works_where_the_end_of_children_is_ignored",
        ])
        .env(IGNORES, "");
    // SAFETY: between fork and exec the closure makes one system call, which is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGCHLD, libc::SIG_IGN);
            Ok(())
        });
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn it_is_started_with_nothing_but_its_arguments() {
    assert_eq!(
        get(&["/usr/bin/env"], AMPLE),
        Ok("LANG=C.UTF-8\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n".to_owned())
    );
    assert_eq!(get(&["/bin/pwd", "-P"], AMPLE), Ok("/\n".to_owned()));
    assert_eq!(
        get(&["/bin/echo", "$HOME; ls", "*", "a b", ""], AMPLE),
        Ok("$HOME; ls * a b \n".to_owned())
    );
    let stat = get(&["/bin/cat", "/proc/self/stat"], AMPLE).unwrap();
    let fields: Vec<_> = stat.split(' ').collect();
    assert_eq!(fields[0], fields[4], "a process group of its own");
    // A descriptor that the parent left open. SAFETY: the path ends with NUL, and the descriptor is closed below and
    // nowhere else.
    let open = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDONLY) };
    assert!(open > 2);
    let descriptors = shell("ls /proc/$$/fd; readlink /proc/$$/fd/0", AMPLE);
    // SAFETY: as above.
    unsafe { libc::close(open) };
    assert_eq!(descriptors, Ok("0\n1\n2\n/dev/null\n".to_owned()));
}

/// The capabilities of a process, by their names in `/proc/PID/status`.
fn capabilities(status: &str) -> BTreeMap<String, u64> {
    let lines = status.lines().filter_map(|line| line.strip_prefix("Cap"));
    lines
        .map(|line| {
            let (set, bits) = line.split_once(":\t").expect("a set");
            (set.to_owned(), u64::from_str_radix(bits, 16).expect("bits"))
        })
        .collect()
}

/// Gives the calling thread the capabilities of a service with `AmbientCapabilities=`. The user id stays. Programs no
/// longer get capabilities because root starts them.
fn be_a_service_with_three_capabilities() {
    const SECBIT_NOROOT: libc::c_ulong = 1;
    let three = [
        Capability::CAP_BPF,
        Capability::CAP_NET_ADMIN,
        Capability::CAP_PERFMON,
    ]
    .into_iter()
    .collect();
    for set in [CapSet::Inheritable, CapSet::Ambient] {
        caps::set(None, set, &three).expect("capabilities");
    }
    // SAFETY: the call takes numbers and changes this thread only.
    let result = unsafe { libc::prctl(libc::PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn it_does_not_inherit_the_capabilities_of_a_service() {
    let (inherited, seen, kept) = thread::spawn(|| {
        be_a_service_with_three_capabilities();
        let command = ["/bin/cat", "/proc/self/status"].map(str::to_owned);
        let inherited = Command::new(&command[0]).arg(&command[1]).output().unwrap();
        let seen = run::get(&command, AMPLE).unwrap();
        let kept = caps::read(None, CapSet::Ambient).unwrap();
        (inherited.stdout, seen, kept.len())
    })
    .join()
    .unwrap();
    let [inherited, seen] = [inherited, seen].map(|status| capabilities(&String::from_utf8(status).unwrap()));
    let three = 1 << 39 | 1 << 38 | 1 << 12;
    for set in ["Inh", "Prm", "Eff", "Amb"] {
        assert_eq!(inherited[set], three, "{set}: others do inherit them");
        assert_eq!(seen[set], 0, "{set}");
    }
    assert_eq!(kept, 3, "the caller keeps its own");
}

#[test]
fn a_program_that_others_could_have_put_there_is_not_run() {
    const USER: u32 = 64_001;
    let directory = directory();
    let path = |name: &str| directory.path().join(name);
    let refused = |path: &Path, expected: &str| {
        let message = get(&[path.to_str().unwrap()], AMPLE).unwrap_err();
        let start = format!("cannot run {}: ", path.display());
        assert!(
            message.starts_with(&start) && message.contains(expected),
            "{message}"
        );
    };
    let good = path("good");
    program(&good, 0o755);
    assert_eq!(
        get(&[good.to_str().unwrap()], AMPLE),
        Ok("192.0.2.0/24\n".to_owned())
    );
    // All directories on the path belong to root.
    symlink(&good, path("link")).unwrap();
    assert_eq!(
        get(&[path("link").to_str().unwrap()], AMPLE),
        Ok("192.0.2.0/24\n".to_owned())
    );

    for (mode, expected) in [
        (0o757, "it can be changed by every user"),
        (0o775, "it can be changed by group 0"),
        (0o644, "it is not an executable file"),
    ] {
        program(&good, mode);
        refused(&good, expected);
    }
    program(&good, 0o755);
    chown(&good, Some(USER), None).unwrap();
    refused(&good, "it can be changed by user 64001");

    for (name, mode, owner, expected) in [
        ("everybody", 0o777, 0, "it can be changed by every user"),
        ("group", 0o775, 0, "it can be changed by group 0"),
        ("owner", 0o755, USER, "it can be changed by user 64001"),
    ] {
        fs::create_dir(path(name)).unwrap();
        let inner = path(name).join("inner");
        program(&inner, 0o755);
        symlink("/bin/true", path(name).join("link")).unwrap();
        chown(path(name), Some(owner), None).unwrap();
        fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).unwrap();
        refused(&inner, expected);
        refused(&path(name).join("link"), expected);
    }
    refused(&path("missing"), "No such file or directory");
    refused(directory.path(), "it is not an executable file");
    refused(Path::new("/dev/null"), "it is not an executable file");
}

#[test]
fn which_program_it_is_has_to_be_clear() {
    for command in [&["sh"][..], &["./sh", "-c"], &["bin/sh"], &[""], &[]] {
        let message = get(command, AMPLE).unwrap_err();
        let name = command.first().unwrap_or(&"");
        assert_eq!(
            message,
            format!("cannot run {name}: its path has to be absolute (start with /)")
        );
    }
    let message = get(&["/bin/echo", "a\0b"], AMPLE).unwrap_err();
    assert!(message.starts_with("cannot run /bin/echo: "), "{message}");
}
