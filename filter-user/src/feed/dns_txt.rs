//! Lists in TXT records, in the words of SPF (RFC 7208): `ip4:`, `ip6:`, `include:`. Answers are not authenticated: whoever can
//! forge them decides what is in the list.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::RData,
};
use ipnet::IpNet;
use tokio::{runtime::Builder, time};

use super::FeedError;
use crate::{error::shown, prefix};

/// Names that are asked for (RFC 7208, section 4.6.4).
const LOOKUPS: usize = 10;

/// Gets the prefixes that the records of `name` have, and those that they include. All of it takes `timeout` at the most.
pub fn get(name: &str, server: Option<SocketAddr>, timeout: Duration) -> Result<Vec<IpNet>, FeedError> {
    let failed = |reason: String| FeedError::Dns {
        name: shown(name),
        reason,
    };
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let looked_up = runtime.block_on(async { time::timeout(timeout, look_up(name, server, timeout)).await });
    // Queries that are still under way are not waited for.
    runtime.shutdown_background();
    match looked_up {
        Ok(found) => found.map_err(failed),
        Err(_) => Err(failed(format!(
            "no answer within {}",
            humantime::format_duration(timeout)
        ))),
    }
}

async fn look_up(name: &str, server: Option<SocketAddr>, timeout: Duration) -> Result<Vec<IpNet>, String> {
    let resolver = resolver(server, timeout)?;
    let mut prefixes = Vec::new();
    let (mut asked, mut to_ask) = (BTreeSet::new(), vec![name.to_owned()]);
    while let Some(name) = to_ask.pop() {
        if !asked.insert(name.to_ascii_lowercase()) {
            continue;
        }
        if asked.len() > LOOKUPS {
            return Err(format!(
                "they include more than {LOOKUPS} names (RFC 7208, section 4.6.4)"
            ));
        }
        // A name that ends with a dot is looked for nowhere else.
        let full = if name.ends_with('.') {
            name.clone()
        } else {
            format!("{name}.")
        };
        let answer = resolver
            .txt_lookup(full)
            .await
            .map_err(|error| format!("{}: {error}", shown(&name)))?;
        for record in answer.answers() {
            let RData::TXT(txt) = &record.data else {
                continue;
            };
            let text: Vec<u8> = txt
                .txt_data
                .iter()
                .flat_map(|part| part.iter().copied())
                .collect();
            for term in String::from_utf8_lossy(&text).split_whitespace() {
                // SPF's default is to pass; what fails or is only suspected is not meant.
                let term = term.strip_prefix('+').unwrap_or(term);
                match term.split_once(':') {
                    Some(("ip4" | "ip6", address)) => {
                        prefixes
                            .push(prefix::parse(address).map_err(|bad| format!("{}: {bad}", shown(&name)))?);
                    }
                    Some(("include", other)) => to_ask.push(other.to_owned()),
                    _ => {}
                }
            }
        }
    }
    if prefixes.is_empty() {
        return Err("there is no ip4: or ip6: in them".into());
    }
    Ok(prefixes)
}

fn resolver(server: Option<SocketAddr>, timeout: Duration) -> Result<TokioResolver, String> {
    let mut builder = match server {
        None => TokioResolver::builder_tokio()
            .map_err(|error| format!("cannot read /etc/resolv.conf: {error}"))?,
        Some(server) => {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = server.port();
                connection
            });
            let server = NameServerConfig::new(server.ip(), true, connections.into());
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    let options = builder.options_mut();
    options.timeout = (timeout / 4).max(Duration::from_secs(1));
    options.attempts = 2;
    options.cache_size = 0;
    builder.build().map_err(|error| error.to_string())
}
