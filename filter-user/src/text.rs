//! Text for terminals and logs: escaped, bounded in length, without passwords. Text of a fixed size, for maps.

/// The longest value in a message, in characters.
const VALUE_CHARS: usize = 60;

/// The longest message about a file, in characters. Lines of files can have any length.
const LINE_CHARS: usize = 400;

/// Whether a character can change what a terminal shows. Such are control characters and bidirectional formatting (UAX
/// #9, section 2): with the latter, one label could look like another.
pub fn disturbs_terminals(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Escapes text for a terminal. Line breaks stay.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if disturbs_terminals(c) && c != '\n' {
            escaped.extend(c.escape_debug());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Escapes an untrusted value for a message, and cuts it to 60 characters.
pub fn shown(text: &str) -> String {
    let cut = if text.chars().nth(VALUE_CHARS).is_some() {
        "…"
    } else {
        ""
    };
    text.chars()
        .take(VALUE_CHARS)
        .flat_map(char::escape_debug)
        .chain(cut.chars())
        .collect()
}

/// Escapes a message into one line, and cuts it to 400 characters.
pub fn line(text: &str) -> String {
    let mut line = String::new();
    for (number, c) in text.chars().enumerate() {
        if number == LINE_CHARS {
            line.push('…');
            break;
        }
        if disturbs_terminals(c) {
            line.extend(c.escape_debug());
        } else {
            line.push(c);
        }
    }
    line
}

/// A valid URL for a log: without user, password, query and fragment, since each can be a secret.
pub fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else {
        return shown(url);
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    shown(&format!("{scheme}://{host}{path}"))
}

/// A URL with a mistake, for a message. The end of a password is uncertain in it, so everything before the last `@` is
/// left out. An ellipsis marks each part that is left out.
pub fn masked(url: &str) -> String {
    let is_scheme = |scheme: &str| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let scheme = url.find("://").filter(|end| is_scheme(&url[..*end]));
    let (scheme, rest) = url.split_at(scheme.map_or(0, |end| end + "://".len()));
    let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("…@", rest));
    let (rest, query) = rest.find(['?', '#']).map_or((rest, ""), |at| (&rest[..at], "?…"));
    shown(&format!("{scheme}{user}{rest}{query}"))
}

/// The first `BYTES` bytes of a text. A shorter text is filled up with NULs.
pub fn padded<const BYTES: usize>(text: &str) -> [u8; BYTES] {
    let mut padded = [0; BYTES];
    for (place, byte) in padded.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    padded
}

/// The text up to the first NUL. Bytes that are not UTF-8 are replaced.
pub fn unpadded(padded: &[u8]) -> String {
    let end = padded.iter().position(|byte| *byte == 0).unwrap_or(padded.len());
    String::from_utf8_lossy(&padded[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        for (url, seen) in [
            (
                "https://name:word@list.example/v4?key=1",
                "https://list.example/v4",
            ),
            ("https://list.example?key=a/b", "https://list.example"),
            ("https://list.example/a@b#c", "https://list.example/a@b"),
            ("nonsense?key", "nonsense"),
        ] {
            assert_eq!(without_secrets(url), seen);
        }
    }

    #[test]
    fn a_text_of_a_fixed_size_is_cut_or_filled_with_nuls() {
        assert_eq!(padded::<4>("ab"), *b"ab\0\0");
        assert_eq!(padded::<2>("abc"), *b"ab");
        assert_eq!(unpadded(b"ab\0cd"), "ab");
        assert_eq!(unpadded(b"ab"), "ab");
        assert_eq!(unpadded(b"\0"), "");
    }
}
