//! Prometheus's text format (version 0.0.4), which every version of it reads.
//!
//! What is not known has no line: a 0 would be a number that somebody believes.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use filter_common::Reason;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeGaugeValue, text::encode_registry},
    metrics::MetricType,
    registry::Registry,
};

use super::{Snapshot, snapshot::InterfaceCounts};
use crate::{
    agent::report::{Attempt, Report},
    entry::Action,
    error::escaped,
    settings::drop_level_name,
};

/// Everything there is to tell: of the filter, which may not be up, and of the agent.
pub fn text(filter: Option<Snapshot>, report: Report) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape { filter, report }));
    let mut text = String::new();
    encode_registry(&mut text, &registry)?;
    Ok(text)
}

const NO_LABELS: [(&str, &str); 0] = [];

/// What one answer is made of.
#[derive(Debug)]
struct Scrape {
    filter: Option<Snapshot>,
    report: Report,
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        page.gauge(
            "synwall_build_info",
            "Which version of synwall this is.",
            [([("version", env!("CARGO_PKG_VERSION"))], 1_u64)],
        )?;
        page.gauge(
            "synwall_up",
            "Whether there is a filter.",
            [(NO_LABELS, u64::from(self.filter.is_some()))],
        )?;
        if let Some(filter) = &self.filter {
            packets(&mut page, &filter.interfaces)?;
            lists(&mut page, filter)?;
            settings(&mut page, filter)?;
        }
        interfaces(&mut page, &self.report)?;
        inputs(&mut page, &self.report)?;
        sources(&mut page, &self.report)
    }
}

/// Every packet that the filter saw is in one series of `synwall_packets_total`, so that they add up.
fn packets(page: &mut Page<'_>, interfaces: &[InterfaceCounts]) -> fmt::Result {
    const PASSED: &str = "passed";
    let every = |interface: &'_ InterfaceCounts| {
        let totals = interface.totals;
        let dropped = Reason::ALL.map(|reason| (reason.name(), totals.dropped[reason as usize]));
        [(PASSED, totals.passed)].into_iter().chain(dropped)
    };
    let would_drop = |interface: &'_ InterfaceCounts| {
        let totals = interface.totals;
        Reason::ALL.map(|reason| (reason.name(), totals.would_drop[reason as usize]))
    };
    page.counter(
        "synwall_packets_total",
        "Packets that were seen, by what became of them: passed, or the reason why they were dropped.",
        interfaces.iter().flat_map(|interface| {
            every(interface).map(|(reason, count)| (of(interface, reason), count.packets))
        }),
    )?;
    page.counter(
        "synwall_bytes_total",
        "Bytes of the packets that were seen, from the Ethernet header on, by what became of them.",
        interfaces.iter().flat_map(|interface| {
            every(interface).map(|(reason, count)| (of(interface, reason), count.bytes))
        }),
    )?;
    page.counter(
        "synwall_would_drop_packets_total",
        "Packets that passed under the policy observe and would have been dropped under enforce, by reason.",
        interfaces.iter().flat_map(|interface| {
            would_drop(interface).map(|(reason, count)| (of(interface, reason), count.packets))
        }),
    )?;
    page.counter(
        "synwall_would_drop_bytes_total",
        "Bytes of the packets that would have been dropped, by reason.",
        interfaces.iter().flat_map(|interface| {
            would_drop(interface).map(|(reason, count)| (of(interface, reason), count.bytes))
        }),
    )?;
    page.gauge(
        "synwall_interface_attached",
        "Whether packets are filtered on an interface: 0 if it is gone, or was not confirmed in time.",
        interfaces.iter().map(|interface| {
            let labels = [
                ("interface", interface.name.as_str()),
                ("mode", interface.mode.name()),
                ("state", interface.condition.name()),
            ];
            (labels, u64::from(interface.condition.filters()))
        }),
    )
}

