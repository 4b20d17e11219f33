//! Metrics as text, in the format that Prometheus reads
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).

use std::{
    fmt::{self, Write as _},
    time::SystemTime,
};

use filter_common::{Count, Reason};
use ipnet::IpNet;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet, text::encode},
    metrics::MetricType,
    registry::Registry,
};

use super::snapshot::{OnInterface, Snapshot};
use crate::{
    agent::report::{Attempt, FileReport, Report},
    filter::totals::Totals,
    model::settings::{Policy, drop_level_name},
};

/// What there is to tell of a filter, which is none if it is not up, and of the agent. The agent has something to tell also
/// where the filter cannot be read.
pub fn text(filter: Result<Option<Snapshot>, Unreadable>, report: Report) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("synwall");
    registry.register_collector(Box::new(Scrape { filter, report }));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(classic(&text))
}

/// The library writes OpenMetrics, where the names in `TYPE` and `HELP` of counters lack the `_total` of their samples.
/// Prometheus reads that if it is announced; other readers of the older format, `promtool` among them, do not.
fn classic(text: &str) -> String {
    let mut classic = String::with_capacity(text.len() + text.len() / 8);
    let mut help = None;
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            // What follows says whether it is a counter.
            help = rest.split_once(' ');
            continue;
        }
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let total = if kind == "counter" { "_total" } else { "" };
            if let Some((_, words)) = help.take() {
                let _ = writeln!(classic, "# HELP {name}{total} {words}");
            }
            let _ = writeln!(classic, "# TYPE {name}{total} {kind}");
            continue;
        }
        classic.push_str(line);
        classic.push('\n');
    }
    classic
}

/// There may be a filter, and it cannot be read: another version's, or no memory.
#[derive(Clone, Copy, Debug)]
pub struct Unreadable;

#[derive(Debug)]
struct Scrape {
    filter: Result<Option<Snapshot>, Unreadable>,
    report: Report,
}

