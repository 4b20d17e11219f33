//! A row of the table: under this configuration, these frames meet this verdict for this reason.

use filter_common::Reason;

use crate::packet_table::{
    config::Config,
    frame::{Frame, Frames},
    packet::Ip,
};

/// A row of the table.
pub struct Row {
    pub name: String,
    pub config: Config,
    pub frames: Vec<Frame>,
    pub expect: Expect,
}

/// The verdict on each frame of a row, and the prefix that the frame counts on.
#[derive(Clone, Copy)]
pub struct Expect {
    /// The reason for the drop. `None` if the frame passes.
    pub reason: Option<Reason>,
    /// The configured prefix that the frame counts on.
    pub on: Option<&'static str>,
}

pub const PASS: Expect = Expect {
    reason: None,
    on: None,
};
pub const RETIRED: Expect = drop(Reason::Retired);
pub const DENIED: Expect = drop(Reason::Denied);
pub const UNTRUSTED_SYN: Expect = drop(Reason::UntrustedSyn);
pub const UNTRUSTED_STRAY: Expect = drop(Reason::UntrustedStray);
pub const UNTRUSTED_SEGMENT: Expect = drop(Reason::UntrustedSegment);
pub const UNTRUSTED_UDP: Expect = drop(Reason::UntrustedUdp);
pub const MALFORMED: Expect = drop(Reason::Malformed);
pub const FRAGMENT: Expect = drop(Reason::Fragment);

const fn drop(reason: Reason) -> Expect {
    Expect {
        reason: Some(reason),
        on: None,
    }
}

impl Expect {
    pub const fn on(self, prefix: &'static str) -> Self {
        Self {
            on: Some(prefix),
            ..self
        }
    }
}

/// Rows under one configuration.
pub struct Rows {
    config: Config,
    rows: Vec<Row>,
}

impl Rows {
    pub fn under(config: Config) -> Self {
        Self {
            config,
            rows: Vec::new(),
        }
    }

    pub fn row(&mut self, ip: Ip, name: impl AsRef<str>, frames: impl Into<Frames>, expect: Expect) {
        self.named(format!("{ip}, {}", name.as_ref()), frames, expect);
    }

    /// A row that does not depend on the IP version.
    pub fn named(&mut self, name: impl AsRef<str>, frames: impl Into<Frames>, expect: Expect) {
        let Frames(frames) = frames.into();
        self.rows.push(Row {
            name: format!("{}: {}", self.config.name, name.as_ref()),
            config: self.config,
            frames,
            expect,
        });
    }

    pub fn done(self) -> Vec<Row> {
        self.rows
    }
}
