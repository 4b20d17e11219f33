//! Reads list files, from disk or from standard input. A file that other users can change is refused.

use std::{io, path::Path};

use super::{
    error::{Error, Result},
    lines::{number_of, parse},
};
use crate::{
    model::entry::{NewEntry, Origin},
    sys::{
        file::{self, NotRead, TrustedFile},
        path::Exposed,
    },
};

/// A list that was read.
#[derive(Debug)]
pub struct ListFile {
    /// The entries.
    pub entries: Vec<NewEntry>,
    /// The text that was read.
    pub bytes: Vec<u8>,
    /// Set if a group can change the file.
    pub exposed: Option<Exposed>,
}

/// Reads the list in `file`, or from standard input where `file` is `-`.
pub fn read(file: &str) -> Result<ListFile> {
    if file != "-" {
        return read_file(Path::new(file));
    }
    // The caller chose this input, so there is no file to check.
    let bytes = file::read_all(io::stdin().lock()).map_err(|source| Error::ListFile {
        file: "-".into(),
        source,
    })?;
    parse_list(
        TrustedFile {
            bytes,
            path: "stdin".into(),
            exposed: None,
        },
        "-".into(),
    )
}

/// Reads the list in a file.
pub fn read_file(file: &Path) -> Result<ListFile> {
    parse_file(file, file::read(file))
}

fn parse_file(file: &Path, read: Result<TrustedFile, NotRead>) -> Result<ListFile> {
    // A name with a line break could look like a message of its own.
    let name = file.display().to_string().replace('\n', "\\n");
    match read {
        Ok(read) => parse_list(read, name),
        Err(NotRead::Io(source)) => Err(Error::ListFile { file: name, source }),
        Err(NotRead::Exposed(exposed)) => Err(Error::ExposedList { file: name, exposed }),
    }
}

/// Reads the list in a regular file for the agent. It refuses a prefix of length 0, since no user is there to confirm it.
pub fn read_unattended(file: &Path) -> Result<ListFile> {
    let list = parse_file(file, file::read_regular(file, file::MAX_BYTES))?;
    match list.entries.iter().find(|entry| entry.prefix.prefix_len() == 0) {
        None => Ok(list),
        Some(all) => Err(Error::WholeInternetListed {
            file: file.display().to_string().replace('\n', "\\n"),
            line: number_of(all.prefix, &list.bytes),
            prefix: all.prefix,
        }),
    }
}

fn parse_list(read: TrustedFile, name: String) -> Result<ListFile> {
    let TrustedFile { bytes, path, exposed } = read;
    let origin = Origin::new(&format!("file:{}", path.display()));
    let entries = parse(&bytes, &origin).map_err(|line| Error::ListLine { file: name, line })?;
    Ok(ListFile {
        entries,
        bytes,
        exposed,
    })
}
