//! Checks a deserialised file: the result is a [`Config`], or a list of every mistake.

use std::{collections::HashSet, path::Path};

use filter_common::DropLevel;
use toml::Spanned;

use super::{
    checker::Checker,
    contents::{Config, InterfacePattern, Metrics, OnStop},
    entries::Lists,
    file::{self, File, Texts},
    interface,
    mistake::{self, Mistake},
    source,
};
use crate::{
    feed::definition::Feed,
    model::{entry::Action, lengths::Lengths, mode::RequestedMode, ports::PortSet, settings::Policy},
    text::shown,
};

/// The default number of prefixes with counters in the metrics.
const METRICS_PREFIXES: u32 = 1000;

/// Reads the text of the configuration file at `path`. It opens no file.
pub(super) fn check(text: &str, path: &Path) -> Result<Config, Vec<Mistake>> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let mut checker = Checker {
        directory,
        mistakes: Vec::new(),
    };
    let config = match mistake::read(text) {
        Ok(file) => checker.config(file, text, path),
        Err(mistake) => {
            checker.mistakes.push(mistake);
            None
        }
    };
    let Checker { mut mistakes, .. } = checker;
    mistakes.sort_by_key(|(at, _)| *at);
    match config {
        Some(config) if mistakes.is_empty() => Ok(config),
        _ => Err(mistakes
            .iter()
            .map(|(at, what)| Mistake::new(path, text, *at, what))
            .collect()),
    }
}

impl Checker<'_> {
    fn config(&mut self, file: File, text: &str, path: &Path) -> Option<Config> {
        let interfaces = self.interfaces(file.interfaces);
        let policy = self.word(
            "policy",
            &file.policy,
            &[("enforce", Policy::Enforce), ("observe", Policy::Observe)],
        );
        let levels = [
            ("new", DropLevel::New),
            ("unestablished", DropLevel::Unestablished),
            ("all", DropLevel::All),
        ];
        let drop = self.word("drop", &file.drop, &levels);
        let modes = [
            ("auto", RequestedMode::Auto),
            ("native", RequestedMode::Native),
            ("generic", RequestedMode::Generic),
        ];
        let xdp = self.word("xdp", &file.xdp, &modes);
        let on_stop = self.word(
            "on-stop",
            &file.on_stop,
            &[("keep", OnStop::Keep), ("detach", OnStop::Detach)],
        );
        let tcp = self.read("tcp", &file.tcp, "80,443", str::parse::<PortSet>);
        let udp = self.read("udp", &file.udp, "none", PortSet::parse_or_none);
        let lengths = self.read(
            "count-sources-by",
            &file.count_sources_by,
            "24,48",
            str::parse::<Lengths>,
        );
        let mut lists = Lists::default();
        let file::Trust {
            prefixes,
            files,
            providers,
        } = file.trust.unwrap_or_default();
        self.list(&mut lists, Action::Trust, prefixes, files);
        for (action, list) in [(Action::Deny, file.deny), (Action::Retire, file.retire)] {
            let list = list.unwrap_or_default();
            self.list(&mut lists, action, list.prefixes, list.files);
        }
        let feeds = self.feeds(providers, file.source);
        let metrics = file.metrics.and_then(|metrics| self.metrics(metrics));
        Some(Config {
            path: path.to_owned(),
            text: text.to_owned(),
            interfaces: interfaces?,
            policy: policy?,
            drop: drop?,
            tcp: tcp?,
            udp: udp?,
            count_sources_by: lengths?,
            xdp: xdp?,
            on_stop: on_stop?,
            entries: lists.entries,
            files: lists.files,
            feeds,
            metrics,
        })
    }

    fn interfaces(&mut self, patterns: Texts) -> Option<Vec<InterfacePattern>> {
        const TODO: &str = "name the interfaces that traffic comes in on: interfaces = [\"eth0\"]";
        let Some(patterns) = patterns else {
            self.wrong(&(0..0), format!("interfaces is missing; {TODO}"));
            return None;
        };
        if patterns.get_ref().is_empty() {
            self.wrong(&patterns.span(), format!("interfaces is empty; {TODO}"));
        }
        let mut seen = HashSet::new();
        for pattern in patterns.get_ref() {
            if !seen.insert(pattern.get_ref()) {
                self.wrong(
                    &pattern.span(),
                    format!(
                        "interfaces: '{}' is there twice; leave one out",
                        shown(pattern.get_ref())
                    ),
                );
            }
        }
        let patterns = patterns.into_inner().into_iter();
        Some(patterns.filter_map(|pattern| self.interface(&pattern)).collect())
    }

    fn interface(&mut self, text: &Spanned<String>) -> Option<InterfacePattern> {
        let pattern = interface::pattern(text.get_ref()).map_err(|what| {
            let what = format!("interfaces: '{}' {what}", shown(text.get_ref()));
            self.wrong(&text.span(), what);
        });
        pattern.ok()
    }

    fn feeds(&mut self, providers: Texts, sources: source::Sections) -> Vec<Feed> {
        let mut feeds: Vec<Feed> = Vec::new();
        for name in providers.map(Spanned::into_inner).into_iter().flatten() {
            match self.provider("trust.providers", &name) {
                Some(feed) if feeds.iter().any(|other| other.name == feed.name) => {
                    let what = format!("trust.providers: '{}' is there twice; leave one out", feed.name);
                    self.wrong(&name.span(), what);
                }
                Some(feed) => feeds.push(feed),
                None => {}
            }
        }
        for (name, section) in sources {
            let place = section.span();
            let Some(feed) = self.source(&name, section) else {
                continue;
            };
            if let Some(other) = feeds
                .iter()
                .find(|other| other.name == feed.name || other.origin == feed.origin)
            {
                let what = format!(
                    "source.{}: there is a source '{}' already ({}); leave one out, or give this one another name",
                    feed.name,
                    other.name,
                    other.origin.as_str()
                );
                self.wrong(&place, what);
            }
            feeds.push(feed);
        }
        feeds.sort_by(|a, b| a.name.cmp(&b.name));
        feeds
    }

    fn metrics(&mut self, metrics: Spanned<file::Metrics>) -> Option<Metrics> {
        const TODO: &str = "write an address and a port of the loopback interface, such as 127.0.0.1:9436";
        let place = metrics.span();
        let metrics = metrics.into_inner();
        let Some(listen) = metrics.listen else {
            self.wrong(&place, format!("metrics.listen is missing; {TODO}"));
            return None;
        };
        let address: Option<std::net::SocketAddr> = listen.get_ref().parse().ok();
        let what = match address {
            None => "is not an address and a port",
            Some(address) if !address.ip().is_loopback() => "can be reached from elsewhere",
            Some(address) if address.port() == 0 => "has port 0, which nobody could ask",
            Some(address) => {
                let prefixes = metrics.prefixes.map_or(METRICS_PREFIXES, Spanned::into_inner);
                return Some(Metrics {
                    listen: address,
                    prefixes: prefixes as usize,
                });
            }
        };
        self.wrong(
            &listen.span(),
            format!("metrics.listen: '{}' {what}; {TODO}", shown(listen.get_ref())),
        );
        None
    }
}
