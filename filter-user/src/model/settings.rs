//! What a filter does: protected ports, drop level, policy. Every program is specialised for them.

use std::{fs::File, io::Read as _};

use filter_common::{DropLevel, PORT_SET_BYTES};

use crate::{Result, error::Doing as _, lists::sources::Lengths, model::ports::PortSet};

/// Whether packets are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// They are.
    Enforce,
    /// They pass, and are counted as would-drop.
    Observe,
}

impl Policy {
    /// The word of the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Observe => "observe",
        }
    }
}

/// The word that the command line has for a drop level.
pub const fn drop_level_name(level: DropLevel) -> &'static str {
    match level {
        DropLevel::New => "new",
        DropLevel::Unestablished => "unestablished",
        DropLevel::All => "all",
    }
}

/// What a filter does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Protected TCP ports.
    pub tcp: PortSet,
    /// Protected UDP ports.
    pub udp: PortSet,
    /// What happens to segments that open no connection.
    pub drop: DropLevel,
    /// Whether packets are dropped.
    pub policy: Policy,
    /// The networks that drops are counted by. Stay the same as long as the filter does.
    pub sources: Lengths,
    /// Keeps attackers from choosing addresses that a hash brings together. Stays the same as long as the filter does.
    pub secret: u64,
}

/// A number for [`Settings::secret`] that nobody knows.
pub fn new_secret() -> Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .doing(|| "cannot read /dev/urandom".into())?;
    Ok(u64::from_ne_bytes(bytes))
}

/// [`Settings`] as they lie in their map.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SettingsRecord {
    tcp: [u8; PORT_SET_BYTES],
    udp: [u8; PORT_SET_BYTES],
    secret: u64,
    drop: u32,
    policy: u32,
    sources_v4: u32,
    sources_v6: u32,
}

const _: () = assert!(size_of::<SettingsRecord>() == 2 * PORT_SET_BYTES + 24);

// SAFETY: `#[repr(C)]`, made of integers and arrays of them, without padding (see the size above).
unsafe impl aya::Pod for SettingsRecord {}

impl From<&Settings> for SettingsRecord {
    fn from(settings: &Settings) -> Self {
        Self {
            tcp: *settings.tcp.bits(),
            udp: *settings.udp.bits(),
            secret: settings.secret,
            sources_v4: settings.sources.v4.into(),
            sources_v6: settings.sources.v6.into(),
            drop: settings.drop as u32,
            policy: match settings.policy {
                Policy::Enforce => 0,
                Policy::Observe => 1,
            },
        }
    }
}

impl From<&SettingsRecord> for Settings {
    fn from(record: &SettingsRecord) -> Self {
        Self {
            tcp: PortSet::from_bits(record.tcp),
            udp: PortSet::from_bits(record.udp),
            sources: Lengths {
                v4: record.sources_v4.clamp(8, 32) as u8,
                v6: record.sources_v6.clamp(16, 64) as u8,
            },
            secret: record.secret,
            drop: match record.drop {
                0 => DropLevel::New,
                1 => DropLevel::Unestablished,
                _ => DropLevel::All,
            },
            policy: if record.policy == 0 {
                Policy::Enforce
            } else {
                Policy::Observe
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_their_map() {
        for (drop, policy) in [
            (DropLevel::New, Policy::Enforce),
            (DropLevel::Unestablished, Policy::Observe),
            (DropLevel::All, Policy::Enforce),
        ] {
            let settings = Settings {
                tcp: "80,443,8000-8010".parse().unwrap(),
                udp: "443".parse().unwrap(),
                drop,
                policy,
                sources: "32,64".parse().unwrap(),
                secret: 7,
            };
            assert_eq!(Settings::from(&SettingsRecord::from(&settings)), settings);
        }
    }
}
