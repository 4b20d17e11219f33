use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::model::prefix;

fn nets(text: &str) -> Vec<IpNet> {
    text.split_whitespace()
        .map(|prefix| prefix::parse(prefix).unwrap())
        .collect()
}

fn checked(before: &str, after: &str) -> Result<(), Refused> {
    let before = nets(before);
    check(Action::Trust, Some(&before), &nets(after), false)
}

#[test]
fn lists_that_can_be_meant_pass() {
    for (before, after) in [
        ("", "10.0.0.0/8"),
        ("10.0.0.0/24", "10.0.0.0/24"),
        ("10.0.0.0/24 10.0.1.0/24", "10.0.0.0/24"),
        ("10.0.0.0/24 10.0.1.0/24 10.0.2.0/24", "10.0.0.0/24 10.0.1.0/24"),
        // Put together.
        ("10.0.0.0/24 10.0.1.0/24 10.0.2.0/24 10.0.3.0/24", "10.0.0.0/22"),
        // Taken apart.
        ("10.0.0.0/22", "10.0.0.0/24 10.0.1.0/24 10.0.2.0/24"),
        ("2001:db8::/32", "2001:db8::/33"),
        ("10.0.0.0/24", "10.0.0.0/24 2001:db8::/32"),
    ] {
        assert_eq!(checked(before, after), Ok(()), "{before} → {after}");
    }
}

#[test]
fn lists_that_can_hardly_be_meant_do_not() {
    let smaller = |version, stays| Refused::AddressesLost { version, stays };
    for (before, after, refused) in [
        ("10.0.0.0/24", "", Refused::Empty),
        ("", "0.0.0.0/0", Refused::TooWide(nets("0.0.0.0/0")[0])),
        ("", "::/0", Refused::TooWide(nets("::/0")[0])),
        (
            "",
            "0.0.0.0/1 128.0.0.0/1",
            Refused::TooWide(nets("0.0.0.0/1")[0]),
        ),
        ("", "8000::/1", Refused::TooWide(nets("8000::/1")[0])),
        (
            "10.0.0.0/24 10.0.1.0/24 10.0.2.0/24",
            "10.0.0.0/24",
            smaller(4, 33),
        ),
        ("10.0.0.0/24", "11.0.0.0/24", smaller(4, 0)),
        ("10.0.0.0/24 2001:db8::/32", "10.0.0.0/24", smaller(6, 0)),
        ("10.0.0.0/24 2001:db8::/32", "2001:db8::/32", smaller(4, 0)),
        (
            "2001:db8::1 2001:db8::2 2001:db8::3",
            "2001:db8::2",
            smaller(6, 33),
        ),
        ("::/0", "2001:db8::/32", smaller(6, 0)),
        ("2000::/14", "2003::/16", smaller(6, 25)),
        (
            "10.0.0.0/16 11.0.0.0/24 11.0.1.0/24 11.0.2.0/24",
            "10.0.0.0/16",
            Refused::PrefixesLost { before: 4, after: 1 },
        ),
    ] {
        assert_eq!(checked(before, after), Err(refused), "{before} → {after}");
        let before = nets(before);
        assert_eq!(check(Action::Trust, Some(&before), &nets(after), true), Ok(()));
    }
}

#[test]
fn more_than_an_eighth_of_the_world_is_not_trusted_however_it_is_cut() {
    let v4 = (32..64).map(|n| format!("{n}.0.0.0/8"));
    let v6 = (0x2000..0x2400).map(|n| format!("{n:x}::/16"));
    for (eighth, another) in [
        (v4.collect::<Vec<_>>(), "64.0.0.0/24"),
        (v6.collect(), "2400::/32"),
    ] {
        let eighth = nets(&eighth.join(" "));
        assert_eq!(check(Action::Trust, None, &eighth, false), Ok(()));
        let more: Vec<IpNet> = eighth.into_iter().chain(nets(another)).collect();
        assert_eq!(
            check(Action::Trust, None, &more, false),
            Err(Refused::TooManyAddresses)
        );
        assert_eq!(check(Action::Deny, None, &more, false), Ok(()));
    }
}

#[test]
fn what_was_forced_once_is_not_refused_the_next_time() {
    for wide in ["10.0.0.0/7", "2000::/8", "0.0.0.0/1 2001:db8::/32"] {
        assert!(checked("", wide).is_err(), "{wide}");
        assert_eq!(checked(wide, wide), Ok(()), "{wide}");
        let more = format!("{wide} 128.0.0.0/4 192.0.0.0/4");
        assert!(checked(wide, &more).is_err(), "{more}");
    }
    assert_eq!(checked("", ""), Ok(()));
    assert_eq!(check(Action::Deny, None, &[], false), Err(Refused::Empty));
}

#[test]
fn a_list_does_not_become_so_long_that_others_have_no_room() {
    let long = |length: usize| -> Vec<IpNet> {
        let nth = |n: usize| IpNet::from(IpAddr::from(Ipv4Addr::from(0x0a00_0000 + n as u32)));
        (0..length).map(nth).collect()
    };
    let longer = |before, after| Err(Refused::GrownTooMuch { before, after });
    let many = 65_536;
    for (before, after, expected) in [
        (0, many, Ok(())),
        (0, many + 1, longer(0, many + 1)),
        (10, many + 1, longer(10, many + 1)),
        // It may grow, but by steps.
        (many, many + many / 4, Ok(())),
        (many, 2 * many, longer(many, 2 * many)),
    ] {
        let (list, had) = (long(after), long(before));
        let had = (before > 0).then_some(had.as_slice());
        assert_eq!(
            check(Action::Deny, had, &list, false),
            expected,
            "{before} → {after}"
        );
        assert_eq!(check(Action::Deny, had, &list, true), Ok(()));
    }
}
