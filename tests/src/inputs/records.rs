//! Single records in maps: the settings, and the record of an interface.

use filter_common::{DropLevel, InterfaceRecord};
use filter_user::{filter::attachment::name_of, filter::settings::SettingsRecord, model::settings::Settings};

use super::{Bytes, assert_fit_for_a_terminal};

pub(super) fn check(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let name = name_of(&bytes.layout::<InterfaceRecord>());
    assert_fit_for_a_terminal(&name);
    assert!(name.len() < 200, "{} bytes of name", name.len());

    let settings = Settings::from(&bytes.layout::<SettingsRecord>());
    assert!(matches!(
        settings.drop,
        DropLevel::New | DropLevel::Unestablished | DropLevel::All
    ));
    assert!(settings.sources.mask_v4() != 0 && settings.sources.mask_v6() != 0);
    let again = Settings::from(&SettingsRecord::from(&settings));
    assert_eq!(again, settings, "not read as it was written");
    for set in [&settings.tcp, &settings.udp] {
        let printed = set.to_string();
        let read = filter_user::model::ports::PortSet::parse_or_none(&printed);
        assert_eq!(read.as_ref(), Ok(set), "not read as it was printed");
    }
}
