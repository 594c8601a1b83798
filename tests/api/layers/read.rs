//! What a source file names: every path of its `use` lines, its code, its attributes and its macro calls.

use syn::visit::{self, Visit};
use syn::{Attribute, ItemMod, ItemUse, Macro, Path, UseTree};

/// The paths that `text` names, from the root: `crate`, or another crate's name, comes first. `module` is the file's
/// own place in the crate.
pub fn paths(module: &[&str], text: &str) -> Vec<Vec<String>> {
    let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", module.join("/")));
    let mut reader = Reader { module: module.iter().map(|&name| name.to_owned()).collect(), paths: Vec::new() };
    reader.visit_file(&file);
    reader.paths
}

struct Reader {
    module: Vec<String>,
    paths: Vec<Vec<String>>,
}

impl Reader {
    fn note(&mut self, path: Vec<String>) {
        let mut parts = path.into_iter().peekable();
        let mut whole = match parts.peek().map(String::as_str) {
            Some("self" | "super") => [vec!["crate".to_owned()], self.module.clone()].concat(),
            _ => Vec::new(),
        };
        while let Some(part) = parts.next_if(|part| part == "self" || part == "super") {
            if part == "super" {
                whole.pop();
            }
        }
        whole.extend(parts);
        self.paths.push(whole);
    }

    fn note_tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.note_tree(&with(&path.ident), &path.tree),
            UseTree::Name(name) => self.note(with(&name.ident)),
            UseTree::Rename(name) => self.note(with(&name.ident)),
            UseTree::Glob(_) => self.note(before.to_vec()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.note_tree(before, tree)),
        }
    }

    /// Tokens have no syntax of their own: whatever looks like a path counts as one.
    fn note_tokens(&mut self, tokens: &str) {
        let joined = tokens.replace(" :: ", "::");
        let words = joined.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
        for word in words.filter(|word| word.contains("::")) {
            self.note(word.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect());
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.note_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.segments.len() > 1 {
            self.note(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.note_tokens(&call.tokens.to_string());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.note_tokens(&list.tokens.to_string());
        }
        visit::visit_attribute(self, attribute);
    }
}

/// Each function's name and how many lines it has, from its `fn` to its closing brace, of text that rustfmt wrote.
pub fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let begins = |line: &str| {
        let mut words = line.split_whitespace();
        let word = words.find(|word| !matches!(*word, "pub" | "async" | "const" | "pub(crate)" | "pub(super)"));
        let name = words.next().unwrap_or_default();
        (word == Some("fn")).then(|| name.split(['(', '<']).next().unwrap_or_default().to_owned())
    };
    let length = |at: usize| {
        let indent = lines[at].len() - lines[at].trim_start().len();
        let closing = format!("{:indent$}}}", "");
        let rest = || lines[at..].iter();
        if lines[at].ends_with(['}', ';']) { 1 } else { 1 + rest().position(|line| **line == closing).unwrap_or(0) }
    };
    lines.iter().enumerate().filter_map(|(at, line)| Some((begins(line)?, length(at)))).collect()
}
