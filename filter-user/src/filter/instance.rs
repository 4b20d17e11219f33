//! A filter as a whole: opens it, changes its lists, settings and interfaces, and takes it down.
//!
//! Each change is done in an order that is safe at every step. If the command is killed, packets meet either the
//! old filter or the new one.
//!
//! Longer than 300 lines because its fields are private: each change of a filter has to keep all of them in step.

use std::{path::Path, sync::Arc};

use filter_common::PrefixCount;
use ipnet::IpNet;

use super::{
    attachment::Attachment,
    attachments::{Attached, Attachments},
    change::{Change, Edits},
    error::{Error, Result},
    features::Features,
    one_entry::{Changed, OneEntry},
    program::{self, Program},
    settings,
};
use crate::{
    lists::{counters, covered, covered::SMALL, generation, in_force::Lists, in_place, summary::Summary},
    model::{
        entry::{Action, Entry, NewEntry},
        mode::RequestedMode,
        progress::Progress,
        rules::{Difference, Rules},
        settings::{Policy, Settings},
    },
    pins::{
        self,
        directory::Pins,
        layout::Content,
        names::{CHUNKS, INTERFACE},
    },
    sys::{clock, flock::Access, netlink::Interface, preflight},
};

/// If at most this many entries of a large list change, each is changed in place. If more change, a new generation
/// is built.
const FEW: usize = 64;

/// A filter that is locked until this is dropped.
pub struct Instance {
    /// Its locked pin directory.
    pins: Pins,
    /// The settings in force.
    settings: Settings,
    /// The lists in force. Entries are read only when needed.
    lists: Lists,
    /// Its interfaces.
    attachments: Attachments,
    /// The progress of a list change that is running.
    progress: Arc<Progress>,
    /// Why the clean-up after a change failed. The change itself is in force.
    undone: Option<Error>,
}

impl Instance {
    /// Opens the filter in `path` for reading.
    ///
    /// # Errors
    ///
    /// Fails if no filter is there, if another command holds the lock, if the kernel is too old, or if a capability is
    /// missing.
    pub fn open(path: &Path) -> Result<Self> {
        preflight::check()?;
        Self::read_finished(Pins::open(path, Access::Read)?)
    }

    /// Opens the filter in `path` for changes, and finishes what a killed command left.
    pub fn open_for_change(path: &Path) -> Result<Self> {
        Self::open_for_detaching(path)?.made_whole()
    }

    /// Opens the filter in `path` to detach it from interfaces. This works even if the program of this version
    /// cannot be loaded.
    pub fn open_for_detaching(path: &Path) -> Result<Self> {
        preflight::check()?;
        Self::read_finished(Pins::open(path, Access::Change)?)
    }

    /// Opens the filter in `path` for changes, or creates a new one with `settings` and empty lists. The second
    /// value says whether it is new. A new filter needs [`Self::complete`] before it is attached.
    pub fn open_or_create(path: &Path, settings: &Settings) -> Result<(Self, bool)> {
        preflight::check()?;
        let pins = Pins::open_or_create(path)?;
        if pins.content()? == Content::Filter {
            return Ok((Self::read(pins)?.made_whole()?, false));
        }
        match Self::set_up(&pins, settings).and_then(|()| Parts::read(&pins)) {
            Ok(parts) => Ok((Self::of(pins, parts), true)),
            Err(error) => {
                // Return the first error, because it names the cause. The next `up` removes what is left.
                let _ = pins.remove();
                Err(error)
            }
        }
    }

    /// The locked pin directory.
    pub const fn pins(&self) -> &Pins {
        &self.pins
    }

    /// The settings in force.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The lists in force. Entries are read only when needed.
    pub const fn lists(&self) -> &Lists {
        &self.lists
    }

    /// The interfaces of the filter, including those that no longer exist.
    pub fn attachments(&self) -> &[Attachment] {
        self.attachments.all()
    }

