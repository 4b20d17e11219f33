//! Compares the program with an iptables script. Frames with the same verdict are sent together, because reading the
//! counters of rules takes longer than sending a thousand frames. If the sum is wrong, they are sent one by one.

use std::collections::{BTreeMap, BTreeSet};

use etherparse::Ipv4HeaderSlice;
use fastrand::Rng;
use filter_common::{DropLevel, Reason};
use filter_user::model::{entry::Action, settings::Policy};

use super::{
    host::{Host, MTU, Tally},
    script::Script,
    tally::Totals,
};
use crate::{
    lab::Lab,
    oracle::{
        config::{Config, Entry},
        difference::Difference,
        generate,
        reference::{self, Because, Link, Wants},
        sockets::{self, Sockets},
        subject::{Subject, Way},
    },
};

/// Frames for each configuration.
const FRAMES: usize = 4_000;

/// Compares at least `frames` frames, from `seed` on.
///
/// # Panics
/// Without root, and if a filter or a script cannot be set up.
pub fn run(script: Script, seed: u64, frames: u64) -> Totals {
    let _lab = Lab::new();
    let mut totals = Totals::default();
    let mut seed = seed;
    while totals.frames < frames {
        batch(script, seed, &mut totals);
        seed = seed.wrapping_add(1);
    }
    totals
}

fn batch(script: Script, seed: u64, totals: &mut Totals) {
    let mut random = Rng::with_seed(seed);
    let config = can_express(generate::config(&mut random), script);
    let frames = frames(&mut random, &config);
    // Frames that pass come first. Otherwise the host could hold fragments from before that synwall would have
    // dropped.
    let mut groups: BTreeMap<(bool, &str, Option<&str>), Group<'_>> = BTreeMap::new();
    sockets::host().run(|| {
        let sockets = Sockets::open();
        let mut subject = Subject::new(&config);
        for frame in &frames {
            let because = reference::judge(&config, &sockets, frame).because;
            // Another test compares the program with the reference. Here the reference only explains the program's
            // verdict.
            let passed = subject.judge(frame, Way::Frags).passed;
            assert_eq!(
                passed,
                because.reason().is_none(),
                "seed {seed}: program and reference differ"
            );
            let may_differ = may_differ(script, &config, because, frame);
            let group = groups.entry((!passed, because.name(), may_differ));
            let group = group.or_insert_with(|| Group {
                because,
                frames: Vec::new(),
            });
            group.frames.push(frame);
        }
        subject.remove();
    });
    let mut host = Host::new(&config, script);
    for ((_, name, may_differ), group) in groups {
        let met = host.meets(group.frames.iter().copied());
        totals.add(name, [group.frames.len() as u64, met.dropped, met.accepted]);
        let opposite = opposite(group.because, met);
        if let Some(reason) = may_differ {
            *totals.explained.entry(reason).or_default() += opposite;
        } else if opposite != 0 {
            let what = format!("{script:?} script");
            let differences = group.one_by_one(&mut host, |frame, met| Difference {
                seed,
                config: &config,
                what: what.clone(),
                expected: name.to_owned(),
                seen: format!("{met:?}"),
                frame,
            });
            totals.unexplained.extend(differences);
        }
    }
}

/// Frames of every kind, and packets in fragments.
fn frames(random: &mut Rng, config: &Config) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for id in 0.. {
        if frames.len() >= FRAMES {
            break;
        }
        frames.extend(generate::fragments(random, config, id));
        frames.extend((0..4).map(|_| generate::frame(random, config)));
    }
    frames.retain(|frame| frame.len() <= MTU);
    frames.into_iter().map(with_checksum).collect()
}

/// Frames with the same verdict.
struct Group<'a> {
    because: Because,
    frames: Vec<&'a [u8]>,
}

impl Group<'_> {
    /// The differences of a group whose sum was wrong: each frame is sent alone.
    fn one_by_one<'a>(
        &'a self,
        host: &mut Host,
        difference: impl Fn(&'a [u8], Tally) -> Difference<'a>,
    ) -> Vec<String> {
        let mut differences = Vec::new();
        for frame in &self.frames {
            let met = host.meets([*frame]);
            if opposite(self.because, met) != 0 {
                differences.push(difference(frame, met).to_string());
            }
        }
        if differences.is_empty() {
            let first = self.frames.first();
            let first = first.map(|frame| difference(frame, Tally::default()).to_string());
            differences.push(format!(
                "{} frames differ together (fragments?), none of them alone; the first:\n{}",
                self.frames.len(),
                first.unwrap_or_default()
            ));
        }
        differences
    }
}

/// How many frames the script treated in the opposite way to the program.
const fn opposite(because: Because, met: Tally) -> u64 {
    match because {
        Because::Dropped(_) => met.accepted,
        _ => met.dropped,
    }
}

/// The known reason why script and program may differ about a frame, if there is one.
fn may_differ(script: Script, config: &Config, because: Because, frame: &[u8]) -> Option<&'static str> {
    let wants = reference::wants(config, frame);
    match (script, because, wants) {
        (_, Because::Dropped(Reason::Malformed), None) => {
            Some("synwall looks for nobody behind more than four tags, a script does behind any number")
        }
        (Script::Plain, ..) => None,
        (_, Because::Dropped(Reason::Malformed | Reason::Fragment), Some(Wants::Hidden(_))) => {
            Some("a segment without its header has neither flags nor state that a rule could be about")
        }
        (Script::Syns, ..) => None,
        (_, Because::OpensNothing, _) => Some(
            "connection tracking takes a segment in the middle of nothing for a new connection, and synwall asks nobody",
        ),
        (
            _,
            Because::Dropped(Reason::UntrustedSyn),
            Some(Wants::Tcp {
                makes_sense: false, ..
            }),
        ) => Some(
            "connection tracking has no state for a SYN with other flags or a broken header: the script lets it through",
        ),
        _ => None,
    }
}

/// The configuration, reduced to what a script can express.
fn can_express(config: Config, script: Script) -> Config {
    let can =
        |entry: &Entry| entry.action == Action::Trust && !entry.expired && entry.prefix.prefix_len() > 0;
    let mut entries: Vec<Entry> = config.entries.iter().copied().filter(can).collect();
    if entries.is_empty() {
        entries.extend(config.entries.first().map(|entry| Entry {
            expired: false,
            ..*entry
        }));
    }
    let mut tcp = config.tcp;
    tcp.insert(443);
    Config {
        tcp,
        udp: BTreeSet::new(),
        drop: match script {
            Script::Plain => DropLevel::All,
            Script::Tracking | Script::Syns => DropLevel::New,
        },
        policy: Policy::Enforce,
        entries,
    }
}

/// The frame with a correct checksum in its IPv4 header, if it has one. Linux drops packets with a wrong one.
fn with_checksum(mut frame: Vec<u8>) -> Vec<u8> {
    const CHECKSUM: usize = 10;
    let Link::Ipv4(packet) = Link::of(&frame) else {
        return frame;
    };
    let Ok(header) = Ipv4HeaderSlice::from_slice(packet) else {
        return frame;
    };
    let at = frame.len() - packet.len() + CHECKSUM;
    let sum = header.to_header().calc_header_checksum();
    frame[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    frame
}
