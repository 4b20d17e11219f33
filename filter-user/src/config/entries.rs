//! The prefixes and list files of `[trust]`, `[deny]` and `[retire]`.

use std::{collections::HashMap, path::PathBuf};

use toml::Spanned;

use super::{checker::Checker, file::Texts};
use crate::{
    files::{
        lines::{self, Reason},
        saved::SAVED,
    },
    model::{
        entry::{Action, Label, NewEntry, Origin},
        rules::{self, Key},
    },
    text::shown,
};

/// The entries and list files that were read so far.
#[derive(Default)]
pub(super) struct Lists {
    pub(super) entries: Vec<(Action, NewEntry)>,
    pub(super) files: Vec<(Action, PathBuf)>,
    /// The list that has a prefix already. Retired prefixes are keys of their own, since they are destinations.
    listed: HashMap<Key, (Action, Label)>,
}

impl Checker<'_> {
    /// Checks a section, and adds its entries and files to `lists`.
    pub(super) fn list(&mut self, lists: &mut Lists, action: Action, prefixes: Texts, files: Texts) {
        for text in prefixes.map(Spanned::into_inner).into_iter().flatten() {
            match self.entry(lists, action, text.get_ref()) {
                Ok(Some(entry)) => lists.entries.push((action, entry)),
                Ok(None) => {}
                Err(what) => self.wrong(&text.span(), format!("{action}.prefixes: {what}")),
            }
        }
        for text in files.map(Spanned::into_inner).into_iter().flatten() {
            let Some(file) = self.path(&format!("{action}.files"), &text) else {
                continue;
            };
            if file.parent() == Some(&self.directory.join(SAVED)) {
                let what =
                    format!("{action}.files: what is in {SAVED}/ is read in any case; leave it out here");
                self.wrong(&text.span(), what);
            } else if lists.files.iter().any(|(_, other)| *other == file) {
                let what = format!(
                    "{action}.files: {} is named twice; leave one out",
                    shown(text.get_ref())
                );
                self.wrong(&text.span(), what);
            } else {
                lists.files.push((action, file));
            }
        }
    }

    /// Reads an entry. A repeated entry is none.
    fn entry(&self, lists: &mut Lists, action: Action, text: &str) -> Result<Option<NewEntry>, String> {
        if text.contains('\n') {
            return Err("a line break; write each prefix as a text of its own".into());
        }
        let Some((prefix, label)) = lines::line(text.as_bytes()).map_err(explain)? else {
            return Err(format!(
                "'{}' has no prefix in it; write one, or leave it out",
                shown(text)
            ));
        };
        if prefix.prefix_len() == 0 {
            return Err(format!(
                "{prefix} is every address, and is not taken from a file; name the networks that are meant"
            ));
        }
        let key = rules::key(action, prefix);
        match lists.listed.get(&key) {
            None => {}
            Some((there, other)) if *there == action && *other == label => return Ok(None),
            Some((there, _)) if *there == action => {
                return Err(format!(
                    "{prefix} is there twice, with different labels; leave one out"
                ));
            }
            Some((there, _)) => {
                return Err(format!(
                    "{prefix} stands in [{there}] already; leave it out in one of them"
                ));
            }
        }
        lists.listed.insert(key, (action, label.clone()));
        Ok(Some(NewEntry {
            prefix,
            label,
            origin: Origin::new("config"),
            expires_ns: None,
            saved: true,
        }))
    }
}

/// The message for a prefix that is malformed. It differs from list files in the advice.
fn explain(reason: Reason) -> String {
    match reason {
        Reason::Second(second) => format!(
            "{} is a second prefix: each is a text of its own: [\"PREFIX\", \"PREFIX\"]",
            shown(&second)
        ),
        reason => reason.to_string(),
    }
}
