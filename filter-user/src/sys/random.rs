//! Random numbers for secrets.

use std::{fs::File, io::Read as _};

use super::error::{Doing as _, Result};

/// A 64-bit random number from the kernel, which nobody can guess.
pub fn number() -> Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .doing(|| "cannot read /dev/urandom".into())?;
    Ok(u64::from_ne_bytes(bytes))
}
