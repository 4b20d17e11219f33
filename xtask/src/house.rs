//! The order of the house: in `filter-user`, a layer imports only the layers below it, and no files import each other in a
//! circle. `CONTRIBUTING.md` has the layers as a table; this holds the code against it.

mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::place;
use imports::Imports;

/// Lines that a file may have without a reason.
const LINES: usize = 300;

/// How the reason begins that a longer file gives in its head.
const REASON: &str = "Longer than 300 lines because";

/// The folders whose files are counted.
const CRATES: [&str; 5] = ["filter-common", "filter-ebpf", "filter-user", "tests", "xtask"];

/// The files of a crate's `src` with their texts, by their paths in it: `filter/instance.rs`.
type Files = BTreeMap<String, String>;

/// Fails if the code is not as the table says, with a line for each thing that is wrong.
pub fn check() -> Result<()> {
    let page = read(&place::root().join("CONTRIBUTING.md"))?;
    let layers = layers(&page);
    if layers.is_empty() {
        bail!("CONTRIBUTING.md has no table of layers: its rows begin with | `LAYER` |, the lowest first");
    }
    let mut files = Files::new();
    collect(&place::root().join("filter-user/src"), "", &mut files)?;
    without_tests(&mut files);
    let mut wrong = arrows(&layers, &files);
    wrong.extend(circles(&files));
    for folder in CRATES {
        let mut files = Files::new();
        collect(&place::root().join(folder), "", &mut files)?;
        wrong.extend(
            files
                .iter()
                .filter_map(|(name, text)| too_long(&format!("{folder}/{name}"), text)),
        );
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("the house is not in order:\n  {}", wrong.join("\n  "))
}

/// The first column of the table whose rows begin with a name in backquotes, under the heading `## Layers`.
fn layers(page: &str) -> Vec<String> {
    let section = page.split("\n## Layers\n").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let name = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    section.lines().filter_map(name).collect()
}

/// Leaves out the files that are for tests alone: a test may use what is above.
fn without_tests(files: &mut Files) {
    let declared = files
        .iter()
        .map(|(file, text)| Imports::of(file, text).test_files(files));
    let tests: BTreeSet<String> = declared.flatten().collect();
    files.retain(|file, _| !tests.contains(file));
}

/// Arrows that run up, layers that are not in the table, and layers that are not in the code.
fn arrows(layers: &[String], files: &Files) -> Vec<String> {
    let rank = |layer: &str| layers.iter().position(|known| known == layer);
    let mut wrong = Vec::new();
    let mut found = BTreeSet::new();
    for (file, text) in files {
        let Some(layer) = layer_of(file) else {
            continue;
        };
        found.insert(layer);
        let Some(own) = rank(layer) else {
            wrong.push(format!("{file}: CONTRIBUTING.md has no layer `{layer}`"));
            continue;
        };
        for target in Imports::of(file, text).files(files) {
            let above = layer_of(&target).filter(|layer| rank(layer).is_some_and(|rank| rank > own));
            if let Some(above) = above {
                wrong.push(format!("{file} imports {target}: `{above}` is above `{layer}`"));
            }
        }
    }
    let missing = layers.iter().filter(|layer| !found.contains(layer.as_str()));
    wrong
        .extend(missing.map(|layer| format!("CONTRIBUTING.md has a layer `{layer}`, and the code has none")));
    wrong
}

/// The layer that a file belongs to; none for the roots of the library and the binary.
fn layer_of(file: &str) -> Option<&str> {
    match file {
        "lib.rs" | "main.rs" => None,
        file => Some(
            file.split_once('/')
                .map_or_else(|| file.trim_end_matches(".rs"), |(layer, _)| layer),
        ),
    }
}

/// Files that import each other in a circle, one line a circle.
fn circles(files: &Files) -> Vec<String> {
    let targets: BTreeMap<&str, BTreeSet<String>> = files
        .iter()
        .map(|(file, text)| (file.as_str(), Imports::of(file, text).files(files)))
        .collect();
    // What nothing else imports, or what imports nothing else, is in no circle. What is left when that is taken away is.
    let mut left: BTreeSet<&str> = targets.keys().copied().collect();
    loop {
        let imports = |file: &str| targets[file].iter().any(|target| left.contains(target.as_str()));
        let is_imported = |file: &str| left.iter().any(|other| targets[other].contains(file));
        let stays: BTreeSet<&str> = left
            .iter()
            .copied()
            .filter(|file| imports(file) && is_imported(file))
            .collect();
        if stays.len() == left.len() {
            break;
        }
        left = stays;
    }
    let arrow = |file: &&str| {
        let targets = targets[file]
            .iter()
            .filter(|target| left.contains(target.as_str()));
        format!("{file} → {}", targets.cloned().collect::<Vec<_>>().join(", "))
    };
    match left.is_empty() {
        true => Vec::new(),
        false => vec![format!(
            "files import each other in a circle: {}",
            left.iter().map(arrow).collect::<Vec<_>>().join("; ")
        )],
    }
}

/// What to say of a file that is long without a reason.
fn too_long(name: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    let head: Vec<&str> = text
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .map(|line| line.trim_start_matches("//!").trim())
        .collect();
    let has_reason = head.join(" ").contains(REASON);
    (lines > LINES && !has_reason).then(|| {
        format!("{name} has {lines} lines: split it by concept, or say why in its head: //! {REASON} …")
    })
}

fn collect(folder: &Path, within: &str, files: &mut Files) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{within}{name}");
        if entry.path().is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(&entry.path(), &format!("{path}/"), files)?;
            }
        } else if name.ends_with(".rs") {
            files.insert(path, read(&entry.path())?);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> Files {
        let file = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        files.iter().map(file).collect()
    }

    fn in_order() -> Files {
        files(&[
            ("lib.rs", "pub mod high; pub mod low;"),
            ("low.rs", "pub struct Low;"),
            ("high/mod.rs", "pub mod a; pub mod b;"),
            ("high/a.rs", "use super::b::B; use crate::low::Low;"),
            (
                "high/b.rs",
                "pub struct B;\n#[cfg(test)]\nmod tests { use crate::high::a::A; }\n#[cfg(test)]\nmod more;",
            ),
            ("high/b/more.rs", "use crate::high::a::A; use super::super::b::B;"),
        ])
    }

    fn wrong(files: &Files) -> Vec<String> {
        let mut files = files.clone();
        without_tests(&mut files);
        let files = &files;
        let layers = ["low".to_owned(), "high".to_owned()];
        let mut wrong = arrows(&layers, files);
        wrong.extend(circles(files));
        wrong
    }

    #[test]
    fn a_house_in_order_has_nothing_to_mend() {
        assert_eq!(wrong(&in_order()), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_that_runs_up_is_found_however_it_is_written() {
        for planted in [
            "use crate::high::b::B;",
            "use crate::{high::b::B};",
            "use super::high::{b::{B, C}};",
            "fn f() { crate::high::b::g(); }",
            "fn f() { println!(\"{}\", crate::high::b::G); }",
            "pub(crate) type T = Vec<crate::high::b::B>;",
        ] {
            let mut files = in_order();
            files.insert("low.rs".into(), planted.into());
            assert_eq!(
                wrong(&files),
                ["low.rs imports high/b.rs: `high` is above `low`"],
                "{planted}"
            );
        }
    }

    #[test]
    fn a_circle_is_found_within_a_layer_and_through_the_folder() {
        for planted in ["use super::a::A;", "use super::*; use crate::high::a;"] {
            let mut files = in_order();
            files.insert("high/b.rs".into(), planted.into());
            let wrong = wrong(&files);
            assert!(
                wrong[0].contains("high/a.rs → high/b.rs; high/b.rs → high/a.rs"),
                "{wrong:?}"
            );
        }
        let mut files = in_order();
        files.insert("high/mod.rs".into(), "pub mod a; pub mod b; pub use a::A;".into());
        files.insert("high/a.rs".into(), "use super::Other;".into());
        let wrong = wrong(&files);
        assert!(
            wrong[0].contains("high/a.rs → high/mod.rs; high/mod.rs → high/a.rs"),
            "{wrong:?}"
        );
    }

    #[test]
    fn the_table_and_the_folders_are_the_same_layers() {
        let mut files = in_order();
        files.insert("new.rs".into(), String::new());
        files.remove("low.rs");
        files.insert("high/a.rs".into(), String::new());
        assert_eq!(
            wrong(&files),
            [
                "new.rs: CONTRIBUTING.md has no layer `new`",
                "CONTRIBUTING.md has a layer `low`, and the code has none"
            ]
        );
        let page = "# X\n| `no` | x |\n## Layers\n\n| layer | what |\n|---|---|\n| `low` | x |\n| `high` | y |\n\n## Z\n| `no` | x |\n";
        assert_eq!(layers(page), ["low", "high"]);
    }

    #[test]
    fn a_long_file_gives_a_reason() {
        let long = "x\n".repeat(LINES + 1);
        assert!(too_long("a.rs", &long).is_some());
        assert!(too_long("a.rs", &"x\n".repeat(LINES)).is_none());
        assert!(
            too_long(
                "a.rs",
                &format!("//! What it is. Longer than 300\n//! lines because it is a table.\n{long}")
            )
            .is_none()
        );
    }
}
