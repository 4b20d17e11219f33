//! Known providers: their networks, or where these are published.

use ipnet::IpNet;

use super::definition::{Feed, Format, GRACE, INTERVAL, JITTER, Location, Selection, TIMEOUT};
use crate::{
    model::{
        entry::{Action, BadEntry, Label, NewEntry, Origin},
        prefix,
    },
    text::shown,
};

/// A result of a look-up.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the networks of a provider are not available.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name is unknown.
    #[error("unknown provider '{name}'; known: {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The known names.
        known: String,
    },
    /// Its networks are not built in, so the agent must fetch them.
    #[error(
        "the networks of {name} are fetched, by the agent (synwall run, [trust] providers = [\"{name}\"]); a command alone has those of: {built_in}. Or hand over a list: --trust-file FILE"
    )]
    IsFetched {
        /// The provider.
        name: String,
        /// The providers whose networks are built in.
        built_in: String,
    },
    /// A built-in network or name that is malformed.
    #[error(transparent)]
    Entry(#[from] BadEntry),
}

/// A provider, and the networks from which it connects to origins.
struct Provider {
    name: &'static str,
    /// The networks that are known for certain.
    built_in: &'static [&'static str],
    published: Published,
}

/// Where a provider publishes its networks for programs.
enum Published {
    Nowhere,
    Https {
        url: &'static str,
        /// The arrays with the prefixes: a JSON pointer, and the member if the array has objects.
        arrays: &'static [(&'static str, Option<&'static str>)],
        /// A member that objects must have, with its value.
        with: Option<(&'static str, &'static str)>,
        post: Option<&'static str>,
    },
    DnsTxt(&'static str),
}

/// From the documentation of the providers; `docs/providers.md` says what was verified.
const PROVIDERS: &[Provider] = &[
    // One network, from its connection guide (as of November 2026). The list for programs needs a login.
    Provider {
        name: "qrator",
        built_in: &["185.94.108.0/24"],
        published: Published::Nowhere,
    },
    Provider {
        name: "cloudflare",
        built_in: &[],
        published: Published::Https {
            url: "https://api.cloudflare.com/client/v4/ips",
            arrays: &[("/result/ipv4_cidrs", None), ("/result/ipv6_cidrs", None)],
            with: None,
            post: None,
        },
    },
    Provider {
        name: "fastly",
        built_in: &[],
        published: Published::Https {
            url: "https://api.fastly.com/public-ip-list",
            arrays: &[("/addresses", None), ("/ipv6_addresses", None)],
            with: None,
            post: None,
        },
    },
    // The service CLOUDFRONT alone is what viewers connect to.
    Provider {
        name: "cloudfront",
        built_in: &[],
        published: Published::Https {
            url: "https://ip-ranges.amazonaws.com/ip-ranges.json",
            arrays: &[
                ("/prefixes", Some("ip_prefix")),
                ("/ipv6_prefixes", Some("ipv6_prefix")),
            ],
            with: Some(("service", "CLOUDFRONT_ORIGIN_FACING")),
            post: None,
        },
    },
    // For origins outside of Google's cloud. Inside, the load balancer connects from 35.191.0.0/16 and 130.211.0.0/22.
    Provider {
        name: "google-lb",
        built_in: &[],
        published: Published::DnsTxt("_cloud-eoips.googleusercontent.com"),
    },
    Provider {
        name: "imperva",
        built_in: &[],
        published: Published::Https {
            url: "https://my.imperva.com/api/integration/v1/ips",
            arrays: &[("/ipRanges", None), ("/ipv6Ranges", None)],
            with: None,
            post: Some("resp_format=json"),
        },
    },
];

/// The names of all known providers.
pub fn names() -> Vec<&'static str> {
    PROVIDERS.iter().map(|provider| provider.name).collect()
}

/// The names of the providers whose networks are built in.
pub fn built_in() -> Vec<&'static str> {
    let known = PROVIDERS.iter().filter(|provider| !provider.built_in.is_empty());
    known.map(|provider| provider.name).collect()
}

fn find(name: &str) -> Result<&'static Provider> {
    let unknown = || Error::Unknown {
        name: shown(name),
        known: names().join(", "),
    };
    let mut providers = PROVIDERS.iter();
    providers
        .find(|provider| provider.name == name)
        .ok_or_else(unknown)
}

/// The built-in networks of a provider, as trust entries.
pub fn entries(name: &str) -> Result<Vec<NewEntry>> {
    let feed = feed(name)?;
    if feed.built_in.is_empty() {
        return Err(Error::IsFetched {
            name: feed.name,
            built_in: built_in().join(", "),
        });
    }
    let entry = |prefix: &IpNet| NewEntry {
        prefix: *prefix,
        label: feed.label.clone(),
        origin: feed.origin.clone(),
        expires_ns: None,
        saved: false,
    };
    Ok(feed.built_in.iter().map(entry).collect())
}

