//! Charts as SVG files.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::comparison::grouped;
use super::spread::Spread;

/// A chart and the name of its file.
#[derive(Debug, Clone)]
pub enum Chart {
    /// A horizontal bar for each side.
    Bars {
        /// The file name, without directory and extension.
        file: &'static str,
        /// The title above the chart.
        title: &'static str,
        /// What the bars measure.
        axis: &'static str,
        /// The bars, from top to bottom.
        bars: Vec<Bar>,
    },
    /// One line for each side, over the number of prefixes. Both axes are logarithmic, because lists and sides differ
    /// by orders of magnitude.
    Lines {
        /// The file name, without directory and extension.
        file: &'static str,
        /// The title above the chart.
        title: &'static str,
        /// What the vertical axis measures.
        axis: &'static str,
        /// For each line: its name, and for each number of prefixes the measured value.
        lines: Vec<(String, Vec<(usize, Spread)>)>,
    },
}

/// One bar of a chart.
#[derive(Debug, Clone)]
pub struct Bar {
    /// The label beside the bar.
    pub name: String,
    /// The length of the bar. The quartiles are shown as a whisker.
    pub value: Spread,
}

const WIDTH: u32 = 900;
/// Width of the legend, which stands to the right of the lines.
const LEGEND: u32 = 310;
const FONT: (&str, i32) = ("sans-serif", 14);
const TITLE: (&str, i32) = ("sans-serif", 18);
const THEIRS: RGBColor = RGBColor(160, 160, 160);
const OURS: RGBColor = RGBColor(0, 114, 178);
/// Colours that people with any kind of colour vision can distinguish (Okabe and Ito, 2008).
const COLOURS: [RGBColor; 6] = [
    OURS,
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

impl Chart {
    /// The name of the file, with its extension.
    #[must_use]
    pub fn file(&self) -> String {
        let (Self::Bars { file, .. } | Self::Lines { file, .. }) = self;
        format!("{file}.svg")
    }

    /// The title above the chart.
    #[must_use]
    pub fn title(&self) -> &'static str {
        let (Self::Bars { title, .. } | Self::Lines { title, .. }) = self;
        title
    }

    /// Draws the chart into its file in the directory.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn draw(&self, directory: &Path) -> Result<()> {
        let path = directory.join(self.file());
        match self {
            Self::Bars {
                title, axis, bars, ..
            } => draw_bars(&path, title, axis, bars),
            Self::Lines {
                title, axis, lines, ..
            } => draw_lines(&path, title, axis, lines),
        }
    }
}

fn draw_bars(path: &Path, title: &str, axis: &str, bars: &[Bar]) -> Result<()> {
    const ROW: u32 = 34;
    let height = 100 + ROW * bars.len() as u32;
    let area = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let most = bars.iter().map(|bar| bar.value.upper).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(&area)
        .caption(title, TITLE)
        .margin(10)
        .margin_left(290)
        .x_label_area_size(40)
        // Room for the number behind the longest bar.
        .build_cartesian_2d(0.0..most * 1.15, 0.0..bars.len() as f64)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.15))
        .x_labels(8)
        .x_label_formatter(&|value| format!("{value}"))
        .x_desc(axis)
        .label_style(FONT)
        .draw()?;
    let beside = |side| FONT.into_font().color(&BLACK).pos(Pos::new(side, VPos::Center));
    let gap = most * 0.01;
    for (row, bar) in bars.iter().enumerate() {
        let middle = bars.len() as f64 - row as f64 - 0.5;
        let colour = match bar.name.starts_with("synwall") {
            true => OURS,
            false => THEIRS,
        };
        let corners = [(0.0, middle - 0.32), (bar.value.median, middle + 0.32)];
        let whisker = [(bar.value.lower, middle), (bar.value.upper, middle)];
        let value = match bar.value.median {
            median if median < 1000.0 => format!("{median:.2}"),
            median => grouped(median as usize),
        };
        chart.draw_series([Rectangle::new(corners, colour.filled())])?;
        chart.draw_series([PathElement::new(whisker, BLACK.stroke_width(2))])?;
        let right = (bar.value.upper + gap, middle);
        chart.draw_series([Text::new(value, right, beside(HPos::Left))])?;
        // Nothing is drawn outside the axes, and SVG drops ordinary spaces at the end of a text.
        let name = format!("{}\u{a0}\u{a0}", bar.name);
        chart.draw_series([Text::new(name, (0.0, middle), beside(HPos::Right))])?;
    }
    area.present()?;
    Ok(())
}

