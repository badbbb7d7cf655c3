//! The imports of the JavaScript below `www/` follow a table of arrows between the client, the views, and the page that
//! puts them together.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// A folder below `www/` and what its files may import, the folder itself included. For a file, the longest folder name
/// that fits counts.
const ARROWS: &[(&str, &[&str])] = &[
    ("client", &["client"]),
    ("views", &["views"]),
    ("page", &["page", "views", "client"]),
    // A step is one file: it shares what is in `page/`, and knows no other step.
    ("page/steps", &["views", "client", "page"]),
];

/// Only this file puts the steps together.
const STEPS: (&str, &str) = ("page/app.js", "page/steps");

/// Names of the browser's page that the client must not use, because a worker has no DOM.
const DOM: &[&str] = &["document", "window", "HTMLElement", "localStorage"];

const MAX_LINES: usize = 400;

/// The folder of a path that has a row in `ARROWS`.
fn folder(path: &Path) -> Option<&'static (&'static str, &'static [&'static str])> {
    ARROWS.iter().filter(|(name, _)| path.starts_with(name)).max_by_key(|(name, _)| name.len())
}

/// The lines of a script without its comments.
fn code(source: &str) -> String {
    let is_comment = |line: &&str| line.trim_start().starts_with(['*', '/']);
    let without_end = |line: &str| line.split(" // ").next().unwrap_or("").to_string();
    source.lines().filter(|line| !is_comment(line)).map(without_end).collect::<Vec<_>>().join("\n")
}

/// Every module that `source` imports from a path: `import ... from`, `export ... from`, `import(...)` and
/// `new URL(..., import.meta.url)`.
fn imports(source: &str) -> Vec<String> {
    let code = code(source);
    let quoted = |at: usize| {
        let rest = code[at..].trim_start();
        let quote = rest.chars().next().filter(|c| ['\'', '"', '`'].contains(c))?;
        rest[1..].split(quote).next().map(String::from)
    };
    ["from ", "import ", "import(", "new URL("]
        .iter()
        .flat_map(|word| code.match_indices(word).map(|(start, _)| start + word.len()))
        .filter_map(quoted)
        .filter(|path| path.starts_with('.'))
        .collect()
}

/// The path that `import` of the file `path` leads to, both relative to `www/`.
fn target(path: &Path, import: &str) -> PathBuf {
    let mut parts: Vec<Component<'_>> = path.parent().into_iter().flat_map(Path::components).collect();
    for part in Path::new(import).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.iter().collect()
}

/// What is wrong with one script; `path` is relative to `www/`.
fn violations(path: &Path, source: &str) -> Vec<String> {
    let Some((name, allowed)) = folder(path) else { return Vec::new() };
    let mut wrong = Vec::new();
    for import in imports(source) {
        let to = target(path, &import);
        let Some((room, _)) = folder(&to) else { continue };
        if !allowed.contains(room) && (path, *room) != (Path::new(STEPS.0), STEPS.1) {
            wrong.push(format!("{}: `{name}` may not import `{room}` ({import})", path.display()));
        }
    }
    if *name == "client" {
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let code = code(source);
        let words: Vec<&str> = code.split(|c| !is_word(c)).collect();
        for dom in DOM.iter().filter(|dom| words.iter().any(|w| w.split('.').next() == Some(dom))) {
            wrong.push(format!("{}: the client may not use `{dom}`", path.display()));
        }
    }
    wrong
}

/// Every script below `www/`, by its path from there.
fn scripts() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).expect("www/ is readable") {
            let path = entry.expect("an entry of www/ is readable").path();
            if path.is_dir() {
                walk(&path, root, found);
            } else if path.extension().is_some_and(|e| e == "js" || e == "mjs" || e == "ts") {
                let text = fs::read_to_string(&path).expect("a script is readable");
                found.push((path.strip_prefix(root).expect("it lies below www/").to_path_buf(), text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("www");
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found
}

#[test]
fn imports_of_scripts_point_one_way() {
    let found = scripts();
    for (name, _) in ARROWS {
        assert!(found.iter().any(|(path, _)| path.starts_with(name)), "www/{name} has no scripts");
    }
    let wrong: Vec<String> = found.iter().flat_map(|(path, text)| violations(path, text)).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_imported_script_exists() {
    let found = scripts();
    let exists = |path: &Path| found.iter().any(|(p, _)| p == path);
    // `pkg/` is built.
    let wrong: Vec<String> = (found.iter())
        .flat_map(|(path, text)| imports(text).into_iter().map(move |import| (path, import)))
        .filter(|(path, import)| import.ends_with("js") && !exists(&target(path, import)) && !import.contains("/pkg/"))
        .map(|(path, import)| format!("{}: there is no {import}", path.display()))
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn no_script_exceeds_400_lines() {
    let long: Vec<String> = scripts()
        .iter()
        .filter(|(_, text)| text.lines().count() > MAX_LINES)
        .map(|(path, text)| format!("www/{}: {} lines", path.display(), text.lines().count()))
        .collect();
    assert!(long.is_empty(), "\n{}\n", long.join("\n"));
}

#[test]
fn the_arrows_of_scripts_reject_an_import_that_points_up() {
    for (path, source) in [
        ("client/index.js", "import { h } from '../views/dom.js';"),
        ("client/index.js", "import '../page/app.js';"),
        ("client/index.js", "const page = await import('../page/app.js');"),
        ("client/index.js", "new Worker(new URL('../page/worker.js', import.meta.url));"),
        ("client/index.js", "export {\n  h,\n} from '../views/dom.js';"),
        ("client/engine.js", "const el = document.querySelector('p');"),
        ("client/engine.js", "export const wide = (el) => el instanceof HTMLElement;"),
        ("views/table.js", "import { STATUS } from '../client/protocol.js';"),
        ("views/table.js", "import { page } from '../page/files.js';"),
        ("page/files.js", "import { mountTrain } from './steps/train.js';"),
        ("page/steps/train.js", "import { mountCheck } from './check.js';"),
        ("page/steps/train/run.js", "import { mountCheck } from '../check.js';"),
    ] {
        assert!(!violations(Path::new(path), source).is_empty(), "{path}: {source}");
    }
}

#[test]
fn the_arrows_of_scripts_accept_an_import_that_points_down() {
    for (path, source) in [
        ("client/index.js", "import { failure } from './protocol.js';"),
        ("client/index.js", "// no document here\nconst header = options.document;"),
        ("client/builds.js", "new URL(`../pkg/${folder}/flowglass.js`, import.meta.url);"),
        ("views/table.js", "import { h } from './dom.js'; // and not from '../client/index.js'"),
        ("page/app.js", "import { mountCheck } from './steps/check.js';"),
        (
            "page/steps/train.js",
            "import * as losses from '../../views/losses.js';\nimport { save } from '../files.js';",
        ),
        ("serve.mjs", "import { join } from 'node:path';"),
    ] {
        let found = violations(Path::new(path), source);
        assert!(found.is_empty(), "{path}: {source}: {found:?}");
    }
}
