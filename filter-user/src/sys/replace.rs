//! Files that are replaced as a whole, by renaming.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use tempfile::NamedTempFile;

/// How the name of a file begins that is not whole yet.
const UNFINISHED: &str = ".new-";

/// Puts a file with these bytes and this mode at `path`, by renaming. Whatever happens, the old file or the new one is there.
pub fn with(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidFilename)?;
    let file = NamedTempFile::with_prefix_in(UNFINISHED, directory)?;
    // Not through tempfile, which adds the passing name to the error.
    file.as_file().write_all(bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The new name has to outlive a loss of power. Some file systems cannot sync a directory; nothing better can be done there.
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(())
}

/// Removes the files that a killed process has left unfinished in a directory. Nobody else may be writing there.
pub fn clear_unfinished(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(UNFINISHED.as_bytes())
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
