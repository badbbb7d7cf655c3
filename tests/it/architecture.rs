//! Dependencies point one way: a table says what each module under `src/` may name, and a test compares the sources
//! with it.

use std::fs;
use std::path::{Path, PathBuf};

/// A module (file or folder of `src/`) and what it may name of the others: whole modules, or single items of one.
pub(crate) const ARROWS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("random", &[]),
    ("disk", &[]),
    ("numbers", &[]),
    ("prior", &["error"]),
    ("files", &["error", "numbers"]),
    ("data", &["error", "numbers", "prior"]),
    ("reading", &["error", "numbers", "prior", "files", "data"]),
    ("space", &["error", "kernels", "prior"]),
    ("kernels", &["error", "random"]),
    ("flow", &["error", "random", "kernels"]),
    ("encoder", &["error", "numbers", "random", "kernels", "data"]),
    // An option that is a word takes its enum from the room that the word is about.
    (
        "options",
        &[
            "error",
            "prior",
            "random::MAX_SEED",
            "kernels::monotone_network::MAX_UNITS",
            "kernels::spline::MAX_BINS",
            "flow::FlowFamily",
            "flow::AutoregressiveTransform",
            "flow::BaseDistribution",
            "encoder::SpectrumEncoderType",
            "simulators::names_with_likelihood",
            "space::Edges",
            "space::SpaceKind",
            "data",
        ],
    ),
    ("misfit", &["numbers", "random", "data"]),
    (
        "posterior",
        &["error", "numbers", "prior", "random", "options", "kernels", "flow", "encoder", "space", "data", "misfit"],
    ),
    (
        "trainer",
        &[
            "error",
            "disk",
            "numbers",
            "prior",
            "random",
            "options",
            "kernels",
            "posterior",
            "flow",
            "encoder",
            "space",
            "data",
            "misfit",
            "simulators",
            "diagnostics",
            "plots",
        ],
    ),
    ("plots", &["error", "numbers", "posterior", "diagnostics", "space", "data"]),
    (
        "diagnostics",
        &[
            "error",
            "numbers",
            "prior",
            "random",
            "options",
            "kernels",
            "posterior",
            "flow",
            "encoder",
            "space",
            "data",
            "misfit",
            "simulators",
        ],
    ),
    ("storage", &["error", "files", "kernels", "misfit", "options", "posterior", "flow", "encoder", "space", "data"]),
    ("simulators", &["error", "numbers", "prior", "random", "kernels", "space", "data"]),
];

/// These see all of the above; nothing sees them.
const TOP: &[&str] = &["wasm", "bin", "lib"];

const MAX_LINES: usize = 400;

/// Files of tests and benchmarks that may be longer. This script writes and reads model files from their description
/// alone, so it is one file that uses no other.
const LONGER: [&str; 1] = ["tests/reference/model-file/make.py"];

/// What is wrong with one source file; `path` is relative to `src/`.
fn violations(path: &Path, source: &str) -> Vec<String> {
    let parts: Vec<String> = path.with_extension("").iter().map(|p| p.to_string_lossy().into_owned()).collect();
    let module = parts[0].as_str();
    if TOP.contains(&module) {
        return Vec::new();
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) else {
        return vec![format!("{}: `{module}` has no row in ARROWS", path.display())];
    };
    let depth = parts.len() - usize::from(parts.last().is_some_and(|p| p == "mod"));
    crate_paths(source, depth)
        .into_iter()
        .filter(|p| {
            let within = |a: &str| p == a || p.starts_with(&format!("{a}::"));
            !within(module) && !allowed.iter().any(|a| within(a))
        })
        .map(|p| format!("{}: `{module}` may not name `crate::{p}`", path.display()))
        .collect()
}

/// Every path that starts at the crate's root, without the `crate::`; a group in braces becomes one path for each
/// member. `depth` is the number of `super::` that lead from the file's module to the root. Comments are left out.
/// Strings are not, so that the function may find too much, but never too little.
pub(crate) fn crate_paths(source: &str, depth: usize) -> Vec<String> {
    let code: String = source.lines().map(|l| l.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    // The tests at a file's foot are a module of their own, one level further down.
    let (code, tests) = code.split_once("mod tests {").unwrap_or((&code, ""));
    let absolute = |code: &str, depth: usize| code.replace(&"super::".repeat(depth), "crate::");
    let code = absolute(code, depth) + "\n" + &absolute(tests, depth + 1);
    let mut paths = Vec::new();
    for (start, _) in code.match_indices("crate::") {
        let in_a_word = code[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if !in_a_word {
            expand("", &code[start + "crate::".len()..], &mut paths);
        }
    }
    paths
}

/// Reads `a::b` or `a::{b, c::d}` at the start of `text`, adds the full paths, and returns what follows.
fn expand<'a>(prefix: &str, text: &'a str, paths: &mut Vec<String>) -> &'a str {
    let mut text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        text = group.trim_start();
        while !text.is_empty() && !text.starts_with('}') {
            text = expand(prefix, text, paths).trim_start();
            // `as name`, and the comma.
            text = text.trim_start_matches(|c| c != ',' && c != '}').trim_start_matches(',').trim_start();
        }
        return text.strip_prefix('}').unwrap_or(text);
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let path = if prefix.is_empty() { name.to_string() } else { format!("{prefix}::{name}") };
    match rest.strip_prefix("::") {
        Some(rest) if !name.is_empty() => expand(&path, rest, paths),
        _ => {
            paths.push(path);
            rest
        }
    }
}

