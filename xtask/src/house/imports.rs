//! The paths that a file names, read from its tokens: macros and inline paths count, code for tests does not.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The paths that a file names, from the root of its crate on.
pub struct Imports {
    file: String,
    paths: BTreeSet<Vec<String>>,
    /// The modules that it declares for tests alone.
    tests: BTreeSet<Vec<String>>,
}

impl Imports {
    /// Reads them. `file` is the path in `src`. A text that is no Rust names nothing: the compiler says so.
    pub fn of(file: &str, text: &str) -> Self {
        let mut imports = Self {
            file: file.to_owned(),
            paths: BTreeSet::new(),
            tests: BTreeSet::new(),
        };
        if let Ok(tokens) = text.parse::<TokenStream>() {
            let tokens: Vec<TokenTree> = tokens.into_iter().collect();
            let children = children(&tokens);
            imports.walk(&tokens, &module(file), &children);
        }
        imports
    }

    /// The files among `files` that they lead to, but for the file itself.
    pub fn files<V>(&self, files: &BTreeMap<String, V>) -> BTreeSet<String> {
        let found = self.paths.iter().filter_map(|path| file_of(path, files));
        found.filter(|file| *file != self.file).collect()
    }

    /// The files among `files` that it declares for tests alone.
    pub fn test_files<V>(&self, files: &BTreeMap<String, V>) -> BTreeSet<String> {
        self.tests
            .iter()
            .filter_map(|path| file_at(path, files))
            .collect()
    }

    fn walk(&mut self, tokens: &[TokenTree], own: &[String], children: &BTreeSet<String>) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if is_cfg_test(&tokens[at..]) {
                if let [TokenTree::Ident(keyword), TokenTree::Ident(name), ..] = &tokens[at + 2..]
                    && keyword == "mod"
                {
                    self.tests.insert([own, &[name.to_string()]].concat());
                }
                at = end_of_item(tokens, at + 2);
                continue;
            }
            match token {
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    self.walk(&inner, own, children);
                }
                TokenTree::Ident(name) if starts_path(tokens, at) => {
                    let name = name.to_string();
                    let root = match name.as_str() {
                        "crate" | "filter_user" => Some(Vec::new()),
                        "self" => Some(own.to_vec()),
                        "super" => Some(own[..own.len().saturating_sub(1)].to_vec()),
                        child if children.contains(child) => {
                            Some([own, std::slice::from_ref(&name)].concat())
                        }
                        _ => None,
                    };
                    if let Some(root) = root {
                        at = self.path(tokens, at + 1, root);
                        continue;
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Reads what follows the first name of a path, and returns where it ends.
    fn path(&mut self, tokens: &[TokenTree], mut at: usize, mut path: Vec<String>) -> usize {
        while is_colons(tokens, at) {
            match tokens.get(at + 2) {
                Some(TokenTree::Ident(name)) if name == "super" => {
                    path.pop();
                }
                Some(TokenTree::Ident(name)) => path.push(name.to_string()),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for part in inner.split(|token| is_punct(token, ',')) {
                        if let Some(TokenTree::Ident(name)) = part.first() {
                            let mut longer = path.clone();
                            if name != "self" {
                                longer.push(name.to_string());
                            }
                            self.path(part, 1, longer);
                        }
                    }
                    return at + 3;
                }
                _ => break,
            }
            at += 3;
        }
        self.paths.insert(path);
        at
    }
}

/// The file of the longest beginning of a path that is a module.
fn file_of<V>(path: &[String], files: &BTreeMap<String, V>) -> Option<String> {
    (1..=path.len())
        .rev()
        .find_map(|length| file_at(&path[..length], files))
}

/// The file of a module.
fn file_at<V>(module: &[String], files: &BTreeMap<String, V>) -> Option<String> {
    let module = module.join("/");
    let names = [format!("{module}.rs"), format!("{module}/mod.rs")];
    names.into_iter().find(|name| files.contains_key(name))
}

/// The module that a file is.
fn module(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    match path {
        "lib" | "main" | "mod" => Vec::new(),
        path => path.split('/').map(str::to_owned).collect(),
    }
}

/// The modules that a file declares: their names can begin a path.
fn children(tokens: &[TokenTree]) -> BTreeSet<String> {
    let declared = tokens.windows(3).filter_map(|tokens| match tokens {
        [TokenTree::Ident(keyword), TokenTree::Ident(name), end]
            if keyword == "mod" && is_punct(end, ';') =>
        {
            Some(name.to_string())
        }
        _ => None,
    });
    declared.collect()
}

/// Whether a name is the first of a path, and no later part of one.
fn starts_path(tokens: &[TokenTree], at: usize) -> bool {
    let follows_colons = at >= 2 && is_colons(tokens, at - 2);
    is_colons(tokens, at + 1) && !follows_colons
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let is_colon = |at: usize| tokens.get(at).is_some_and(|token| is_punct(token, ':'));
    is_colon(at) && is_colon(at + 1)
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

/// Whether an attribute is there that leaves the next item out of all but tests.
fn is_cfg_test(tokens: &[TokenTree]) -> bool {
    match tokens {
        [hash, TokenTree::Group(group), ..] => {
            is_punct(hash, '#') && group.stream().to_string().replace(' ', "") == "cfg(test)"
        }
        _ => false,
    }
}

/// Behind the braces or the semicolon that end an item.
fn end_of_item(tokens: &[TokenTree], from: usize) -> usize {
    let is_end = |token: &TokenTree| {
        is_punct(token, ';')
            || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
    };
    let end = tokens[from..].iter().position(is_end);
    end.map_or(tokens.len(), |end| from + end + 1)
}
