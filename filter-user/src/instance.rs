//! A filter as a whole: what is loaded, what is to change, and the order in which it changes, so that no
//! packet meets less than the old filter or the new one, whatever is killed when.

use std::{io, path::Path};

use aya::maps::{Array, MapData};

use crate::{
    Error, Result,
    attach::{self, Prepared, Wanted},
    attachment::{Attachment, State},
    clock, counters,
    entry::Action,
    error::Doing as _,
    generation,
    interface::{self, Interface},
    pins::{Access, Content, Pins},
    preflight,
    program::{self, Program, Specialisation},
    rules::Rules,
    settings::{Policy, Settings, SettingsRecord},
};

/// A filter, locked for as long as this lives.
pub struct Instance {
    /// Where it is pinned.
    pub pins: Pins,
    /// What it does.
    pub settings: Settings,
    /// Its lists as the kernel has them, entries that have expired included.
    pub rules: Rules,
    /// The interfaces that it is on.
    pub attachments: Vec<Attachment>,
}

/// An interface that was attached just now.
#[derive(Debug)]
pub struct Attached {
    /// Its name.
    pub interface: String,
    /// Where the program runs.
    pub mode: interface::Mode,
    /// Why not natively, where that was tried first.
    pub fallback: Option<io::Error>,
}

impl Instance {
    /// Opens the filter in `path` to look at it.
    pub fn open(path: &Path) -> Result<Self> {
        preflight::check()?;
        Self::read_finished(Pins::open(path, Access::Read)?)
    }

    /// Opens the filter in `path` to change it, and finishes what a killed command began.
    pub fn open_for_change(path: &Path) -> Result<Self> {
        preflight::check()?;
        Self::read_finished(Pins::open(path, Access::Change)?)?.made_whole()
    }

    /// Opens the filter in `path` to change it, or sets up a new one with `settings` and no entries.
    /// The second value tells whether it is new: then it is one only after [`Self::finish`].
    pub fn open_or_create(path: &Path, settings: &Settings) -> Result<(Self, bool)> {
        preflight::check()?;
        let pins = Pins::open_or_create(path)?;
        if pins.content()? == Content::Filter {
            return Ok((Self::read(pins)?.made_whole()?, false));
        }
        if let Err(error) = Self::set_up(&pins, settings) {
            pins.remove()?;
            return Err(error);
        }
        Ok((Self::read(pins)?, true))
    }

    /// Says that a new filter is complete. Until then the next `up` begins anew: a killed one must leave
    /// neither settings that nobody asked for nor a filter that trusts nobody.
    pub fn finish(&self) -> Result<()> {
        self.pins.finish()
    }

    fn read_finished(pins: Pins) -> Result<Self> {
        match pins.content()? {
            Content::Filter => Self::read(pins),
            Content::Unfinished if pins.has_links()? => Err(Error::HalfUp {
                path: pins.path().to_owned(),
            }),
            Content::Unfinished => Err(Error::NotUp {
                path: pins.path().to_owned(),
            }),
        }
    }

    fn read(pins: Pins) -> Result<Self> {
        let settings: Array<MapData, SettingsRecord> = pins.map("settings")?;
        let settings = settings.get(&0, 0).doing(|| "cannot read the settings".into())?;
        let rules = generation::read(&pins)?;
        let attachments = Attachment::all(&pins)?;
        Ok(Self {
            pins,
            settings: (&settings).into(),
            rules,
            attachments,
        })
    }

    fn made_whole(mut self) -> Result<Self> {
        program::check_maps(&self.pins)?;
        self.recover()?;
        Ok(self)
    }

    fn set_up(pins: &Pins, settings: &Settings) -> Result<()> {
        pins.clear()?;
        pins.fresh_directory("chunks")?;
        generation::make_maps(pins)?;
        counters::make_maps(pins)?;
        // The object file describes the other maps; those of an interface are not kept.
        let scratch = format!("{}scratch", crate::pins::INTERFACE);
        pins.fresh_directory(&scratch)?;
        let specialisation = specialise(settings, &Rules::default(), false);
        drop(Program::make_maps(pins, &scratch, &specialisation)?);
        pins.remove_directory(&scratch)?;
        generation::install_first(pins)?;
        let map = Array::<_, SettingsRecord>::create(1, 0).doing(|| "cannot make the settings map".into())?;
        pins.pin(map, "settings")?;
        write_settings(pins, settings)
    }

