//! The steps of the demo, in their order.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::expectation::{Stop, expect, go_on};
use super::flood::flood;
use super::narrator::Narrator;
use super::reach::{expect_filtered, expect_pages, expect_silence};
use crate::lab::{Family, Host, Output, Site};
use crate::origin::agent::{Agent, Home};
use crate::origin::{Origin, PINS};

/// Runs all steps, or stops at the first one that fails.
pub(super) fn all(narrator: &mut Narrator, interrupted: &AtomicBool) -> Result<(), Stop> {
    let started = Instant::now();
    narrator.title(
        "synwall hides a web server from everyone but its DDoS-protection reverse proxy",
        "This demo shows it with real programs (nginx, curl, nmap) on a small network of its own. It does\n\
         not touch this machine's network, and leaves nothing behind.",
    );
    narrator.step("Lay out a small Internet");
    let origin = Origin {
        site: lay_out(narrator),
    };
    for step in [before, up, hidden, flooded, statistics, partner, down, agent] {
        go_on(interrupted)?;
        // If a signal broke a step, report the interruption and not a false claim.
        step(narrator, &origin, interrupted).map_err(|stop| go_on(interrupted).err().unwrap_or(stop))?;
    }
    narrator.step("What you have seen");
    narrator.say(format_args!(
        "One command hid the origin: the proxy got every page, before, during and after a flood of SYNs,\n\
         and anyone else got silence, on both ports and both versions of IP. Networks were let in and\n\
         shut out live, and one command undid it all. It took {:.0} seconds.",
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn lay_out(narrator: &Narrator) -> Site {
    let site = Site::standard();
    let line = |host: &Host, role: &str| {
        let (v4, v6) = (host.address(Family::V4), host.address(Family::V6));
        narrator.say(format_args!("{:<8}  {v4:<13}  {v6:<17}  {role}", host.name()));
    };
    line(&site.origin, "the web server to be hidden: nginx on 80 and 443");
    line(&site.proxy, "the reverse proxy, in Qrator's network");
    line(&site.attacker, "anyone else");
    site
}

fn before(narrator: &mut Narrator, Origin { site }: &Origin, _: &AtomicBool) -> Result<(), Stop> {
    narrator.step("Before: the origin answers everyone who finds its address");
    expect_pages(narrator, site, &site.proxy)?;
    expect_pages(narrator, site, &site.attacker)?;
    narrator.say("So an attacker who knows the address goes around the proxy and its protection.");
    Ok(())
}

fn up(narrator: &mut Narrator, Origin { site }: &Origin, _: &AtomicBool) -> Result<(), Stop> {
    narrator.step("Put synwall on the origin's network card");
    let trust = "2001:db8:94::/48=proxy-v6";
    succeed(
        narrator,
        site,
        &["up", "eth0", "--provider", "qrator", "--trust", trust],
    )?;
    // Pins exist now, so their absence at the end proves something.
    expect(
        !pins(Path::new(PINS)).is_empty(),
        format!("pins below {PINS} keep the filter"),
        "none",
    )
}

fn hidden(narrator: &mut Narrator, Origin { site }: &Origin, interrupted: &AtomicBool) -> Result<(), Stop> {
    narrator.step("Hidden: only the proxy gets through");
    expect_pages(narrator, site, &site.proxy)?;
    expect_silence(narrator, site, &site.attacker)?;
    go_on(interrupted)?;
    narrator.say("A port scan by the attacker:");
    expect_filtered(narrator, site, &site.attacker)
}

fn flooded(narrator: &mut Narrator, Origin { site }: &Origin, interrupted: &AtomicBool) -> Result<(), Stop> {
    narrator.step("Under a flood of SYNs, while the proxy goes on with its work");
    flood(narrator, site, interrupted)
}

fn statistics(narrator: &mut Narrator, Origin { site }: &Origin, _: &AtomicBool) -> Result<(), Stop> {
    narrator.step("What the operator sees");
    succeed(narrator, site, &["status"])?;
    succeed(narrator, site, &["stats", "sources"])?;
    let attacker = "198.51.100.0/24";
    let output = site.synwall(["stats", "sources", "--json"]);
    let sources: serde_json::Value = serde_json::from_str(&output.stdout).unwrap_or_default();
    let first = &sources["sources"][0];
    let expected = format!("the largest of the sources is {attacker}");
    expect(first["prefix"] == attacker, expected, first.to_string())?;
    narrator.seen(format_args!(
        "{attacker}, which did not hide in the noise, leads the list"
    ));
    succeed(narrator, site, &["stats", "prefixes"])?;
    succeed(narrator, site, &["stats", "reasons"])?;
    Ok(())
}

fn partner(narrator: &mut Narrator, Origin { site }: &Origin, interrupted: &AtomicBool) -> Result<(), Stop> {
    narrator.step("Change of mind, live: the attacker's network becomes a partner's, and is not any more");
    let networks = ["198.51.100.0/24", "2001:db8:bad::/64"];
    succeed(
        narrator,
        site,
        &["trust", "add", networks[0], networks[1], "--label", "partner"],
    )?;
    expect_pages(narrator, site, &site.attacker)?;
    go_on(interrupted)?;
    succeed(narrator, site, &["trust", "remove", networks[0], networks[1]])?;
    expect_silence(narrator, site, &site.attacker)?;
    expect_pages(narrator, site, &site.proxy)
}

fn down(narrator: &mut Narrator, Origin { site }: &Origin, _: &AtomicBool) -> Result<(), Stop> {
    narrator.step("Take it off again");
    off(narrator, site)
}

fn agent(narrator: &mut Narrator, origin: &Origin, interrupted: &AtomicBool) -> Result<(), Stop> {
    narrator
        .step("The same for years: a file says it, and an agent keeps it so, as the package's service does");
    let site = &origin.site;
    let home = Home::new(origin);
    let file = home.config().display().to_string();
    let alone = "interfaces = [\"eth0\"]\n\n[trust]\nproviders = [\"qrator\"]\nprefixes = [\"2001:db8:94::/48 proxy-v6\"]\n";
    home.configure(alone);
    narrator.quote(&file, alone);
    succeed(narrator, site, &["config", "check", &file])?;
    let mut agent = Agent::start(origin, &home);
    narrator.quote(&format!("$ synwall run --config {file} &"), &agent.log());
    expect_pages(narrator, site, &site.proxy)?;
    expect_silence(narrator, site, &site.attacker)?;
    go_on(interrupted)?;
    narrator.say("Somebody adds the attacker's network to the file:");
    let partner = "proxy-v6\", \"198.51.100.0/24 partner\", \"2001:db8:bad::/64 partner";
    let said = agent.log().len();
    agent.says_after("lists:", || home.configure(&alone.replace("proxy-v6", partner)));
    narrator.quote("synwall.toml is saved", &agent.log()[said..]);
    expect_pages(narrator, site, &site.attacker)?;
    agent.says_after("lists:", || home.configure(alone));
    go_on(interrupted)?;
    narrator.say("It is taken out again, and the agent is stopped. The filter stays:");
    agent.stop();
    expect_pages(narrator, site, &site.proxy)?;
    expect_silence(narrator, site, &site.attacker)?;
    off(narrator, site)
}

/// Takes the filter down, and checks that nothing is left.
fn off(narrator: &Narrator, site: &Site) -> Result<(), Stop> {
    succeed(narrator, site, &["down", "--all"])?;
    expect_pages(narrator, site, &site.proxy)?;
    expect_pages(narrator, site, &site.attacker)?;
    let link = Output::of(site.origin.command("ip").args(["-json", "link", "show", "eth0"])).json();
    expect(
        link[0].get("xdp").is_none(),
        "no XDP program is left on eth0",
        link.to_string(),
    )?;
    let pins = pins(Path::new(PINS));
    expect(
        pins.is_empty(),
        format!("no pins are left below {PINS}"),
        pins.join("\n"),
    )?;
    narrator.seen("no program on eth0 and no pins in the BPF file system are left");
    Ok(())
}

/// Runs synwall on the origin and prints its output. Fails if the command fails.
fn succeed(narrator: &Narrator, site: &Site, arguments: &[&str]) -> Result<Output, Stop> {
    let output = narrator.shown(site.synwall_command(arguments));
    expect(
        output.code == Some(0),
        format!("`{}` succeeds", output.command),
        output.to_string(),
    )?;
    Ok(output)
}

/// Every file in the tree. Directories do not count, because they pin nothing. A missing directory is empty.
fn pins(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(pins(&path)),
            false => found.push(path.display().to_string()),
        }
    }
    found
}
