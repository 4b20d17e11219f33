//! Checks names and patterns of interfaces in the configuration.

use super::contents::InterfacePattern;

/// The longest name of an interface, in bytes (IFNAMSIZ, linux/if.h, without the NUL).
const NAME_BYTES: usize = filter_common::INTERFACE_NAME_BYTES - 1;
/// The longest pattern, in bytes.
const PATTERN_BYTES: usize = 255;

/// Reads a name or a pattern. The error says what is wrong and what to do.
pub(super) fn pattern(text: &str) -> Result<InterfacePattern, String> {
    const SEE: &str = "(see: ip -brief link)";
    let is_glob = text.contains(['*', '?', '[']);
    if text.is_empty() || text == "." || text == ".." {
        return Err(format!("is not the name of an interface {SEE}"));
    }
    if text.contains(|c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control()) {
        return Err(format!("has a character that no interface's name has {SEE}"));
    }
    // The kernel accepts such a name. But `ip` shows VLANs and other stacked interfaces as NAME@PARENT, and users copy it
    // from there.
    if text.contains('@') {
        return Err("is more than a name; write it without the @ and what follows".into());
    }
    if !is_glob && text.len() > NAME_BYTES {
        return Err(format!(
            "is too long: interfaces have names of {NAME_BYTES} bytes at the most {SEE}"
        ));
    }
    if text.len() > PATTERN_BYTES {
        return Err(format!(
            "is too long: patterns have {PATTERN_BYTES} bytes at the most"
        ));
    }
    // The message of the library is about paths, which have more wildcards.
    glob::Pattern::new(text).map(InterfacePattern).map_err(|_| {
        "is no pattern: write * (any number of characters), ? (one) or […] (one of several), as in eth* and ens[0-3]"
            .into()
    })
}