    /// Finishes what a killed command began: programs that do not fit the settings and lists yet,
    /// confirmations that did not come, directories without a link.
    fn recover(&mut self) -> Result<()> {
        let now = clock::now_ns()?;
        let (overdue, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.attachments)
            .into_iter()
            .partition(|attachment| attachment.is_overdue(now));
        for attachment in overdue {
            attachment.detach(&self.pins)?;
        }
        self.attachments = kept;
        for directory in self.pins.interface_directories()? {
            if !self.pins.join(&directory).join("link").exists() {
                self.pins.remove_directory(&directory)?;
            }
        }
        self.respecialise(&self.settings.clone(), &self.rules.clone())
    }

    /// The lists without what has expired.
    pub fn live_rules(&self) -> Result<Rules> {
        Ok(self.rules.clone().without_expired(clock::now_ns()?))
    }

    /// Puts other lists in force.
    pub fn set_rules(&mut self, rules: Rules) -> Result<()> {
        Self::refuse_nobody(&self.settings, &rules)?;
        self.install_rules(rules)
    }

    fn install_rules(&mut self, rules: Rules) -> Result<()> {
        generation::check_limits(&rules)?;
        let rules = counters::assign_slots(&self.pins, &self.rules, rules)?;
        // A program that looks for deny entries and retired prefixes is right with or without them; one
        // that does not look must not run while there are some.
        let both: Rules = self.rules.iter().chain(rules.iter()).cloned().collect();
        self.respecialise(&self.settings.clone(), &both)?;
        generation::install(&self.pins, &rules)?;
        self.rules = rules;
        self.respecialise(&self.settings.clone(), &self.rules.clone())
    }

    /// Goes back to settings and lists that were in force, whatever they were.
    pub fn restore(&mut self, settings: Settings, rules: Rules) -> Result<()> {
        if settings != self.settings {
            self.install_settings(settings)?;
        }
        if rules != self.rules {
            self.install_rules(rules)?;
        }
        Ok(())
    }

    /// Puts other settings in force on every interface.
    pub fn set_settings(&mut self, settings: Settings) -> Result<()> {
        Self::refuse_nobody(&settings, &self.live_rules()?)?;
        self.install_settings(settings)
    }

    fn install_settings(&mut self, settings: Settings) -> Result<()> {
        let before = std::mem::replace(&mut self.settings, settings.clone());
        // The settings first: a command that is killed here has the next one finish its work.
        write_settings(&self.pins, &settings)?;
        if let Err(error) = self.respecialise(&settings, &self.rules.clone()) {
            write_settings(&self.pins, &before)?;
            self.settings = before.clone();
            self.respecialise(&before, &self.rules.clone())?;
            return Err(error);
        }
        Ok(())
    }

    /// Fails if another XDP program is on one of the interfaces, before anything is changed for them.
    pub fn check_free(&self, interfaces: &[Interface]) -> Result<()> {
        interfaces
            .iter()
            .filter(|interface| self.attachment_of(interface).is_none())
            .try_for_each(attach::check_free)
    }

