//! Everything that user space reads: text that people write, and the content of pinned maps.
//!
//! For each kind of input, a function takes any bytes and panics if they are read wrongly. libFuzzer looks for such
//! bytes (`cargo xtask fuzz-inputs`). A test checks the corpus of known inputs (`tests/corpus`) and mutations of
//! them.
//!
//! To add a reader, add a file here, a row to [`ALL`], and a directory of seeds.

mod answers;
mod arguments;
mod config;
mod counters;
mod coverage;
mod generation;
mod list_file;
pub mod mutation;
mod ports;
mod prefix;
mod records;
mod sources;

/// A kind of input.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// The name of the fuzz target, and of the directory of its seeds.
    pub name: &'static str,
    /// Panics if these bytes are read wrongly.
    pub check: fn(&[u8]),
}

/// Every kind of input.
pub const ALL: [Input; 11] = [
    Input {
        name: "answers",
        check: answers::check,
    },
    Input {
        name: "list_file",
        check: list_file::check,
    },
    Input {
        name: "config",
        check: config::check,
    },
    Input {
        name: "prefix",
        check: prefix::check,
    },
    Input {
        name: "ports",
        check: ports::check,
    },
    Input {
        name: "arguments",
        check: arguments::check,
    },
    Input {
        name: "generation",
        check: generation::check,
    },
    Input {
        name: "records",
        check: records::check,
    },
    Input {
        name: "counters",
        check: counters::check,
    },
    Input {
        name: "sources",
        check: sources::check,
    },
    Input {
        name: "coverage",
        check: coverage::check,
    },
];

/// Checks bytes as the input of that name.
///
/// # Panics
/// If the bytes are read wrongly, or if no input has that name.
pub fn check(name: &str, bytes: &[u8]) {
    let input = ALL.iter().find(|input| input.name == name);
    match input {
        Some(input) => (input.check)(bytes),
        None => panic!("there is no input '{name}'"),
    }
}

/// Panics if a terminal would obey a part of `text`: a control character, or a character that changes the text
/// direction (UAX #9, section 2).
#[track_caller]
pub fn assert_fit_for_a_terminal(text: &str) {
    let disturbing = |c: &char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if let Some(c) = text.chars().find(disturbing) {
        panic!("{c:?} in {text:?}");
    }
}

/// The longest valid UTF-8 text at the start of the bytes.
fn text(bytes: &[u8]) -> &str {
    bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}

/// Takes the bytes one after another, and zeros after their end.
#[derive(Clone)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// Up to `len` bytes, as many as are left.
    fn some(&mut self, len: usize) -> &'a [u8] {
        let (some, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        some
    }

    fn padded(&mut self, len: usize) -> Vec<u8> {
        let mut padded = self.some(len).to_vec();
        padded.resize(len, 0);
        padded
    }

    fn byte(&mut self) -> u8 {
        self.some(1).first().copied().unwrap_or(0)
    }

    fn number(&mut self) -> u64 {
        let mut number = [0; 8];
        let some = self.some(8);
        number[..some.len()].copy_from_slice(some);
        u64::from_le_bytes(number)
    }

    /// A value with the layout of a map entry.
    fn layout<T: bytemuck::Pod>(&mut self) -> T {
        bytemuck::pod_read_unaligned(&self.padded(size_of::<T>()))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
