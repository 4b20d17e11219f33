//! Reads the output of a program up to a limit, and never waits longer than it may.

use std::{
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

/// One of a program's outputs.
pub struct Stream<P> {
    /// None at the end of the output.
    pub pipe: Option<P>,
    /// What was read.
    pub bytes: Vec<u8>,
    most: usize,
    /// Whether output was cut off.
    pub is_cut: bool,
}

impl<P: Read + AsFd> Stream<P> {
    /// A stream that keeps at most this many bytes.
    pub fn new(pipe: Option<P>, most: usize) -> Self {
        Self {
            pipe,
            bytes: Vec::new(),
            most,
            is_cut: false,
        }
    }

    /// The descriptor to wait for.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(|pipe| pipe.as_fd())
    }

    /// Reads once, and keeps the bytes up to the limit.
    pub fn read(&mut self) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else {
            return Ok(());
        };
        let mut buffer = [0; 1 << 16];
        let count = match pipe.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error),
        };
        if count == 0 {
            self.pipe = None;
        }
        let kept = count.min(self.most - self.bytes.len());
        self.bytes.extend_from_slice(&buffer[..kept]);
        self.is_cut |= kept < count;
        Ok(())
    }

    /// Reads until a read would block, or the limit is reached.
    pub fn read_what_is_there(&mut self) -> io::Result<()> {
        while !self.is_cut && wait_for([self.fd()], Duration::ZERO)? == [true] {
            self.read()?;
        }
        Ok(())
    }
}

/// Waits until one of these has data or ends, and says which.
pub fn wait_for<const N: usize>(
    pipes: [Option<BorrowedFd<'_>>; N],
    longest: Duration,
) -> io::Result<[bool; N]> {
    let mut open: Vec<_> = pipes
        .iter()
        .flatten()
        .map(|pipe| PollFd::new(*pipe, PollFlags::POLLIN))
        .collect();
    // Rounded up, or the last millisecond would be a busy loop.
    let milliseconds = longest.as_nanos().div_ceil(1_000_000);
    let longest = PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX);
    match poll(&mut open, longest) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut answers = open.iter().map(|fd| fd.any().unwrap_or_default());
    Ok(pipes.map(|pipe| pipe.is_some() && answers.next().unwrap_or_default()))
}
