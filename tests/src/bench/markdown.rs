//! Writes the report as `docs/benchmarks.md` and its charts.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::report::{Block, Report, Section, Table};
use crate::lab::Output;

/// The directory of the charts, beside the page.
const CHARTS: &str = "benchmarks";

/// Writes the page and its charts into the directory.
///
/// # Errors
/// If a file cannot be written.
pub fn write(report: &Report, pace: &str, directory: &Path) -> Result<(), Box<dyn Error>> {
    let charts = directory.join(CHARTS);
    fs::create_dir_all(&charts)?;
    for block in report.sections.iter().flat_map(|section| &section.blocks) {
        if let Block::Chart(chart) = block {
            chart.draw(&charts)?;
        }
    }
    fs::write(directory.join("benchmarks.md"), page(report, pace, &machine()))?;
    Ok(())
}

/// The page as Markdown.
fn page(report: &Report, pace: &str, machine: &Table) -> String {
    let mut text = format!(
        "# Benchmarks\n\n\
         Written by `cargo xtask bench`, all figures in one run: do not edit, run it again. `--quick` takes a minute, \
         `--only flood-ipv4,update` measures parts. It runs in network namespaces of its own and leaves nothing \
         behind.\n\n{}\n## Targets\n\n{}\n{}",
        table(machine),
        table(&report.targets_table()),
        METHOD.replace("{pace}", pace)
    );
    for section in &report.sections {
        text += &self::section(section);
    }
    text
}

const METHOD: &str = "## How to read this

Only ratios within this page mean anything: machines change their speed every few seconds, and no two have the same. So
the sides of a comparison take turns, {pace}; a ratio is that of two slices of the same round, and what is shown is the
median of all rounds with its quartiles in brackets. Times are for the whole path of a packet: the kernel makes it, sends
it through a veth pair, receives it and drops it, all on one CPU. The bound, a program that is only `return XDP_DROP`,
is what this path costs without any filter.

The flood is a BPF program that is run with live frames (`BPF_F_TEST_XDP_LIVE_FRAMES`). It gives each frame another
source, port and sequence number, and right checksums. A slice that another process disturbed, or at whose end not every
frame had been received, gets a second chance, and is left out if frames are still missing. After each measurement every side must have dropped exactly what it received, by its own counters (the bound and xdp-filter: by the interface's).

Each side has a network namespace and a cable of its own, so that changing sides is sending through another cable:

- **the bound**: a program that is only `return XDP_DROP`, native XDP;
- **synwall**: `synwall up eth0 --provider qrator`, native XDP, with all that it counts;
- **xdp-filter** of Debian's xdp-tools, native, with one denied port: as it loads unless told otherwise, and with `--features tcp`, a program that looks at nothing but TCP ports; neither has a list of trusted prefixes;
- **iptables, the plain script** of proxy vendors: a rule for each trusted prefix, then `DROP`;
- **iptables, the ipset + conntrack script** of theirs: a `hash:net` set, and connection tracking;
- **nft**, an interval set at the netdev ingress hook, or at prerouting with priority raw.

On sides without XDP the interface has GRO on, so that veth hands them frames in batches, as a network card does. veth
knows no checksum offload for such frames: connection tracking computes each checksum, which a real card may save it.
";

fn section(section: &Section) -> String {
    let mut text = format!("\n## {}\n", section.title);
    for block in &section.blocks {
        text += &match block {
            Block::Text(words) => format!("\n{words}\n"),
            Block::Table(table) => format!("\n{}", self::table(table)),
            Block::Chart(chart) => format!("\n![{}]({CHARTS}/{})\n", chart.title(), chart.file()),
        };
    }
    text
}

fn table(table: &Table) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule: Vec<String> = (0..table.columns.len())
        .map(|column| if column == 0 { "---" } else { "--:" }.to_owned())
        .collect();
    let rows: String = table.rows.iter().map(|row| line(row)).collect();
    format!("{}{}{rows}", line(&table.columns), line(&rule))
}

/// A table of the machine that the bench ran on.
fn machine() -> Table {
    let mut table = Table::new(["", ""]);
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut models = cpuinfo.lines().filter_map(|line| line.strip_prefix("model name"));
    let model = models
        .next()
        .map_or("unknown", |text| text.trim_start_matches([' ', '\t', ':']));
    let cpus = cpuinfo
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    table.row(["CPU".to_owned(), format!("{model}, {cpus} CPUs")]);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    // Only the version matters here, not who built the kernel.
    let kernel = kernel.trim().split('-').next().unwrap_or_default().to_owned();
    table.row(["kernel".to_owned(), format!("Linux {kernel}")]);
    for (name, program, arguments) in [
        ("xdp-tools", "xdp-filter", "load --version"),
        ("iptables", "iptables", "--version"),
        ("ipset", "ipset", "--version"),
        ("nftables", "nft", "--version"),
        ("wrk", "wrk", "--version"),
    ] {
        let output = Output::of(Command::new(program).args(arguments.split(' ')));
        let said = format!("{}{}", output.stdout, output.stderr);
        let version = said.split([' ', '\n', ',', '/']).find(|word| {
            let word = word.trim_start_matches('v');
            word.contains('.') && word.starts_with(|first: char| first.is_ascii_digit())
        });
        table.row([name, version.unwrap_or("of unknown version")]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::bench::report::{Report, Table, Wanted};
    use crate::bench::spread::Spread;

    #[test]
    fn a_page_has_its_machine_its_targets_and_its_sections() {
        let mut report = Report::default();
        report.target(1, "packets", Wanted::AtLeast(0.88), Spread::of([0.9, 0.91, 0.92]));
        let mut figures = Table::new(["side", "ns"]);
        figures.row(["synwall", "130"]);
        report.section("A flood").text("Of SYNs.").table(figures);
        let mut machine = Table::new(["", ""]);
        machine.row(["CPU", "a fast one"]);
        let page = page(&report, "a slice each", &machine);
        for part in [
            "# Benchmarks\n",
            "| CPU | a fast one |\n",
            "| 1. packets | ≥ 0.88 | 0.910 (0.905–0.915) | met |\n",
            "take turns, a slice each;",
            "## A flood\n\nOf SYNs.\n\n| side | ns |\n| --- | --: |\n| synwall | 130 |\n",
        ] {
            assert!(page.contains(part), "{part:?} is missing in\n{page}");
        }
    }
}
