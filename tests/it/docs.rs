//! The documentation: its links, its files, and its parts that are made from the code.

use crate::architecture::ARROWS;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Largest number of lines in the README, which is an introduction and not a reference.
const MOST_LINES_OF_README: usize = 120;

/// Languages of code in the pages. A block without one would be taken for Rust by `cargo test --doc`.
const LANGUAGES: [&str; 11] = ["console", "css", "html", "js", "json", "python", "rust", "sh", "text", "toml", "ts"];

/// Whether pages that differ from the code are replaced instead of refused: `FLOWGLASS_DOCS=renew` in the environment.
pub(crate) fn renews() -> bool {
    std::env::var("FLOWGLASS_DOCS").is_ok_and(|v| v == "renew")
}

/// The command that writes such pages, for messages.
pub(crate) const RENEW: &str = "renew it with: FLOWGLASS_DOCS=renew cargo test --release --test it docs";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).into()
}

/// The Markdown files of `docs/`, relative to the root.
pub(crate) fn pages() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(root().join(folder)).expect("docs/ is readable") {
            let path = folder.join(entry.expect("an entry of docs/ is readable").file_name());
            if root().join(&path).is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new("docs"), &mut found);
    found.sort();
    assert!(found.len() > 10, "docs/ was not found");
    found
}

/// The Markdown files outside of `docs/`, which are read in a checkout and not on the site.
fn pages_beside() -> Vec<PathBuf> {
    ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(PathBuf::from).to_vec()
}

pub(crate) fn read(page: &Path) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|e| panic!("{}: {e}", page.display()))
}

/// The lines of a page outside its blocks of code, with their numbers from 1.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut in_code = false;
    let mut lines = Vec::new();
    for (i, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            lines.push((i + 1, line));
        }
    }
    lines
}

/// A line without what is in backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("")
}

/// The targets of the links and pictures in a line.
fn links(line: &str) -> Vec<String> {
    let line = without_code(line);
    line.match_indices("](").filter_map(|(at, _)| Some(line[at + 2..].split_once(')')?.0.to_string())).collect()
}

/// The name of a heading in addresses, as GitHub and mdBook make it.
pub(crate) fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> Vec<String> {
    prose(text).into_iter().filter(|(_, line)| line.starts_with('#')).map(|(_, line)| anchor(line)).collect()
}

/// `a/b/../c` as `a/c`; `None` if the path leaves the root.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => out.pop().then_some(())?,
            std::path::Component::CurDir => {}
            other => out.push(other),
        }
    }
    Some(out)
}

