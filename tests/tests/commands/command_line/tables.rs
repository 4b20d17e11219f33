//! Tables for people: separated by tabs in a pipe; on a terminal aligned, and in colour unless NO_COLOR is set.

use insta::assert_snapshot;
use tests::lab::Output;

use crate::command_line::{console::Console, json::busy};

fn on_terminal(console: &Console, arguments: &str) -> String {
    Output::on_terminal(console.command(arguments), 120).stdout
}

/// The text, with numbers that differ between runs replaced.
fn steady(text: &str) -> String {
    let mut lines = Vec::new();
    let mut program = None;
    for line in text.lines() {
        let mut line = line.to_owned();
        if let Some((before, after)) = line.split_once("packets   passed ") {
            let (_, after) = after.split_once(", ").expect("more numbers");
            let (dropped, rate) = after.split_once(" (").expect("a rate");
            assert!(rate.ends_with(" a second now)"), "{line}");
            line = format!("{before}packets   passed [N], {dropped} ([N] a second now)");
        }
        if line.starts_with("INTERFACE") {
            program = Some(());
        } else if program.is_some() && line.contains('\t') {
            let mut cells: Vec<_> = line.split('\t').collect();
            (cells[3], cells[4]) = ("[PROGRAM]", "[N]");
            line = cells.join("\t");
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[test]
fn status_in_a_pipe() {
    let output = busy().run("status").ok();
    assert!(!output.stdout.contains('\x1b'), "colour in a pipe");
    assert_snapshot!(steady(&output.stdout));
}

#[test]
fn tables_in_a_pipe_are_separated_by_tabs() {
    let console = busy();
    for (name, arguments) in [
        ("trust_list", "trust list"),
        ("deny_list", "deny list"),
        ("stats_prefixes", "stats prefixes"),
        ("stats_reasons", "stats reasons"),
        ("stats_sources", "stats sources"),
        ("stats", "stats"),
    ] {
        let output = console.run(arguments).ok();
        assert_eq!(output.stderr, "");
        assert!(
            output.stdout.contains('\t') && !output.stdout.contains('\x1b'),
            "{output}"
        );
        assert_snapshot!(format!("pipe_{name}"), output.stdout.replace('\t', "→"));
    }
}

#[test]
fn tables_on_a_terminal_are_aligned() {
    let console = busy();
    for (name, arguments) in [
        ("trust_list", "trust list"),
        ("deny_list", "deny list"),
        ("stats_reasons", "stats reasons"),
        ("stats_sources", "stats sources"),
    ] {
        let shown = on_terminal(&console, arguments);
        assert!(!shown.contains('\t'), "{shown}");
        assert_snapshot!(format!("terminal_{name}"), shown);
    }
}

#[test]
fn every_row_on_a_terminal_keeps_its_columns() {
    let shown = on_terminal(&busy(), "status");
    let table: Vec<&str> = shown
        .lines()
        .skip_while(|line| !line.starts_with("INTERFACE"))
        .collect();
    let end = |line: &str, word: &str| line.find(word).map(|at| at + word.len());
    let program = end(table[0], "PROGRAM").expect("a title");
    let digits = &table[1][..program];
    assert!(
        digits.ends_with(|c: char| c.is_ascii_digit()),
        "numbers are not below their title:\n{shown}"
    );
    assert_eq!(table[0].find("STATE"), table[1].find("attached"), "{shown}");
}

#[test]
fn colour_is_for_terminals() {
    let console = busy();
    let status = on_terminal(&console, "status");
    assert!(status.contains("\x1b[32menforcing\x1b[0m"), "{status:?}");
    let error = on_terminal(&console, "trust add 192.0.2.1/24x");
    assert!(error.contains("\x1b["), "{error:?}");
    let error = on_terminal(&console, "deny remove 192.0.2.0/25");
    assert!(error.starts_with("\x1b[31merror:\x1b[0m "), "{error:?}");
    console.run("set --observe").ok();
    let status = on_terminal(&console, "status");
    assert!(status.contains("\x1b[33mobserving"), "{status:?}");
}

#[test]
fn no_color_is_honoured() {
    let console = busy();
    for arguments in [
        "status",
        "trust list",
        "deny remove 192.0.2.0/25",
        "trust add 192.0.2.1/24x",
        "--help",
    ] {
        let mut command = console.command(arguments);
        command.env("NO_COLOR", "1");
        let shown = Output::on_terminal(command, 120).stdout;
        assert!(!shown.contains('\x1b'), "{arguments}: {shown:?}");
    }
}

#[test]
fn a_narrow_terminal_loses_nothing() {
    let console = busy();
    let shown = Output::on_terminal(console.command("trust list"), 40).ok().stdout;
    for word in ["185.94.108.0/24", "provider:qrator", "2001:db8:1::/48"] {
        assert!(shown.contains(word), "{word} is broken:\n{shown}");
    }
}

#[test]
fn numbers_that_people_read_are_grouped() {
    let console = Console::up();
    let site = &console.site;
    let to = site.origin.endpoint(tests::lab::Family::V4, 443);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let sent = tests::lab::Flood::to(to)
        .frames(12_345)
        .lasting(std::time::Duration::from_secs(20))
        .run(&site.attacker, &stop);
    assert_eq!(sent.frames, 12_345);
    let stats = console.run("stats reasons --json").ok().json();
    let mut rows = stats["reasons"].as_array().unwrap().iter();
    let row = rows.find(|row| row["reason"] == "untrusted-syn").unwrap();
    let packets = row["packets"].as_u64().unwrap();
    // A queue on the way may lose some frames.
    assert!((10_000..=12_345).contains(&packets), "{packets}");
    let shown = console.run("stats reasons").ok().stdout;
    let grouped = format!("{},{:03}", packets / 1000, packets % 1000);
    assert!(shown.contains(&format!("untrusted-syn\t{grouped}\t")), "{shown}");
}
