//! Inside a room, files do not name each other in a circle.

use crate::architecture::{crate_paths, sources};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Files that form a circle on purpose, each with the reason.
const EXCEPTIONS: &[(&[&str], &str)] = &[
    (
        &["kernels::spline::block", "kernels::spline::cpu"],
        "the loop over blocks and the loop over single numbers are one algorithm",
    ),
    (
        &["kernels::whole_flow::cube", "kernels::whole_flow::masks", "kernels::whole_flow::sweep"],
        "the kernel of a whole flow is written in three parts",
    ),
];

/// More `super::` than any source has, because [`from_the_root`] has already replaced them.
const NO_SUPERS: usize = 99;

/// A file of `src/` by its module path, such as `kernels::spline::cpu`; a `mod.rs` is its folder.
type Module = String;

fn module_of(path: &Path) -> Module {
    let parts: Vec<String> = path.with_extension("").iter().map(|p| p.to_string_lossy().into_owned()).collect();
    let facade = parts.last().is_some_and(|last| last == "mod") && parts.len() > 1;
    parts[..parts.len() - usize::from(facade)].join("::")
}

/// A source without its tests: the module at the foot of a file, and files of tests.
fn without_tests<'a>(module: &str, source: &'a str) -> &'a str {
    let is_tests = module.split("::").any(|part| part == "tests" || part == "testing" || part.ends_with("_tests"));
    if is_tests { "" } else { source.split("#[cfg(test)]\nmod tests {").next().unwrap_or("") }
}

/// The items that a facade takes from its children, `pub use child::Item`: item to child.
fn re_exports(facade: &str, source: &str) -> BTreeMap<String, Module> {
    let code: String = source.lines().map(|l| l.split("//").next().unwrap_or("")).collect::<Vec<_>>().join(" ");
    let mut found = BTreeMap::new();
    for (at, _) in code.match_indices("pub") {
        let rest = code[at + 3..].trim_start();
        let rest = rest.strip_prefix("(crate)").or(rest.strip_prefix("(super)")).unwrap_or(rest).trim_start();
        let Some(path) = rest.strip_prefix("use ").and_then(|r| r.split(';').next()) else { continue };
        let Some((child, items)) = path.trim().split_once("::") else { continue };
        if child == "crate" || child == "super" {
            continue;
        }
        for item in items.trim_matches(['{', '}', ' ']).split(',') {
            found.insert(item.trim().to_string(), format!("{facade}::{child}"));
        }
    }
    found
}

/// For each file, the files of the same room that it names.
fn arrows(files: &[(PathBuf, String)]) -> BTreeMap<Module, BTreeSet<Module>> {
    let sources: BTreeMap<Module, (&Path, &str)> =
        files.iter().map(|(path, text)| (module_of(path), (path.as_path(), text.as_str()))).collect();
    let exports: BTreeMap<&Module, BTreeMap<String, Module>> =
        sources.iter().map(|(module, (_, text))| (module, re_exports(module, text))).collect();
    // The file that a path leads to: the deepest module on the path, or, if that is a facade, the file from which the
    // facade takes the item.
    let file_of = |path: &str| -> Option<Module> {
        let mut module = String::new();
        for part in path.split("::") {
            let deeper = if module.is_empty() { part.to_string() } else { format!("{module}::{part}") };
            if sources.contains_key(&deeper) {
                module = deeper;
                continue;
            }
            return match exports.get(&module).and_then(|items| items.get(part)) {
                Some(child) if sources.contains_key(child) => Some(child.clone()),
                _ => (!module.is_empty()).then_some(module),
            };
        }
        (!module.is_empty()).then_some(module)
    };
    let room = |module: &str| module.split("::").next().unwrap_or("").to_string();
    let named = |(module, (path, text)): (&Module, &(&Path, &str))| {
        let facade = path.file_name().is_some_and(|name| name == "mod.rs");
        let mut paths = crate_paths(&from_the_root(module, without_tests(module, text)), NO_SUPERS);
        // A facade that only re-exports names nothing.
        if facade {
            paths.extend(children_named(module, without_tests(module, text)));
        }
        let targets = paths.iter().filter_map(|path| file_of(path));
        let targets = targets.filter(|target| target != module && room(target) == room(module)).collect();
        (module.clone(), targets)
    };
    sources.iter().map(named).collect()
}

