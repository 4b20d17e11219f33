//! What an emulated machine said, line by line.

use std::collections::BTreeMap;

/// What the tests in a kernel came to.
#[derive(Debug, Default)]
pub struct Results {
    /// The tests that passed: `lifecycle::killed::set`.
    pub passed: Vec<String>,
    /// Tests that could do nothing there or not all, and why.
    pub skipped: Vec<(String, String)>,
    /// What tests found out about the kernel.
    pub facts: BTreeMap<String, String>,
    /// What went wrong.
    pub failures: Vec<String>,
    /// How long it all took.
    pub seconds: u64,
    /// Whether a program runs.
    runs: bool,
    /// What the program said, for when it fails.
    said: Vec<String>,
    done: bool,
}

impl Results {
    /// Takes a line.
    pub fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match *words {
            ["===", "begin", _] => {
                self.runs = true;
                self.said.clear();
            }
            ["===", "end", program, code] => {
                if code != "0" {
                    let said = self.said.join("\n    ");
                    self.fails(format!("{program} ended with {code}:\n    {said}"));
                }
                self.runs = false;
            }
            ["===", "done"] => self.done = true,
            ["test", name, "...", "ok"] => self.passed.push(name.to_owned()),
            _ => {
                if let Some((key, value)) = tagged(line, "fact") {
                    self.facts.insert(key, value);
                } else if let Some(skipped) = tagged(line, "skipped") {
                    self.skipped.push(skipped);
                } else if !self.runs {
                    self.fails(line.to_owned());
                }
            }
        }
        self.said.push(line.to_owned());
    }

    /// Notes what went wrong.
    pub fn fails(&mut self, what: String) {
        self.failures.push(what);
    }

    /// Whether all programs have ended.
    pub fn is_complete(&self) -> bool {
        self.done
    }
}

/// `TAG: KEY: VALUE`, as the `tests` crate prints it.
fn tagged(line: &str, tag: &str) -> Option<(String, String)> {
    let (key, value) = line.strip_prefix(tag)?.strip_prefix(": ")?.split_once(": ")?;
    Some((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::Results;

    fn heard(lines: &str) -> Results {
        let mut results = Results::default();
        lines.lines().for_each(|line| results.hear(line));
        results
    }

    #[test]
    fn what_the_tests_say_is_understood() {
        let results = heard(
            "=== begin kernel\nrunning 3 tests\ntest a::b ... ok\ntest c ... ok\nfact: entry: frags\n\
             skipped: c: it has no such card: none\n=== end kernel 0\n=== done",
        );
        assert_eq!(results.passed, ["a::b", "c"]);
        assert_eq!(
            results.skipped,
            [("c".into(), "it has no such card: none".into())]
        );
        assert_eq!(results.facts["entry"], "frags");
        assert!(results.failures.is_empty() && results.is_complete());
    }

    #[test]
    fn a_program_that_fails_is_told_with_what_it_said() {
        let results = heard("=== begin kernel\ntest c ... FAILED\nsome reason\n=== end kernel 101\n=== done");
        assert!(
            results.failures[0].contains("some reason"),
            "{:?}",
            results.failures
        );
    }

    #[test]
    fn a_machine_that_dies_is_not_complete() {
        assert!(!heard("=== begin kernel\ntest c ... ok").is_complete());
        let results = heard("the module veth cannot be loaded\n=== done");
        assert_eq!(results.failures, ["the module veth cannot be loaded"]);
    }
}
