//! Lists in DNS: TXT records in SPF syntax (RFC 7208), with `ip4:`, `ip6:` and `include:` terms.
//!
//! A list is complete or it is an error: one record that is missing or malformed is an error of the whole list.

use std::{collections::HashSet, net::SocketAddr, time::Duration};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::{DnsError, NetError, NoRecords, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{Name, RData},
    },
};
use ipnet::IpNet;
use tokio::runtime;

use crate::{
    model::{
        duration,
        prefix::{self, BadPrefix},
    },
    text::shown,
};

/// The limit of included names (RFC 7208, section 4.6.4).
const MAX_INCLUDES: usize = 10;

/// The start of an SPF record (RFC 7208, section 4.5).
const VERSION: &str = "v=spf1";

/// Why DNS gave no list.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the TXT records of {name}: {why}")]
pub struct TxtError {
    /// The name that was asked for.
    pub name: String,
    /// What went wrong.
    pub why: Why,
}

/// Why a name gave no list.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// It is not a domain name.
    #[error("it is not a domain name")]
    BadName,
    /// The name does not exist.
    #[error("there is no such name (NXDOMAIN)")]
    NoSuchName,
    /// The name has no such records.
    #[error("it has no TXT records")]
    NoRecords,
    /// The server answered with an error.
    #[error("the DNS server answered {0}")]
    Refused(ResponseCode),
    /// No record is an SPF record with addresses.
    #[error("none of them starts with {VERSION} and has ip4:, ip6: or include: terms")]
    NoTerms,
    /// A malformed term.
    #[error("the term '{term}' makes no sense: {what}")]
    BadTerm {
        /// The term.
        term: String,
        /// What is wrong with it.
        what: String,
    },
    /// It includes too many names.
    #[error("it includes more than {MAX_INCLUDES} other names (RFC 7208, section 4.6.4)")]
    TooManyIncludes,
    /// The time limit has passed.
    #[error("there was no answer after {}; the DNS server is slow, or not reachable", duration::format(*.0))]
    TooSlow(Duration),
    /// The server does not answer.
    #[error("the DNS server does not answer")]
    Silent,
    /// Another error.
    #[error("{0}")]
    Other(String),
}

/// Looks up a name and the names that it includes, within `timeout`.
///
/// Without `server`, the servers in `/etc/resolv.conf` are asked. A term that is neither an address nor an `include` is
/// skipped. So is a term with a qualifier other than `+`, since it does not pass.
///
/// # Errors
/// [`TxtError`] if a name has no list or a malformed one.
pub fn get(name: &str, server: Option<SocketAddr>, timeout: Duration) -> Result<Vec<IpNet>, TxtError> {
    let failed = |why| {
        let name = shown(name);
        TxtError { name, why }
    };
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(Why::Other(error.to_string())))?;
    let list = runtime.block_on(async {
        tokio::time::timeout(timeout, ask_for_all(name, server))
            .await
            .unwrap_or_else(|_| Err(failed(Why::TooSlow(timeout))))
    });
    // Do not wait for tasks that it may have given to other threads.
    runtime.shutdown_background();
    list
}

async fn ask_for_all(name: &str, server: Option<SocketAddr>) -> Result<Vec<IpNet>, TxtError> {
    let of = |name: &str, why| {
        let name = shown(name);
        TxtError { name, why }
    };
    let resolver = resolver(server).map_err(|error| of(name, explain(error)))?;
    let mut prefixes = Vec::new();
    let first = domain(name).ok_or_else(|| of(name, Why::BadName))?;
    let mut known = HashSet::from([first.clone()]);
    let mut ahead = vec![first];
    while let Some(next) = ahead.pop() {
        let its = |why| of(next.to_ascii().trim_end_matches('.'), why);
        let records = ask(&resolver, &next).await.map_err(its)?;
        let Terms {
            prefixes: more,
            includes,
        } = Terms::of(&records).map_err(its)?;
        prefixes.extend(more);
        for include in includes {
            if known.insert(include.clone()) {
                ahead.push(include);
            }
        }
        // The first name is not an included one.
        if known.len() - 1 > MAX_INCLUDES {
            return Err(of(name, Why::TooManyIncludes));
        }
    }
    Ok(prefixes)
}

fn resolver(server: Option<SocketAddr>) -> Result<TokioResolver, NetError> {
    let mut builder = match server {
        None => TokioResolver::builder_tokio()?,
        Some(address) => {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = address.port();
                connection
            });
            let server = NameServerConfig::new(address.ip(), true, connections.into());
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    let options = builder.options_mut();
    options.use_hosts_file = ResolveHosts::Never;
    options.cache_size = 0;
    builder.build()
}

/// A fully qualified name: the search list of `/etc/resolv.conf` would change another one.
fn domain(name: &str) -> Option<Name> {
    let mut domain = Name::from_ascii(name)
        .ok()
        .filter(|domain| domain.num_labels() > 0)?;
    domain.set_fqdn(true);
    Some(domain.to_lowercase())
}

/// The TXT records of a name, each with its strings joined (RFC 7208, section 3.3).
async fn ask(resolver: &TokioResolver, name: &Name) -> Result<Vec<String>, Why> {
    let answer = resolver.txt_lookup(name.clone()).await.map_err(explain)?;
    let texts = answer.answers().iter().filter_map(|record| match &record.data {
        RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
        _ => None,
    });
    Ok(texts.collect())
}

fn explain(error: NetError) -> Why {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(NoRecords { response_code, .. })) => match response_code {
            ResponseCode::NXDomain => Why::NoSuchName,
            ResponseCode::NoError => Why::NoRecords,
            other => Why::Refused(other),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => Why::Refused(code),
        NetError::Timeout => Why::Silent,
        // Some of these texts repeat what the server sent.
        other => Why::Other(shown(&other.to_string())),
    }
}

/// The terms of records.
#[derive(Debug, Default)]
struct Terms {
    prefixes: Vec<IpNet>,
    includes: Vec<Name>,
}

impl Terms {
    fn of(records: &[String]) -> Result<Self, Why> {
        let mut terms = Self::default();
        for record in records {
            let mut words = record.split(' ').filter(|word| !word.is_empty());
            if words
                .next()
                .is_none_or(|first| !first.eq_ignore_ascii_case(VERSION))
            {
                continue;
            }
            for word in words {
                terms.add(word)?;
            }
        }
        if terms.prefixes.is_empty() && terms.includes.is_empty() {
            return Err(Why::NoTerms);
        }
        Ok(terms)
    }

    fn add(&mut self, term: &str) -> Result<(), Why> {
        let makes_no_sense = |what: String| Why::BadTerm {
            term: shown(term),
            what,
        };
        let Some((mechanism, value)) = term.strip_prefix('+').unwrap_or(term).split_once(':') else {
            return Ok(());
        };
        match mechanism.to_ascii_lowercase().as_str() {
            version @ ("ip4" | "ip6") => {
                let prefix = match prefix::parse(value) {
                    // The length says how many bits matter (RFC 7208, section 5.6).
                    Err(BadPrefix::HostBits { prefix, .. }) => prefix,
                    parsed => parsed.map_err(|bad| makes_no_sense(bad.to_string()))?,
                };
                if matches!(prefix, IpNet::V4(_)) != (version == "ip4") {
                    return Err(makes_no_sense("it is of the other IP version".to_owned()));
                }
                self.prefixes.push(prefix);
            }
            "include" => {
                let name = domain(value).ok_or_else(|| makes_no_sense("it has no domain name".to_owned()))?;
                self.includes.push(name);
            }
            _ => {}
        }
        Ok(())
    }
}
