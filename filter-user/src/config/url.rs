//! Checks the URL of a list.

use std::net::Ipv6Addr;

use ureq::http::Uri;

use crate::text::shown;

/// Checks a URL. The error says what is wrong and what to do.
pub(super) fn check(url: &str) -> Result<(), String> {
    // Without this prefix, the library would read the URL in another way than this check.
    let rest = url.strip_prefix("https://").unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return Err("is not an address that begins with https:// and a host".into());
    }
    let checked = check_authority(authority);
    // A mistyped password may contain a slash, which no URL has there.
    if authority.contains('@') || checked.is_err() && rest.contains('@') {
        return Err("has a user or a password in it, which is not supported; leave it out".into());
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            "has a space, a control character or one outside ASCII; write it %-encoded (the host in punycode)".into(),
        );
    }
    checked?;
    match url.parse::<Uri>() {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "is not an address: {error}; write what cannot stand in one %-encoded"
        )),
    }
}

/// Checks host and port: the library accepts any characters for a host, and ignores the port.
fn check_authority(authority: &str) -> Result<(), String> {
    let bracketed = authority.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (is_host, host, port) = if let Some((host, port)) = bracketed {
        (host.parse::<Ipv6Addr>().is_ok(), host, port)
    } else if authority.parse::<Ipv6Addr>().is_ok() {
        return Err(format!(
            "has an IPv6 address without brackets; write https://[{authority}]/"
        ));
    } else {
        let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
        (is_domain(host), host, port)
    };
    if !is_host {
        return Err(format!(
            "has '{}' where a host belongs; write its name or its address",
            shown(host)
        ));
    }
    let number = port.strip_prefix(':').unwrap_or(port);
    let is_port = number.bytes().all(|byte| byte.is_ascii_digit())
        && number.parse::<u16>().is_ok_and(|number| number != 0);
    if port.is_empty() || port.starts_with(':') && is_port {
        return Ok(());
    }
    Err(format!(
        "has '{}' where a port belongs; write one from 1 to 65535, or none and no colon",
        shown(number)
    ))
}

/// Whether a text is a domain name (RFC 1035, section 2.3.4).
pub(super) fn is_domain(name: &str) -> bool {
    let labels = name.strip_suffix('.').unwrap_or(name);
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    labels.len() <= 253 && labels.split('.').all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::masked;

    #[test]
    fn addresses_of_web_servers_are_taken() {
        for url in [
            "https://a.example",
            "https://a.example./",
            "https://a_b.example:8443/c?d=e@f#g",
            "https://127.0.0.1:65535/a@b",
            "https://[2001:db8::1]/",
            "https://[::1]:1?a",
            "https://localhost:443",
            "https://xn--mller-kva.example/%20",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_a_port_is_a_number() {
        for (url, told) in [
            ("https://*/", "has '*' where a host"),
            ("https://.../", "has '...' where a host"),
            ("https://a..b/", "has 'a..b' where a host"),
            ("https://:443/", "has '' where a host"),
            ("https://[::g]/", "has '::g' where a host"),
            ("https://[::1/", "has '[' where a host"),
            ("https://a%20b/", "has 'a%20b' where a host"),
            ("https://::1", "write https://[::1]/"),
            ("https://x:", "has '' where a port"),
            ("https://x:0/", "has '0' where a port"),
            ("https://x:+1/", "has '+1' where a port"),
            ("https://127.0.0.1:99999/", "has '99999' where a port"),
            ("https://[::1]:https/", "has 'https' where a port"),
            ("https://[::1]1/", "has '1' where a port"),
            ("https://a:1:2/", "has '1:2' where a port"),
            ("https://", "begins with https:// and a host"),
            ("https:///a", "begins with https:// and a host"),
            ("https://?a", "begins with https:// and a host"),
            ("HTTPS://a", "begins with https:// and a host"),
            ("a.example", "begins with https:// and a host"),
            ("https://a/\tb", "has a space, a control"),
            ("https://m\u{fc}ller.example/", "has a space, a control"),
            ("https://a/<b>", "is not an address: "),
        ] {
            let error = check(url).unwrap_err();
            assert!(error.contains(told), "{url}: {error}");
        }
    }

    #[test]
    fn no_password_is_in_a_message() {
        for (url, seen) in [
            ("https://user:secret@host/list", "https://…@host/list"),
            ("https://secret@host/list", "https://…@host/list"),
            ("http://user:secret@host/list", "http://…@host/list"),
            ("https://user:se/cret@host/list", "https://…@host/list"),
            ("https://user:se?cr#et@host/list", "https://…@host/list"),
            ("https://user:se@cret@host/list", "https://…@host/list"),
            ("https://se cret:\u{e9}@host/list", "https://…@host/list"),
            ("user:secret@host/list", "…@host/list"),
            ("user:secret@host://list", "…@host://list"),
            ("https:/secret@host/list", "…@host/list"),
            ("https://host/list?key=secret", "https://host/list?…"),
            ("https://*/list?key=secret@b", "https://…@b"),
        ] {
            assert_eq!(masked(url), seen);
            let told = check(url).err().unwrap_or_default();
            assert!(
                !told.contains("se") || told.contains("has a user"),
                "{url}: {told}"
            );
        }
    }
}