/// A sample: its labels, and its value.
type Sample<const N: usize, V> = ([(&'static str, String); N], V);

struct Encoder<'a> {
    encoder: DescriptorEncoder<'a>,
}

impl Encoder<'_> {
    fn counter<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = Sample<N, u64>>,
    ) -> fmt::Result {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return Ok(());
        }
        let mut metric = self
            .encoder
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        samples.try_for_each(|(labels, value)| {
            // Without labels, there are no braces.
            if N == 0 {
                return metric.encode_counter::<NoLabelSet, _, u64>(&value, None);
            }
            metric
                .encode_family(&labels.as_slice())?
                .encode_counter::<NoLabelSet, _, u64>(&value, None)
        })
    }

    fn gauge<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = Sample<N, f64>>,
    ) -> fmt::Result {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return Ok(());
        }
        let mut metric = self
            .encoder
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        samples.try_for_each(|(labels, value)| {
            if N == 0 {
                return metric.encode_gauge(&value);
            }
            metric.encode_family(&labels.as_slice())?.encode_gauge(&value)
        })
    }

    fn filter(&mut self, snapshot: &Snapshot) -> fmt::Result {
        let dropped: fn(&Totals) -> &[Count] = |totals| &totals.dropped;
        let would_drop: fn(&Totals) -> &[Count] = |totals| &totals.would_drop;
        let by_reason = |counts: fn(&Totals) -> &[Count], of: fn(&Count) -> u64| {
            let on_interface = move |interface: &OnInterface| -> Vec<Sample<2, u64>> {
                let of_reason = |reason: &Reason| {
                    let count = &counts(&interface.totals)[reason.index()];
                    let labels = [
                        ("interface", interface.name.clone()),
                        ("reason", reason.name().to_owned()),
                    ];
                    (labels, of(count))
                };
                Reason::ALL.iter().map(of_reason).collect()
            };
            snapshot.interfaces.iter().flat_map(on_interface)
        };
        let passed = |of: fn(&Count) -> u64| {
            let interfaces = snapshot.interfaces.iter();
            interfaces.map(move |interface| {
                (
                    [("interface", interface.name.clone())],
                    of(&interface.totals.passed),
                )
            })
        };
        let packets: fn(&Count) -> u64 = |count| count.packets;
        let bytes: fn(&Count) -> u64 = |count| count.bytes;
        self.counter(
            "packets",
            "Packets that were dropped, by reason",
            by_reason(dropped, packets),
        )?;
        self.counter(
            "bytes",
            "Bytes of the packets that were dropped, by reason",
            by_reason(dropped, bytes),
        )?;
        self.counter(
            "passed_packets",
            "Packets that passed, those that would be dropped included",
            passed(packets),
        )?;
        self.counter("passed_bytes", "Bytes of the packets that passed", passed(bytes))?;
        self.counter(
            "would_drop_packets",
            "Packets that passed because the policy is observe, by the reason to drop them",
            by_reason(would_drop, packets),
        )?;
        self.counter(
            "would_drop_bytes",
            "Bytes of the packets that passed because the policy is observe",
            by_reason(would_drop, bytes),
        )?;
        let interface = |interface: &OnInterface| {
            let labels = [
                ("interface", interface.name.clone()),
                ("mode", interface.mode.to_owned()),
                ("state", interface.condition.to_owned()),
            ];
            (labels, 1.0)
        };
        self.gauge(
            "interface_info",
            "Where the filter is: the mode of its program, and how it stands with it",
            snapshot.interfaces.iter().map(interface),
        )?;
        let enforces = f64::from(u8::from(snapshot.policy == Policy::Enforce));
        self.gauge(
            "enforcing",
            "Whether packets are dropped (1) or only counted (0)",
            [([], enforces)],
        )?;
        let level = drop_level_name(snapshot.drop).to_owned();
        self.gauge(
            "drop_level_info",
            "What happens to segments that open no connection",
            [([("level", level)], 1.0)],
        )?;
        self.gauge(
            "generation",
            "Which of the two generations of the lists is in force",
            [([], snapshot.generation.into())],
        )?;
        let entries = snapshot.entries.iter().flat_map(|(action, v4, v6)| {
            [("ipv4", *v4), ("ipv6", *v6)].map(|(family, count)| {
                (
                    [
                        ("action", action.name().to_owned()),
                        ("family", family.to_owned()),
                    ],
                    count as f64,
                )
            })
        });
        self.gauge("prefixes", "Entries of the lists", entries)?;
        let runtime_only = snapshot.runtime_only.iter();
        let runtime_only =
            runtime_only.map(|(action, count)| ([("action", action.name().to_owned())], *count as f64));
        self.gauge(
            "runtime_only_prefixes",
            "Entries that are gone after a reboot",
            runtime_only,
        )?;
        self.prefixes(snapshot)
    }

    fn prefixes(&mut self, snapshot: &Snapshot) -> fmt::Result {
        let samples = |of: fn(&filter_common::PrefixCount) -> u64| {
            snapshot.prefixes.iter().map(move |(entry, count)| {
                let labels = [
                    ("prefix", shown(&entry.prefix)),
                    ("action", entry.action.name().to_owned()),
                    ("label", entry.label.as_str().to_owned()),
                    ("origin", entry.origin.as_str().to_owned()),
                ];
                (labels, of(count))
            })
        };
        self.counter(
            "prefix_packets",
            "What was counted on a prefix: new connections and datagrams if trusted, drops if not",
            samples(|count| count.packets),
        )?;
        self.counter(
            "prefix_bytes",
            "The bytes of these packets",
            samples(|count| count.bytes),
        )?;
        self.gauge(
            "prefix_series_omitted",
            "Entries whose counters are not shown, since others have more packets",
            [([], snapshot.omitted as f64)],
        )
    }

    fn agent(&mut self, report: &Report) -> fmt::Result {
        let now = SystemTime::now();
        let attempts: [(&str, &Attempt); 2] = [("config", &report.config), ("apply", &report.applied)];
        for (what, attempt) in attempts {
            let (of, thing) = match what {
                "config" => ("Reading the configuration", "configuration"),
                _ => ("Bringing the kernel to what is wanted", "change"),
            };
            let failed = truth(attempt.error.is_some());
            self.gauge(
                &format!("{what}_error"),
                &format!("Whether the last {thing} failed"),
                [([], failed)],
            )?;
            self.counter(
                &format!("{what}_failures"),
                &format!("{of}: failures"),
                [([], attempt.failures)],
            )?;
            let at = attempt.believed(now).map(|at| ([], seconds(at)));
            self.gauge(
                &format!("{what}_last_success_timestamp_seconds"),
                &format!("{of}: when it last succeeded"),
                at,
            )?;
        }
        self.gauge(
            "config_enforcing",
            "Whether the configuration in force says that packets are dropped",
            [([], truth(report.config_enforces))],
        )?;
        let feed = |name: &str| [("source", name.to_owned())];
        let feeds = || report.feeds.iter();
        self.gauge(
            "source_prefixes",
            "Prefixes of a list that is fetched",
            feeds().map(|f| {
                let labels = [("source", f.name.clone()), ("action", f.list.name().to_owned())];
                (labels, f.prefixes as f64)
            }),
        )?;
        let interval = feeds().filter_map(|f| Some((feed(&f.name), f.interval?.as_secs_f64())));
        self.gauge(
            "source_interval_seconds",
            "From one attempt to fetch a list to the next, without jitter",
            interval,
        )?;
        self.gauge(
            "source_error",
            "Whether the last attempt to fetch a list failed",
            feeds().map(|f| (feed(&f.name), truth(f.fetched.error.is_some()))),
        )?;
        self.counter(
            "source_failures",
            "Attempts to fetch a list that failed",
            feeds().map(|f| (feed(&f.name), f.fetched.failures)),
        )?;
        let fetched = feeds().filter_map(|f| Some((feed(&f.name), seconds(f.fetched.believed(now)?))));
        self.gauge(
            "source_last_success_timestamp_seconds",
            "When a list was last fetched",
            fetched,
        )?;
        let file = |f: &FileReport| {
            [
                ("action", f.list.name().to_owned()),
                ("path", f.path.display().to_string()),
            ]
        };
        let files = || report.files.iter();
        self.gauge(
            "list_file_prefixes",
            "Prefixes of a list file",
            files().map(|f| (file(f), f.prefixes as f64)),
        )?;
        self.gauge(
            "list_file_error",
            "Whether a list file cannot be read as it is now",
            files().map(|f| (file(f), truth(f.error.is_some()))),
        )?;
        self.gauge(
            "unprotected_interfaces",
            "Interfaces that the filter should be on and is not",
            [([], report.unprotected.len() as f64)],
        )?;
        self.gauge(
            "absent_interfaces",
            "Names and globs of the configuration that no interface has",
            [([], report.absent.len() as f64)],
        )
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut encoder = Encoder { encoder };
        let version = [("version", env!("CARGO_PKG_VERSION").to_owned())];
        encoder.gauge("build_info", "The version of the agent", [(version, 1.0)])?;
        encoder.gauge(
            "read_error",
            "Whether the filter could not be read",
            [([], truth(self.filter.is_err()))],
        )?;
        if let Ok(filter) = &self.filter {
            let up = truth(filter.is_some());
            encoder.gauge("up", "Whether there is a filter", [([], up)])?;
        }
        if let Ok(Some(snapshot)) = &self.filter {
            encoder.filter(snapshot)?;
        }
        encoder.agent(&self.report)
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn shown(prefix: &IpNet) -> String {
    prefix.to_string()
}

/// Seconds since the epoch; a time before it counts as the epoch.
fn seconds(at: SystemTime) -> f64 {
    at.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_one_name_in_all_their_lines() {
        let open = "# HELP a_packets Help.\n# TYPE a_packets counter\na_packets_total{x=\"# TYPE y counter\"} 1\n\
                    # HELP a_up Help.\n# TYPE a_up gauge\na_up 1\n# EOF\n";
        let expected = "# HELP a_packets_total Help.\n# TYPE a_packets_total counter\na_packets_total{x=\"# TYPE y counter\"} 1\n\
                        # HELP a_up Help.\n# TYPE a_up gauge\na_up 1\n";
        assert_eq!(classic(open), expected);
    }
}
