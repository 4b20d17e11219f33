//! Lists from DNS: correct and wrong answers, and the list or error that follows.
//!
//! Longer than 300 lines because each kind of answer is a test or a row of its own, and all share one server.

use std::{net::SocketAddr, time::Duration};

use filter_user::feed::dns_txt;

use crate::feeds::{
    bounded::bounded,
    dns_server::{Answer, Server, strings},
};

/// The timeout for a server that answers.
const AMPLE: Duration = Duration::from_secs(30);
/// The timeout for a server that never answers.
const SHORT: Duration = Duration::from_secs(1);

fn get(name: &str, server: SocketAddr, timeout: Duration) -> Result<Vec<String>, String> {
    let asked = name.to_owned();
    let answer = bounded(name, move || dns_txt::get(&asked, Some(server), timeout));
    match answer {
        Ok(prefixes) => {
            let mut prefixes: Vec<_> = prefixes.iter().map(ToString::to_string).collect();
            prefixes.sort();
            Ok(prefixes)
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Asks a server for its only name, `list.example`.
fn ask(answer: Answer, timeout: Duration) -> Result<Vec<String>, String> {
    let server = Server::new([("list.example", answer)]);
    get("list.example", server.address, timeout)
}

fn records(records: &[&[&str]]) -> Vec<Vec<String>> {
    let strings = |record: &&[&str]| record.iter().map(|&text| text.to_owned()).collect();
    records.iter().map(strings).collect()
}

#[test]
fn every_record_with_terms_counts() {
    let good: [(&str, Answer, &[&str]); 9] = [
        (
            "both versions, with and without a length",
            Answer::record(
                "v=spf1 ip4:198.51.100.0/24 ip4:192.0.2.7 ip6:2001:db8::/32 ip6:2001:db8:1::1 ~all",
            ),
            &[
                "192.0.2.7/32",
                "198.51.100.0/24",
                "2001:db8:1::1/128",
                "2001:db8::/32",
            ],
        ),
        (
            "strings are joined as they are",
            Answer::Records(records(&[&[
                "v=spf1 ip4:198.51",
                ".100.0/2",
                "4 ip4:192.0.2.0/24",
            ]])),
            &["192.0.2.0/24", "198.51.100.0/24"],
        ),
        (
            "other records say nothing",
            Answer::Records(records(&[
                &["google-site-verification=ip4:203.0.113.1"],
                &["v=spf1 ip4:192.0.2.0/24"],
                &["v=spf10 ip4:203.0.113.2"],
                &["ip4:203.0.113.3 v=spf1"],
                &["v=spf1 -all"],
                &[""],
            ])),
            &["192.0.2.0/24"],
        ),
        (
            "other terms say nothing",
            Answer::record(
                "v=spf1 a mx:other.example  a:other.example/24 exists:%{i}.example ip4:192.0.2.0/24 exp=ip4:203.0.113.1 redirect=other.example",
            ),
            &["192.0.2.0/24"],
        ),
        (
            "only terms that pass",
            Answer::record(
                "v=spf1 +ip4:192.0.2.0/24 -ip4:203.0.113.1 ~ip4:203.0.113.2 ?ip4:203.0.113.3 ?include:other.example",
            ),
            &["192.0.2.0/24"],
        ),
        (
            "capital letters",
            Answer::record("V=SPF1 IP4:192.0.2.0/24 Ip6:2001:DB8::/32"),
            &["192.0.2.0/24", "2001:db8::/32"],
        ),
        (
            "the length says how many bits count",
            Answer::record("v=spf1 ip4:192.0.2.7/24"),
            &["192.0.2.0/24"],
        ),
        (
            "an alias is followed",
            Answer::Alias("other.example", "v=spf1 ip4:192.0.2.0/24".to_owned()),
            &["192.0.2.0/24"],
        ),
        (
            "two records",
            Answer::Records(records(&[
                &["v=spf1 ip4:192.0.2.0/24"],
                &["v=spf1 ip4:198.51.100.0/24"],
            ])),
            &["192.0.2.0/24", "198.51.100.0/24"],
        ),
    ];
    for (what, answer, expected) in good {
        let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(ask(answer, AMPLE), Ok(expected), "{what}");
    }
}

#[test]
fn everything_else_is_an_error_that_says_why() {
    let spf = |text: &str| Answer::record(&format!("v=spf1 {text}"));
    let rows = [
        (Answer::Code(3), AMPLE, "there is no such name (NXDOMAIN)"),
        (Answer::Code(2), AMPLE, "the DNS server answered Server Failure"),
        (Answer::Code(5), AMPLE, "the DNS server answered Query Refused"),
        (Answer::Code(0), AMPLE, "it has no TXT records"),
        (
            spf("~all"),
            AMPLE,
            "none of them starts with v=spf1 and has ip4:, ip6: or include: terms",
        ),
        (
            Answer::record("ip4:192.0.2.0/24"),
            AMPLE,
            "none of them starts with v=spf1",
        ),
        (
            Answer::Records(records(&[&[""]])),
            AMPLE,
            "none of them starts with v=spf1",
        ),
        (
            spf("ip4:192.0.2.0/24 ip4:192.0.2.0/33"),
            AMPLE,
            "the term 'ip4:192.0.2.0/33' makes no sense: ",
        ),
        (
            spf("ip4:\x1b[2J"),
            AMPLE,
            "the term 'ip4:\\u{1b}[2J' makes no sense: ",
        ),
        (spf("ip4:192.0.2.0/024"), AMPLE, "makes no sense: "),
        (spf("ip4:"), AMPLE, "makes no sense: "),
        (
            spf("ip4:2001:db8::/32"),
            AMPLE,
            "makes no sense: it is of the other IP version",
        ),
        (
            spf("ip6:192.0.2.0/24"),
            AMPLE,
            "makes no sense: it is of the other IP version",
        ),
        (spf("ip6:::ffff:192.0.2.0/120"), AMPLE, "makes no sense: "),
        (
            spf("include:"),
            AMPLE,
            "the term 'include:' makes no sense: it has no domain name",
        ),
        (
            spf("include:a..b"),
            AMPLE,
            "the term 'include:a..b' makes no sense: it has no domain name",
        ),
        (
            Answer::Silence,
            SHORT,
            "there was no answer after 1s; the DNS server is slow, or not reachable",
        ),
        (
            Answer::WrongId("v=spf1 ip4:192.0.2.0/24".to_owned()),
            SHORT,
            "there was no answer after 1s",
        ),
        (
            Answer::OtherName("list.other", "v=spf1 ip4:192.0.2.0/24".to_owned()),
            SHORT,
            "there was no answer after 1s",
        ),
        (Answer::Garbage, SHORT, "protocol error"),
    ];
    for (answer, timeout, expected) in rows {
        let what = format!("{answer:?}");
        let message = ask(answer, timeout).expect_err(&what);
        let start = "cannot use the TXT records of list.example: ";
        assert!(
            message.starts_with(start) && message.contains(expected) && message.len() > start.len(),
            "{what}: {message}"
        );
        assert!(!message.contains('\x1b'), "{what}: {message}");
    }
}

#[test]
fn what_is_not_a_name_is_not_asked_for() {
    let server = Server::new([]);
    for name in ["", ".", "a..b", &"long.".repeat(60), &"l".repeat(64)] {
        let message = get(name, server.address, AMPLE).unwrap_err();
        assert!(message.ends_with("it is not a domain name"), "{name}: {message}");
    }
    assert_eq!(server.asked(), [""; 0]);
}

#[test]
fn a_name_is_asked_for_as_it_is_and_every_time_anew() {
    let server = Server::new([("list", Answer::record("v=spf1 ip4:192.0.2.0/24"))]);
    for _ in 0..2 {
        assert_eq!(
            get("List", server.address, AMPLE),
            Ok(vec!["192.0.2.0/24".to_owned()])
        );
    }
    assert_eq!(server.asked(), ["list UDP"; 2]);
}

#[test]
fn a_long_answer_comes_over_tcp() {
    let prefixes: Vec<_> = (0..2000)
        .map(|n| format!("10.{}.{}.0/24", n / 256, n % 256))
        .collect();
    let text = prefixes
        .iter()
        .fold("v=spf1".to_owned(), |text, prefix| format!("{text} ip4:{prefix}"));
    let server = Server::new([("list.example", Answer::OverTcp(vec![strings(&text)]))]);
    let list = get("list.example", server.address, AMPLE).unwrap();
    let mut expected = prefixes;
    expected.sort();
    assert_eq!(list, expected);
    assert_eq!(server.asked(), ["list.example UDP", "list.example TCP"]);
}

#[test]
fn includes_are_followed_and_no_name_twice() {
    let server = Server::new([
        (
            "list.example",
            Answer::record("v=spf1 include:one.example include:Two.example. ip4:192.0.2.0/24"),
        ),
        (
            "one.example",
            Answer::record("v=spf1 include:two.example include:list.example ip4:192.0.2.1"),
        ),
        (
            "two.example",
            Answer::record("v=spf1 include:TWO.example ip4:192.0.2.2 ?all"),
        ),
    ]);
    let list = get("list.example", server.address, AMPLE);
    let expected = ["192.0.2.0/24", "192.0.2.1/32", "192.0.2.2/32"].map(str::to_owned);
    assert_eq!(list, Ok(expected.to_vec()));
    let mut asked = server.asked();
    asked.sort();
    assert_eq!(asked, ["list.example UDP", "one.example UDP", "two.example UDP"]);
}

#[test]
fn a_list_is_all_of_its_parts_or_none() {
    for (answer, timeout, expected) in [
        (
            Answer::Code(3),
            AMPLE,
            "of part.example: there is no such name (NXDOMAIN)",
        ),
        (
            Answer::Code(2),
            AMPLE,
            "of part.example: the DNS server answered Server Failure",
        ),
        (
            Answer::record("v=spf1 -all"),
            AMPLE,
            "of part.example: none of them starts with v=spf1",
        ),
        (
            Answer::Silence,
            SHORT,
            "of list.example: there was no answer after 1s",
        ),
    ] {
        let server = Server::new([
            (
                "list.example",
                Answer::record("v=spf1 ip4:192.0.2.0/24 include:part.example"),
            ),
            ("part.example", answer),
        ]);
        let message = get("list.example", server.address, timeout).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn ten_names_may_be_included_and_no_more() {
    let names: Vec<_> = (0..=11).map(|n| format!("part{n}.example")).collect();
    let chain = |len: usize| {
        let link = |n: usize| {
            let next = if n < len {
                format!(" include:{}", names[n + 1])
            } else {
                String::new()
            };
            Answer::record(&format!("v=spf1 ip4:192.0.2.{n}{next}"))
        };
        (0..=len)
            .map(|n| (names[n].as_str(), link(n)))
            .collect::<Vec<_>>()
    };
    let star = |len: usize| {
        let includes: String = names[1..=len]
            .iter()
            .map(|name| format!(" include:{name}"))
            .collect();
        let first = (
            names[0].as_str(),
            Answer::record(&format!("v=spf1 ip4:192.0.2.0{includes}")),
        );
        let part = |n: usize| {
            (
                names[n].as_str(),
                Answer::record(&format!("v=spf1 ip4:192.0.2.{n}")),
            )
        };
        [first].into_iter().chain((1..=len).map(part)).collect::<Vec<_>>()
    };
    for (shape, ten, eleven) in [("chain", chain(10), chain(11)), ("star", star(10), star(11))] {
        let list = get(&names[0], Server::new(ten).address, AMPLE);
        assert_eq!(list.map(|list| list.len()), Ok(11), "{shape}");
        let server = Server::new(eleven);
        let message = get(&names[0], server.address, AMPLE).unwrap_err();
        assert!(
            message.contains("it includes more than 10 other names"),
            "{shape}: {message}"
        );
        assert!(server.asked().len() <= 11, "{shape}");
    }
}
