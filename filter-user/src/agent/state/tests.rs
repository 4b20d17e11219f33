//! A test for each row of the two tables in [`super`].

use super::*;

const PHASES: [Phase; 3] = [Phase::Desired, Phase::Applied, Phase::TakenDown];

/// A state in `phase`, with nothing pending.
fn state(phase: Phase) -> State {
    State {
        phase,
        pending: Pending::default(),
        backoff: Backoff::default(),
    }
}

/// The phases that `event` leads to, in the order of the table's columns.
fn phases(event: impl Fn(&mut State)) -> [Phase; 3] {
    PHASES.map(|phase| {
        let mut state = state(phase);
        event(&mut state);
        state.phase
    })
}

/// A state in which attaching to interface 1 has failed so many times.
fn backing_off(failures: usize) -> State {
    let mut state = state(Phase::Applied);
    state.attach([1]);
    for _ in 0..failures {
        state.failed(Cause::Refused);
    }
    assert!(!state.begin());
    state
}

fn delay(state: &State) -> Duration {
    state.wake_at().unwrap().saturating_duration_since(Instant::now())
}

fn is_about(delay: Duration, seconds: u64) -> bool {
    let expected = Duration::from_secs(seconds);
    delay <= expected && delay > expected - Duration::from_millis(900)
}

#[test]
fn a_start_or_a_reload_asks_for_the_filter() {
    assert_eq!(phases(State::request), [Phase::Desired; 3]);
    let state = State::at_start();
    assert_eq!(state.phase(), Phase::Desired);
    assert!(state.pending.lists && state.pending.settings);
}

#[test]
fn other_interfaces_in_the_configuration_ask_for_the_filter() {
    assert_eq!(
        phases(|state| state.config_changed(false, true)),
        [Phase::Desired; 3]
    );
}

#[test]
fn pending_settings_make_one_more_apply_of_a_filter_that_was_taken_down() {
    let expected = [Phase::Desired, Phase::Applied, Phase::Applied];
    assert_eq!(phases(|state| state.config_changed(true, false)), expected);
    assert_eq!(phases(|state| state.config_changed(false, false)), PHASES);
    // They may be pending since an earlier change.
    let earlier = |state: &mut State| {
        state.pending.settings = true;
        state.config_changed(false, false);
    };
    assert_eq!(phases(earlier), expected);
}

#[test]
fn an_apply_to_a_filter_that_is_up_makes_it_applied() {
    for completion in [Completion::All, Completion::AllButDrops, Completion::Partial] {
        for phase in [Phase::Desired, Phase::Applied] {
            let mut state = state(phase);
            state.applied(completion, true, BTreeSet::new());
            assert_eq!(state.phase, Phase::Applied);
        }
    }
    let mut state = state(Phase::TakenDown);
    state.inputs_changed();
    assert!(!state.begin(), "no apply is made");
}

#[test]
fn a_filter_that_was_up_and_is_missing_was_taken_down() {
    assert_eq!(
        phases(|state| {
            state.found_missing();
        }),
        [Phase::Desired, Phase::TakenDown, Phase::TakenDown]
    );
    // Once it is known, it is no news.
    assert_eq!(
        PHASES.map(|phase| state(phase).found_missing()),
        [false, true, false]
    );
    // An apply that finds no filter changes the phase by nothing else.
    for completion in [Completion::All, Completion::AllButDrops, Completion::Partial] {
        let mut state = state(Phase::Desired);
        state.applied(completion, false, BTreeSet::new());
        assert_eq!(state.phase, Phase::Desired);
    }
}

#[test]
fn our_filter_is_left_as_it_is_unless_it_was_taken_down_before() {
    found_up(true, [false, false, true]);
}

#[test]
fn another_filter_keeps_its_settings_and_interfaces() {
    found_up(false, [false, true, true]);
}

/// `set_up_again` says for each phase whether the filter counts as an operator's.
fn found_up(is_ours: bool, set_up_again: [bool; 3]) {
    for (phase, set_up_again) in PHASES.into_iter().zip(set_up_again) {
        let mut state = state(phase);
        state.pending.settings = true;
        state.attach([1]);
        assert_eq!(state.found_up(is_ours), set_up_again);
        if set_up_again {
            assert_eq!(state.phase, Phase::Applied);
            assert_eq!(state.pending, Pending::lists());
            assert!(delay(&state).is_zero(), "the lists are applied at once");
        } else {
            assert_eq!(state.phase, phase);
            assert!(state.pending.settings && !state.pending.attach.is_empty());
            assert_eq!(state.wake_at(), None);
        }
    }
}

#[test]
fn work_that_fails_backs_off_and_its_delay_doubles() {
    for (failures, seconds) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60)] {
        let mut state = state(Phase::Applied);
        state.attach([1]);
        for _ in 0..failures {
            state.backoff.begin(&Pending::default());
            state.failed(Cause::Refused);
        }
        assert!(!state.begin());
        assert!(is_about(delay(&state), seconds), "{failures}");
    }
    // An interface that refuses the filter is pending again.
    let mut state = state(Phase::Applied);
    state.applied(Completion::All, true, [1].into());
    assert_eq!(state.pending.attach, [1].into());
    assert!(!state.begin());
}

#[test]
fn an_attempt_that_succeeds_ends_the_backoff() {
    let mut state = backing_off(3);
    state.applied(Completion::All, true, BTreeSet::new());
    assert!(state.pending.is_empty());
    state.attach([1]);
    assert!(state.begin());
}

#[test]
fn outdated_inputs_are_read_and_applied_in_a_second() {
    for mut state in [state(Phase::Applied), backing_off(8)] {
        state.backoff.begin(&Pending::default());
        state.outdated();
        assert!(is_about(delay(&state), 1));
        state.inputs_changed();
        assert!(state.begin());
    }
}

#[test]
fn an_attempt_is_made_when_the_delay_is_over() {
    let mut state = backing_off(1);
    state.failed(Cause::Busy);
    assert!(state.is_busy());
    state.wake_within(Duration::ZERO);
    assert!(state.begin());
    assert!(!state.is_busy(), "the lock may be free by now");
}

#[test]
fn other_work_does_not_wait_for_what_backs_off() {
    let mut state = backing_off(8);
    state.attach([2]);
    assert!(state.begin());
    // What an observation takes away is no other work.
    let mut state = backing_off(8);
    state.attach([2]);
    state.failed(Cause::Refused);
    state.found_attached([2].into_iter());
    state.end_round();
    assert!(!state.begin());
    // An interface that is back is.
    state.found_returned([1]);
    assert!(!state.begin());
    state.found_returned([3]);
    state.end_round();
    assert!(state.begin());
}

#[test]
fn inputs_that_change_and_a_reload_end_the_backoff() {
    for event in [State::inputs_changed, State::request, State::retry_now] {
        let mut state = backing_off(8);
        event(&mut state);
        assert!(state.begin());
    }
}

#[test]
fn work_that_others_have_done_ends_the_backoff() {
    let mut state = backing_off(8);
    assert!(!state.observed());
    assert!(!state.begin());
    state.found_attached([1].into_iter());
    assert!(state.observed());
    state.attach([1]);
    assert!(state.begin());
}

#[test]
fn lists_with_conflicts_are_planned_with_each_look_but_no_sooner_than_what_backs_off() {
    let mut ready = state(Phase::Applied);
    ready.recheck_conflicts();
    assert!(ready.pending.lists);
    let mut waiting = backing_off(1);
    waiting.recheck_conflicts();
    assert!(!waiting.pending.lists);
}
