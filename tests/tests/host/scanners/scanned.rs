//! The site of the scanner tests: an origin with open and closed protected ports, and one host for each scan. So
//! every frame to that host was caused by that scan.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use tests::lab::{Capture, Captured, Family, Host, PAGE, Site};

use crate::scanners::{echo::Echo, level::Level};

/// Protected ports: nginx listens on the first two, the echo service on the first UDP port.
pub const TCP: [u16; 3] = [80, 443, 8080];
pub const UDP: [u16; 2] = [443, 8443];

pub const BOTH: [Family; 2] = [Family::V4, Family::V6];

/// Longer than an answer takes that the origin sends at once.
pub const SETTLED: Duration = Duration::from_millis(400);

/// The number of strangers that work in parallel. Most of the time they wait for answers that do not come.
const WORKERS: usize = 10;

/// The XDP modes for a large table. A thorough run uses both.
pub fn modes() -> &'static [&'static str] {
    if tests::thorough() {
        &["native", "generic"]
    } else {
        &["native"]
    }
}

/// Does the work at each level in parallel, each in its own site.
pub fn at_each_level<T: Send>(work: impl Fn(Level) -> T + Sync) -> BTreeMap<Level, T> {
    thread::scope(|scope| {
        let work = &work;
        let running = Level::EACH.map(|level| (level, scope.spawn(move || work(level))));
        let ended = running.map(|(level, thread)| (level, thread.join().expect("see the message above")));
        ended.into_iter().collect()
    })
}

/// Does the jobs at one level in parallel, each from its own host. Returns the results in the order of the jobs.
pub fn side_by_side<J: Sync, T: Send>(
    mode: &str,
    level: Level,
    jobs: &[J],
    work: impl Fn(&Scanned, &Host, &J) -> T + Sync,
) -> Vec<T> {
    let scanned = Scanned::in_mode(mode, level, jobs.len());
    let done = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    let worker = || {
        loop {
            let number = next.fetch_add(1, Relaxed);
            let (Some(job), Some(from)) = (jobs.get(number), scanned.site.others.get(number)) else {
                break;
            };
            let result = work(&scanned, from, job);
            done.lock().expect("no worker has failed").insert(number, result);
        }
    };
    thread::scope(|scope| (0..WORKERS).for_each(|_| drop(scope.spawn(worker))));
    // Silence alone proves nothing: the proxy must still be served.
    scanned.proxy_is_served();
    done.into_inner()
        .expect("no worker has failed")
        .into_values()
        .collect()
}

pub struct Scanned {
    // Dropped before the site, because its threads use the origin's sockets.
    _echo: Echo,
    pub site: Site,
}

impl Scanned {
    /// A site with the filter up at that level in native mode, and with this number of strangers.
    pub fn at(level: Level, strangers: usize) -> Self {
        Self::in_mode("native", level, strangers)
    }

    pub fn in_mode(mode: &str, level: Level, strangers: usize) -> Self {
        let plan = (1..=strangers).fold(Site::plan(), |plan, number| {
            plan.host(
                &format!("stranger {number}"),
                &format!("198.51.100.{}/24", 100 + number),
                &format!("2001:db8:bad::{:x}/64", 0x100 + number),
            )
        });
        let site = plan.build();
        know_one_another(&site);
        site.origin.run(talkative);
        let options = format!(
            "up eth0 --xdp {mode} --provider qrator --trust 2001:db8:94::/48 --tcp 80,443,8080 --udp 443,8443 {}",
            level.options()
        );
        site.synwall(options.split_whitespace()).ok();
        let echo = Echo::start(&site.origin, UDP[0]);
        Self { _echo: echo, site }
    }

    /// Every recorded frame from the origin to that host.
    pub fn heard(&self, by: &Host, capture: &Capture) -> Vec<Captured> {
        self.heard_within(SETTLED, by, capture)
    }

    /// Every recorded frame from the origin to that host, with another time limit.
    pub fn heard_within(&self, time: Duration, by: &Host, capture: &Capture) -> Vec<Captured> {
        let (from, to) = (self.site.origin.mac(), by.mac());
        capture.matching(time, |frame| {
            !frame.outgoing && frame.bytes[..6] == to && frame.bytes[6..12] == from
        })
    }

    /// Fails unless the proxy gets its page.
    pub fn proxy_is_served(&self) {
        for family in BOTH {
            let to = (self.site.origin.address(family), TCP[0]).into();
            let page = self.site.proxy.connect(to, Duration::from_secs(5));
            let page = page.and_then(|mut connection| connection.get("/"));
            assert_eq!(page.expect("a page for the proxy"), PAGE);
        }
    }
}

/// Adds permanent neighbour entries on all hosts. So no host sends neighbour lookups, and every frame of the origin
/// is an answer.
fn know_one_another(site: &Site) {
    let strangers = || site.others.iter().chain([&site.attacker]);
    let entries = |whom: &Host| {
        let [a, b, c, d, e, f] = whom.mac();
        let mac = format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}");
        let entry = |family| {
            format!(
                "neigh replace {} lladdr {mac} dev eth0 nud permanent\n",
                whom.address(family)
            )
        };
        BOTH.map(entry).concat()
    };
    site.origin
        .namespace()
        .ip(&strangers().map(entries).collect::<String>());
    strangers().for_each(|stranger| stranger.namespace().ip(&entries(&site.origin)));
}

/// Makes the origin answer more often and sooner than by default. Otherwise a limit or a setting would look like
/// silence.
fn talkative() {
    for (setting, value) in [
        ("ipv4/icmp_ratelimit", "0"),
        ("ipv6/icmp/ratelimit", "0"),
        ("ipv4/conf/all/accept_source_route", "1"),
        ("ipv4/conf/eth0/accept_source_route", "1"),
        // Seconds until an incomplete packet is given up. The defaults are 30 and 60.
        ("ipv4/ipfrag_time", "1"),
        ("ipv6/ip6frag_time", "1"),
    ] {
        fs::write(format!("/proc/sys/net/{setting}"), value).expect("a setting of the namespace");
    }
}
