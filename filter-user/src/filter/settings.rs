//! Reads and writes the pinned settings of a filter.

use aya::maps::{Array, MapData};
use bytemuck::{Pod, Zeroable};
use filter_common::{DropLevel, PORT_SET_BYTES};

use super::error::Result;
use crate::{
    model::{
        lengths::Lengths,
        ports::PortSet,
        settings::{Policy, Settings},
    },
    pins::{directory::Pins, names::SETTINGS},
    sys::error::Doing as _,
};

/// The layout of [`Settings`] in the pinned map.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
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

filter_common::map_values!(SettingsRecord);

impl From<&Settings> for SettingsRecord {
    fn from(settings: &Settings) -> Self {
        Self {
            tcp: *settings.tcp.bits(),
            udp: *settings.udp.bits(),
            secret: settings.secret,
            sources_v4: settings.sources.v4.into(),
            sources_v6: settings.sources.v6.into(),
            drop: settings.drop.number().into(),
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
            // Nobody of us wrote another number; it drops most.
            drop: u8::try_from(record.drop)
                .ok()
                .and_then(DropLevel::from_number)
                .unwrap_or(DropLevel::All),
            policy: if record.policy == 0 {
                Policy::Enforce
            } else {
                Policy::Observe
            },
        }
    }
}

/// Creates and pins the map for the settings. It is all zero until [`write()`] is called.
pub fn create(pins: &Pins) -> Result<()> {
    let map = Array::<_, SettingsRecord>::create(1, 0).doing(|| "cannot make the settings map".into())?;
    Ok(pins.pin(map, SETTINGS)?)
}

/// Reads the pinned settings.
pub fn read(pins: &Pins) -> Result<Settings> {
    let map: Array<MapData, SettingsRecord> = pins.map(SETTINGS)?;
    let record = map.get(&0, 0).doing(|| "cannot read the settings".into())?;
    Ok((&record).into())
}

/// Replaces the pinned settings. Running programs keep their constants until they are replaced.
pub fn write(pins: &Pins, settings: &Settings) -> Result<()> {
    let mut map: Array<MapData, SettingsRecord> = pins.map(SETTINGS)?;
    Ok(map
        .set(0, SettingsRecord::from(settings), 0)
        .doing(|| "cannot write the settings".into())?)
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
