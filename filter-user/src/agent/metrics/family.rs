//! Metric families and their text, in the format that Prometheus reads
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).

use prometheus::{
    Result, TextEncoder,
    proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType},
};

/// The labels of a sample, and its value.
pub type Sample<const N: usize, V> = ([(&'static str, String); N], V);

/// Metric families, in the order of the page.
#[derive(Debug, Default)]
pub struct Families(Vec<MetricFamily>);

impl Families {
    /// Adds a counter. A family without samples has no lines at all.
    pub fn counter<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = Sample<N, u64>>,
    ) {
        let metric = |(labels, value)| {
            let mut counter = Counter::default();
            // Prometheus stores floating-point numbers alone.
            counter.set_value(value as f64);
            let mut metric = Metric::from_label(pairs(labels));
            metric.set_counter(counter);
            metric
        };
        let metrics = samples.into_iter().map(metric).collect();
        self.add(name, help, MetricType::COUNTER, metrics);
    }

    /// Adds a gauge. A family without samples has no lines at all.
    pub fn gauge<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = Sample<N, f64>>,
    ) {
        let metric = |(labels, value)| {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            let mut metric = Metric::from_label(pairs(labels));
            metric.set_gauge(gauge);
            metric
        };
        let metrics = samples.into_iter().map(metric).collect();
        self.add(name, help, MetricType::GAUGE, metrics);
    }

    fn add(&mut self, name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) {
        if metrics.is_empty() {
            return;
        }
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(format!("{help}."));
        family.set_field_type(kind);
        family.set_metric(metrics);
        self.0.push(family);
    }

    /// The text of all families.
    pub fn text(&self) -> Result<String> {
        TextEncoder::new().encode_to_string(&self.0)
    }
}

fn pairs<const N: usize>(labels: [(&'static str, String); N]) -> Vec<LabelPair> {
    let pair = |(name, value): (&str, String)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value);
        pair
    };
    labels.into_iter().map(pair).collect()
}

/// 1 for true, 0 for false.
pub fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_its_help_its_type_and_its_samples() {
        let mut families = Families::default();
        families.counter(
            "a_packets_total",
            "Packets",
            [([("label", "a\"b\\c\nd".to_owned())], 1_u64 << 53)],
        );
        families.counter::<1>("a_bytes_total", "Bytes", []);
        families.gauge("a_up", "Whether it is up", [([], 1.0)]);
        families.gauge("a_timestamp_seconds", "When", [([], 1_764_300_000.25)]);
        let expected = "# HELP a_packets_total Packets.\n# TYPE a_packets_total counter\n\
                        a_packets_total{label=\"a\\\"b\\\\c\\nd\"} 9007199254740992\n\
                        # HELP a_up Whether it is up.\n# TYPE a_up gauge\na_up 1\n\
                        # HELP a_timestamp_seconds When.\n# TYPE a_timestamp_seconds gauge\n\
                        a_timestamp_seconds 1764300000.25\n";
        assert_eq!(families.text().unwrap(), expected);
    }
}
