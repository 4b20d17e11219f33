//! A filter as a whole: what is loaded, what is to change, and the order in which it changes, so that no
//! packet meets less than the old filter or the new one, whatever is killed when.
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

/// A large list of which so many entries change is changed where they stand; more, and it is built anew.
const FEW: usize = 64;

/// A filter, locked for as long as this lives.
pub struct Instance {
    /// Where it is pinned.
    pins: Pins,
    /// What it does.
    settings: Settings,
    /// Its lists, which are read when somebody asks for them.
    lists: Lists,
    /// The interfaces that it is on.
    attachments: Attachments,
    /// How far a change of the lists is.
    progress: Arc<Progress>,
    /// Why something that follows a change could not be done. The change is in force, and the next one makes up for it.
    undone: Option<Error>,
}

impl Instance {
    /// Opens the filter in `path` to look at it.
    pub fn open(path: &Path) -> Result<Self> {
        preflight::check()?;
        Self::read_finished(Pins::open(path, Access::Read)?)
    }

    /// Opens the filter in `path` to change it, and finishes what a killed command began.
    pub fn open_for_change(path: &Path) -> Result<Self> {
        Self::open_for_detaching(path)?.made_whole()
    }

    /// Opens the filter in `path` to take it off interfaces: that must work also where this version's program
    /// cannot be loaded.
    pub fn open_for_detaching(path: &Path) -> Result<Self> {
        preflight::check()?;
        Self::read_finished(Pins::open(path, Access::Change)?)
    }

    /// Opens the filter in `path` to change it, or sets up a new one with `settings` and no entries.
    /// The second value tells whether it is new: see [`Self::complete`].
    pub fn open_or_create(path: &Path, settings: &Settings) -> Result<(Self, bool)> {
        preflight::check()?;
        let pins = Pins::open_or_create(path)?;
        if pins.content()? == Content::Filter {
            return Ok((Self::read(pins)?.made_whole()?, false));
        }
        match Self::set_up(&pins, settings).and_then(|()| Parts::read(&pins)) {
            Ok(parts) => Ok((Self::of(pins, parts), true)),
            Err(error) => {
                // The first error tells why; what cannot be removed now is removed by the next `up`.
                let _ = pins.remove();
                Err(error)
            }
        }
    }

    /// Where it is pinned.
    pub const fn pins(&self) -> &Pins {
        &self.pins
    }

    /// What it does.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its lists, which are read when somebody asks for them.
    pub const fn lists(&self) -> &Lists {
        &self.lists
    }

    /// The interfaces that it is on, or was on when it was last seen.
    pub fn attachments(&self) -> &[Attachment] {
        self.attachments.all()
    }

    /// How far a change of the lists is, to be watched from another thread.
    pub const fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Why something that follows a change could not be done. The change is in force, and the next one makes up for it.
    pub const fn take_undone(&mut self) -> Option<Error> {
        self.undone.take()
    }

    /// Takes the filter down and removes everything that it has pinned.
    pub fn remove(self) -> Result<()> {
        Ok(self.pins.remove()?)
    }