fn of<'a>(interface: &'a InterfaceCounts, reason: &'static str) -> [(&'static str, &'a str); 2] {
    [("interface", &interface.name), ("reason", reason)]
}

fn lists(page: &mut Page<'_>, filter: &Snapshot) -> fmt::Result {
    let Snapshot {
        summary,
        prefixes,
        omitted,
        ..
    } = filter;
    page.gauge(
        "synwall_generation",
        "Which of the places for lists has the ones in force: changes when a list is put in force as a whole.",
        [(NO_LABELS, u64::from(filter.generation))],
    )?;
    page.gauge(
        "synwall_prefixes",
        "Prefixes in force, by list and IP version.",
        Action::ALL.into_iter().flat_map(|list| {
            let (v4, v6) = summary.count(list);
            [("ipv4", v4), ("ipv6", v6)]
                .map(|(family, count)| ([("action", list.name()), ("family", family)], count as u64))
        }),
    )?;
    page.gauge(
        "synwall_runtime_only_prefixes",
        "Prefixes that the agent did not put there, and that are gone after a reboot.",
        Action::ALL.map(|list| ([("action", list.name())], summary.runtime_only(list) as u64)),
    )?;
    page.counter(
        "synwall_prefix_packets_total",
        "Packets by prefix: new connections of trusted ones, drops of denied and retired ones.",
        prefixes.iter().map(|(entry, count)| {
            let labels = [
                ("prefix", entry.prefix.to_string()),
                ("action", entry.action.name().to_owned()),
                ("label", entry.label.as_str().to_owned()),
                ("origin", entry.origin.as_str().to_owned()),
            ];
            (labels, count.packets)
        }),
    )?;
    page.gauge(
        "synwall_prefix_series_omitted",
        "Prefixes with fewer packets that are not shown one by one ([metrics] prefixes).",
        [(NO_LABELS, *omitted as u64)],
    )
}

fn settings(page: &mut Page<'_>, filter: &Snapshot) -> fmt::Result {
    let settings = &filter.settings;
    let labels = [
        ("policy", settings.policy.name().to_owned()),
        ("drop", drop_level_name(settings.drop).to_owned()),
        ("tcp", settings.tcp.to_string()),
        ("udp", settings.udp.to_string()),
    ];
    page.gauge(
        "synwall_settings_info",
        "What the filter does: policy, drop level, protected ports.",
        [(labels, 1_u64)],
    )
}

fn interfaces(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    page.gauge(
        "synwall_unprotected_interfaces",
        "Interfaces that the configuration names and that are there, on which the filter is not in force.",
        [(NO_LABELS, report.unprotected.len() as u64)],
    )?;
    page.gauge(
        "synwall_interface_unprotected",
        "1 for each of these interfaces.",
        report
            .unprotected
            .iter()
            .map(|(name, _)| ([("interface", name.as_str())], 1_u64)),
    )?;
    page.gauge(
        "synwall_interface_absent",
        "1 for each name or pattern of the configuration that no interface has.",
        report
            .absent
            .iter()
            .map(|pattern| ([("interface", escaped(pattern))], 1_u64)),
    )
}

