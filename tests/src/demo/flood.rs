//! The flood of the demo: SYNs from random sources at full speed, while the proxy keeps requesting pages.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::expectation::{Stop, expect, go_on};
use super::narrator::Narrator;
use crate::lab::{Family, Flood, Output, PAGE, Sent, Site, must};

const QUIET: Duration = Duration::from_secs(1);
const FLOOD: Duration = Duration::from_secs(5);
/// One frame in this many has the attacker's own address, so that the statistics show one clear attacker.
const OWN: u64 = 16;
/// The flood also ends after this many frames. It is more than the demo's usual machines send in that time.
const MOST_FRAMES: u64 = 20_000_000;
/// A request that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(2);
/// The pause between requests, so that the proxy makes ten to twenty requests a second.
const PAUSE: Duration = Duration::from_millis(40);

/// The proxy's requests in one phase, sorted by latency.
struct Requests {
    seconds: Vec<f64>,
    failures: Vec<String>,
}

impl Requests {
    fn summary(&self) -> String {
        let (Some(median), Some(worst)) = (self.seconds.get(self.seconds.len() / 2), self.seconds.last())
        else {
            return "none succeeded".to_owned();
        };
        let (count, all) = (self.seconds.len(), self.seconds.len() + self.failures.len());
        format!(
            "{count:>3} of {all:>3} succeeded, median {:>5.1} ms, worst {:>5.1} ms",
            median * 1e3,
            worst * 1e3
        )
    }
}

/// Lets the proxy request pages, first without the flood and then under it. Checks what synwall counted.
pub(super) fn flood(narrator: &Narrator, site: &Site, interrupted: &AtomicBool) -> Result<(), Stop> {
    narrator.say(format_args!(
        "The sources are random, but for one frame in {OWN}: that carries the attacker's own address."
    ));
    let calm = requests(site, QUIET, interrupted);
    go_on(interrupted)?;
    let replies = site.origin.capture();
    let (dropped_before, lost_before) = (dropped(site)?, lost(site));
    let (sent, busy) = thread::scope(|scope| {
        let target = site.origin.endpoint(Family::V4, 443);
        let flood = Flood::to(target)
            .frames(MOST_FRAMES)
            .lasting(FLOOD)
            .own_address_in_one_of(OWN);
        let sender = scope.spawn(move || flood.run(&site.attacker, interrupted));
        let busy = requests(site, FLOOD, interrupted);
        (
            must(
                "wait for the flood",
                sender.join().map_err(|_| "see the message above"),
            ),
            busy,
        )
    });
    go_on(interrupted)?;
    let (counted, lost) = (dropped(site)? - dropped_before, lost(site) - lost_before);

    narrator.say(format_args!("proxy, before the flood: {}", calm.summary()));
    narrator.say(format_args!("proxy, during the flood: {}", busy.summary()));
    for requests in [&calm, &busy] {
        let worked = !requests.seconds.is_empty() && requests.failures.is_empty();
        expect(
            worked,
            "every request of the proxy succeeds",
            requests.failures.join("\n"),
        )?;
    }
    narrator.seen("every request of the proxy succeeded");
    account(narrator, sent, lost, counted)?;
    let proxy = [Family::V4, Family::V6].map(|family| site.proxy.address(family));
    let reply = replies.matching(Duration::ZERO, |frame| {
        let to = frame.addresses().map(|(_, to)| to);
        frame.outgoing && frame.tcp().is_some() && to.is_some_and(|to| !proxy.contains(&to))
    });
    expect(
        reply.is_empty(),
        "the origin answers none of the flood",
        format!("{} answers", reply.len()),
    )?;
    narrator.seen("the origin sent not one TCP segment to anyone but the proxy");
    Ok(())
}

/// Accounts for every frame of the flood: dropped and counted by synwall, or lost on the wire before it.
fn account(narrator: &Narrator, sent: Sent, lost: u64, counted: u64) -> Result<(), Stop> {
    let rate = sent.frames as f64 / sent.time.as_secs_f64();
    narrator.say(format_args!(
        "sent by the attacker {:>10} frames ({rate:.0} a second)\n\
         lost on the wire     {lost:>10} frames (queue of the origin's card full)\n\
         dropped by synwall   {counted:>10} frames, by its own count",
        sent.frames
    ));
    expect(
        sent.frames > 10_000,
        "a flood worth the name",
        format!("{} frames in all", sent.frames),
    )?;
    let arrived = sent.frames.saturating_sub(lost);
    let expected = format!("at least the {arrived} frames that arrived are counted as dropped");
    expect(counted >= arrived, expected, format!("{counted} are"))?;
    // Retransmissions of an earlier attempt may be counted with the flood, but far fewer than this.
    let slack = 100 + arrived / 1000;
    let expected = format!("hardly more than the {arrived} frames that arrived are counted as dropped");
    expect(counted <= arrived + slack, expected, format!("{counted} are"))?;
    narrator.seen("every frame that reached the origin was dropped, and counted");
    Ok(())
}

/// Requests one page after the other over HTTPS, on IPv4 and IPv6 in turn.
fn requests(site: &Site, time: Duration, interrupted: &AtomicBool) -> Requests {
    let started = Instant::now();
    let mut requests = Requests {
        seconds: Vec::new(),
        failures: Vec::new(),
    };
    let families = [Family::V4, Family::V6].into_iter().cycle();
    for family in families.take_while(|_| started.elapsed() < time && !interrupted.load(Ordering::Relaxed)) {
        match site.proxy.get(&site.origin.url("https", family, "/"), PATIENCE) {
            Ok(answer) if answer.body == PAGE => requests.seconds.push(answer.seconds),
            Ok(answer) => requests.failures.push(format!("status {}", answer.status)),
            Err(error) => requests.failures.push(error.to_string()),
        }
        thread::sleep(PAUSE);
    }
    requests.seconds.sort_by(f64::total_cmp);
    requests
}

/// The packets that `synwall status` counts as dropped.
fn dropped(site: &Site) -> Result<u64, Stop> {
    let output = site.synwall(["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&output.stdout).unwrap_or_default();
    let count = status["packets"]["dropped"].as_u64();
    count.ok_or_else(|| Stop::Unmet {
        expected: "`synwall status --json` has a number at packets.dropped".to_owned(),
        seen: output.to_string(),
    })
}

/// Frames that the bridge could not hand to the origin's network card.
fn lost(site: &Site) -> u64 {
    let mut ip = site.wire.namespace().command("ip");
    let links = Output::of(ip.args(["-json", "-stats", "link", "show", "port1"])).json();
    links[0]["stats64"]["tx"]["dropped"].as_u64().unwrap_or_default()
}
