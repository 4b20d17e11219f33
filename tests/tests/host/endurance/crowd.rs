//! Sixteen threads change and read a filter under a flood. No update is lost, and every document is consistent. Every
//! packet meets a state that was in force.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tests::{
    lab::{Ended, Family, Flood, Host, Site},
    origin::{Origin, SOON, UP},
    random::Random,
    thorough,
};

const PROXY: &str = "185.94.108.0/24";
/// Longer than an answer takes that the origin sends at once.
const SILENCE: Duration = Duration::from_millis(100);

/// One of the parallel users. Each method runs until the time is up, and may return what its list should have.
struct Member<'a> {
    origin: &'a Origin,
    ended: &'a AtomicBool,
    commands: &'a AtomicU64,
}

impl Member<'_> {
    fn goes_on(&self) -> bool {
        !self.ended.load(Relaxed)
    }

    fn command(&self, arguments: &str) -> tests::lab::Output {
        self.commands.fetch_add(1, Relaxed);
        self.origin.synwall(arguments)
    }

    fn list(&self, list: &str) -> Vec<String> {
        let rows = self.command(&format!("{list} list --json")).json();
        let rows = rows["prefixes"].as_array().expect("rows").iter();
        rows.map(|row| row["prefix"].as_str().expect("a prefix").to_owned())
            .collect()
    }

    /// Adds and removes prefixes that no other member uses, one or several at once. Each change must be visible at
    /// once.
    fn keeps_a_list(&self, list: &'static str, own: &[String], seed: u64) -> BTreeSet<String> {
        let mut random = Random::new(seed);
        let mut mine = BTreeSet::new();
        while self.goes_on() {
            let many = 1 + random.below(3).min(own.len() as u64 - 1) as usize;
            let from = random.below((own.len() + 1 - many) as u64) as usize;
            let chosen = &own[from..from + many];
            if chosen.iter().all(|prefix| mine.contains(prefix)) {
                self.command(&format!("{list} remove {}", chosen.join(" ")));
                mine.retain(|prefix| !chosen.contains(prefix));
            } else {
                self.command(&format!("{list} add {} --label seed-{seed}", chosen.join(" ")));
                mine.extend(chosen.iter().cloned());
            }
            let all = self.list(list);
            for prefix in own {
                assert_eq!(
                    all.contains(prefix),
                    mine.contains(prefix),
                    "{prefix} in the {list} list"
                );
            }
        }
        mine
    }

    /// Trusts a host and removes it again. As soon as a command has returned, the host is served or gets no answer.
    fn trusts_now_and_then(&self, host: &Host, prefix: &str) {
        let port = self.origin.site.origin.endpoint(Family::V4, 80);
        let to = (port.address, port.port).into();
        while self.goes_on() {
            self.command(&format!("trust add {prefix} --label visitor"));
            host.connect(to, SOON)
                .and_then(|mut visit| visit.get("/"))
                .expect("it is served");
            self.command(&format!("trust remove {prefix}"));
            assert!(
                host.connect(to, SILENCE).is_err(),
                "it is served although it is not trusted"
            );
        }
    }

    fn changes_settings(&self) {
        let choices = [
            "--drop all --udp 443",
            "--drop unestablished --udp none",
            "--drop new --udp 443,8443",
        ];
        for choice in choices.iter().cycle() {
            self.command(&format!("set {choice}"));
            if !self.goes_on() {
                break;
            }
        }
        self.command("set --drop new --udp none");
    }

    fn moves_an_interface(&self) {
        while self.goes_on() {
            self.command("up eth1");
            self.command("down eth1");
        }
    }

    /// Reads everything. Each document must be complete and consistent while others change the filter.
    fn reads(&self, seed: u64) {
        let mut random = Random::new(seed);
        while self.goes_on() {
            match random.below(4) {
                0 => {
                    let status = self.command("status --json").json();
                    let drop = status["drop"].as_str().expect("a level");
                    let expected = match drop {
                        "all" => "[443]",
                        "unestablished" => "[]",
                        _ if status["udp"] == serde_json::json!([]) => "[]",
                        _ => "[443,8443]",
                    };
                    assert_eq!(
                        status["udp"].to_string(),
                        expected,
                        "a mixture of settings: {status}"
                    );
                    assert!(
                        status["interfaces"]
                            .as_array()
                            .is_some_and(|rows| rows[0]["name"] == "eth0")
                    );
                }
                1 => {
                    let all = self.list("trust");
                    assert!(all.contains(&PROXY.to_owned()), "{all:?}");
                    assert_eq!(
                        all.iter().collect::<BTreeSet<_>>().len(),
                        all.len(),
                        "twice: {all:?}"
                    );
                }
                2 => {
                    let stats = self.command("stats --json").json();
                    let sum = |table: &str| -> u64 {
                        let rows = stats[table].as_array().expect("rows").iter();
                        rows.filter_map(|row| row["packets"].as_u64()).sum()
                    };
                    assert!(
                        sum("reasons") > 0 && stats["sources_others"] != Value::Null,
                        "{stats}"
                    );
                }
                _ => drop(self.command("trust check 185.94.108.10")),
            }
        }
    }
}