/// The source of `module` with each `super::super::` written out from the crate's root.
fn from_the_root(module: &str, source: &str) -> String {
    let parts: Vec<&str> = module.split("::").collect();
    (1..=parts.len()).rev().fold(source.to_string(), |source, ups| {
        let parent = parts[..parts.len() - ups].iter().map(|part| format!("{part}::")).collect::<String>();
        source.replace(&"super::".repeat(ups), &format!("crate::{parent}"))
    })
}

/// What a facade itself uses of its children: private `use child::...` lines.
fn children_named(facade: &str, source: &str) -> Vec<String> {
    let uses = source.lines().filter_map(|line| line.strip_prefix("use ")?.strip_suffix(';'));
    let own = uses.filter(|path| !path.starts_with("crate::") && !path.starts_with("super::"));
    own.map(|path| format!("{facade}::{}", path.split("::").next().unwrap_or(""))).collect()
}

/// Groups of files that can all reach each other.
fn circles(arrows: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<Vec<Module>> {
    let reach = |from: &Module| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(module) = open.pop() {
            for next in arrows.get(&module).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> = arrows.keys().map(|module| (module, reach(module))).collect();
    let mut found: Vec<Vec<Module>> = Vec::new();
    for (module, seen) in &reached {
        if seen.contains(*module) && !found.iter().flatten().any(|m| m == *module) {
            let group = seen.iter().filter(|other| reached.get(other).is_some_and(|back| back.contains(*module)));
            found.push(group.cloned().collect());
        }
    }
    found
}

#[test]
fn files_of_a_room_do_not_form_circles() {
    let found = circles(&arrows(&sources()));
    let unknown: Vec<String> = found
        .iter()
        .filter(|circle| {
            !EXCEPTIONS.iter().any(|(files, _)| circle.iter().map(String::as_str).eq(files.iter().copied()))
        })
        .map(|circle| circle.join(" <-> "))
        .collect();
    assert!(unknown.is_empty(), "\n{}\n", unknown.join("\n"));
}

#[test]
fn every_exception_is_still_a_circle() {
    let found = circles(&arrows(&sources()));
    for (files, why) in EXCEPTIONS {
        assert!(
            found.iter().any(|circle| circle.iter().map(String::as_str).eq(files.iter().copied())),
            "{files:?}: {why}"
        );
    }
}

fn file(path: &str, text: &str) -> (PathBuf, String) {
    (PathBuf::from(path), text.to_string())
}

#[test]
fn a_circle_is_found_through_a_facade() {
    let files = [
        file("room/mod.rs", "mod a;\nmod b;\npub use a::Thing;\n"),
        file("room/a.rs", "use super::b::part;\npub struct Thing;"),
        file("room/b.rs", "use super::Thing;\npub fn part(_: Thing) {}"),
    ];
    assert_eq!(circles(&arrows(&files)), [["room::a", "room::b"]]);
}

#[test]
fn a_chain_is_not_a_circle() {
    let files = [
        file("room/mod.rs", "mod a;\nmod b;\npub use b::part;\n"),
        file("room/a.rs", "pub struct Thing;"),
        file("room/b.rs", "use super::a::Thing;\npub fn part(_: Thing) {}"),
    ];
    assert!(circles(&arrows(&files)).is_empty());
}

#[test]
fn a_name_in_a_test_does_not_close_a_circle() {
    let files = [
        file("room/mod.rs", "mod a;\nmod b;\npub use b::part;\n"),
        file("room/a.rs", "pub struct Thing;\n#[cfg(test)]\nmod tests {\n    use super::super::part;\n}"),
        file("room/b.rs", "use super::a::Thing;\npub fn part(_: Thing) {}"),
    ];
    assert!(circles(&arrows(&files)).is_empty());
}
