//! All interfaces of a filter: attaches, detaches and confirms them, and replaces their programs. Attaching and
//! detaching is done for all named interfaces or for none.

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

/// Reports an interface that was just attached.
#[derive(Debug)]
pub struct Attached {
    /// The name of the interface.
    pub interface: String,
    /// Whether the program runs in the driver or in the generic hook.
    pub mode: Mode,
    /// Why the driver refused native XDP, if the filter fell back to generic XDP.
    pub fallback: Option<io::Error>,
}

/// The interfaces of a filter, including those that no longer exist.
#[derive(Debug)]
pub struct Attachments(Vec<Attachment>);

impl Attachments {
    /// Reads all pinned attachments of a filter.
    pub fn read(pins: &Pins) -> Result<Self> {
        Attachment::all(pins).map(Self)
    }

    /// All attachments, sorted by interface name.
    pub fn all(&self) -> &[Attachment] {
        &self.0
    }

    /// The attachment on this interface, if the program runs there.
    pub fn of(&self, interface: &Interface) -> Option<&Attachment> {
        self.0.iter().find(|attachment| {
            attachment.state == State::Attached && attachment.record.ifindex == interface.index
        })
    }

    /// Fails with [`Error::Occupied`] if one of the interfaces has another XDP program. Called before anything
    /// changes.
    pub fn check_free(&self, interfaces: &[Interface]) -> Result<()> {
        interfaces
            .iter()
            .filter(|interface| self.of(interface).is_none())
            .try_for_each(attach::check_free)
    }

    /// Attaches the filter to all interfaces, or to none if one fails. Interfaces that already have the filter stay
    /// as they are. `confirm_by_ns` is the time limit of `--confirm`, or 0, see [`Prepared::new`].
    pub fn attach(
        &mut self,
        pins: &Pins,
        (settings, features): (&Settings, Features),
        interfaces: &[Interface],
        wanted: RequestedMode,
        confirm_by_ns: u64,
    ) -> Result<Vec<Attached>> {
        // An interface that returned has a new index, and its old index may belong to another interface. So detach
        // what has the same name or index and is gone.
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
            // Return the first error, because it names the cause. The next command removes directories without a
            // link.
            for attachment in done.drain(..) {
                let _ = attachment.detach(pins);
            }
            let _ = pins.remove_unlinked();
        }
        self.0.extend(done);
        result
    }

    /// Detaches the filter from the interfaces with these names.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::NotAttached`] if the filter is not on all of them. Nothing was detached then.
    pub fn detach(&mut self, pins: &Pins, names: &[String]) -> Result<()> {
        // In another network namespace, an interface with the same name is a different interface.
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

    /// Detaches the filter from the interfaces whose confirmation did not come before `now_ns`.
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

    /// Confirms all attachments that wait for it. Returns the names of their interfaces.
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

    /// Replaces each program that is not specialised for these settings and features.
    pub fn respecialise(&mut self, pins: &Pins, settings: &Settings, features: Features) -> Result<()> {
        let replacements = self.prepare(pins, settings, features)?;
        self.replace(pins, replacements)
    }

    /// Loads and verifies a program for each interface whose running program does not fit. The result is in the
    /// order of the attachments.
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

    /// Replaces the running programs with those from [`Self::prepare`].
    pub fn replace(&mut self, pins: &Pins, replacements: Vec<Option<Replacement>>) -> Result<()> {
        self.0
            .iter_mut()
            .zip(replacements)
            .filter_map(|(attachment, replacement)| Some((attachment, replacement?)))
            .try_for_each(|(attachment, replacement)| attachment.replace(pins, replacement))
    }
}