/// The configuration, what was made of it, list files.
fn inputs(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let Report { config, applied, .. } = report;
    page.gauge(
        "synwall_config_last_success_timestamp_seconds",
        "When a configuration was last read and taken.",
        seconds(config.succeeded).map(|time| (NO_LABELS, time)),
    )?;
    page.gauge(
        "synwall_config_last_reload_successful",
        "Whether the configuration file, as it is now, is in force.",
        last(config).map(|is_good| (NO_LABELS, is_good)),
    )?;
    page.counter(
        "synwall_config_failures_total",
        "How often a configuration was refused.",
        [(NO_LABELS, config.failures)],
    )?;
    page.gauge(
        "synwall_apply_last_success_timestamp_seconds",
        "When the kernel was last brought to what is wanted.",
        seconds(applied.succeeded).map(|time| (NO_LABELS, time)),
    )?;
    page.gauge(
        "synwall_apply_last_successful",
        "Whether the kernel could be brought to what is wanted when that was last tried.",
        last(applied).map(|is_good| (NO_LABELS, is_good)),
    )?;
    page.counter(
        "synwall_apply_failures_total",
        "How often the kernel could not be brought to what is wanted.",
        [(NO_LABELS, applied.failures)],
    )?;
    let files = || {
        report.files.iter().map(|file| {
            let labels = [
                ("action", file.list.name().to_owned()),
                ("file", escaped(&file.path.display().to_string())),
            ];
            (labels, file)
        })
    };
    page.gauge(
        "synwall_file_prefixes",
        "Prefixes of a list file that are in force.",
        files().map(|(labels, file)| (labels, file.prefixes as u64)),
    )?;
    page.gauge(
        "synwall_file_last_read_successful",
        "Whether a list file, as it is now, is in force.",
        files().map(|(labels, file)| (labels, u64::from(file.error.is_none()))),
    )
}

fn sources(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let sources = || {
        report.feeds.iter().map(|feed| {
            (
                [("source", feed.name.as_str()), ("origin", feed.origin.as_str())],
                feed,
            )
        })
    };
    page.gauge(
        "synwall_source_prefixes",
        "Prefixes of a source's list.",
        sources().map(|(labels, feed)| (labels, feed.prefixes as u64)),
    )?;
    page.gauge(
        "synwall_source_interval_seconds",
        "From one attempt to fetch a source to the next, without jitter.",
        sources().filter_map(|(labels, feed)| Some((labels, feed.interval?.as_secs_f64()))),
    )?;
    page.gauge(
        "synwall_source_last_success_timestamp_seconds",
        "When a source was last fetched and its list taken.",
        sources().filter_map(|(labels, feed)| Some((labels, seconds(feed.fetched.succeeded)?))),
    )?;
    page.gauge(
        "synwall_source_last_fetch_successful",
        "Whether a source could be fetched, and its list taken, when that was last tried.",
        sources().filter_map(|(labels, feed)| Some((labels, last(&feed.fetched)?))),
    )?;
    page.counter(
        "synwall_source_failures_total",
        "How often a source could not be fetched, or its list was refused, since the agent started.",
        sources()
            .filter(|(_, feed)| feed.interval.is_some())
            .map(|(labels, feed)| (labels, feed.fetched.failures)),
    )
}

/// Seconds since the epoch.
fn seconds(time: Option<SystemTime>) -> Option<f64> {
    Some(time?.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}

/// Whether the last attempt succeeded, if there was one.
fn last(attempt: &Attempt) -> Option<u64> {
    let is_known = attempt.tried.is_some() || attempt.error.is_some();
    is_known.then(|| u64::from(attempt.error.is_none()))
}

/// The page that is being written.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn gauge<L: AsRef<str>, const LABELS: usize, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = ([(&'static str, L); LABELS], V)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Gauge, series)
    }

    fn counter<L: AsRef<str>, const LABELS: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = ([(&'static str, L); LABELS], u64)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Counter, series)
    }

    /// The library writes OpenMetrics, in which a counter's family has no `_total` and its lines have: in the older format,
    /// both have. So its lines are written as those of a gauge, which have the name as it is.
    fn family<L: AsRef<str>, const LABELS: usize, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        series: impl IntoIterator<Item = ([(&'static str, L); LABELS], V)>,
    ) -> fmt::Result {
        let mut series = series.into_iter().peekable();
        if series.peek().is_none() {
            return Ok(());
        }
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        for (labels, value) in series {
            if LABELS == 0 {
                family.encode_gauge(&value)?;
            } else {
                let labels = labels.each_ref().map(|(name, value)| (*name, value.as_ref()));
                family.encode_family(&labels)?.encode_gauge(&value)?;
            }
        }
        Ok(())
    }
}
