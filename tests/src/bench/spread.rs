//! A measured figure: the median of its rounds, with the quartiles as its spread.

use std::fmt;

/// Median and quartiles of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The first quartile: a quarter of the samples are lower.
    pub lower: f64,
    /// The median.
    pub median: f64,
    /// The third quartile: a quarter of the samples are higher.
    pub upper: f64,
}

impl Spread {
    /// The spread of samples in any order. `None` if there are no samples.
    #[must_use]
    pub fn of(samples: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = samples.into_iter().filter(|sample| sample.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            lower: quantile(&sorted, 0.25)?,
            median: quantile(&sorted, 0.5)?,
            upper: quantile(&sorted, 0.75)?,
        })
    }

    /// The figure with as many decimals as are useful: a ratio needs two, hundreds need none.
    #[must_use]
    pub fn short(self) -> String {
        match self.median.abs() {
            ..2.0 => format!("{self:.3}"),
            ..20.0 => format!("{self:.2}"),
            ..200.0 => format!("{self:.1}"),
            _ => format!("{self:.0}"),
        }
    }
}

/// The quantile, interpolated linearly between the two nearest samples.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}

impl fmt::Display for Spread {
    /// `1.23 (1.20–1.27)`, with the requested precision, by default two decimals.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = formatter.precision().unwrap_or(2);
        write!(
            formatter,
            "{:.decimals$} ({:.decimals$}–{:.decimals$})",
            self.median, self.lower, self.upper
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn an_odd_number_of_samples_has_a_middle_one() {
        let spread = Spread::of([5.0, 1.0, 3.0, 2.0, 4.0]).unwrap();
        assert_eq!((spread.lower, spread.median, spread.upper), (2.0, 3.0, 4.0));
    }

    #[test]
    fn between_two_samples_it_is_in_proportion() {
        let spread = Spread::of([1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!((spread.lower, spread.median, spread.upper), (1.75, 2.5, 3.25));
    }

    #[test]
    fn what_is_no_number_is_no_sample() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([f64::NAN, f64::INFINITY]), None);
        assert_eq!(Spread::of([f64::NAN, 2.0]).unwrap().median, 2.0);
    }

    #[test]
    fn it_is_shown_with_its_quartiles() {
        let spread = Spread::of([1.0, 2.0, 3.0]).unwrap();
        assert_eq!(spread.to_string(), "2.00 (1.50–2.50)");
        assert_eq!(format!("{spread:.0}"), "2 (2–2)");
    }
}
