//! The verbs of the command line, as its help lists them.

use crate::lab::Output;

/// All verbs that the help lists, with their subcommands: `trust`, `trust add`, and so on. `help_of` runs `synwall
/// VERB --help`.
pub fn verbs(help_of: impl Fn(&str) -> Output) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut next = 0;
    while let Some(verb) = found.get(next).cloned() {
        next += 1;
        let output = help_of(&verb).ok();
        let listed = output
            .stdout
            .lines()
            .skip_while(|line| *line != "Commands:")
            .skip(1);
        for line in listed.take_while(|line| !line.is_empty()) {
            // A wrapped description continues on an indented line of its own.
            let name = line.strip_prefix("  ").and_then(|rest| rest.split(' ').next());
            if let Some(name) = name.filter(|name| !name.is_empty() && *name != "help") {
                found.push(format!("{verb} {name}").trim().to_owned());
            }
        }
    }
    found.retain(|verb| !verb.is_empty());
    found
}
