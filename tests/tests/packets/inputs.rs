//! Everything that user space reads is read correctly: the known inputs of the corpus, and thousands of mutations of
//! them. The mutations are the same in every run. `cargo xtask fuzz-inputs` looks for more inputs. Needs neither root
//! nor libFuzzer.

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::{fs, path::Path};

use tests::{
    inputs::{ALL, Input, mutation::mutate},
    random::Random,
    thorough,
};

/// The known inputs of one kind, sorted by name.
fn known(input: &Input) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(input.name);
    let mut files: Vec<_> = fs::read_dir(&directory)
        .expect("a directory of seeds")
        .map(|entry| entry.expect("a seed").path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("a seed")).collect()
}

fn holds(name: &str, times: u64) {
    let input = ALL
        .iter()
        .find(|input| input.name == name)
        .expect("an input of that name");
    let known = known(input);
    known.iter().for_each(|bytes| (input.check)(bytes));
    let times = if thorough() { 100 * times } else { times };
    let mut random = Random::new(1);
    for _ in 0..times {
        let mut any = || &known[random.below(known.len() as u64) as usize];
        let (seed, other) = (any(), any());
        let bytes = mutate(seed, other, &mut random);
        let result = std::panic::catch_unwind(|| (input.check)(&bytes));
        assert!(
            result.is_ok(),
            "{name} panics at these bytes: {bytes:?}\n{:?}",
            String::from_utf8_lossy(&bytes)
        );
    }
}

#[test]
fn prefix_lists_are_read_as_a_slow_reader_reads_them() {
    holds("list_file", 20_000);
}

#[test]
fn answers_of_providers_are_refused_in_one_line_or_lists_that_can_be_meant() {
    holds("answers", 5_000);
}

#[test]
fn configurations_are_refused_in_one_line_or_shown_as_they_are_read() {
    holds("config", 20_000);
}

#[test]
fn prefixes_are_read_as_the_standard_library_reads_addresses() {
    holds("prefix", 20_000);
}

#[test]
fn sets_of_ports_are_read_as_a_slow_reader_reads_them() {
    holds("ports", 2_000);
}

#[test]
fn values_on_the_command_line_come_back_as_they_are_printed() {
    holds("arguments", 20_000);
}

#[test]
fn whatever_lies_in_the_maps_of_a_generation_becomes_clean_entries_or_none() {
    holds("generation", 2_000);
}

#[test]
fn whatever_lies_in_the_records_becomes_sound_settings_and_names() {
    holds("records", 500);
}

#[test]
fn sums_of_counters_do_not_wrap_around() {
    holds("counters", 20_000);
}

#[test]
fn tables_of_sources_become_clean_networks() {
    holds("sources", 2_000);
}

#[test]
fn coverage_with_anything_in_it_is_made_good() {
    holds("coverage", 100);
}

#[test]
fn every_input_has_seeds_and_every_seed_an_input() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut directories: Vec<String> = fs::read_dir(corpus)
        .expect("the seeds")
        .map(|entry| {
            entry
                .expect("a directory")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    directories.sort();
    let mut names: Vec<&str> = ALL.iter().map(|input| input.name).collect();
    names.sort_unstable();
    assert_eq!(directories, names);
}
