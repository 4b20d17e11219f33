//! Metrics as text, in the format that Prometheus reads
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    time::SystemTime,
};

use filter_common::Count;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet, text::encode},
    metrics::MetricType,
    registry::Registry,
};

use crate::{
    agent::report::{Attempt, FileReport, Report},
    model::settings::{Policy, drop_level_name},
    view::{interface::Interface, packets::ReasonCount, prefix::Prefix, reading::Reading},
};

/// What there is to tell of a filter, which is none if it is not up, and of the agent. The agent has something to tell also
/// where the filter cannot be read.
pub fn text(filter: Result<Option<Reading>, Unreadable>, report: Report) -> Result<String, fmt::Error> {
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
    filter: Result<Option<Reading>, Unreadable>,
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

    fn filter(&mut self, reading: &Reading) -> fmt::Result {
        let interfaces = one_of_each_name(&reading.interfaces);
        let by_reason = |of: fn(&ReasonCount<'_>) -> u64| {
            let reasons = interfaces.iter().flat_map(|interface| interface.reasons());
            reasons.map(move |count| {
                let labels = [
                    ("interface", count.interface.to_owned()),
                    ("reason", count.reason.to_owned()),
                ];
                (labels, of(&count))
            })
        };
        let passed = |of: fn(&Count) -> u64| {
            interfaces.iter().map(move |interface| {
                (
                    [("interface", interface.name.clone())],
                    of(&interface.totals.passed),
                )
            })
        };
        self.counter(
            "packets",
            "Packets that were dropped, by reason",
            by_reason(|count| count.packets),
        )?;
        self.counter(
            "bytes",
            "Bytes of the packets that were dropped, by reason",
            by_reason(|count| count.bytes),
        )?;
        self.counter(
            "passed_packets",
            "Packets that passed, those that would be dropped included",
            passed(|count| count.packets),
        )?;
        self.counter(
            "passed_bytes",
            "Bytes of the packets that passed",
            passed(|count| count.bytes),
        )?;
        self.counter(
            "would_drop_packets",
            "Packets that passed because the policy is observe, by the reason to drop them",
            by_reason(|count| count.would_drop_packets),
        )?;
        self.counter(
            "would_drop_bytes",
            "Bytes of the packets that passed because the policy is observe",
            by_reason(|count| count.would_drop_bytes),
        )?;
        let interface = |interface: &&Interface| {
            let labels = [
                ("interface", interface.name.clone()),
                ("mode", interface.mode.name().to_owned()),
                ("state", interface.state.name().to_owned()),
            ];
            (labels, 1.0)
        };
        self.gauge(
            "interface_info",
            "Where the filter is: the mode of its program, and how it stands with it",
            interfaces.iter().map(interface),
        )?;
        let enforces = f64::from(u8::from(reading.policy == Policy::Enforce));
        self.gauge(
            "enforcing",
            "Whether packets are dropped (1) or only counted (0)",
            [([], enforces)],
        )?;
        let level = drop_level_name(reading.drop).to_owned();
        self.gauge(
            "drop_level_info",
            "What happens to segments that open no connection",
            [([("level", level)], 1.0)],
        )?;
        self.gauge(
            "generation",
            "Which of the two generations of the lists is in force",
            [([], reading.generation.into())],
        )?;
        let entries = reading.entries.each().into_iter().flat_map(|(action, versions)| {
            [("ipv4", versions.v4), ("ipv6", versions.v6)].map(|(family, count)| {
                let labels = [
                    ("action", action.name().to_owned()),
                    ("family", family.to_owned()),
                ];
                (labels, count as f64)
            })
        });
        self.gauge("prefixes", "Entries of the lists", entries)?;
        let runtime_only = reading.runtime_only.each();
        self.gauge(
            "runtime_only_prefixes",
            "Entries that are gone after a reboot",
            runtime_only.map(|(action, count)| ([("action", action.name().to_owned())], *count as f64)),
        )?;
        self.prefixes(reading)
    }

    fn prefixes(&mut self, reading: &Reading) -> fmt::Result {
        let samples = |of: fn(&Prefix) -> u64| {
            reading.prefixes.iter().flatten().map(move |prefix| {
                let labels = [
                    ("prefix", prefix.prefix.to_string()),
                    ("action", prefix.action.name().to_owned()),
                    ("label", prefix.label.as_str().to_owned()),
                    ("origin", prefix.origin.as_str().to_owned()),
                ];
                (labels, of(prefix))
            })
        };
        self.counter(
            "prefix_packets",
            "What was counted on a prefix: new connections and datagrams if trusted, drops if not",
            samples(|prefix| prefix.packets),
        )?;
        self.counter(
            "prefix_bytes",
            "The bytes of these packets",
            samples(|prefix| prefix.bytes),
        )?;
        self.gauge(
            "prefix_series_omitted",
            "Entries whose counters are not shown, since others have more packets",
            [([], reading.omitted as f64)],
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
        if let Ok(Some(reading)) = &self.filter {
            encoder.filter(reading)?;
        }
        encoder.agent(&self.report)
    }
}

/// One interface for each name: an interface that is gone may have had the name of another, and a series has one value. The
/// one on which the filter is in force goes first.
fn one_of_each_name(interfaces: &[Interface]) -> Vec<&Interface> {
    let mut of_name: BTreeMap<&str, &Interface> = BTreeMap::new();
    for interface in interfaces {
        let known = of_name.get(interface.name.as_str());
        if known.is_none_or(|known| !known.state.is_in_force()) {
            of_name.insert(&interface.name, interface);
        }
    }
    of_name.into_values().collect()
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// Seconds since the epoch; a time before it counts as the epoch.
fn seconds(at: SystemTime) -> f64 {
    at.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        filter::totals::Totals,
        model::mode::Mode,
        view::{interface::State, packets::Packets},
    };

    #[test]
    fn counters_have_one_name_in_all_their_lines() {
        let open = "# HELP a_packets Help.\n# TYPE a_packets counter\na_packets_total{x=\"# TYPE y counter\"} 1\n\
                    # HELP a_up Help.\n# TYPE a_up gauge\na_up 1\n# EOF\n";
        let expected = "# HELP a_packets_total Help.\n# TYPE a_packets_total counter\na_packets_total{x=\"# TYPE y counter\"} 1\n\
                        # HELP a_up Help.\n# TYPE a_up gauge\na_up 1\n";
        assert_eq!(classic(open), expected);
    }

    #[test]
    fn of_interfaces_with_one_name_there_is_the_one_that_filters() {
        let interface = |(state, ifindex)| Interface {
            name: "eth0".to_owned(),
            ifindex,
            mode: Mode::Native,
            program_id: 1,
            state,
            confirm_seconds: None,
            packets: Packets::default(),
            totals: Totals::default(),
        };
        for states in [
            [(State::Gone, 1), (State::Attached, 2)],
            [(State::Attached, 2), (State::Gone, 1)],
            [(State::Overdue, 1), (State::Outdated, 2)],
            [(State::Elsewhere, 1), (State::Attached, 2)],
        ] {
            let interfaces = states.map(interface);
            let one = one_of_each_name(&interfaces);
            let indices: Vec<u32> = one.iter().map(|interface| interface.ifindex).collect();
            assert_eq!(indices, [2], "{states:?}");
        }
    }
}
