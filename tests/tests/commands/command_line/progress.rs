//! The progress line of a long change: it appears on a terminal after a second, and nowhere else.

use std::{fs, thread, time::Duration};

use nix::{sys::stat::Mode, unistd::mkfifo};
use tests::lab::Output;

use crate::command_line::console::Console;

/// Replaces the trusted list through a named pipe. The list arrives after a second and a half.
fn slow_replace(console: &Console, run: impl FnOnce(&str) -> Output) -> Output {
    let fifo = console.site.lab.directory().join("slow");
    mkfifo(&fifo, Mode::S_IRWXU).expect("a pipe");
    let output = thread::scope(|scope| {
        scope.spawn(|| {
            // This open returns when the command opens the pipe to read. From then on the command waits.
            let mut pipe = fs::File::options().write(true).open(&fifo).expect("the pipe");
            thread::sleep(Duration::from_millis(1_500));
            std::io::Write::write_all(&mut pipe, b"185.94.108.0/24\n").expect("a reader");
        });
        run(&format!("trust replace {}", fifo.display()))
    });
    fs::remove_file(&fifo).expect("the pipe away");
    output
}

#[test]
fn a_long_change_tells_how_far_it_is_and_takes_the_line_back() {
    let console = Console::up();
    let output = slow_replace(&console, |arguments| {
        Output::on_terminal(console.command(arguments), 80)
    });
    let output = output.ok();
    assert!(
        output.stdout.contains("\r\u{1b}[Kreading the list … 1 s"),
        "{output}"
    );
    let (_, last) = output
        .stdout
        .rsplit_once("\r\u{1b}[K")
        .expect("the line is taken back");
    assert!(last.starts_with("trust: "), "{output}");
}

#[test]
fn there_is_no_such_line_in_a_pipe() {
    let console = Console::up();
    let output = slow_replace(&console, |arguments| console.run(arguments)).ok();
    assert!(
        !output.stderr.contains("reading") && !output.stderr.contains('\r'),
        "{output}"
    );
}
