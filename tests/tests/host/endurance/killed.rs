//! A thousand kills of any command at any time. The filter never stops, and is the old one or the new one. The next
//! command works, and nothing is left.

use std::{collections::HashMap, path::Path, time::Duration};

use tests::{
    origin::{Origin, PINS, UP, killing, objects::Objects, pins},
    random::Random,
    thorough,
};

use crate::endurance::{
    faults::{self, Fault},
    model::{self, PROXY, State},
};

/// The pins that depend on the filter's content. This leaves out the counters, which stay where slots have been. It
/// also leaves out the second generation, which may be in use.
fn pins_of_a_filter() -> Vec<String> {
    let all = pins(Path::new(PINS))
        .into_iter()
        .map(|path| path.display().to_string());
    all.filter(|path| !path.contains("/chunks/") && !path.contains("/generation"))
        .collect()
}

#[test]
fn whatever_is_killed_whenever_the_filter_is_the_old_one_or_the_new_one() {
    let kills = if thorough() { 4000 } else { 250 };
    let origin = Origin::up();
    origin.add_interface("eth1");
    let mut random = Random::new(1);
    let mut state = State::of(&origin);
    let mut seen: Option<Objects> = None;
    // The longest wait before the kill, for each kind of command. It is chosen so that about half of the commands
    // finish.
    let mut longest: HashMap<String, Duration> = HashMap::new();
    let (mut old, mut new) = (0, 0);
    let ((), watched) = origin.watched(|| {
        for number in 0..kills {
            let step = model::any_step(&origin, &state, &mut random);
            let kind: String = step.arguments.split(' ').take(2).collect::<Vec<_>>().join(" ");
            if number % 2 == 0 {
                // Kill at a random time.
                let time = *longest.entry(kind.clone()).or_insert(Duration::from_millis(20));
                let time = time * random.below(1000) as u32 / 1000;
                killing::after(&mut origin.site.synwall_command(step.arguments.split(' ')), time);
            } else {
                // Kill at a system call.
                let calls =
                    ["bpf", "bpf,mkdir,unlink,unlinkat,rmdir,flock,munmap,close"][random.below(2) as usize];
                let call = 1 + random.below(if calls == "bpf" { 150 } else { 250 }) as u32;
                faults::run(&origin, &step.arguments, calls, Fault::Kills, call);
            }
            let now = State::of(&origin);
            assert!(
                now == state || now == step.after,
                "`{}` left neither what was before nor what comes after it:\n{now}{state}{}",
                step.arguments,
                step.after
            );
            let is_old = now == state;
            if is_old {
                old += 1;
            } else {
                new += 1;
            }
            longest
                .entry(kind)
                .and_modify(|time| *time = *time * if is_old { 9 } else { 7 } / 8);
            state = now;
            if number % 20 == 0 {
                let all = Objects::of(&origin);
                seen = Some(match seen.take() {
                    Some(seen) => seen.and(all),
                    None => all,
                });
            }
        }
    });
    assert!(
        old > kills / 5 && new > kills / 5,
        "{old} old, {new} new: the kills came too late or too early"
    );

    assert_eq!(
        origin.packets_on("trust", PROXY),
        watched.visits,
        "counters were lost"
    );

    // The next commands work, and the filter has nothing that a filter without kills does not have.
    for command in [
        "down eth1",
        "set --drop new --tcp 80,443 --udp none",
        "trust replace /dev/null",
    ] {
        let _ = origin.run(command);
    }
    origin
        .site
        .synwall_with_input(["trust", "replace", "-"], "185.94.108.0/24\n")
        .ok();
    origin.site.synwall_with_input(["deny", "replace", "-"], "").ok();
    for prefix in state.lists[2].keys() {
        origin.synwall(&format!("retire remove {prefix}"));
    }
    origin.filters();
    let left = pins_of_a_filter();
    let seen = seen.expect("a look").and(Objects::of(&origin));
    origin.synwall("down --all");
    assert!(!Path::new(PINS).exists());
    seen.are_gone(&origin);
    origin.synwall(UP);
    assert_eq!(left, pins_of_a_filter());
}

#[test]
fn at_whatever_system_call_up_and_down_are_killed_it_filters_or_it_does_not() {
    let origin = Origin::new();
    let step = if thorough() { 1 } else { 7 };
    for command in [UP, "down eth0", "down --all"] {
        for number in (1..).step_by(step) {
            if command == UP {
                if Path::new(PINS).exists() {
                    origin.synwall("down --all");
                }
            } else {
                origin.synwall(UP);
            }
            let faulty = faults::run(
                &origin,
                command,
                "bpf,mkdir,unlink,unlinkat,rmdir",
                Fault::Kills,
                number,
            );
            if !faulty.happened {
                faulty.output.ok();
                break;
            }
            let status = origin.run("status --json");
            if status.code == Some(0) && status.stdout.contains(r#""state":"attached""#) {
                origin.filters();
            } else {
                assert!(!origin.xdp_is_on(), "{status}\nand yet it filters");
                origin.serves_everybody();
            }
        }
        // From either state, the next commands work.
        origin.synwall(UP);
        origin.filters();
        origin.synwall("down --all");
        assert!(!Path::new(PINS).exists());
    }
}

#[test]
fn at_whatever_system_call_a_change_of_one_entry_is_killed_packets_and_lists_agree() {
    let origin = Origin::up();
    for (command, back) in [
        ("trust add 192.0.2.0/24 --for 1h", "trust remove 192.0.2.0/24"),
        ("trust remove 192.0.2.0/24", "trust add 192.0.2.0/24"),
    ] {
        let is_there = command.contains("remove");
        for number in (1..).step_by(if thorough() { 1 } else { 5 }) {
            let listed = || origin.list("trust").contains(&"192.0.2.0/24".to_owned());
            if listed() != is_there {
                origin.synwall(back);
            }
            let faulty = faults::run(&origin, command, "bpf", Fault::Kills, number);
            // `trust check` reads the tries, which also decide about packets.
            let check = origin.run("trust check 192.0.2.1");
            assert_eq!(
                check.code,
                Some(i32::from(!listed())),
                "killed at call {number}\n{check}"
            );
            assert!(faulty.happened || listed() != is_there, "{}", faulty.output);
            // The next change repairs the filter.
            origin.synwall("deny add 198.51.100.0/24");
            let check = origin.run("trust check 192.0.2.1");
            assert_eq!(
                check.code,
                Some(i32::from(!listed())),
                "killed at call {number}\n{check}"
            );
            origin.synwall("deny remove 198.51.100.0/24");
            if !faulty.happened {
                break;
            }
        }
    }
}
