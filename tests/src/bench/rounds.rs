//! The measurement: all sides in turn, a slice of time each, round after round. Machines change their speed every
//! few seconds; what is compared is always two slices of one round.

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
    /// How many times it is each side's turn.
    pub rounds: usize,
    /// For how long.
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

/// A side, and what comes at it.
#[derive(Debug, Clone, Copy)]
pub struct Lane<'a> {
    /// Who receives.
    pub side: &'a Side,
    /// What is sent.
    pub flood: &'a Flood,
}

/// What a lane took for a packet in each round, in nanoseconds; none where the slice was disturbed.
#[derive(Debug, Clone)]
pub struct Samples(pub Vec<Option<f64>>);

impl Samples {
    /// Nanoseconds for a packet.
    #[must_use]
    pub fn spread(&self) -> Option<Spread> {
        Spread::of(self.0.iter().flatten().copied())
    }

    /// How many times as long as the other, round by round.
    #[must_use]
    pub fn relative_to(&self, other: &Self) -> Option<Spread> {
        self.against(other, |mine, theirs| mine / theirs)
    }

    /// How many nanoseconds longer than the other, round by round.
    #[must_use]
    pub fn above(&self, other: &Self) -> Option<Spread> {
        self.against(other, |mine, theirs| mine - theirs)
    }

    fn against(&self, other: &Self, compare: impl Fn(f64, f64) -> f64) -> Option<Spread> {
        let both = self.0.iter().zip(&other.0);
        Spread::of(both.filter_map(|(mine, theirs)| Some(compare((*mine)?, (*theirs)?))))
    }
}

/// Frames of the first try, from which the next one's size is guessed.
const TRY: u32 = 256;

/// Sends each lane's flood in turn, and checks that each side dropped, by its own count, all that came.
pub fn flood(sender: &Sender, lanes: &[Lane<'_>], pace: Pace) -> Vec<Samples> {
    // Lanes may share a side, and some sides take their time to tell.
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

/// Runs something of each kind in turn, every other round backwards, so that none is always the first.
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

/// How many frames fill a slice, found step by step: the sides differ by orders of magnitude, and the first frames
/// pay for caches and for what a side sets up when it sees the first one.
fn size(lane: &Lane<'_>, slice: Duration) -> u32 {
    let mut frames = TRY;
    for _ in 0..3 {
        let (sent, time) = lane.flood.send(lane.side.receiver.through, frames);
        let fitting = f64::from(sent) * slice.as_secs_f64() / time.as_secs_f64();
        frames = (fitting as u32).clamp(TRY, frames.saturating_mul(64));
    }
    frames
}

/// The share of a slice that its thread should have had of the CPU. The rest went to somebody else's process.
const UNDISTURBED: f64 = 0.97;

/// Nanoseconds for a frame. A slice that was disturbed gets a second chance; the better one counts.
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

/// The share of the CPU, and nanoseconds for a frame; none if not every frame was received when the sender was done.
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
