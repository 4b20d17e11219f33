//! The measurement loop: all sides take turns, one slice of time each, round after round. Machines change their speed
//! every few seconds, so only two slices of the same round are compared.

use std::fmt;
use std::time::Duration;

use super::cpu;
use super::flood::Flood;
use super::sides::Side;
use super::spread::Spread;
use super::wires::Sender;

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How many slices each side gets.
    pub rounds: usize,
    /// The length of a slice.
    pub slice: Duration,
}

impl fmt::Display for Pace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} ms each, in {} rounds",
            self.slice.as_millis(),
            self.rounds
        )
    }
}

/// A side, and the flood that it receives.
#[derive(Debug, Clone, Copy)]
pub struct Lane<'a> {
    /// The receiving side.
    pub side: &'a Side,
    /// The flood that is sent.
    pub flood: &'a Flood,
}

/// For each round, the nanoseconds that a lane took for a packet. `None` if the slice was disturbed.
#[derive(Debug, Clone)]
pub struct Samples(pub Vec<Option<f64>>);

impl Samples {
    /// Nanoseconds for a packet.
    #[must_use]
    pub fn spread(&self) -> Option<Spread> {
        Spread::of(self.0.iter().flatten().copied())
    }

    /// The time divided by the other lane's time, round by round.
    #[must_use]
    pub fn relative_to(&self, other: &Self) -> Option<Spread> {
        self.against(other, |mine, theirs| mine / theirs)
    }

    /// The time minus the other lane's time in nanoseconds, round by round.
    #[must_use]
    pub fn above(&self, other: &Self) -> Option<Spread> {
        self.against(other, |mine, theirs| mine - theirs)
    }

    fn against(&self, other: &Self, compare: impl Fn(f64, f64) -> f64) -> Option<Spread> {
        let both = self.0.iter().zip(&other.0);
        Spread::of(both.filter_map(|(mine, theirs)| Some(compare((*mine)?, (*theirs)?))))
    }
}

/// Frames of the first try. The size of the next try is computed from it.
const TRY: u32 = 256;

/// Sends each lane's flood in turn. Checks by each side's own count that it dropped all received frames.
pub fn flood(sender: &Sender, lanes: &[Lane<'_>], pace: Pace) -> Vec<Samples> {
    // Lanes may share a side, and some sides take a while to report their count.
    let mut sides: Vec<&Side> = lanes.iter().map(|lane| lane.side).collect();
    sides.sort_by_key(|side| side.receiver.through);
    sides.dedup_by_key(|side| side.receiver.through);
    let before: Vec<_> = sides.iter().map(|side| counted(side)).collect();
    let samples = sender.namespace().run(|| {
        cpu::stay_on(cpu::last());
        let sizes: Vec<u32> = lanes.iter().map(|lane| size(lane, pace.slice)).collect();
        alternate(lanes.len(), pace.rounds, |lane| slice(&lanes[lane], sizes[lane]))
    });
    for (side, before) in sides.iter().zip(before) {
        let now = counted(side);
        let (received, dropped) = (now.0 - before.0, now.1 - before.1);
        assert!(
            received == dropped,
            "{} received {received} frames and counts {dropped} as dropped",
            side.kind.name()
        );
    }
    samples
}

/// Runs something of each kind in turn. Every other round runs backwards, so that no kind is always the first.
pub fn alternate(kinds: usize, rounds: usize, mut run: impl FnMut(usize) -> Option<f64>) -> Vec<Samples> {
    let mut samples = vec![Samples(Vec::with_capacity(rounds)); kinds];
    for round in 0..rounds {
        for turn in 0..kinds {
            let kind = if round % 2 == 0 { turn } else { kinds - 1 - turn };
            samples[kind].0.push(run(kind));
        }
    }
    samples
}

fn counted(side: &Side) -> (u64, u64) {
    (side.receiver.nic.counters().received, side.dropped())
}

/// The number of frames that fills a slice, found in several steps. The sides differ by orders of magnitude, and the
/// first frames pay for caches and for the set-up of a side.
fn size(lane: &Lane<'_>, slice: Duration) -> u32 {
    let mut frames = TRY;
    for _ in 0..3 {
        let (sent, time) = lane.flood.send(lane.side.receiver.through, frames);
        let fitting = f64::from(sent) * slice.as_secs_f64() / time.as_secs_f64();
        frames = (fitting as u32).clamp(TRY, frames.saturating_mul(64));
    }
    frames
}

/// The least share of CPU time for the thread of an undisturbed slice. Other processes had the rest.
const UNDISTURBED: f64 = 0.97;

/// Nanoseconds for a frame. A disturbed slice is measured once more, and the better result counts.
fn slice(lane: &Lane<'_>, frames: u32) -> Option<f64> {
    let (share, time) = once(lane, frames);
    if time.is_some() && share >= UNDISTURBED {
        return time;
    }
    let (again, second) = once(lane, frames);
    if second.is_some() && (again > share || time.is_none()) {
        second
    } else {
        time
    }
}

/// The share of the CPU, and the nanoseconds for a frame. No time if frames were missing when the sender was done.
fn once(lane: &Lane<'_>, frames: u32) -> (f64, Option<f64>) {
    let receiver = &lane.side.receiver;
    let (before, used) = (receiver.nic.counters().received, cpu::used());
    let (sent, time) = lane.flood.send(receiver.through, frames);
    let used = cpu::used() - used;
    let received = receiver.nic.counters().received - before;
    let all = received == u64::from(sent);
    (
        used.as_secs_f64() / time.as_secs_f64(),
        all.then(|| time.as_nanos() as f64 / f64::from(sent)),
    )
}