/// The list of a provider as a feed with default times.
pub fn feed(name: &str) -> Result<Feed> {
    let Provider {
        name,
        built_in,
        published,
    } = find(name)?;
    let built_in = built_in
        .iter()
        .map(|text| Ok(prefix::parse(text).map_err(BadEntry::from)?));
    Ok(Feed {
        name: (*name).to_owned(),
        origin: Origin::new(&format!("provider:{name}")),
        action: Action::Trust,
        label: Label::new(name).map_err(BadEntry::from)?,
        location: published.location(),
        built_in: built_in.collect::<Result<_>>()?,
        interval: INTERVAL,
        jitter: JITTER,
        timeout: TIMEOUT,
        grace: GRACE,
    })
}

impl Published {
    fn location(&self) -> Location {
        match self {
            Self::Nowhere => Location::BuiltIn,
            Self::DnsTxt(name) => Location::DnsTxt {
                name: (*name).to_owned(),
                server: None,
            },
            Self::Https {
                url,
                arrays,
                with,
                post,
            } => {
                let with = with.map(|(key, value)| (key.to_owned(), value.to_owned()));
                let selection = |(pointer, member): &(&str, Option<&str>)| Selection {
                    pointer: (*pointer).to_owned(),
                    member: member.map(str::to_owned),
                    with: with.clone().into_iter().collect(),
                };
                Location::Https {
                    url: (*url).to_owned(),
                    ca_file: None,
                    post: post.map(str::to_owned),
                    format: Format::Json(arrays.iter().map(selection).collect()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::read;

    /// Answers from the documentation of the providers, shortened.
    const ANSWERS: [(&str, &str, &[&str]); 4] = [
        (
            "cloudflare",
            r#"{"result":{"ipv4_cidrs":["173.245.48.0/20"],"ipv6_cidrs":["2400:cb00::/32"],"etag":"x"},"success":true}"#,
            &["173.245.48.0/20", "2400:cb00::/32"],
        ),
        (
            "fastly",
            r#"{"addresses":["23.235.32.0/20"],"ipv6_addresses":["2a04:4e40::/32"]}"#,
            &["23.235.32.0/20", "2a04:4e40::/32"],
        ),
        (
            "cloudfront",
            r#"{"syncToken":"1","prefixes":[{"ip_prefix":"3.5.140.0/22","region":"r","service":"AMAZON"},
                {"ip_prefix":"130.176.0.0/17","region":"GLOBAL","service":"CLOUDFRONT_ORIGIN_FACING"}],
                "ipv6_prefixes":[{"ipv6_prefix":"2600:9000:1000::/36","service":"CLOUDFRONT_ORIGIN_FACING"},
                {"ipv6_prefix":"2600:9000::/28","service":"CLOUDFRONT"}]}"#,
            &["130.176.0.0/17", "2600:9000:1000::/36"],
        ),
        (
            "imperva",
            r#"{"ipRanges":["199.83.128.0/21"],"ipv6Ranges":["2a02:e980::/29"],"res":0}"#,
            &["199.83.128.0/21", "2a02:e980::/29"],
        ),
    ];

    #[test]
    fn every_provider_is_a_source_or_built_in() {
        for name in names() {
            let feed = feed(name).unwrap();
            assert!(
                feed.location != Location::BuiltIn || !feed.built_in.is_empty(),
                "{name}"
            );
            assert_eq!(feed.origin.as_str(), format!("provider:{name}"));
        }
        assert_eq!(built_in(), ["qrator"]);
    }

    #[test]
    fn answers_are_read_as_they_are_documented() {
        for (name, answer, expected) in ANSWERS {
            let feed = feed(name).unwrap();
            let Location::Https { format, .. } = &feed.location else {
                panic!("{name}");
            };
            let entries = read::read(&feed, format, answer.as_bytes()).unwrap();
            let prefixes: Vec<String> = entries.iter().map(|entry| entry.prefix.to_string()).collect();
            assert_eq!(prefixes, expected, "{name}");
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        assert_eq!(
            entries("quator").unwrap_err().to_string(),
            "unknown provider 'quator'; known: qrator, cloudflare, fastly, cloudfront, google-lb, imperva"
        );
        let error = entries("fastly").unwrap_err().to_string();
        assert!(error.starts_with("the networks of fastly are fetched"), "{error}");
    }
}
