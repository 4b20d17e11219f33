//! A filter's interfaces: on, off, confirmed; all of those that a command names, or none.

use std::io;

use super::{
    attach::{self, Prepared},
    attachment::{Attachment, Replacement, State},
    error::{Error, Result},
    features::Features,
};
use crate::{
    model::{
        mode::{Mode, RequestedMode},
        settings::Settings,
    },
    pins::directory::Pins,
    sys::netlink::Interface,
    text::shown,
};

/// An interface that was attached just now.
#[derive(Debug)]
pub struct Attached {
    /// Its name.
    pub interface: String,
    /// Where the program runs.
    pub mode: Mode,
    /// Why not natively, where that was tried first.
    pub fallback: Option<io::Error>,
}

/// The interfaces that a filter is on, or was on when they were last seen.
#[derive(Debug)]
pub struct Attachments(Vec<Attachment>);

impl Attachments {
    /// Reads those that are pinned.
    pub fn read(pins: &Pins) -> Result<Self> {
        Attachment::all(pins).map(Self)
    }

    /// All of them, in the order of their names.
    pub fn all(&self) -> &[Attachment] {
        &self.0
    }

    /// The one on that interface.
    pub fn of(&self, interface: &Interface) -> Option<&Attachment> {
        self.0.iter().find(|attachment| {
            attachment.state == State::Attached && attachment.record.ifindex == interface.index
        })
    }

    /// Fails if another XDP program is on one of the interfaces, before anything is changed for them.
    pub fn check_free(&self, interfaces: &[Interface]) -> Result<()> {
        interfaces
            .iter()
            .filter(|interface| self.of(interface).is_none())
            .try_for_each(attach::check_free)
    }

    /// Attaches to interfaces, all or none. Those that have the filter already are left as they are.
    pub fn attach(
        &mut self,
        pins: &Pins,
        (settings, features): (&Settings, Features),
        interfaces: &[Interface],
        wanted: RequestedMode,
        confirm_by_ns: u64,
    ) -> Result<Vec<Attached>> {
        // One that went away and came back has another index, and an index may have been given to another.
        self.detach_where(pins, |attachment| {
            attachment.state == State::Gone
                && interfaces.iter().any(|interface| {
                    attachment.is_called(&interface.name) || interface.index == attachment.record.ifindex
                })
        })?;
        let specialisation = features.specialise(settings, confirm_by_ns != 0);
        let mut done = Vec::new();
        let mut attach = || -> Result<Vec<Attached>> {
            let mut prepared = Vec::new();
            for interface in interfaces {
                if self.of(interface).is_none() {
                    prepared.push(Prepared::new(pins, interface, &specialisation, confirm_by_ns)?);
                }
            }
            let mut report = Vec::new();
            for prepared in prepared {
                let (attachment, fallback) = prepared.attach(pins, wanted)?;
                report.push(Attached {
                    interface: attachment.name(),
                    mode: attachment.mode(),
                    fallback,
                });
                done.push(attachment);
            }
            pins.mark_attached()?;
            Ok(report)
        };
        let result = attach();
        if result.is_err() {
            // The first error tells why. A directory without a link is removed by the next command.
            for attachment in done.drain(..) {
                let _ = attachment.detach(pins);
            }
            let _ = pins.remove_unlinked();
        }
        self.0.extend(done);
        result
    }

    /// Takes the filter off the interfaces with those names; off none, if it is not on all of them.
    pub fn detach(&mut self, pins: &Pins, names: &[String]) -> Result<()> {
        // An interface of that name in another network namespace is another interface.
        let here = |attachment: &Attachment| attachment.state != State::Elsewhere;
        let all_here = || self.0.iter().filter(|attachment| here(attachment));
        if let Some(name) = names.iter().find(|name| !all_here().any(|a| a.is_called(name))) {
            let known: Vec<String> = all_here().map(Attachment::name).collect();
            let elsewhere = self.0.iter().any(|a| a.is_called(name));
            return Err(Error::NotAttached {
                name: shown(name),
                known: match known.as_slice() {
                    _ if elsewhere => ", but in another network namespace: run this there".to_owned(),
                    [] => "; it is on no interface".to_owned(),
                    known => format!("; it is up on: {}", known.join(", ")),
                },
            });
        }
        pins.mark_attached()?;
        self.detach_where(pins, |attachment| {
            here(attachment) && names.iter().any(|name| attachment.is_called(name))
        })
    }

    /// Takes the filter off the interfaces that were not confirmed in time.
    pub fn detach_overdue(&mut self, pins: &Pins, now_ns: u64) -> Result<()> {
        if !self.0.is_empty() {
            pins.mark_attached()?;
        }
        self.detach_where(pins, |attachment| attachment.is_overdue(now_ns))
    }

    fn detach_where(&mut self, pins: &Pins, goes: impl Fn(&Attachment) -> bool) -> Result<()> {
        let (going, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.0).into_iter().partition(goes);
        self.0 = kept;
        going
            .into_iter()
            .try_for_each(|attachment| attachment.detach(pins))
    }

    /// Takes the confirmations that are awaited as given, and returns the names of the interfaces.
    pub fn confirm(&mut self, pins: &Pins) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for attachment in &mut self.0 {
            if attachment.awaits_confirmation() {
                attachment.confirm(pins)?;
                names.push(attachment.name());
            }
        }
        Ok(names)
    }

    /// Replaces the programs that are not specialised for these settings and features.
    pub fn respecialise(&mut self, pins: &Pins, settings: &Settings, features: Features) -> Result<()> {
        let replacements = self.prepare(pins, settings, features)?;
        self.replace(pins, replacements)
    }

    /// Verified programs for the interfaces whose own does not fit.
    pub fn prepare(
        &self,
        pins: &Pins,
        settings: &Settings,
        features: Features,
    ) -> Result<Vec<Option<Replacement>>> {
        let prepare = |attachment: &Attachment| {
            let specialisation = features.specialise(settings, attachment.awaits_confirmation());
            attachment.prepare(pins, &specialisation)
        };
        self.0.iter().map(prepare).collect()
    }

    /// Puts programs in the place of the ones that run.
    pub fn replace(&mut self, pins: &Pins, replacements: Vec<Option<Replacement>>) -> Result<()> {
        self.0
            .iter_mut()
            .zip(replacements)
            .filter_map(|(attachment, replacement)| Some((attachment, replacement?)))
            .try_for_each(|(attachment, replacement)| attachment.replace(pins, replacement))
    }
}
