//! Traffic during a change of the filter: the attacker must get no answer, and the proxy must be served.

use std::fs;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use super::{Origin, SILENCE, SOON};
use crate::lab::frame::syn;
use crate::lab::{Captured, Ended, Family, PAGE};

/// The pause between two SYNs of the attacker, and between two visits of the proxy.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(10)];

/// The traffic that was sent during the change.
#[derive(Debug, Clone, Copy)]
pub struct Watched {
    /// SYNs of the attacker. None was answered.
    pub syns: u64,
    /// SYNs of the proxy. All its visits were served: one SYN for each visit, plus the SYNs that its kernel
    /// retransmitted.
    pub visits: u64,
}

impl Origin {
    /// Does work on the filter. Meanwhile the attacker keeps opening connections over both IP versions, and the proxy
    /// visits the site.
    ///
    /// # Panics
    /// If the origin sends the attacker a segment, or if a visit of the proxy fails.
    pub fn watched<T>(&self, work: impl FnOnce() -> T) -> (T, Watched) {
        let ended = AtomicBool::new(false);
        let repeated = self.repeated_syns();
        thread::scope(|scope| {
            let end = Ended(&ended);
            let attack = scope.spawn(|| {
                let _end = Ended(&ended);
                self.attack_until(&ended)
            });
            let visits = scope.spawn(|| {
                let _end = Ended(&ended);
                self.visit_until(&ended)
            });
            let done = work();
            drop(end);
            let [syns, visits] =
                [attack, visits].map(|traffic| traffic.join().unwrap_or_else(|panic| resume_unwind(panic)));
            let visits = visits + self.repeated_syns() - repeated;
            (done, Watched { syns, visits })
        })
    }

    /// SYNs that the proxy has retransmitted, as its own kernel counts them.
    fn repeated_syns(&self) -> u64 {
        let counters = || fs::read_to_string("/proc/thread-self/net/netstat").expect("counters");
        let text = self.site.proxy.run(counters);
        let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
        let (names, values) = (lines.next().expect("names"), lines.next().expect("values"));
        let mut pairs = names.split(' ').zip(values.split(' '));
        let (_, value) = pairs
            .find(|(name, _)| *name == "TCPSynRetrans")
            .expect("the counter");
        value.parse().expect("a number")
    }

    /// Sends SYNs from the attacker until the flag is set, and returns their number.
    fn attack_until(&self, ended: &AtomicBool) -> u64 {
        let mut syns = 0;
        let (attacker, origin) = (&self.site.attacker, &self.site.origin);
        let capture = attacker.capture_of_what_comes();
        let is_answer = |frame: &Captured| {
            let from = |family| {
                frame
                    .addresses()
                    .is_some_and(|ends| ends.0 == origin.address(family))
            };
            frame.tcp().is_some() && (from(Family::V4) || from(Family::V6))
        };
        let sender = attacker.sender();
        for number in (0..u64::MAX).take_while(|_| !ended.load(Relaxed)) {
            let family = [Family::V4, Family::V6][(number & 1) as usize];
            let from = attacker.endpoint(family, 1024 + (number % 60_000) as u16);
            sender.send(&syn(
                from,
                origin.endpoint(family, [80, 443][(number >> 1 & 1) as usize]),
            ));
            syns += 1;
            if number.is_multiple_of(64) {
                assert!(
                    capture.first(Duration::ZERO, is_answer).is_none(),
                    "a stranger was answered"
                );
            }
            thread::sleep(PAUSES[0]);
        }
        assert!(
            capture.first(SILENCE, is_answer).is_none(),
            "a stranger was answered"
        );
        syns
    }

    /// Visits the site from the proxy until the flag is set, and returns the number of visits.
    fn visit_until(&self, ended: &AtomicBool) -> u64 {
        let mut visits = 0;
        while !ended.load(Relaxed) {
            let page = self
                .site
                .proxy
                .connect(self.port(80), SOON)
                .and_then(|mut connection| connection.get("/"));
            assert_eq!(page.expect("the proxy is served"), PAGE);
            visits += 1;
            thread::sleep(PAUSES[1]);
        }
        visits
    }
}
