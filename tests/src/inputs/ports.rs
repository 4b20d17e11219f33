//! Sets of ports.

use std::collections::BTreeSet;

use filter_user::model::ports::PortSet;

use super::{assert_fit_for_a_terminal, text};

pub(super) fn check(bytes: &[u8]) {
    let text = text(bytes);
    match (text.parse::<PortSet>(), reference(text)) {
        (Ok(set), Some(meant)) => {
            assert!(
                set.iter().eq(meant.iter().copied()),
                "{set} is not what {text:?} means"
            );
            assert!(!set.is_empty() && !set.contains(0));
            let printed = set.to_string();
            assert_eq!(printed.parse().as_ref(), Ok(&set), "not read as it was printed");
            assert_eq!(PortSet::from_bits(*set.bits()), set);
        }
        (Err(error), None) => {
            let message = error.to_string();
            assert_fit_for_a_terminal(&message);
            assert!(message.len() < 1000, "{} bytes of message", message.len());
        }
        (read, meant) => panic!("{text:?} was read as {read:?}, and means {meant:?}"),
    }
    let or_none = PortSet::parse_or_none(text);
    assert_eq!(or_none.is_ok_and(|set| set.is_empty()), text == "none");
}

/// The meaning of a text, read character by character.
fn reference(text: &str) -> Option<BTreeSet<u16>> {
    let mut set = BTreeSet::new();
    for part in text.split(',') {
        let mut ends = part.splitn(2, '-').map(|end| {
            let digits = end.trim();
            let number = digits.chars().try_fold(0_u64, |sum, c| {
                Some((sum * 10 + u64::from(c.to_digit(10)?)).min(1 << 20))
            });
            number.filter(|number| !digits.is_empty() && (1..=65535).contains(number))
        });
        let first = ends.next()??;
        let last = ends.next().unwrap_or(Some(first))?;
        if first > last {
            return None;
        }
        set.extend((first..=last).filter_map(|port| u16::try_from(port).ok()));
    }
    Some(set)
}
