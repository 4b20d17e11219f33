//! Configuration files.

use std::path::Path;

use filter_user::config::{contents::Config, show::show};

use super::{assert_fit_for_a_terminal, text};

pub(super) fn check(bytes: &[u8]) {
    let text = text(bytes);
    let path = Path::new("/etc/synwall/synwall.toml");
    let config = match Config::from_toml(text, path) {
        Ok(config) => config,
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "refused, and nobody knows why");
            assert!(mistakes.is_sorted_by_key(|mistake| mistake.line));
            for mistake in mistakes {
                let message = mistake.to_string();
                assert_fit_for_a_terminal(&message);
                assert!(message.len() < 2500, "{} bytes of message", message.len());
                let lines = text.split('\n').count();
                assert!(
                    (1..=lines).contains(&mistake.line),
                    "line {} of {lines}",
                    mistake.line
                );
            }
            return;
        }
    };
    assert!(!config.interfaces.is_empty());
    assert!(
        config
            .entries
            .iter()
            .all(|(_, entry)| entry.prefix.prefix_len() > 0)
    );
    assert!(
        config
            .metrics
            .iter()
            .all(|metrics| metrics.listen.ip().is_loopback())
    );
    let shown = show(&config).unwrap_or_else(|error| panic!("it cannot be shown: {error}"));
    let again = Config::from_toml(&shown, path);
    let mut again =
        again.unwrap_or_else(|mistakes| panic!("not read as it was shown: {mistakes:?}\n{shown}"));
    again.text.clone_from(&config.text);
    assert_eq!(again, config);
}
