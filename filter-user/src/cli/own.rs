//! Warnings about retiring an address that this machine still has.

use filter_user::{
    sys::{addresses, error::Error},
    text::shown,
};
use ipnet::IpNet;

/// A warning for each address of this machine in `prefixes`. It is no error: an address may be retired before it is taken
/// off.
pub fn retired(prefixes: &[IpNet]) -> Vec<String> {
    // The change goes on without the look at the addresses.
    let cannot = |error: Error| {
        vec![format!(
            "it could not be seen which addresses are in use: {error}"
        )]
    };
    find(prefixes).unwrap_or_else(cannot)
}

fn find(prefixes: &[IpNet]) -> Result<Vec<String>, Error> {
    if prefixes.is_empty() {
        return Ok(Vec::new());
    }
    let addresses = addresses::all()?.into_iter();
    let own = addresses.filter_map(|(address, interface)| {
        let prefix = prefixes.iter().find(|prefix| prefix.contains(&address))?;
        Some(format!(
            "{address} is an address of {} now, and {prefix} is retired: nothing that is sent to it arrives on a protected \
             interface, SSH included",
            shown(&interface)
        ))
    });
    Ok(own.collect())
}
