//! Traffic beside whatever is done to a filter: strangers who must not hear anything, and a proxy that must be served.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use super::{Origin, SILENCE, SOON};
use crate::lab::frame::syn;
use crate::lab::{Captured, Ended, Family, PAGE};

/// Between two SYNs of the stranger, and between two visits of the proxy.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(10)];

/// What came by meanwhile.
#[derive(Debug, Default)]
pub struct Watched {
    /// SYNs of a stranger, of which none was answered.
    pub syns: AtomicU64,
    /// Visits of the proxy, each of which was served.
    pub visits: AtomicU64,
}

impl Origin {
    /// Does something to the filter while the attacker opens connections over both IP versions without pause, and the
    /// proxy visits the site.
    ///
    /// # Panics
    /// If the origin sends the attacker a single segment, or if a visit of the proxy fails.
    pub fn watched<T>(&self, work: impl FnOnce(&Watched) -> T) -> T {
        let (ended, watched) = (AtomicBool::new(false), Watched::default());
        thread::scope(|scope| {
            let end = Ended(&ended);
            let attack = scope.spawn(|| {
                let _end = Ended(&ended);
                self.attack_until(&ended, &watched.syns);
            });
            let visits = scope.spawn(|| {
                let _end = Ended(&ended);
                self.visit_until(&ended, &watched.visits);
            });
            let done = work(&watched);
            drop(end);
            for traffic in [attack, visits] {
                traffic
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
            done
        })
    }

    fn attack_until(&self, ended: &AtomicBool, syns: &AtomicU64) {
        let (attacker, origin) = (&self.site.attacker, &self.site.origin);
        let capture = attacker.capture();
        let is_answer = |frame: &Captured| {
            let from = |family| {
                frame
                    .addresses()
                    .is_some_and(|ends| ends.0 == origin.address(family))
            };
            !frame.outgoing && frame.tcp().is_some() && (from(Family::V4) || from(Family::V6))
        };
        let sender = attacker.sender();
        for number in (0..u64::MAX).take_while(|_| !ended.load(Relaxed)) {
            let family = [Family::V4, Family::V6][(number & 1) as usize];
            let from = attacker.endpoint(family, 1024 + (number % 60_000) as u16);
            sender.send(&syn(
                from,
                origin.endpoint(family, [80, 443][(number >> 1 & 1) as usize]),
            ));
            syns.fetch_add(1, Relaxed);
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
    }

    fn visit_until(&self, ended: &AtomicBool, visits: &AtomicU64) {
        while !ended.load(Relaxed) {
            let page = self
                .site
                .proxy
                .connect(self.port(80), SOON)
                .and_then(|mut connection| connection.get("/"));
            assert_eq!(page.expect("the proxy is served"), PAGE);
            visits.fetch_add(1, Relaxed);
            thread::sleep(PAUSES[1]);
        }
    }
}
