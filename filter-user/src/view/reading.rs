//! Reading a filter: everything that the caller wants, in one go under the filter's lock, which is then let go.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use filter_common::DropLevel;
use serde::{Serialize, Serializer};

use super::{
    by_list::{ByList, Versions},
    interface::Interface,
    packets::Packets,
    prefix::{self, Prefix},
    rate::per_second,
    source::Sources,
};
use crate::{
    filter::{attachment::Attachment, error::Result, instance::Instance, totals::Totals},
    lists::sources,
    model::{
        entry::Action,
        ports::PortSet,
        settings::{Policy, drop_level_name},
    },
    sys::clock,
};

/// What a caller wants beyond the settings, the interfaces and the counts of the lists. Nothing else is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// The prefixes with their counters.
    pub prefixes: Prefixes,
    /// The networks that drops came from.
    pub sources: bool,
    /// The rate of drops, sampled for this long.
    pub rate: Option<Duration>,
}

/// Which prefixes a caller wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prefixes {
    /// None: their counters are not read.
    #[default]
    None,
    /// One list.
    List(Action),
    /// So many with the most packets, trusted ones before others.
    Busiest(usize),
    /// All.
    All,
}

/// A filter at one moment. As JSON it is what `synwall status --json` shows.
#[derive(Clone, Debug, Serialize)]
pub struct Reading {
    /// When the counters were read.
    #[serde(skip)]
    pub at: Instant,
    /// Whether packets are dropped.
    #[serde(serialize_with = "policy")]
    pub policy: Policy,
    /// What happens to segments that open no connection.
    #[serde(serialize_with = "drop_level")]
    pub drop: DropLevel,
    /// Protected TCP ports.
    #[serde(serialize_with = "ports")]
    pub tcp: PortSet,
    /// Protected UDP ports.
    #[serde(serialize_with = "ports")]
    pub udp: PortSet,
    /// Which generation of the lists is in force.
    #[serde(skip)]
    pub generation: u32,
    /// Entries that have not expired.
    #[serde(flatten)]
    pub entries: ByList<Versions>,
    /// Entries that are gone after a reboot.
    pub runtime_only: ByList<usize>,
    /// The interfaces.
    pub interfaces: Vec<Interface>,
    /// What all interfaces counted.
    pub packets: Packets,
    /// The prefixes that the caller wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefixes: Option<Vec<Prefix>>,
    /// How many prefixes there are beside these.
    #[serde(skip)]
    pub omitted: usize,
    /// The networks that drops came from, if the caller wanted them.
    #[serde(flatten)]
    pub sources: Option<Sources>,
}

impl Reading {
    /// Reads the filter in `pin_dir`.
    pub fn read(pin_dir: &Path, wanted: Wanted) -> Result<Self> {
        let filter = Instance::open(pin_dir)?;
        let now = clock::now_ns()?;
        let interfaces = interfaces(&filter, now, wanted.rate)?;
        let at = Instant::now();
        let sources = wanted
            .sources
            .then(|| sources::read(filter.pins(), filter.settings().sources))
            .transpose()?;
        let summary = filter.live_summary()?;
        let counted = (wanted.prefixes != Prefixes::None)
            .then(|| filter.counted())
            .transpose()?;
        let (settings, generation) = (filter.settings().clone(), filter.lists().number());
        // What follows takes no look at the kernel.
        drop(filter);

        let mut omitted = 0;
        let prefixes = counted.map(|mut counted| {
            let all = counted.len();
            match wanted.prefixes {
                Prefixes::None | Prefixes::All => {}
                Prefixes::List(list) => counted.retain(|(entry, _)| entry.action == list),
                Prefixes::Busiest(most) => counted = prefix::busiest(counted, most),
            }
            omitted = all - counted.len();
            let rows = counted.into_iter();
            rows.map(|(entry, count)| Prefix::new(entry, &count, now))
                .collect()
        });
        Ok(Self {
            at,
            policy: settings.policy,
            drop: settings.drop,
            tcp: settings.tcp,
            udp: settings.udp,
            generation,
            entries: ByList::new(|list| {
                let (v4, v6) = summary.count(list);
                Versions { v4, v6 }
            }),
            runtime_only: ByList::new(|list| summary.runtime_only(list)),
            packets: interfaces
                .iter()
                .map(|interface| interface.packets)
                .reduce(Packets::plus)
                // On no interface nothing is dropped.
                .unwrap_or(Packets {
                    drops_per_second: wanted.rate.map(|_| 0),
                    ..Packets::default()
                }),
            interfaces,
            prefixes,
            omitted,
            sources: sources.map(Sources::from),
        })
    }

    /// Whether the filter is in force on any interface here.
    pub fn is_in_force(&self) -> bool {
        self.interfaces
            .iter()
            .any(|interface| interface.state.is_in_force())
    }
}

fn interfaces(filter: &Instance, now_ns: u64, sample: Option<Duration>) -> Result<Vec<Interface>> {
    let attachments = filter.attachments();
    let totals = || -> Result<Vec<Totals>> {
        let totals = |attachment: &Attachment| attachment.totals(filter.pins());
        attachments.iter().map(totals).collect()
    };
    let sampled = match sample {
        Some(sample) if !attachments.is_empty() => {
            let (before, begun) = (totals()?, Instant::now());
            thread::sleep(sample);
            let (after, time) = (totals()?, begun.elapsed());
            let rate = |(before, after): (&Totals, &Totals)| {
                per_second(stopped(after).saturating_sub(stopped(before)), time)
            };
            let rates: Vec<u64> = before.iter().zip(&after).map(rate).collect();
            after.into_iter().zip(rates.into_iter().map(Some)).collect()
        }
        _ => totals()?
            .into_iter()
            .map(|totals| (totals, None))
            .collect::<Vec<_>>(),
    };
    let interfaces = attachments.iter().zip(sampled);
    Ok(interfaces
        .map(|(attachment, (totals, rate))| Interface::new(filter, attachment, now_ns, totals, rate))
        .collect())
}

fn stopped(totals: &Totals) -> u64 {
    totals.all_dropped().saturating_add(totals.all_would_drop())
}

fn policy<S: Serializer>(policy: &Policy, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(policy.name())
}

fn drop_level<S: Serializer>(level: &DropLevel, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(drop_level_name(*level))
}

fn ports<S: Serializer>(ports: &PortSet, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_seq(ports.iter())
}