/// Every file below `root` with one of these endings, by its path from there.
fn files_below(root: &Path, endings: &[&str]) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, root: &Path, endings: &[&str], found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).expect("the folder is readable") {
            let path = entry.expect("an entry of the folder is readable").path();
            if path.is_dir() {
                walk(&path, root, endings, found);
            } else if path.extension().is_some_and(|e| endings.iter().any(|ending| e == *ending)) {
                let text = fs::read_to_string(&path).expect("a source file is readable");
                found.push((path.strip_prefix(root).expect("it lies below the root").to_path_buf(), text));
            }
        }
    }
    let mut found = Vec::new();
    walk(root, root, endings, &mut found);
    assert!(found.len() > 5, "{} was not found", root.display());
    found
}

pub(crate) fn sources() -> Vec<(PathBuf, String)> {
    files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &["rs"])
}

#[test]
fn dependencies_point_one_way() {
    let wrong: Vec<String> = sources().iter().flat_map(|(path, text)| violations(path, text)).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn no_source_file_exceeds_400_lines() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| text.lines().count() > MAX_LINES)
        .map(|(path, text)| format!("src/{}: {} lines", path.display(), text.lines().count()))
        .collect();
    assert!(long.is_empty(), "\n{}\n", long.join("\n"));
}

#[test]
fn no_file_of_tests_and_benchmarks_exceeds_400_lines() {
    let mut long = Vec::new();
    for folder in ["tests", "benches"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for (path, text) in files_below(&root, &["rs", "js", "mjs", "ts", "py", "sh"]) {
            if text.lines().count() > MAX_LINES {
                long.push(format!("{folder}/{}", path.display()));
            }
        }
    }
    long.sort();
    assert_eq!(long, LONGER, "files of more than {MAX_LINES} lines (left), and those that may be longer (right)");
}

#[test]
fn the_arrows_reject_a_dependency_that_points_up() {
    for (path, source) in [
        ("data/mod.rs", "use crate::flow::Flow;"),
        ("files/npz.rs", "use crate::{error::Error, data};"),
        ("reading/csv.rs", "use crate::{error::Error, trainer};"),
        ("numbers/matrix.rs", "use crate::data::SimulationSet;"),
        ("data/scale.rs", "use crate::{prior::Prior, space::ParameterSpace};"),
        ("data/scale.rs", "fn f() -> crate::space::ParameterSpace { todo() }"),
        ("data/scale.rs", "use super::super::space::ParameterSpace;"),
        ("data/mod.rs", "pub use super::posterior::Posterior;"),
        ("flow/spline.rs", "use crate::{kernels::{spline, tests as t}, data::Matrix};"),
        ("kernels/spline/cube.rs", "use crate::wasm::Engine;"),
        ("posterior/mod.rs", "use crate::Posterior;"),
        ("posterior/mod.rs", "use crate::*;"),
        ("trainer/mod.rs", "use crate::storage::save;"),
        ("options/config.rs", "use crate::flow::FlowConfig;"),
        ("helpers/mod.rs", "fn f() {}"),
        ("random.rs", "mod tests {\n    use super::super::trainer::Trainer;\n}"),
    ] {
        assert!(!violations(Path::new(path), source).is_empty(), "{path}: {source}");
    }
}

#[test]
fn the_arrows_accept_a_dependency_that_points_down() {
    for (path, source) in [
        ("data/scale.rs", "use crate::error::{Error, Result};\nuse crate::prior::Prior;"),
        ("data/scale.rs", "use super::Scale; // and not crate::flow::Flow"),
        ("flow/spline.rs", "use crate::{kernels::{spline, tests as t}, flow::base, error::Error};"),
        ("posterior/mod.rs", "use my_crate::Thing; fn f(e: crate::encoder::Encoder) {}"),
        ("wasm/mod.rs", "use crate::trainer::Trainer;"),
        ("bin/flowglass/main.rs", "use flowglass::storage;"),
        ("lib.rs", "pub use crate::posterior::Posterior;"),
        ("random.rs", "fn f() {}\nmod tests {\n    use super::*;\n}"),
    ] {
        let found = violations(Path::new(path), source);
        assert!(found.is_empty(), "{path}: {source}: {found:?}");
    }
}
