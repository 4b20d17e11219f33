//! A filter's interfaces: on, off, confirmed; all of those that a command names, or none.

use std::io;

use super::{
    attach::{self, Prepared},
    attachment::{Attachment, State},
    error::{Error, Result},
    instance::{Instance, specialise},
};
use crate::{
    model::mode::{Mode, RequestedMode},
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

impl Instance {
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
        wanted: RequestedMode,
        confirm_by_ns: u64,
    ) -> Result<Vec<Attached>> {
        // One that went away and came back has another index, and an index may have been given to another.
        let returned = |attachment: &Attachment| {
            attachment.state == State::Gone
                && interfaces.iter().any(|interface| {
                    attachment.is_called(&interface.name) || interface.index == attachment.record.ifindex
                })
        };
        let (stale, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.attachments)
            .into_iter()
            .partition(returned);
        self.attachments = kept;
        for attachment in stale {
            attachment.detach(&self.pins)?;
        }

        let confirm = confirm_by_ns != 0;
        let specialisation = specialise(&self.settings, self.features(), confirm);
        let mut done = Vec::new();
        let mut attach = || -> Result<Vec<Attached>> {
            let mut prepared = Vec::new();
            for interface in interfaces {
                if self.attachment_of(interface).is_none() {
                    prepared.push(Prepared::new(
                        &self.pins,
                        interface,
                        &specialisation,
                        confirm_by_ns,
                    )?);
                }
            }
            let mut report = Vec::new();
            for prepared in prepared {
                let (attachment, fallback) = prepared.attach(&self.pins, wanted)?;
                report.push(Attached {
                    interface: attachment.name(),
                    mode: attachment.mode(),
                    fallback,
                });
                done.push(attachment);
            }
            self.pins.mark_attached()?;
            Ok(report)
        };
        let result = attach();
        if result.is_err() {
            // The first error tells why. A directory without a link is removed by the next command.
            for attachment in done.drain(..) {
                let _ = attachment.detach(&self.pins);
            }
            let _ = self.pins.remove_unlinked();
        }
        self.attachments.extend(done);
        result
    }

    /// Whether the filter is on that interface.
    pub fn attachment_of(&self, interface: &Interface) -> Option<&Attachment> {
        self.attachments.iter().find(|attachment| {
            attachment.state == State::Attached && attachment.record.ifindex == interface.index
        })
    }

    /// Takes the filter off the interfaces with those names; off none, if it is not on all of them.
    pub fn detach(&mut self, names: &[String]) -> Result<()> {
        // An interface of that name in another network namespace is another interface.
        let here = |attachment: &&Attachment| attachment.state != State::Elsewhere;
        let is_here = |name: &String| self.attachments.iter().filter(here).any(|a| a.is_called(name));
        if let Some(name) = names.iter().find(|name| !is_here(name)) {
            let known: Vec<String> = self
                .attachments
                .iter()
                .filter(here)
                .map(Attachment::name)
                .collect();
            let elsewhere = self.attachments.iter().any(|a| a.is_called(name));
            return Err(Error::NotAttached {
                name: shown(name),
                known: match known.as_slice() {
                    _ if elsewhere => ", but in another network namespace: run this there".to_owned(),
                    [] => "; it is on no interface".to_owned(),
                    known => format!("; it is up on: {}", known.join(", ")),
                },
            });
        }
        self.pins.mark_attached()?;
        let (off, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.attachments)
            .into_iter()
            .partition(|attachment| here(&attachment) && names.iter().any(|name| attachment.is_called(name)));
        self.attachments = kept;
        off.into_iter()
            .try_for_each(|attachment| attachment.detach(&self.pins))
    }

    /// Keeps what `up --confirm` would undo, and returns the names of the interfaces.
    pub fn confirm(&mut self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for attachment in &mut self.attachments {
            if attachment.awaits_confirmation() {
                attachment.confirm(&self.pins)?;
                names.push(attachment.name());
            }
        }
        let respecialised = self.respecialise(self.features());
        self.afterwards(respecialised);
        Ok(names)
    }
}
