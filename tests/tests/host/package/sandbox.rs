//! The unit's sandbox, with a real systemd: everything that synwall needs works in it, and nothing else.

use crate::package::machine::Machine;

/// A drop-in that runs these commands instead of the agent, under the unit's other settings.
fn instead(commands: &[&str]) -> String {
    let commands: String = commands
        .iter()
        .map(|command| format!("ExecStart={command}\n"))
        .collect();
    format!(
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nRestart=no\nWatchdogSec=0\n\
         StandardOutput=append:/run/said\nStandardError=inherit\nExecStart=\n{commands}"
    )
}

#[track_caller]
fn said_by(commands: &[&str], script: &str) -> String {
    let machine = Machine::with_package();
    machine.write(
        "etc/systemd/system/synwall.service.d/laboratory.conf",
        &instead(commands),
    );
    machine.boot("synwall.service", script)
}

#[test]
fn the_command_line_works_in_it_from_up_to_down() {
    let said = said_by(
        &[
            "/usr/sbin/synwall up eth0 --provider qrator",
            "/usr/sbin/synwall trust add 192.0.2.0/24 --for 1h",
            "/usr/sbin/synwall set --drop unestablished --udp 443",
            "/usr/sbin/synwall up eth0 --xdp native",
            "/usr/sbin/synwall status",
            "/usr/sbin/synwall stats reasons",
            "/usr/sbin/synwall down --all",
        ],
        "systemctl show --property=Result,ActiveState,ExecMainStatus synwall\n",
    );
    for expected in [
        "trusted   2 IPv4",
        "drop      unestablished",
        "native",
        "ActiveState=active",
        "Result=success",
    ] {
        assert!(said.contains(expected), "no {expected:?} in\n{said}");
    }
}

#[test]
fn roots_own_command_line_works_on_the_same_filter() {
    let said = said_by(
        &["/usr/sbin/synwall up eth0 --provider qrator"],
        "synwall trust add 192.0.2.0/24 && synwall trust check 192.0.2.1 && synwall down --all && echo all of it\n",
    );
    assert!(said.contains("all of it"), "{said}");
}

#[test]
fn it_has_three_capabilities_and_being_root_gives_no_more() {
    let said = said_by(&["/bin/cat /proc/self/status"], "");
    // CAP_NET_ADMIN is 12, CAP_PERFMON 38, CAP_BPF 39.
    let three = format!("{:016x}", 1_u64 << 12 | 1 << 38 | 1 << 39);
    for set in ["CapPrm", "CapEff", "CapBnd"] {
        assert!(said.contains(&format!("{set}:\t{three}\n")), "{set}\n{said}");
    }
    assert!(
        said.contains("NoNewPrivs:\t1\n") && said.contains("Seccomp:\t2\n"),
        "{said}"
    );
    // PR_CAP_AMBIENT_CLEAR_ALL: after it, programs of root get no capabilities.
    let cleared = r#"/usr/bin/perl -e 'syscall(157, 47, 4, 0, 0, 0) == 0 or die; exec "/bin/cat", "/proc/self/status"'"#;
    let said = said_by(&[cleared], "");
    assert!(said.contains("CapEff:\t0000000000000000\n"), "{said}");
    assert!(said.contains("Uid:\t0\t0\t0\t0\n"), "{said}");
}

#[test]
fn it_writes_its_state_and_pins_and_nothing_else() {
    // A network setting, because network settings belong to the laboratory.
    let places = [
        ("/var/lib/synwall/probe", true),
        ("/sys/fs/bpf/probe", true),
        ("/tmp/probe", true),
        ("/etc/synwall/probe", false),
        ("/var/probe", false),
        ("/usr/probe", false),
        ("/sys/class/net/lo/ifalias", false),
        ("/proc/sys/net/ipv4/ip_forward", false),
        ("/root/probe", false),
    ];
    let tries: Vec<_> = places
        .iter()
        .map(|(path, _)| match path.strip_prefix("/sys/fs/bpf/") {
            // On bpffs, only directories and pins can be created.
            Some(_) => format!("-/bin/sh -c 'mkdir {path} && echo wrote {path}.'"),
            None => format!("-/bin/sh -c 'echo 0 >{path} && echo wrote {path}.'"),
        })
        .collect();
    let tries: Vec<_> = tries.iter().map(String::as_str).collect();
    let said = said_by(&tries, "stat --format='%n %a %U' /var/lib/synwall; ls /tmp\n");
    for (path, may) in places {
        assert_eq!(said.contains(&format!("wrote {path}.")), may, "{path}\n{said}");
    }
    assert!(said.contains("/var/lib/synwall 700 root"), "{said}");
    // The service has a private /tmp.
    assert!(!said.lines().any(|line| line == "probe"), "{said}");
}

#[test]
fn it_does_not_see_homes_kernel_symbols_or_other_settings_of_the_kernel() {
    let said = said_by(
        &[
            "-/bin/sh -c 'ls /root && echo saw /root.'",
            "-/bin/sh -c 'head -c 1 /proc/kallsyms && echo saw kallsyms.'",
            "-/bin/sh -c 'mount -t tmpfs tmpfs /mnt && echo mounted.'",
            "-/bin/sh -c 'unshare --user true && echo unshared.'",
            "-/bin/sh -c 'echo it ran'",
        ],
        "",
    );
    assert!(said.contains("it ran"), "{said}");
    for seen in ["saw /root.", "saw kallsyms.", "mounted.", "unshared."] {
        assert!(!said.contains(seen), "{seen}\n{said}");
    }
}
