//! A filter as a whole: what is loaded, what is to change, and the order in which it changes, so that no
//! packet meets less than the old filter or the new one, whatever is killed when.

use std::{path::Path, sync::Arc};

use filter_common::PrefixCount;

use super::{
    attachment::{Attachment, Replacement, State},
    change,
    error::{Error, Result},
    program::{self, Program, Specialisation},
    settings,
};
use crate::{
    lists::{counters, generation, in_force::Lists, in_place, summary::Summary},
    model::{
        entry::{Action, Entry},
        progress::Progress,
        rules::Rules,
        settings::{Policy, Settings},
    },
    pins::{
        self,
        directory::Pins,
        layout::Content,
        names::{CHUNKS, INTERFACE},
    },
    sys::{clock, flock::Access, preflight},
};

/// A filter, locked for as long as this lives.
pub struct Instance {
    /// Where it is pinned.
    pub(super) pins: Pins,
    /// What it does.
    pub(super) settings: Settings,
    /// Its lists, which are read when somebody asks for them.
    pub(super) lists: Lists,
    /// The interfaces that it is on.
    pub(super) attachments: Vec<Attachment>,
    /// How far a change of the lists is.
    pub(super) progress: Arc<Progress>,
    /// Why something that follows a change could not be done. The change is in force, and the next one makes up for it.
    pub(super) undone: Option<Error>,
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
        &self.attachments
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

    fn made_whole(mut self) -> Result<Self> {
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
        let specialisation = specialise(settings, Features::default(), false);
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
        let (overdue, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.attachments)
            .into_iter()
            .partition(|attachment| attachment.is_overdue(now));
        self.attachments = kept;
        if !overdue.is_empty() || !self.attachments.is_empty() {
            self.pins.mark_attached()?;
        }
        for attachment in overdue {
            attachment.detach(&self.pins)?;
        }
        self.pins.remove_unlinked()?;
        if in_place::finish(&self.pins, &self.lists)? {
            self.lists = Lists::open(&self.pins)?;
        }
        if self.lists.header.is_dirty() {
            change::restore_coverage(&self.pins, &self.lists, self.settings.secret)?;
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
    pub(crate) fn afterwards(&mut self, result: Result<()>) {
        if let Err(error) = result {
            self.undone.get_or_insert(error);
        }
    }

    fn install_settings(&mut self, settings: Settings) -> Result<()> {
        let features = self.features();
        let replacements = self.prepare(&settings, features)?;
        // From here on it takes a system call for each interface. A command that is killed in between has
        // the next one finish its work.
        settings::write(&self.pins, &settings)?;
        let before = std::mem::replace(&mut self.settings, settings);
        if let Err(error) = self.replace(replacements) {
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
        attachment.record.program_hash == specialise(&self.settings, self.features(), awaits).hash()
    }

    /// How it stands with an interface, in a word: `attached`; `outdated`: attached, but not as settings, lists and this version
    /// ask for; `unconfirmed`; `overdue`: not confirmed in time, so everything passes; `gone`; `elsewhere`: in another network
    /// namespace.
    pub fn condition(&self, attachment: &Attachment, now_ns: u64) -> &'static str {
        match attachment.state {
            State::Gone => "gone",
            _ if attachment.is_overdue(now_ns) => "overdue",
            State::Elsewhere => "elsewhere",
            State::Attached if !self.is_current(attachment) => "outdated",
            State::Attached if attachment.awaits_confirmation() => "unconfirmed",
            State::Attached => "attached",
        }
    }

    pub(crate) fn features(&self) -> Features {
        Features::of(&self.lists.summary())
    }

    pub(crate) fn respecialise(&mut self, features: Features) -> Result<()> {
        let replacements = self.prepare(&self.settings, features)?;
        self.replace(replacements)
    }

    /// Verified programs for the interfaces whose own does not fit.
    fn prepare(&self, settings: &Settings, features: Features) -> Result<Vec<Option<Replacement>>> {
        self.attachments
            .iter()
            .map(|attachment| {
                let awaits = attachment.awaits_confirmation();
                attachment.prepare(&self.pins, &specialise(settings, features, awaits))
            })
            .collect()
    }

    fn replace(&mut self, replacements: Vec<Option<Replacement>>) -> Result<()> {
        self.attachments
            .iter_mut()
            .zip(replacements)
            .filter_map(|(attachment, replacement)| Some((attachment, replacement?)))
            .try_for_each(|(attachment, replacement)| attachment.replace(&self.pins, replacement))
    }
}

/// What is read of a filter when it is opened.
struct Parts {
    settings: Settings,
    lists: Lists,
    attachments: Vec<Attachment>,
}

impl Parts {
    fn read(pins: &Pins) -> Result<Self> {
        Ok(Self {
            settings: settings::read(pins)?,
            lists: Lists::open(pins)?,
            attachments: Attachment::all(pins)?,
        })
    }
}

/// What of the lists a program has to look for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Features {
    deny: bool,
    retire: bool,
}

impl Features {
    pub(crate) fn of(summary: &Summary) -> Self {
        Self {
            deny: summary.count(Action::Deny) != (0, 0),
            retire: summary.count(Action::Retire) != (0, 0),
        }
    }

    /// What entries of one list need.
    pub(crate) fn for_list(list: Action) -> Self {
        Self {
            deny: list == Action::Deny,
            retire: list == Action::Retire,
        }
    }

    fn of_rules(rules: &Rules) -> Self {
        Self {
            deny: rules.any(Action::Deny),
            retire: rules.any(Action::Retire),
        }
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            deny: self.deny || other.deny,
            retire: self.retire || other.retire,
        }
    }
}

/// Fails if a filter with these settings would drop everyone.
pub fn refuse_nobody(settings: &Settings, trusts_somebody: bool) -> Result<()> {
    if settings.policy == Policy::Enforce && !trusts_somebody {
        return Err(Error::NobodyTrusted);
    }
    Ok(())
}

pub(crate) fn specialise(settings: &Settings, features: Features, confirm: bool) -> Specialisation {
    Specialisation {
        settings: settings.clone(),
        deny: features.deny,
        retire: features.retire,
        confirm,
    }
}