#[test]
fn sixteen_who_change_and_read_at_once_agree_in_the_end() {
    let time = Duration::from_secs(if thorough() { 60 } else { 6 });
    let origin = Origin {
        site: Site::plan()
            .host("visitor", "192.0.2.10/24", "2001:db8:22::10/64")
            .build(),
    };
    origin.synwall(UP);
    origin.add_interface("eth1");
    let (ended, commands) = (AtomicBool::new(false), AtomicU64::new(0));
    let member = Member {
        origin: &origin,
        ended: &ended,
        commands: &commands,
    };
    let own = |what: &str, who: u64, many: u64| -> Vec<String> {
        (0..many)
            .map(|number| format!("10.{what}{who}.{number}.0/24"))
            .collect()
    };
    let attack = Flood::to(origin.site.origin.endpoint(Family::V4, 443)).frames(u64::MAX);
    let (lists, _) = origin.watched(|| {
        thread::scope(|scope| {
            // If this thread panics, all members stop.
            let end = Ended(&ended);
            let started = Instant::now();
            let flood = scope.spawn(|| attack.lasting(time * 2).run(&origin.site.attacker, &ended));
            let mut members = Vec::new();
            for who in 0..8 {
                let (list, many) = if who < 6 {
                    ("trust", 1 + who % 3)
                } else {
                    ("deny", 3)
                };
                let (member, own) = (&member, own(if who < 6 { "1" } else { "2" }, who, many));
                members.push(scope.spawn(move || {
                    let _end = Ended(member.ended);
                    (list, member.keeps_a_list(list, &own, 1 + who))
                }));
            }
            let retired = ["203.0.113.77/32".to_owned(), "2001:db8:113::77/128".to_owned()];
            let mut others = vec![
                scope.spawn(|| {
                    let _end = Ended(&ended);
                    member.trusts_now_and_then(&origin.site.others[0], "192.0.2.0/24");
                }),
                scope.spawn(|| {
                    let _end = Ended(&ended);
                    member.changes_settings();
                }),
                scope.spawn(|| {
                    let _end = Ended(&ended);
                    member.moves_an_interface();
                }),
            ];
            let keeps_former_addresses = &member;
            members.push(scope.spawn(move || {
                let member = keeps_former_addresses;
                let _end = Ended(member.ended);
                ("retire", member.keeps_a_list("retire", &retired, 9))
            }));
            for seed in 0..4 {
                let member = &member;
                others.push(scope.spawn(move || {
                    let _end = Ended(member.ended);
                    member.reads(10 + seed);
                }));
            }
            assert_eq!(members.len() + others.len(), 16);
            while started.elapsed() < time && !ended.load(Relaxed) {
                thread::sleep(Duration::from_millis(20));
            }
            drop(end);
            let mut lists: Vec<(&str, BTreeSet<String>)> = Vec::new();
            for member in members {
                lists.push(
                    member
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                );
            }
            for other in others {
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
            let sent = flood.join().expect("a flood").frames;
            assert!(sent > 10_000, "{sent} packets are no flood");
            lists
        })
    });
    println!("{} commands", commands.load(Relaxed));
    for list in ["trust", "deny", "retire"] {
        let mut expected: BTreeSet<String> = if list == "trust" {
            [PROXY.to_owned()].into()
        } else {
            BTreeSet::new()
        };
        lists
            .iter()
            .filter(|(name, _)| *name == list)
            .for_each(|(_, own)| expected.extend(own.iter().cloned()));
        assert_eq!(
            origin.list(list).into_iter().collect::<BTreeSet<_>>(),
            expected,
            "{list}"
        );
    }
    assert_eq!(origin.json("status --json")["drop"], "new");
    origin.filters();
}