    /// Says that a new filter has its settings and lists. It counts as a filter once it has been attached: a
    /// killed first `up` must leave neither settings that nobody asked for nor a filter that trusts nobody.
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
        // The object file describes the other maps; those of an interface are not kept.
        let scratch = format!("{INTERFACE}scratch");
        pins.fresh_directory(&scratch)?;
        let specialisation = Features::default().specialise(settings, false);
        drop(Program::make_maps(pins, &scratch, &specialisation)?);
        pins.remove_directory(&scratch)?;
        generation::install_first(pins)?;
        settings::create(pins)?;
        settings::write(pins, settings)
    }

    /// Finishes what a killed command began: an entry that is half changed, coverage of more than the lists, programs that
    /// do not fit the settings and lists yet, confirmations that did not come, directories without a link.
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

    /// The lists as the kernel has them, entries that have expired included.
    pub fn rules(&self) -> Result<Rules> {
        Ok(self.lists.rules(&self.pins)?)
    }

    /// The lists without what has expired.
    pub fn live_rules(&self) -> Result<Rules> {
        Ok(self.rules()?.without_expired(clock::now_ns()?))
    }

    /// How many entries there are that have not expired.
    pub fn live_summary(&self) -> Result<Summary> {
        Ok(self.lists.live_summary(&self.pins)?)
    }

    /// The lists without what has expired, with what was counted on each entry.
    pub fn counted(&self) -> Result<Vec<(Entry, PrefixCount)>> {
        Ok(self.lists.counted(&self.pins, clock::now_ns()?)?)
    }

    /// Puts other lists in force. An enforcing filter does not lose the last that it trusts.
    pub fn set_rules(&mut self, rules: Rules) -> Result<()> {
        if self.trusts_somebody()? {
            refuse_nobody(&self.settings, rules.any(Action::Trust))?;
        }
        self.install_rules(rules)
    }

    fn trusts_somebody(&self) -> Result<bool> {
        Ok(self.live_summary()?.count(Action::Trust) != (0, 0))
    }

    /// Puts other settings in force on every interface.
    pub fn set_settings(&mut self, settings: Settings) -> Result<()> {
        if self.settings.policy == Policy::Observe {
            refuse_nobody(&settings, self.trusts_somebody()?)?;
        }
        self.install_settings(settings)
    }

    /// Puts settings in force, and lists if there are others, whatever they are.
    pub fn install(&mut self, settings: Settings, rules: Option<Rules>) -> Result<()> {
        if settings != self.settings {
            self.install_settings(settings)?;
        }
        rules.map_or(Ok(()), |rules| self.install_rules(rules))
    }

    fn install_rules(&mut self, rules: Rules) -> Result<()> {
        generation::check_limits(&rules)?;
        // A program that looks for deny entries and retired prefixes is right with or without them; one
        // that does not look must not run while there are some.
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
                // The first error tells why; what cannot be put back now is put back by the next command.
                let _ = self.respecialise(before);
                return Err(error);
            }
        }
        let respecialised = self.respecialise(after);
        self.afterwards(respecialised);
        Ok(())
    }

    /// Remembers why something could not be done that follows a change in force.
    fn afterwards(&mut self, result: Result<()>) {
        if let Err(error) = result {
            self.undone.get_or_insert(error);
        }
    }

    fn install_settings(&mut self, settings: Settings) -> Result<()> {
        let features = self.features();
        let replacements = self.attachments.prepare(&self.pins, &settings, features)?;
        // From here on it takes a system call for each interface. A command that is killed in between has
        // the next one finish its work.
        settings::write(&self.pins, &settings)?;
        let before = std::mem::replace(&mut self.settings, settings);
        if let Err(error) = self.attachments.replace(&self.pins, replacements) {
            // The first error tells why. Where the old settings cannot be written either, the next command puts the new
            // ones in force.
            let _ = settings::write(&self.pins, &before);
            self.settings = before;
            let _ = self.respecialise(features);
            return Err(error);
        }
        Ok(())
    }

    /// Whether the program on an interface is what settings and lists ask for.
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

    /// Changes entries: all at once, but for a few of a large list, of which those that come in come first.
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

    /// Changes a list, and says what is different.
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

    /// `None` if there is no room for it beside the others.
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

    /// Fails if another XDP program is on one of the interfaces, before anything is changed for them.
    pub fn check_free(&self, interfaces: &[Interface]) -> Result<()> {
        self.attachments.check_free(interfaces)
    }

    /// The filter on that interface.
    pub fn attachment_of(&self, interface: &Interface) -> Option<&Attachment> {
        self.attachments.of(interface)
    }

    /// Attaches to interfaces, all or none. Those that have the filter already are left as they are. Unless `confirm_by_ns` is 0,
    /// filtering ends then if nobody [confirms](Self::confirm) it.
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

    /// Takes the filter off the interfaces with those names; off none, if it is not on all of them.
    pub fn detach(&mut self, names: &[String]) -> Result<()> {
        self.attachments.detach(&self.pins, names)
    }

    /// Keeps what `up --confirm` would undo, and returns the names of the interfaces.
    pub fn confirm(&mut self) -> Result<Vec<String>> {
        let names = self.attachments.confirm(&self.pins)?;
        let respecialised = self.respecialise(self.features());
        self.afterwards(respecialised);
        Ok(names)
    }
}

/// What is read of a filter when it is opened.
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

/// Fails if a filter with these settings would drop everyone.
pub fn refuse_nobody(settings: &Settings, trusts_somebody: bool) -> Result<()> {
    if settings.policy == Policy::Enforce && !trusts_somebody {
        return Err(Error::NobodyTrusted);
    }
    Ok(())
}
