use super::*;

fn parse_text(text: &str) -> Result<Vec<(String, String)>, String> {
    parse(text.as_bytes(), &Origin::new("file:test"))
        .map(|entries| {
            entries
                .iter()
                .map(|e| (e.prefix.to_string(), e.label.as_str().to_owned()))
                .collect()
        })
        .map_err(|line| line.to_string())
}

#[test]
fn comments_labels_and_both_versions() {
    let text = "\u{feff}# office\r\n185.94.108.0/24 qrator edge # theirs\r\n\r\n  2001:db8::/32\n192.0.2.7";
    assert_eq!(
        parse_text(text).unwrap(),
        [
            ("185.94.108.0/24".into(), "qrator edge".into()),
            ("192.0.2.7/32".into(), String::new()),
            ("2001:db8::/32".into(), String::new()),
        ]
    );
}

#[test]
fn the_bad_line_is_named_with_number_and_text() {
    let error = parse_text("10.0.0.0/8\nfoo bar\n").unwrap_err();
    assert!(
        error.starts_with("2: 'foo' is not an IP address or prefix"),
        "{error}"
    );
    assert!(error.contains("\"foo bar\""), "{error}");
    let error = parse_text("10.0.0.1/8").unwrap_err();
    assert!(
        error.starts_with("1: ") && error.contains("10.0.0.0/8"),
        "{error}"
    );
}

#[test]
fn a_label_that_does_not_fit_is_shown() {
    for (line, told) in [
        (
            format!("10.0.0.0/8 {}", "ä".repeat(16)),
            format!(
                "1: the label '{}' is longer than 31 bytes; shorten it",
                "ä".repeat(16)
            ),
        ),
        (
            "10.0.0.0/8 a\u{202e}b".into(),
            "1: the label 'a\\u{202e}b' has a control character; leave that out".into(),
        ),
    ] {
        let error = parse_text(&line).unwrap_err();
        assert!(error.starts_with(&told), "{error}");
    }
}

#[test]
fn the_line_of_a_prefix_is_found_again() {
    let text = b"\xef\xbb\xbf# ::/0\r\n10.0.0.0/8\n\n ::/0 all # of it\r\n::/0 all\n";
    assert_eq!(number_of("::/0".parse().unwrap(), text), 4);
    assert_eq!(
        number_of("0.0.0.0/0".parse().unwrap(), b"\xef\xbb\xbf0.0.0.0/0"),
        1
    );
}

#[test]
fn a_second_prefix_on_a_line_is_no_label() {
    for line in [
        "10.0.0.0/8 11.0.0.0/8",
        "10.0.0.0/8\t2001:db8::/32 office",
        "10.0.0.0/8 , 192.0.2.7",
    ] {
        let error = parse_text(line).unwrap_err();
        assert!(error.contains("is a second prefix"), "{line}: {error}");
    }
    for line in [
        "10.0.0.0/8 1.2.x",
        "10.0.0.0/8 a 11.0.0.0/8",
        "10.0.0.0/8 10",
        "10.0.0.0/8 v1.2.3.4",
    ] {
        assert_eq!(parse_text(line).unwrap().len(), 1, "{line}");
    }
}

#[test]
fn the_same_line_twice_is_one_entry_but_not_with_another_label() {
    assert_eq!(parse_text("10.0.0.0/8 a\n10.0.0.0/8 a\n").unwrap().len(), 1);
    assert!(
        parse_text("10.0.0.0/8 a\n10.0.0.0/8 b\n")
            .unwrap_err()
            .starts_with("2: ")
    );
}

#[test]
fn the_first_bad_line_is_named_whatever_is_wrong_with_it() {
    let contradiction = "10.0.0.0/8 a\n9.0.0.0/8 x\n10.0.0.0/8 b\n9.0.0.0/8 y\n";
    for (text, line) in [
        (contradiction.to_owned(), "3: 10.0.0.0/8 is there twice"),
        (format!("{contradiction}foo\n"), "3: 10.0.0.0/8 is there twice"),
        (format!("9.0.0.0/8\n\nfoo\n{contradiction}"), "3: 'foo'"),
    ] {
        let error = parse_text(&text).unwrap_err();
        assert!(error.starts_with(line), "{error}");
    }
    let error = parse_text(contradiction).unwrap_err();
    assert!(error.contains("(line: \"10.0.0.0/8 b\")"), "{error}");
}

#[test]
fn text_that_is_none_is_refused() {
    let error = parse(b"10.0.0.0/8\n\xff\xfe\n", &Origin::new("x")).unwrap_err();
    assert_eq!((error.number, error.reason), (2, Reason::NotUtf8));
}