    /// Attaches to interfaces, all or none. Those that have the filter already are left as they are.
    pub fn attach(
        &mut self,
        interfaces: &[Interface],
        wanted: Wanted,
        confirm_by_ns: u64,
    ) -> Result<Vec<Attached>> {
        // One that went away and came back has another index, and an index may have been given to another.
        let returned = |attachment: &Attachment| {
            attachment.state == State::Gone
                && interfaces.iter().any(|interface| {
                    interface.name == attachment.name() || interface.index == attachment.record.ifindex
                })
        };
        let (stale, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.attachments)
            .into_iter()
            .partition(returned);
        self.attachments = kept;
        stale
            .into_iter()
            .try_for_each(|attachment| attachment.detach(&self.pins))?;
        let specialisation = specialise(&self.settings, &self.rules, confirm_by_ns != 0);
        let mut prepared = Vec::new();
        for interface in interfaces {
            if self.attachment_of(interface).is_some() {
                continue;
            }
            match Prepared::new(&self.pins, interface, &specialisation, confirm_by_ns) {
                Ok(next) => prepared.push(next),
                Err(error) => {
                    prepared
                        .into_iter()
                        .try_for_each(|prepared| prepared.discard(&self.pins))?;
                    return Err(error);
                }
            }
        }
        let mut report = Vec::new();
        let mut done = Vec::new();
        let mut waiting = prepared.into_iter();
        for prepared in waiting.by_ref() {
            match prepared.attach(&self.pins, wanted) {
                Ok((attachment, fallback)) => {
                    report.push(Attached {
                        interface: attachment.name(),
                        mode: attachment.mode(),
                        fallback,
                    });
                    done.push(attachment);
                }
                Err(error) => {
                    waiting.try_for_each(|prepared| prepared.discard(&self.pins))?;
                    done.into_iter()
                        .try_for_each(|attachment: Attachment| attachment.detach(&self.pins))?;
                    return Err(error);
                }
            }
        }
        self.attachments.extend(done);
        Ok(report)
    }

    /// Whether the filter is on that interface.
    pub fn attachment_of(&self, interface: &Interface) -> Option<&Attachment> {
        self.attachments.iter().find(|attachment| {
            attachment.state == State::Attached && attachment.record.ifindex == interface.index
        })
    }

    /// Takes the filter off the interfaces with those names, all or none.
    pub fn detach(&mut self, names: &[String]) -> Result<()> {
        let here: Vec<String> = self.attachments.iter().map(Attachment::name).collect();
        if let Some(name) = names.iter().find(|name| !here.contains(name)) {
            let known = match here.as_slice() {
                [] => "; it is on no interface".to_owned(),
                here => format!("; it is up on: {}", here.join(", ")),
            };
            return Err(Error::NotAttached {
                name: name.escape_debug().collect(),
                known,
            });
        }
        let (off, kept) = std::mem::take(&mut self.attachments)
            .into_iter()
            .partition(|attachment| names.contains(&attachment.name()));
        self.attachments = kept;
        let off: Vec<Attachment> = off;
        off.into_iter()
            .try_for_each(|attachment| attachment.detach(&self.pins))
    }

    /// Keeps what `up --confirm` would undo, and returns the names of the interfaces.
    pub fn confirm(&mut self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for attachment in &mut self.attachments {
            if attachment.record.confirm_by_ns != 0 {
                attachment.confirm(&self.pins)?;
                names.push(attachment.name());
            }
        }
        self.respecialise(&self.settings.clone(), &self.rules.clone())?;
        Ok(names)
    }

    fn respecialise(&mut self, settings: &Settings, rules: &Rules) -> Result<()> {
        for attachment in &mut self.attachments {
            let awaits = attachment.record.confirm_by_ns != 0;
            match attachment.respecialise(&self.pins, &specialise(settings, rules, awaits)) {
                // It will be attached anew, with the right program, if it returns.
                Err(Error::InterfaceGone(_)) => attachment.state = State::Gone,
                result => result?,
            }
        }
        Ok(())
    }

    /// Fails if a filter with these settings and lists would drop everyone.
    pub fn refuse_nobody(settings: &Settings, rules: &Rules) -> Result<()> {
        if settings.policy == Policy::Enforce && !rules.any(Action::Trust) {
            return Err(Error::NobodyTrusted);
        }
        Ok(())
    }
}

fn specialise(settings: &Settings, rules: &Rules, confirm: bool) -> Specialisation {
    Specialisation {
        settings: settings.clone(),
        deny: rules.any(Action::Deny),
        retire: rules.any(Action::Retire),
        confirm,
    }
}

fn write_settings(pins: &Pins, settings: &Settings) -> Result<()> {
    let mut map: Array<MapData, SettingsRecord> = pins.map("settings")?;
    map.set(0, SettingsRecord::from(settings), 0)
        .doing(|| "cannot write the settings".into())
}
