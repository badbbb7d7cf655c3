//! The page of the JavaScript client, made from the types of the client (`www/client/*.d.ts`).
//!
//! The types are formatted by the project's formatter, so declarations can be told by their lines: one begins at the
//! first column and ends with the first line at that column which closes it.

use crate::docs::{is_current, read};
use std::fmt::Write;
use std::path::Path;

const PAGE: &str = "docs/reference/js.md";

/// The files of types, with the titles of their sections, in the order of the page.
const FILES: [(&str, &str); 6] = [
    ("index", "The client"),
    ("calls", "Calls"),
    ("data", "Data"),
    ("training", "Training"),
    ("report", "Checking"),
    ("engine", "Without a worker"),
];

const INTRODUCTION: &str = "\
# JavaScript

<!-- Made from www/client/*.d.ts by: FLOWGLASS_DOCS=renew cargo test --release --test it docs. Edit the types instead. -->

The client is a folder of modules without dependencies, `client/` beside the page. It starts a worker that holds the engine, and every call
gives a promise. Options of training are on [a page of their own](options.md); examples are in the guide, for instance
[Training](../guide/training.md#from-javascript).
";

/// A declaration, or a member of one: its comment, and its lines without comments inside.
#[derive(Debug, Clone, PartialEq, Default)]
struct Item {
    comment: String,
    lines: Vec<String>,
}

impl Item {
    fn code(&self) -> String {
        self.lines.join("\n")
    }

    /// The name of the item: its first word that is not a keyword.
    fn name(&self) -> String {
        const KEYWORDS: [&str; 7] = ["export", "declare", "interface", "type", "const", "function", "readonly"];
        let code = self.code();
        let words = code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).filter(|w| !w.is_empty());
        words.into_iter().find(|word| !KEYWORDS.contains(word)).unwrap_or_default().into()
    }

    /// Whether it is a function or a method.
    fn is_call(&self) -> bool {
        let code = self.code();
        let after = code.find(&self.name()).map_or("", |at| &code[at + self.name().len()..]);
        after.starts_with(['(', '<'])
    }
}

/// The items of some lines, each of which begins with `indent` spaces and no more.
fn items(lines: &[&str], indent: usize) -> Vec<Item> {
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

/// A comment as Markdown: its text, then its parameters, result, errors and example.
fn markdown(comment: &str) -> String {
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
        let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = match tag.as_str() {
            "param" => {
                let (name, what) = one_line.split_once(' ').unwrap_or((&one_line, ""));
                writeln!(out, "- `{name}`: {what}")
            }
            "returns" => writeln!(out, "- returns {one_line}"),
            "throws" => writeln!(out, "- rejects with {one_line}"),
            "example" => write!(out, "\n```js\n{}\n```\n", text.trim()),
            _ => writeln!(out, "- {tag}: {one_line}"),
        };
    }
    let mut spaced = String::new();
    for (i, line) in out.lines().enumerate() {
        let before = out.lines().nth(i.wrapping_sub(1)).unwrap_or("");
        if line.starts_with("- ") && !before.starts_with("- ") && !before.is_empty() {
            spaced += "\n";
        }
        spaced += &format!("{line}\n");
    }
    spaced
}

/// A field as a row of a table.
fn row(field: &Item) -> String {
    let code = field.lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    let (name, kind) = code.trim_end_matches(';').split_once(": ").unwrap_or((&code, ""));
    let cell = |text: &str| text.replace('|', "\\|");
    let meaning = markdown(&field.comment).split_whitespace().collect::<Vec<_>>().join(" ");
    format!("| `{}` | `{}` | {} |\n", cell(name.trim_start_matches("readonly ")), cell(kind), cell(&meaning))
}

/// A declaration, with its members below it.
fn section(item: &Item) -> String {
    let name = item.name();
    let mut out = format!("\n### {name}\n\n{}", markdown(&item.comment));
    let code = item.code();
    let has_members = item.lines.len() > 2 && item.lines[0].ends_with('{') && !item.lines[0].contains('(');
    if !has_members {
        let _ = write!(out, "\n```ts\n{}\n```\n", code.trim_start_matches("export "));
        return out;
    }
    if let Some((_, above)) = item.lines[0].split_once(" extends ") {
        let above = above.trim_end_matches([' ', '{']);
        let _ = write!(out, "\nHas all of `{}` too.\n", above.replace(", ", "`, `"));
    }
    let inner: Vec<&str> = item.lines[1..item.lines.len() - 1].iter().map(String::as_str).collect();
    let (calls, fields): (Vec<Item>, Vec<Item>) = items(&inner, 2).into_iter().partition(Item::is_call);
    if !fields.is_empty() {
        out += "\n| field | type | meaning |\n|---|---|---|\n";
        fields.iter().for_each(|field| out += &row(field));
    }
    for call in calls.iter().filter(|call| !call.comment.is_empty()) {
        let _ = write!(out, "\n#### {}\n\n```ts\n{}\n```\n\n{}", call.name(), call.code(), markdown(&call.comment));
    }
    out
}

fn page() -> String {
    let mut page = INTRODUCTION.to_string();
    for (file, title) in FILES {
        let text = read(Path::new(&format!("www/client/{file}.d.ts")));
        let lines: Vec<&str> = text.lines().collect();
        let _ = write!(page, "\n## {title}\n");
        let is_shown =
            |item: &&Item| item.lines[0].starts_with("export ") && !item.lines[0].starts_with("export type *");
        items(&lines, 0).iter().filter(is_shown).for_each(|item| page += &section(item));
    }
    page
}

#[test]
fn the_page_of_the_javascript_client_is_what_its_types_say() {
    is_current(PAGE, &page());
}

const TYPES: &str = "/** A. */\nexport interface A {\n  /**\n   * Does b.\n   * @param c one\n   * of them\n   */\n  b(c: { d: number }): void;\n  /** E | F. */\n  e?: 'x' | 'y';\n}\n\n/** G. */\nexport type G =\n  | 'g'\n  | 'h';\n";

fn declarations() -> Vec<Item> {
    items(&TYPES.lines().collect::<Vec<_>>(), 0)
}

#[test]
fn declarations_are_told_apart() {
    let found = declarations();
    assert_eq!(found.iter().map(Item::name).collect::<Vec<_>>(), ["A", "G"]);
    assert!(section(&found[1]).contains("type G =\n  | 'g'\n  | 'h';"));
}

#[test]
fn members_keep_their_comments() {
    let shown = section(&declarations()[0]);
    assert!(
        shown.contains("#### b\n\n```ts\nb(c: { d: number }): void;\n```\n\nDoes b.\n\n- `c`: one of them\n"),
        "{shown}"
    );
    assert!(shown.contains("| `e?` | `'x' \\| 'y'` | E \\| F. |"), "{shown}");
}