fn draw_lines(path: &Path, title: &str, axis: &str, lines: &[(String, Vec<(usize, Spread)>)]) -> Result<()> {
    let area = SVGBackend::new(path, (WIDTH, 460)).into_drawing_area();
    area.fill(&WHITE)?;
    let points = || lines.iter().flat_map(|(_, points)| points);
    let most = points().map(|(_, spread)| spread.upper).fold(1.0, f64::max);
    let least = points().map(|(_, spread)| spread.lower).fold(most, f64::min);
    let widest = points().map(|(number, _)| *number as f64).fold(10.0, f64::max);
    let mut chart = ChartBuilder::on(&area)
        .caption(title, TITLE)
        .margin(10)
        .margin_right(LEGEND)
        .x_label_area_size(45)
        .y_label_area_size(65)
        .build_cartesian_2d(
            (1.5..widest * 1.3).log_scale(),
            (f64::min(1.0, least * 0.9)..most * 1.3).log_scale(),
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.15))
        .x_label_formatter(&|value| grouped(*value as usize))
        .y_label_formatter(&|value| format!("{value}"))
        .y_labels(12)
        .x_desc("prefixes (logarithmic)")
        .y_desc(axis)
        .label_style(FONT)
        .draw()?;
    // The legend is beside the chart, where no line can cross it.
    let x = (WIDTH - LEGEND + 15) as i32;
    for (y, ((name, points), colour)) in (60..).step_by(24).zip(lines.iter().zip(COLOURS.iter().cycle())) {
        let at = |(number, spread): &(usize, Spread)| (*number as f64, spread.median);
        chart.draw_series(LineSeries::new(points.iter().map(at), colour.stroke_width(2)))?;
        for (number, spread) in points {
            let x = *number as f64;
            let whisker = [(x, spread.lower), (x, spread.upper)];
            chart.draw_series([PathElement::new(whisker, colour.stroke_width(1))])?;
            chart.draw_series([Circle::new((x, spread.median), 4, colour.filled())])?;
        }
        let text = FONT
            .into_font()
            .color(&BLACK)
            .pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)))?;
        area.draw(&Text::new(name.as_str(), (x + 26, y), text))?;
    }
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Bar, Chart};
    use crate::bench::spread::Spread;

    fn spread(value: f64) -> Spread {
        Spread::of([value * 0.9, value, value * 1.1]).unwrap()
    }

    #[test]
    fn charts_name_what_they_show() {
        let bar = |name: &str, value| Bar {
            name: name.into(),
            value: spread(value),
        };
        let charts = [
            Chart::Bars {
                file: "bars",
                title: "A title",
                axis: "an axis",
                bars: vec![bar("synwall", 1.1), bar("another", 9.0)],
            },
            Chart::Lines {
                file: "lines",
                title: "A title",
                axis: "an axis",
                lines: vec![
                    ("synwall".into(), vec![(2, spread(1.0)), (1_000_000, spread(1.2))]),
                    ("another".into(), vec![(2, spread(5.0))]),
                ],
            },
        ];
        let directory = tempfile::tempdir().unwrap();
        for chart in charts {
            chart.draw(directory.path()).unwrap();
            let svg = fs::read_to_string(directory.path().join(chart.file())).unwrap();
            for text in ["A title", "an axis", "synwall", "another"] {
                assert!(svg.contains(text), "{text} is missing in {}", chart.file());
            }
        }
    }
}
