//! Checks which hosts get a page from the origin. Each check makes four attempts in parallel: two ports, two versions
//! of IP.

use std::thread;
use std::time::Duration;

use super::expectation::{Stop, expect};
use super::narrator::Narrator;
use crate::lab::{Answer, Family, Host, NoAnswer, Output, PAGE, Site, must};

/// Far longer than a page takes on an idle wire.
const PATIENCE: Duration = Duration::from_secs(5);
/// A visitor without any answer gives up after this time.
const SILENCE: Duration = Duration::from_millis(1500);

const WAYS: [(&str, Family); 4] = [
    ("http", Family::V4),
    ("https", Family::V4),
    ("http", Family::V6),
    ("https", Family::V6),
];

/// The results of the four attempts.
fn attempts(site: &Site, from: &Host, timeout: Duration) -> Vec<(String, Result<Answer, NoAnswer>)> {
    let origin = &site.origin;
    thread::scope(|scope| {
        let running = WAYS.map(|(scheme, family)| {
            let url = origin.url(scheme, family, "/");
            scope.spawn(move || (url.clone(), from.get(&url, timeout)))
        });
        let ended = |thread: thread::ScopedJoinHandle<'_, _>| {
            must(
                "wait for curl",
                thread.join().map_err(|_| "see the message above"),
            )
        };
        running.into_iter().map(ended).collect()
    })
}

/// Checks that the host gets the origin's page in all four ways.
pub(super) fn expect_pages(narrator: &Narrator, site: &Site, from: &Host) -> Result<(), Stop> {
    let attempts = attempts(site, from, PATIENCE);
    for (url, result) in &attempts {
        let seen = match result {
            Ok(answer) => format!("status {} with {:?}", answer.status, answer.body),
            Err(error) => error.to_string(),
        };
        let right = matches!(result, Ok(answer) if answer.status == 200 && answer.body == PAGE);
        expect(
            right,
            format!("{} gets the origin's page from {url}", from.name()),
            seen,
        )?;
    }
    let slowest = attempts
        .iter()
        .flat_map(|(_, result)| result)
        .map(|answer| answer.seconds)
        .fold(0.0, f64::max);
    narrator.seen(format_args!(
        "{:<8} gets the page: http and https, IPv4 and IPv6 (slowest {:.1} ms)",
        from.name(),
        slowest * 1e3
    ));
    Ok(())
}

/// Checks that the host gets no answer in any of the four ways: no page and no refusal.
pub(super) fn expect_silence(narrator: &Narrator, site: &Site, from: &Host) -> Result<(), Stop> {
    for (url, result) in attempts(site, from, SILENCE) {
        let seen = match &result {
            Ok(answer) => format!("status {} with {:?}", answer.status, answer.body),
            Err(error) => error.to_string(),
        };
        let silent = matches!(&result, Err(error) if error.timed_out());
        expect(silent, format!("{} hears nothing from {url}", from.name()), seen)?;
    }
    narrator.seen(format_args!(
        "{:<8} hears nothing on all four: curl gives up after {:.1} s",
        from.name(),
        SILENCE.as_secs_f64()
    ));
    Ok(())
}

/// Checks that a port scan from the host cannot distinguish the origin's web ports from an address without a host.
pub(super) fn expect_filtered(narrator: &Narrator, site: &Site, from: &Host) -> Result<(), Stop> {
    let scans = thread::scope(|scope| {
        let running = [Family::V4, Family::V6].map(|family| scope.spawn(move || scan(site, from, family)));
        running.map(|thread| {
            must(
                "wait for nmap",
                thread.join().map_err(|_| "see the message above"),
            )
        })
    });
    for scan in scans {
        narrator.say(format_args!("$ {}", scan.command));
        let is_port = |line: &&str| line.starts_with("80/tcp") || line.starts_with("443/tcp");
        let ports: Vec<_> = scan.stdout.lines().filter(is_port).collect();
        ports
            .iter()
            .for_each(|line| narrator.say(format_args!("| {line}")));
        let hidden = ports.len() == 2 && ports.iter().all(|line| line.contains(" filtered "));
        expect(hidden, "nmap finds both ports filtered", scan.to_string())?;
    }
    narrator.seen("the scanner learns nothing: `filtered` is what an address without a host looks like");
    Ok(())
}

/// A SYN scan of both ports. `-Pn` skips the ping, because a hidden host may not answer it.
fn scan(site: &Site, from: &Host, family: Family) -> Output {
    let mut nmap = from.command("nmap");
    if family == Family::V6 {
        nmap.arg("-6");
    }
    let origin = site.origin.address(family).to_string();
    nmap.args([
        "-n",
        "-Pn",
        "-sS",
        "-T4",
        "--max-retries",
        "1",
        "-p",
        "80,443",
        &origin,
    ]);
    Output::of(&mut nmap).ok()
}
