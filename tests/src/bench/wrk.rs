//! Runs `wrk` and reads its results.

use std::process::Command;

use crate::lab::Output;

/// The results of one second of requests.
#[derive(Debug, Clone, Copy)]
pub struct Requests {
    /// Requests answered in a second.
    pub per_second: f64,
    /// The 99th percentile of the latency, in milliseconds.
    pub p99: f64,
}

/// Runs `wrk` for a second. The caller prepares the command in its namespace; this adds the arguments.
pub fn run(mut wrk: Command, url: &str) -> Requests {
    wrk.args(["-t1", "-c32", "-d1s", "--latency", url]);
    let output = Output::of(&mut wrk).ok();
    match parse(&output.stdout) {
        Some(requests) => requests,
        None => panic!("wrk says something else than it used to:\n{output}"),
    }
}

fn parse(text: &str) -> Option<Requests> {
    let value = |name: &str| {
        let mut lines = text.lines().map(str::trim);
        lines.find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
    };
    Some(Requests {
        per_second: value("Requests/sec:")?.parse().ok()?,
        p99: milliseconds(&value("99%")?)?,
    })
}

fn milliseconds(text: &str) -> Option<f64> {
    // `s` comes last, because `us` and `ms` end with it too.
    let units = [("us", 1e-3), ("ms", 1.0), ("m", 6e4), ("s", 1e3)];
    let (number, unit) = units
        .into_iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    Some(number.parse::<f64>().ok()? * unit)
}

#[cfg(test)]
mod tests {
    use super::parse;

    const TEXT: &str = "Running 1s test @ http://203.0.113.100/\n  1 threads and 32 connections\n  \
        Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency   803.07us    1.71ms  27.50ms   97.34%\n    \
        Req/Sec    51.80k     3.98k   57.52k    70.00%\n  Latency Distribution\n     50%  557.00us\n     \
        75%  640.00us\n     90%    1.05ms\n     99%    9.61ms\n  51557 requests in 1.00s, 11.75MB read\n\
        Requests/sec:  51497.14\nTransfer/sec:     11.74MB\n";

    #[test]
    fn rate_and_latency_are_found() {
        let requests = parse(TEXT).unwrap();
        assert_eq!((requests.per_second, requests.p99), (51_497.14, 9.61));
        let slow = parse(&TEXT.replace("9.61ms", "1.20s")).unwrap();
        assert_eq!(slow.p99, 1_200.0);
        let quick = parse(&TEXT.replace("9.61ms", "950.00us")).unwrap();
        assert!((quick.p99 - 0.95).abs() < 1e-9);
    }

    #[test]
    fn without_them_there_is_nothing() {
        assert!(parse("unable to connect to 203.0.113.100:http Connection refused\n").is_none());
    }
}
