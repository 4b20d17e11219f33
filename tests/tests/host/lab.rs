//! Tests of the laboratory itself, which all other tests rely on. Needs root.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use tests::lab::{Family, LARGE_PAGE, Output, PAGE, Site};

const SOON: Duration = Duration::from_secs(5);
const BOTH: [Family; 2] = [Family::V4, Family::V6];

#[test]
fn a_site_stands_within_half_a_second() {
    let started = Instant::now();
    let site = Site::plan().without_server().build();
    let took = started.elapsed();
    drop(site);
    assert!(
        took < Duration::from_millis(1500),
        "it took {took:?}, even for a busy machine too long"
    );
    println!("built in {took:?}");
}

#[test]
fn hosts_reach_one_another_over_both_versions_of_ip() {
    let site = Site::plan()
        .host("office", "192.0.2.7/24", "2001:db8:7::7/64")
        .without_server()
        .build();
    let hosts = [&site.origin, &site.proxy, &site.attacker, &site.others[0]];
    for from in hosts {
        for to in hosts.iter().filter(|to| to.name() != from.name()) {
            for family in BOTH {
                let closed = SocketAddr::new(to.address(family), 7);
                let refusal = from.connect(closed, SOON).expect_err("nobody listens there");
                assert_eq!(
                    refusal.kind(),
                    ErrorKind::ConnectionRefused,
                    "{} to {closed}",
                    from.name()
                );
            }
        }
    }
}

#[test]
fn nginx_serves_both_pages_on_both_ports_over_both_versions_of_ip() {
    let site = Site::standard();
    for family in BOTH {
        for scheme in ["http", "https"] {
            let url = |path| site.origin.url(scheme, family, path);
            let answer = site.proxy.get(&url("/"), SOON).expect("an answer");
            assert_eq!((answer.status, answer.body.as_str()), (200, PAGE));
            assert!(answer.seconds > 0.0 && answer.seconds < 5.0);
            assert_eq!(
                site.attacker
                    .get(&url(LARGE_PAGE), SOON)
                    .expect("an answer")
                    .body
                    .len(),
                4 << 20
            );
            assert_eq!(
                site.attacker
                    .get(&url("/missing"), SOON)
                    .expect("an answer")
                    .status,
                404
            );
        }
    }
}

#[test]
fn curl_tells_a_refusal_from_silence() {
    let site = Site::plan().without_server().build();
    let refusal = site
        .proxy
        .get(&site.origin.url("http", Family::V4, "/"), SOON)
        .expect_err("nobody listens");
    assert!(refusal.refused(), "{refusal}");
    let silence = site
        .proxy
        .get("http://192.0.2.99/", Duration::from_millis(300))
        .expect_err("nobody is there");
    assert!(silence.timed_out() && silence.seconds < 2.0, "{silence}");
}

#[test]
fn a_connection_stays_open_between_requests() {
    let site = Site::standard();
    for family in BOTH {
        let origin = SocketAddr::new(site.origin.address(family), 80);
        let mut connection = site.attacker.connect(origin, SOON).expect("a connection");
        assert_eq!(
            connection.local().expect("an address").ip(),
            site.attacker.address(family)
        );
        for _ in 0..3 {
            assert_eq!(connection.get("/").expect("a page"), PAGE);
        }
    }
}

#[test]
fn each_laboratory_has_a_bpffs_of_its_own() {
    let pin = Path::new("/sys/fs/bpf/pin");
    let site = Site::plan().without_server().build();
    fs::create_dir(pin).expect("a directory on the private bpffs");
    let seen_elsewhere = thread::spawn(|| Site::plan().without_server().build().origin.run(|| pin.exists()));
    assert!(!seen_elsewhere.join().unwrap(), "two laboratories share a bpffs");
    // Threads and commands of this thread see it.
    assert!(site.origin.run(|| pin.exists()));
    Output::of(site.origin.command("ls").arg(pin)).ok();
    let mounts = || fs::read_to_string("/proc/thread-self/mounts").unwrap();
    assert!(mounts().contains("/sys/fs/bpf bpf "));
}

#[test]
fn a_synwall_that_runs_elsewhere_on_the_machine_is_none_of_ours() {
    let directory = tempfile::tempdir().unwrap();
    let elsewhere = directory.path().join("synwall");
    // Copied by a process of its own: what another test starts meanwhile would inherit the copy open for writing.
    Output::of(Command::new("cp").arg("/bin/sleep").arg(&elsewhere)).ok();
    let start = || {
        let started = Ended(Command::new(&elsewhere).arg("1000").spawn().unwrap());
        // It has its name a moment after it has begun.
        let comm = format!("/proc/{}/comm", started.0.id());
        while fs::read_to_string(&comm).unwrap().trim() != "synwall" {
            thread::yield_now();
        }
        started
    };
    let beside = start();
    let site = Site::plan().without_server().build();
    site.no_process_of_ours_runs();
    drop(beside);
    let _ours = start();
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| site.no_process_of_ours_runs()));
    assert!(found.is_err(), "one that runs here is found");
}

/// A process that ends with the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It fails only if it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nothing_is_left() {
    crate::apart::machine();
    // Of mounts and links only what could be ours counts.
    let machine = || {
        let mounts = fs::read_to_string("/proc/thread-self/mounts").unwrap();
        let ours = |line: &&str| line.contains(" /run ") || line.contains(" /sys/fs/bpf ");
        let mounts = mounts.lines().filter(ours).map(str::to_owned).collect::<Vec<_>>();
        let links = Output::of(Command::new("ip").args(["-brief", "link"]))
            .ok()
            .stdout;
        let ours = |line: &&str| {
            ["bridge", "port", "eth0"]
                .iter()
                .any(|name| line.starts_with(name))
        };
        let links = links.lines().filter(ours).map(str::to_owned).collect::<Vec<_>>();
        (
            mounts,
            links,
            Output::of(Command::new("ip").args(["netns", "list"])).ok().stdout,
        )
    };
    let before = machine();
    let (nginx, lingering) = thread::spawn(|| {
        let site = Site::standard();
        fs::write(site.lab.directory().join("file"), "").unwrap();
        // A process that the test never ends. It ends with the thread.
        let lingering = site.origin.command("sleep").arg("1000").spawn().unwrap();
        (site.nginx().unwrap().pid(), lingering)
    })
    .join()
    .unwrap();
    let mut lingering = lingering;
    let deadline = Instant::now() + SOON;
    while lingering.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "a command outlived its laboratory");
        thread::sleep(Duration::from_millis(10));
    }
    assert!(
        !Path::new(&format!("/proc/{nginx}")).exists(),
        "nginx outlived its laboratory"
    );
    assert!(!Path::new("/run/laboratory").exists(), "a directory is left");
    assert_eq!(machine(), before);
}