    /// The progress of a list change, which another thread can read meanwhile.
    pub const fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Returns and clears the reason why the clean-up after a change failed. The change itself is in force, and the
    /// next change repeats the clean-up.
    pub const fn take_undone(&mut self) -> Option<Error> {
        self.undone.take()
    }

    /// Detaches the filter from all interfaces and removes all its pins.
    pub fn remove(self) -> Result<()> {
        Ok(self.pins.remove()?)
    }

    /// Marks a new filter as ready to attach: its settings and lists are complete. It counts as a filter only after
    /// it was attached. So a first `up` that is killed leaves no settings that nobody asked for, and no filter that
    /// trusts nobody.
    pub fn complete(&self) -> Result<()> {
        Ok(self.pins.complete()?)
    }

    fn read_finished(pins: Pins) -> Result<Self> {
        match pins.content()? {
            Content::Filter => Self::read(pins),
            Content::Unfinished => Err(pins::error::Error::NotUp {
                path: pins.path().to_owned(),
            }
            .into()),
        }
    }

    fn read(pins: Pins) -> Result<Self> {
        let parts = Parts::read(&pins)?;
        Ok(Self::of(pins, parts))
    }

    fn of(pins: Pins, parts: Parts) -> Self {
        let Parts {
            settings,
            lists,
            attachments,
        } = parts;
        Self {
            pins,
            settings,
            lists,
            attachments,
            progress: Arc::default(),
            undone: None,
        }
    }

    /// Finishes what a killed command began, so that the filter can be changed.
    pub fn made_whole(mut self) -> Result<Self> {
        program::check_maps(&self.pins)?;
        self.recover()?;
        Ok(self)
    }

    fn set_up(pins: &Pins, settings: &Settings) -> Result<()> {
        pins.clear()?;
        pins.fresh_directory(CHUNKS)?;
        generation::make_maps(pins)?;
        counters::make_maps(pins)?;
        // The object file describes the other maps. Loading it creates the maps of an interface too, which are not
        // needed yet.
        let scratch = format!("{INTERFACE}scratch");
        pins.fresh_directory(&scratch)?;
        let specialisation = Features::default().specialise(settings, false);
        drop(Program::make_maps(pins, &scratch, &specialisation)?);
        pins.remove_directory(&scratch)?;
        generation::install_first(pins)?;
        settings::create(pins)?;
        settings::write(pins, settings)
    }

    /// Finishes what a killed command left: a half-changed entry, coverage with too many bits, directories without a
    /// link, and programs that do not fit. Also detaches interfaces whose confirmation did not come in time.
    fn recover(&mut self) -> Result<()> {
        let now = clock::now_ns()?;
        self.attachments.detach_overdue(&self.pins, now)?;
        self.pins.remove_unlinked()?;
        if in_place::finish(&self.pins, &self.lists)? {
            self.lists = Lists::open(&self.pins)?;
        }
        if self.lists.header().is_dirty() {
            covered::restore(&self.pins, &self.lists, self.settings.secret)?;
        }
        self.respecialise(self.features())
    }

    /// Reads all entries, including expired ones.
    pub fn rules(&self) -> Result<Rules> {
        Ok(self.lists.rules(&self.pins)?)
    }

    /// Reads all entries that have not expired.
    pub fn live_rules(&self) -> Result<Rules> {
        Ok(self.rules()?.without_expired(clock::now_ns()?))
    }

    /// How many entries there are, without expired ones.
    pub fn live_summary(&self) -> Result<Summary> {
        Ok(self.lists.live_summary(&self.pins)?)
    }

    /// Reads all entries that have not expired, with the packets and bytes counted on each.
    pub fn counted(&self) -> Result<Vec<(Entry, PrefixCount)>> {
        Ok(self.lists.counted(&self.pins, clock::now_ns()?)?)
    }

    /// Puts new lists in force.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::NobodyTrusted`] if an enforcing filter would lose its last trusted prefix.
    pub fn set_rules(&mut self, rules: Rules) -> Result<()> {
        if self.trusts_somebody()? {
            refuse_nobody(&self.settings, rules.any(Action::Trust))?;
        }
        self.install_rules(rules)
    }

