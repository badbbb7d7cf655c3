//! Declarations and comments in the types of the JavaScript client (`www/client/*.d.ts`).
//!
//! The types are formatted by the project's formatter, so declarations can be told by their lines: one begins at the
//! first column and ends with the first line at that column which closes it.

use std::fmt::Write;

/// A declaration, or a member of one: its comment, and its lines without comments inside.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Item {
    pub(crate) comment: String,
    pub(crate) lines: Vec<String>,
}

impl Item {
    pub(crate) fn code(&self) -> String {
        self.lines.join("\n")
    }

    /// The name of the item: its first word that is not a keyword.
    pub(crate) fn name(&self) -> String {
        const KEYWORDS: [&str; 7] = ["export", "declare", "interface", "type", "const", "function", "readonly"];
        let code = self.code();
        let words = code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).filter(|w| !w.is_empty());
        words.into_iter().find(|word| !KEYWORDS.contains(word)).unwrap_or_default().into()
    }

    /// Whether it is a function or a method.
    pub(crate) fn is_call(&self) -> bool {
        let code = self.code();
        let after = code.find(&self.name()).map_or("", |at| &code[at + self.name().len()..]);
        after.starts_with(['(', '<'])
    }

    /// What it has between its braces; empty for a declaration without fields and calls.
    pub(crate) fn members(&self) -> Vec<Item> {
        let has_members = self.lines.len() > 2 && self.lines[0].ends_with('{') && !self.lines[0].contains('(');
        if !has_members {
            return Vec::new();
        }
        items(&self.lines[1..self.lines.len() - 1].iter().map(String::as_str).collect::<Vec<_>>(), 2)
    }
}

/// The items of some lines, each of which begins with `indent` spaces and no more.
pub(crate) fn items(lines: &[&str], indent: usize) -> Vec<Item> {
    let mut found = Vec::new();
    let mut item = Item::default();
    let mut in_comment = false;
    let mut depth = 0_i32;
    for line in lines {
        let text = line.get(indent..).unwrap_or("").trim_end();
        let starts = depth == 0 && item.lines.is_empty();
        if starts && (in_comment || text.starts_with("/**")) {
            if !in_comment {
                item = Item::default();
            }
            item.comment += &format!("{}\n", text.trim_start_matches("/**").trim_end_matches("*/"));
            in_comment = !text.ends_with("*/");
            continue;
        }
        if text.trim().is_empty() {
            continue;
        }
        item.lines.push(text.to_string());
        depth += brackets(text);
        if depth == 0 && (text.ends_with(';') || text.ends_with('}')) {
            found.push(std::mem::take(&mut item));
        }
    }
    found
}

/// How many brackets a line opens more than it closes. Comments, whose brackets need not match, are left out.
fn brackets(line: &str) -> i32 {
    let line = line.trim_start();
    if line.starts_with("/*") || line.starts_with('*') {
        return 0;
    }
    let count = |set: [char; 3]| line.matches(set).count() as i32;
    count(['{', '(', '[']) - count(['}', ')', ']'])
}

/// A comment as Markdown: its text, then its parameters, result, errors and example. `fails` says what an error does.
pub(crate) fn markdown(comment: &str, fails: &str) -> String {
    let lines = comment.lines().map(|line| line.trim().trim_start_matches('*').trim_end());
    let mut parts: Vec<(String, String)> = vec![(String::new(), String::new())];
    for line in lines {
        match line.trim_start().strip_prefix('@').map(|tag| tag.split_once(' ').unwrap_or((tag, ""))) {
            Some((tag, rest)) => parts.push((tag.into(), rest.into())),
            None => {
                let (tag, text) = parts.last_mut().expect("there is one at least");
                let line = if tag == "example" { line.strip_prefix(' ').unwrap_or(line) } else { line.trim() };
                *text += &format!("\n{line}");
            }
        }
    }
    let mut out = format!("{}\n", parts[0].1.trim());
    for (tag, text) in &parts[1..] {
        let one_line = one_line(text);
        let _ = match tag.as_str() {
            "param" => {
                let (name, what) = one_line.split_once(' ').unwrap_or((&one_line, ""));
                writeln!(out, "- `{name}`: {what}")
            }
            "returns" => writeln!(out, "- returns {one_line}"),
            "throws" => writeln!(out, "- {fails} {one_line}"),
            "example" => write!(out, "\n```js\n{}\n```\n", text.trim()),
            _ => writeln!(out, "- {tag}: {one_line}"),
        };
    }
    out
}

pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first sentence of a comment.
pub(crate) fn first_sentence(comment: &str) -> String {
    let without_tags = comment.split('@').next().unwrap_or("");
    let text = one_line(&markdown(without_tags, ""));
    let begins = |rest: &str| rest.starts_with(|c: char| c.is_uppercase() || c == '`');
    let end = text.match_indices(". ").map(|(at, _)| at + 1).find(|&at| begins(&text[at + 1..]));
    text[..end.unwrap_or(text.len())].into()
}

#[test]
fn a_first_sentence_ends_before_a_capital_or_code() {
    for (comment, wanted) in [
        ("Does x (A et al. 2019). Then y.", "Does x (A et al. 2019)."),
        ("An event. `kind` tells.", "An event."),
        ("Does x.\n@param y Then z.", "Does x."),
    ] {
        assert_eq!(first_sentence(comment), wanted);
    }
}