/// What is wrong with a link on `page`, if anything is.
fn broken(page: &Path, text: &str, target: &str) -> Option<String> {
    if target.starts_with("https://") || target.starts_with("http://") {
        return None;
    }
    let (file, wanted) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let Some(path) = normal(&page.parent()?.join(file)) else { return Some("leaves the project".into()) };
    // The site has only the pages of docs/, and beside them the output of rustdoc and the page of Flowglass.
    if page.starts_with("docs") && !file.is_empty() {
        if [Path::new("docs/rust/index.html"), Path::new("index.html")].contains(&path.as_path()) {
            return None;
        }
        if !path.starts_with("docs") {
            return Some("leaves docs/, so it would be dead on the site".into());
        }
    }
    let text = match file {
        "" => text.to_string(),
        _ if !root().join(&path).exists() => return Some("no such file".into()),
        _ if wanted.is_some() => read(&path),
        _ => return None,
    };
    wanted.filter(|wanted| !anchors(&text).iter().any(|a| a == wanted)).map(|_| "no such heading".into())
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let mut wrong = Vec::new();
    for page in pages().into_iter().chain(pages_beside()) {
        let text = read(&page);
        for (line, target) in prose(&text).iter().flat_map(|(n, line)| links(line).into_iter().map(move |l| (n, l))) {
            if let Some(why) = broken(&page, &text, &target) {
                wrong.push(format!("{}:{line}: {target}: {why}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_link_to_a_missing_file_or_heading_is_found() {
    let page = Path::new("docs/limits.md");
    let why = |target: &str| broken(page, "# Limits\n\n## Files\n", target);
    assert_eq!(links("see [a](b.md#c), `[no](link.md)` and ![d](e.png)"), ["b.md#c", "e.png"]);
    for target in ["nowhere.md", "guide/training.md#no-such-heading", "#no-such", "../README.md", "../../outside.md"] {
        assert!(why(target).is_some(), "{target}");
    }
    for target in ["guide/training.md", "guide/training.md#which-flow", "#files", "https://example.org/x"] {
        assert_eq!(why(target), None, "{target}");
    }
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let summary = Path::new("docs/SUMMARY.md");
    let listed: Vec<PathBuf> =
        read(summary).lines().flat_map(links).map(|target| Path::new("docs").join(target)).collect();
    let missing: Vec<PathBuf> = pages().into_iter().filter(|p| p != summary && !listed.contains(p)).collect();
    assert!(missing.is_empty(), "not in docs/SUMMARY.md: {missing:?}");
}

#[test]
fn the_readme_is_short() {
    let lines = read(Path::new("README.md")).lines().count();
    assert!(
        lines <= MOST_LINES_OF_README,
        "README.md has {lines} lines: at most {MOST_LINES_OF_README}; docs/ has room"
    );
}

#[test]
fn every_block_of_code_names_its_language() {
    for page in pages().into_iter().chain(pages_beside()) {
        let text = read(&page);
        let fences = text.lines().map(str::trim_start).filter_map(|line| line.strip_prefix("```"));
        for language in fences.step_by(2) {
            let word = language.split(',').next().unwrap_or("");
            assert!(LANGUAGES.contains(&word), "{}: a block in '{language}': expected {LANGUAGES:?}", page.display());
        }
    }
}

/// Paths of this project that the page names in backticks.
fn paths(line: &str) -> Vec<&str> {
    const FOLDERS: [&str; 6] = ["src/", "tests/", "www/", "benches/", "docs/", ".build/"];
    let named = line.split('`').skip(1).step_by(2).flat_map(str::split_whitespace);
    let is_path = |word: &&str| FOLDERS.iter().any(|f| word.starts_with(f)) && !word.contains(['*', '{', '<', '$']);
    named.filter(is_path).map(|word| word.trim_end_matches([',', '.', ':', ';'])).collect()
}

#[test]
fn every_file_that_a_page_names_exists() {
    let mut wrong = Vec::new();
    // The change log may name files that no longer exist.
    for page in pages().into_iter().chain(pages_beside()).filter(|p| !p.ends_with("CHANGELOG.md")) {
        for (line, path) in
            prose(&read(&page)).iter().flat_map(|(n, line)| paths(line).into_iter().map(move |p| (n, p)))
        {
            if !root().join(path).exists() {
                wrong.push(format!("{}:{line}: {path}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "no such files:\n{}\n", wrong.join("\n"));
}

/// Compares a page with the text that the code wants, or writes that text.
pub(crate) fn is_current(page: &str, wanted: &str) {
    let page = Path::new(page);
    if renews() {
        fs::write(root().join(page), wanted).expect("the page can be written");
    }
    assert!(read(page) == wanted, "{} is not what the code says; {RENEW}", page.display());
}

fn reference(page: &str) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_flowglass")).args(["reference", page]).output();
    let output = ran.expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_page_of_commands_is_what_the_program_says() {
    is_current("docs/reference/cli.md", &reference("cli"));
}

#[test]
fn the_page_of_options_is_what_the_table_says() {
    is_current("docs/reference/options.md", &reference("options"));
}

#[test]
fn the_types_of_options_are_what_the_table_says() {
    is_current("www/client/options.d.ts", &reference("types"));
}

/// The floor of each room: a room that uses no other is on floor 0, and any other room is one floor above the highest
/// that it uses.
fn floors() -> BTreeMap<&'static str, usize> {
    fn floor(room: &str) -> usize {
        uses(room).iter().map(|below| floor(below) + 1).max().unwrap_or(0)
    }
    ARROWS.iter().map(|(room, _)| (*room, floor(room))).collect()
}

/// The rooms that a room may use.
fn uses(room: &str) -> Vec<&'static str> {
    let (_, allowed) = ARROWS.iter().find(|(name, _)| *name == room).expect("a room of ARROWS");
    allowed.iter().map(|path| path.split("::").next().unwrap_or(path)).collect()
}

const TABLE: &str = "| floor | room | what it holds | may use |\n|---|---|---|---|\n";

/// The table of rooms, highest floor first. The arrows come from the test; the description of each room stays as it is
/// on the page.
fn table_of_rooms(page: &str) -> String {
    let mut rows = floors().into_iter().collect::<Vec<_>>();
    rows.sort_by_key(|(room, floor)| (std::cmp::Reverse(*floor), *room));
    let mut table = TABLE.to_string();
    for (room, floor) in rows {
        let cells = page.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
        let own = cells.into_iter().find(|cells| cells.get(2).is_some_and(|name| *name == format!("`{room}`")));
        let holds = own.and_then(|cells| cells.get(3).copied()).unwrap_or("");
        let mut below = uses(room);
        below.sort_unstable();
        below.dedup();
        let below: Vec<String> = below.iter().map(|r| format!("`{r}`")).collect();
        let below = if below.is_empty() { "nothing".into() } else { below.join(", ") };
        table += &format!("| {floor} | `{room}` | {holds} | {below} |\n");
    }
    table
}

#[test]
fn the_rooms_of_the_architecture_page_are_those_of_the_arrows_test() {
    let page = read(Path::new("docs/internals/architecture.md"));
    let start = page.find(TABLE).expect("the table of rooms");
    let length: usize =
        page[start..].split_inclusive('\n').take_while(|line| line.starts_with('|')).map(str::len).sum();
    let (table, wanted) = (&page[start..start + length], table_of_rooms(&page));
    is_current("docs/internals/architecture.md", &page.replace(table, &wanted));
    assert!(!wanted.contains("|  |"), "say on {} what each room holds:\n{wanted}", "docs/internals/architecture.md");
    let mut texts: Vec<&str> = wanted.lines().skip(2).filter_map(|row| row.split('|').nth(3)).collect();
    let rooms = texts.len();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), rooms, "two rooms have the same text:\n{wanted}");
}
