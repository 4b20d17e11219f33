//! List files: read from disk or from standard input, if nobody else could have written them.

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
    /// What is in it.
    pub entries: Vec<NewEntry>,
    /// The same as it was written.
    pub bytes: Vec<u8>,
    /// That a group can change the file.
    pub exposed: Option<Exposed>,
}

/// Reads the list in `file`, or from standard input where `file` is `-`.
pub fn read(file: &str) -> Result<ListFile> {
    if file != "-" {
        return read_file(Path::new(file));
    }
    // Whoever gave us this input chose it.
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
    // A name with a line break in it could say what looks like a message of its own.
    let name = file.display().to_string().replace('\n', "\\n");
    match read {
        Ok(read) => parse_list(read, name),
        Err(NotRead::Io(source)) => Err(Error::ListFile { file: name, source }),
        Err(NotRead::Exposed(exposed)) => Err(Error::ExposedList { file: name, exposed }),
    }
}

/// Reads the list in a regular file that is read again and again without anybody who could confirm that he means every
/// address.
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