    fn trusts_somebody(&self) -> Result<bool> {
        Ok(self.live_summary()?.count(Action::Trust) != (0, 0))
    }

    /// Puts new settings in force on all interfaces.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::NobodyTrusted`] if the policy changes to `enforce` and there is no trusted prefix.
    pub fn set_settings(&mut self, settings: Settings) -> Result<()> {
        if self.settings.policy == Policy::Observe {
            refuse_nobody(&settings, self.trusts_somebody()?)?;
        }
        self.install_settings(settings)
    }

    /// Puts settings and, if given, lists in force. Does not check whether somebody is trusted.
    pub fn install(&mut self, settings: Settings, rules: Option<Rules>) -> Result<()> {
        if settings != self.settings {
            self.install_settings(settings)?;
        }
        rules.map_or(Ok(()), |rules| self.install_rules(rules))
    }

    fn install_rules(&mut self, rules: Rules) -> Result<()> {
        generation::check_limits(&rules)?;
        // A program that looks for deny entries and retired prefixes is right even if there are none. A program
        // that does not look must not run while there are some. So replace programs first.
        let (before, after) = (self.features(), Features::of_rules(&rules));
        let secret = self.settings.secret;
        let installed = self.respecialise(before.or(after)).and_then(|()| {
            Ok(generation::install(
                &self.pins,
                &self.lists,
                &rules,
                secret,
                &self.progress,
            )?)
        });
        match installed {
            Ok((lists, followed)) => {
                self.lists = lists;
                self.afterwards(followed.map_err(Error::from));
            }
            Err(error) => {
                // Return the first error, because it names the cause. The next command puts back what could not be
                // put back now.
                let _ = self.respecialise(before);
                return Err(error);
            }
        }
        let respecialised = self.respecialise(after);
        self.afterwards(respecialised);
        Ok(())
    }

    /// Keeps the first failure of the clean-up after a change, for [`Self::take_undone`].
    fn afterwards(&mut self, result: Result<()>) {
        if let Err(error) = result {
            self.undone.get_or_insert(error);
        }
    }

    fn install_settings(&mut self, settings: Settings) -> Result<()> {
        let features = self.features();
        let replacements = self.attachments.prepare(&self.pins, &settings, features)?;
        // From here on, each interface takes one system call. If the command is killed in between, the next one
        // finishes the work.
        settings::write(&self.pins, &settings)?;
        let before = std::mem::replace(&mut self.settings, settings);
        if let Err(error) = self.attachments.replace(&self.pins, replacements) {
            // Return the first error, because it names the cause. If the old settings cannot be written either, the
            // next command puts the new ones in force.
            let _ = settings::write(&self.pins, &before);
            self.settings = before;
            let _ = self.respecialise(features);
            return Err(error);
        }
        Ok(())
    }

    /// Whether the program on an interface fits the settings, the lists and this version.
    pub fn is_current(&self, attachment: &Attachment) -> bool {
        let awaits = attachment.awaits_confirmation();
        attachment.record.program_hash == self.features().specialise(&self.settings, awaits).hash()
    }

    fn features(&self) -> Features {
        Features::of(&self.lists.summary())
    }

    fn respecialise(&mut self, features: Features) -> Result<()> {
        self.attachments
            .respecialise(&self.pins, &self.settings, features)
    }

    /// Changes entries of any list. The changes come into force all at once, with one exception: a few changes of a
    /// large list are made one by one, additions first.
    pub fn edit(&mut self, edits: Edits) -> Result<()> {
        let is_large = self.lists.summary().total() > SMALL;
        if edits.len() == 1 || is_large && edits.len() <= FEW && !edits.moves_any() {
            for (action, entry) in edits.set {
                let entries = vec![entry];
                self.change(action, Change::Add { entries, force: true })?;
            }
            for (action, prefix) in edits.remove {
                self.change(action, Change::Remove(vec![prefix]))?;
            }
            return Ok(());
        }
        let rules = edits.applied_to(self.live_rules()?)?;
        self.set_rules(rules)
    }

