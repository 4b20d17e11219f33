//! How another program embeds the loader: load, list, attach, read counters.
//!
//! ```text
//! cargo run --release --example embed -- eth0 198.51.100.0/24=office
//! ```
//!
//! Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, as `synwall` does. The filter stays when the program ends: take it down with
//! `synwall down --all --pin-dir /sys/fs/bpf/embedded`.

use std::{error::Error, path::Path};

use filter_common::Reason;
use filter_user::{
    filter::{
        instance::{self, Instance},
        totals::Totals,
    },
    model::{
        entry::{Action, NewEntry},
        mode::RequestedMode,
        rules::Rules,
        settings::Settings,
    },
    sys::{netlink, random},
};

/// Where this filter is kept: beside the one of the command line, not in its place.
const PIN_DIR: &str = "/sys/fs/bpf/embedded";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let interface = arguments.next().ok_or("usage: embed INTERFACE PREFIX[=LABEL]…")?;
    let trusted = arguments
        .map(|entry| Ok(entry.parse()?))
        .collect::<Result<_, Box<dyn Error>>>()?;
    let totals = protect(Path::new(PIN_DIR), &interface, trusted)?;
    println!("passed {} packets", totals.passed.packets);
    for reason in Reason::ALL {
        println!(
            "dropped {}: {}",
            reason.name(),
            totals.dropped[reason.index()].packets
        );
    }
    Ok(())
}

/// Puts a filter on an interface that drops every new connection to TCP 80 and 443, unless its source is trusted. Returns what it
/// has counted there. Called again, it changes the list of the running filter.
pub fn protect(pin_dir: &Path, interface: &str, trusted: Vec<NewEntry>) -> Result<Totals, Box<dyn Error>> {
    let interface = netlink::by_name(interface)?;
    let rules = Rules::default().add(Action::Trust, trusted, false)?;
    // Ports 80 and 443, policy enforce. The number keeps attackers from crowding one place of the drop counters.
    let settings = Settings::new(random::number()?);
    // An enforcing filter that trusts nobody would take the site off the net.
    instance::refuse_nobody(&settings, rules.any(Action::Trust))?;
    // Locked against other commands for as long as `filter` lives.
    let (mut filter, is_new) = Instance::open_or_create(pin_dir, &settings)?;
    let attached = put_in_force(&mut filter, is_new, rules).and_then(|()| {
        filter.attach(std::slice::from_ref(&interface), RequestedMode::Auto, 0)?;
        Ok(())
    });
    if let Err(error) = attached {
        // A filter that was never attached is nobody's.
        if is_new {
            filter.remove()?;
        }
        return Err(error);
    }
    let attachment = filter
        .attachment_of(&interface)
        .ok_or("the interface went away")?;
    Ok(attachment.totals(filter.pins())?)
}

fn put_in_force(filter: &mut Instance, is_new: bool, rules: Rules) -> Result<(), Box<dyn Error>> {
    filter.set_rules(rules)?;
    if is_new {
        filter.complete()?;
    }
    Ok(())
}
