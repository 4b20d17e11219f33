//! What a service manager sees of the agent: ready, reloading, alive, stopping. The filter stays.

use nix::sys::signal::Signal;
use std::path::Path;

use tests::origin::{PINS, agent::Agent};

use crate::agent::{config, origin_with};

#[test]
fn it_says_when_it_is_ready_and_how_it_is() {
    let (origin, home) = origin_with(&config(""));
    let agent = Agent::spawn(&origin, &home, &[]);
    let status = agent.told("STATUS=");
    assert!(status.contains("enforce on eth0; 1 prefixes"), "{status}");
    agent.told("READY=1");
    origin.filters();
    agent.reload();
    agent.stop();
}

#[test]
fn it_keeps_the_watchdog_quiet_and_falls_silent_when_it_hangs() {
    let (origin, home) = origin_with(&config(""));
    // A variable of the service manager: 600 ms, valid for any process.
    let agent = Agent::spawn(&origin, &home, &[("WATCHDOG_USEC", "600000")]);
    for _ in 0..5 {
        agent.told("WATCHDOG=1");
    }
    agent.signal(Signal::SIGSTOP);
    agent.drain();
    assert!(!agent.tells_anything_within(std::time::Duration::from_secs(2)));
    agent.signal(Signal::SIGCONT);
    agent.told("WATCHDOG=1");
}

#[test]
fn it_ends_soon_however_much_there_is_to_do_and_whoever_has_the_filter() {
    let (origin, home) = origin_with(&format!("{}files = [\"list.txt\"]\n", config("")));
    home.write("list.txt", "10.0.0.0/24\n");
    let mut agent = Agent::start(&origin, &home);
    let pins = tests::origin::locked();
    agent.says_after("another synwall command is at work", || {
        home.write("list.txt", "10.0.1.0/24\n");
    });
    for _ in 0..20 {
        agent.signal(Signal::SIGHUP);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let asked = std::time::Instant::now();
    agent.stop();
    // A change that has begun waits five seconds for the lock. After fifteen systemd would kill the agent (the unit's
    // TimeoutStopSec=).
    let took = asked.elapsed();
    assert!(took < std::time::Duration::from_secs(14), "{took:?}");
    drop(pins);
    origin.filters();
}

#[test]
fn it_ends_and_the_filter_stays() {
    let (origin, home) = origin_with(&config(""));
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let agent = Agent::start(&origin, &home);
        agent.signal(signal);
        agent.told("STOPPING=1");
        let (_, log) = agent.stop();
        assert!(log.contains("the filter stays in force"), "{log}");
        origin.no_process_of_ours_runs();
        origin.filters();
    }
}

#[test]
fn it_does_not_say_that_a_filter_stays_where_there_is_none() {
    let (origin, home) = origin_with(&config(""));
    let agent = Agent::start(&origin, &home);
    origin.synwall("down --all");
    let (_, log) = agent.stop();
    assert!(log.contains("stopped; no filter is up"), "{log}");
    assert!(!log.contains("the filter stays in force"), "{log}");
    origin.serves_everybody();
}

#[test]
fn it_takes_the_filter_down_where_it_is_told_to() {
    let (origin, home) = origin_with(&config("on-stop = \"detach\""));
    let agent = Agent::start(&origin, &home);
    origin.filters();
    agent.stop();
    origin.serves_everybody();
    assert!(tests::origin::pins(Path::new(PINS)).is_empty());
}

#[test]
fn it_does_nothing_while_nothing_happens() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    agent.until("sleeps", |agent| {
        let before = agent.cpu_ticks();
        std::thread::sleep(std::time::Duration::from_millis(500));
        agent.cpu_ticks() == before
    });
}

#[test]
fn a_hundred_reloads_leave_nothing_behind() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    agent.reload();
    let pins = || tests::origin::pins(Path::new(PINS));
    let (descriptors, before) = (agent.descriptors(), pins());
    for _ in 0..100 {
        agent.reload();
    }
    assert_eq!(before, pins());
    // The service manager may get the message before the last descriptor is closed.
    agent.until("closes what it opened", |agent| {
        agent.descriptors() <= descriptors
    });
    origin.filters();
}