    /// Changes one list, and returns what is different.
    pub fn change(&mut self, list: Action, change: Change) -> Result<Difference> {
        match &change {
            Change::Add { entries, force } if entries.len() == 1 => {
                if let Some(difference) = self.add_one(list, &entries[0], *force)? {
                    return Ok(difference);
                }
            }
            Change::Remove(prefixes) if prefixes.len() == 1 => return self.remove_one(list, prefixes[0]),
            _ => {}
        }
        let before = self.live_rules()?;
        let after = change.applied_to(&before, list)?;
        let difference = before.difference(&after, list);
        if after != before {
            drop(before);
            self.set_rules(after)?;
        }
        Ok(difference)
    }

    /// Returns `None` if the generation has no room for the entry.
    fn add_one(&mut self, list: Action, new: &NewEntry, force: bool) -> Result<Option<Difference>> {
        let changed = self.one_entry()?.add(list, new, force)?;
        Ok(changed.map(|changed| self.note(changed)))
    }

    fn remove_one(&mut self, list: Action, prefix: IpNet) -> Result<Difference> {
        let changed = self.one_entry()?.remove(list, prefix)?;
        Ok(self.note(changed))
    }

    fn one_entry(&mut self) -> Result<OneEntry<'_>> {
        OneEntry::open(&self.pins, &self.settings, &self.lists, &mut self.attachments)
    }

    fn note(&mut self, changed: Changed) -> Difference {
        self.afterwards(changed.undone.map_or(Ok(()), Err));
        changed.difference
    }

    /// Fails with [`Error::Occupied`] if one of the interfaces has another XDP program. To be called before
    /// anything changes.
    pub fn check_free(&self, interfaces: &[Interface]) -> Result<()> {
        self.attachments.check_free(interfaces)
    }

    /// The attachment on this interface, if the program runs there.
    pub fn attachment_of(&self, interface: &Interface) -> Option<&Attachment> {
        self.attachments.of(interface)
    }

    /// Attaches the filter to all interfaces, or to none if one fails. Interfaces that already have the filter stay
    /// as they are.
    ///
    /// `confirm_by_ns` is a time of `CLOCK_MONOTONIC` in nanoseconds, or 0 for no limit. After it, the program
    /// passes everything, unless [`Self::confirm`] was called before.
    pub fn attach(
        &mut self,
        interfaces: &[Interface],
        wanted: RequestedMode,
        confirm_by_ns: u64,
    ) -> Result<Vec<Attached>> {
        let specialised_for = (&self.settings, self.features());
        self.attachments
            .attach(&self.pins, specialised_for, interfaces, wanted, confirm_by_ns)
    }

    /// Detaches the filter from the interfaces with these names.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::NotAttached`] if the filter is not on all of them. Nothing was detached then.
    pub fn detach(&mut self, names: &[String]) -> Result<()> {
        self.attachments.detach(&self.pins, names)
    }

    /// Confirms all interfaces that `up --confirm` attached, so that filtering continues. Returns their names.
    pub fn confirm(&mut self) -> Result<Vec<String>> {
        let names = self.attachments.confirm(&self.pins)?;
        let respecialised = self.respecialise(self.features());
        self.afterwards(respecialised);
        Ok(names)
    }
}

/// What opening a filter reads from its pins.
struct Parts {
    settings: Settings,
    lists: Lists,
    attachments: Attachments,
}

impl Parts {
    fn read(pins: &Pins) -> Result<Self> {
        Ok(Self {
            settings: settings::read(pins)?,
            lists: Lists::open(pins)?,
            attachments: Attachments::read(pins)?,
        })
    }
}

/// Fails with [`Error::NobodyTrusted`] if a filter with these settings would drop every new connection.
pub fn refuse_nobody(settings: &Settings, trusts_somebody: bool) -> Result<()> {
    if settings.policy == Policy::Enforce && !trusts_somebody {
        return Err(Error::NobodyTrusted);
    }
    Ok(())
}
