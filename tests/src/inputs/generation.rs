//! The maps of a generation: header, directory of pages, labels, origins, records. The input is all of them, one
//! after another.

use std::collections::BTreeSet;

use filter_user::{
    lists::{
        header::Header,
        names::{LABEL, Names, ORIGIN},
        reader::Reader,
        record::Record,
        summary::Summary,
        table::{PAGE, Table},
    },
    model::{entry::Action, rules::Rules},
    sys::bpf::mapped::Mapped,
};

use super::{Bytes, assert_fit_for_a_terminal};

const HEADER_LINES: usize = 5;
const LABELS: usize = 4;
const ORIGINS: usize = 2;
/// Pages in the directory. With more pages, runs take longer and find nothing more.
const CHUNKS: usize = 4;
const RECORDS: usize = 64;

pub(super) fn check(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let header = Header::new(mapped(HEADER_LINES, &mut bytes));
    let pages = mapped(CHUNKS / 2, &mut bytes);
    let labels: Names<LABEL> = Names::new(mapped(LABELS, &mut bytes));
    let origins: Names<ORIGIN> = Names::new(mapped(ORIGINS, &mut bytes));
    let records = Bytes(bytes.some(RECORDS * size_of::<Record>()));
    let table = Table::new(pages, mapped(RECORDS, &mut records.clone()));

    let mut summary = header.summary();
    let _ = (summary.total(), header.is_dirty(), header.drift());
    let mut reader = Reader::new(labels, origins);
    let mut entries = Vec::new();
    for record in table.taken() {
        let (slot, record) = record.unwrap_or_else(|error| panic!("{error}"));
        if let Some(entry) = reader.entry(slot, &record) {
            assert_eq!(entry.prefix, entry.prefix.trunc(), "host bits");
            assert_fit_for_a_terminal(entry.label.as_str());
            assert_fit_for_a_terminal(entry.origin.as_str());
            let again = Record::new(entry.action, entry.prefix);
            assert_eq!(
                (again.action(), again.prefix()),
                (record.action(), record.prefix())
            );
            entries.push(entry);
        }
        let before = summary;
        summary.count_record(&record, true);
        for action in [Action::Trust, Action::Deny, Action::Retire] {
            let (more, less) = (summary.count(action), before.count(action));
            assert!(more.0 >= less.0 && more.1 >= less.1, "it wrapped around");
        }
        summary.count_record(&record, false);
    }
    let rules = Rules::from(entries);
    let key = |entry: &filter_user::model::entry::Entry| (entry.action == Action::Retire, entry.prefix);
    assert!(rules.as_slice().is_sorted_by(|a, b| key(a) < key(b)));

    if let Some(intent) = header.intent() {
        header.begin(&intent);
        let again = header.intent();
        let again = again.unwrap_or_else(|| panic!("an intent is lost"));
        assert_eq!(
            (again.slot, again.before, again.after, again.summary),
            (intent.slot, intent.before, intent.after, intent.summary)
        );
        let _ = (table.get(intent.slot), reader.entry(intent.slot, &intent.after));
    }
    header.end();
    assert!(header.intent().is_none());
    chain(records, &mut summary);
}

/// A new table gets a chain of free places. Each free place must be in it exactly once, for any content of the maps.
fn chain(mut records: Bytes<'_>, summary: &mut Summary) {
    let table = Table::new(
        mapped(CHUNKS / 2, &mut Bytes(&[])),
        mapped(PAGE as usize, &mut records),
    );
    table.set_page(1, 0);
    let free = table
        .all()
        .filter(|record| record.as_ref().is_ok_and(|(_, record)| record.action().is_none()));
    let free = free.count();
    let first = table.chain_free().unwrap_or_else(|error| panic!("{error}"));
    summary.set_free(first);
    let mut next = summary.free();
    let mut seen = BTreeSet::new();
    while let Some(slot) = next {
        let record = table.get(slot).unwrap_or_else(|error| panic!("{error}"));
        assert!(record.action().is_none(), "slot {slot} is in the chain and taken");
        assert!(
            table.has_place(slot) && seen.insert(slot),
            "slot {slot} is in the chain twice"
        );
        next = record.next();
    }
    assert_eq!(seen.len(), free, "not every free slot is in the chain");
}

fn mapped<T: bytemuck::Pod>(records: usize, bytes: &mut Bytes<'_>) -> Mapped<T> {
    let mapped = Mapped::of_bytes(records, bytes.some(records * size_of::<T>()));
    mapped.unwrap_or_else(|error| panic!("{error}"))
}
