//! The commands of the documentation. Commands in `console` blocks are run, and print what the page shows. Commands in
//! `sh` blocks take too long, or need files of the reader; the program must at least understand them.

use crate::docs::{RENEW, pages, read, renews, root};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A block of code of a page: its language, and the range of its lines.
struct Block<'a> {
    language: &'a str,
    lines: std::ops::Range<usize>,
}

fn blocks<'a>(lines: &[&'a str]) -> Vec<Block<'a>> {
    let fences: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].trim_start().starts_with("```")).collect();
    let language = |i: usize| lines[i].trim_start().trim_start_matches('`');
    fences.chunks_exact(2).map(|f| Block { language: language(f[0]), lines: f[0] + 1..f[1] }).collect()
}

/// The pages with commands: the guide, and the README.
fn guide() -> Vec<PathBuf> {
    pages().into_iter().filter(|p| p.starts_with("docs/guide")).chain([PathBuf::from("README.md")]).collect()
}

/// Runs a line in a shell that knows the program, in `folder`.
fn shell(folder: &Path, line: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_flowglass")).parent().expect("the program lies in a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([program.to_path_buf()].into_iter().chain(std::env::split_paths(&path)));
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder).env("PATH", path.expect("folders that a PATH can name"));
    command.output().expect("sh starts")
}

/// The words of a line, which a reader compares. Numbers are left out, because they differ between machines and runs.
fn words(line: &str) -> String {
    let mut out = String::new();
    let mut in_number = false;
    for c in line.replace(" (best)", "").replace("outside", "inside").chars() {
        let continues = in_number && (c.is_ascii_digit() || ['.', ',', ':', 'e', '-', '+'].contains(&c));
        if c.is_ascii_digit() && !in_number {
            // A sign belongs to its number.
            out.truncate(out.trim_end_matches(['-', '+']).len());
            out.push('#');
        }
        in_number = c.is_ascii_digit() || continues;
        if !in_number {
            out.push(c);
        }
    }
    // A short time is `22.0 s`, and a long one `2:59`.
    out.split_whitespace().filter(|word| *word != "s").collect::<Vec<_>>().join(" ")
}

/// Whether a command printed what is shown. A line `...` stands for any lines.
fn is_shown(shown: &[&str], printed: &[&str]) -> bool {
    match (shown.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((&"...", rest)), _) => (0..=printed.len()).any(|skipped| is_shown(rest, &printed[skipped..])),
        (Some((a, shown)), Some((b, printed))) => words(a) == words(b) && is_shown(shown, printed),
        _ => false,
    }
}

/// Runs the commands of a page, one after another in one folder. Returns the page with what the commands printed
/// wherever that differs from what the page showed, and a list of the differences.
fn run(page: &Path) -> (String, Vec<String>) {
    let text = read(page);
    let lines: Vec<&str> = text.lines().collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut out, mut wrong) = (String::new(), Vec::new());
    let mut next = 0;
    for block in blocks(&lines).into_iter().filter(|b| b.language == "console") {
        let mut commands = commands(&lines, &block).into_iter().peekable();
        while let Some(at) = commands.next() {
            let end = commands.peek().map_or(block.lines.end, |following| following.start);
            let command = lines[at.clone()].join("\n");
            let output = shell(folder.path(), &format!("exec 2>&1\n{}", command.trim_start_matches("$ ")));
            let printed = String::from_utf8_lossy(&output.stdout).into_owned();
            let place = format!("{}:{}: {command}", page.display(), at.start + 1);
            let refused = printed.lines().any(|line| line.starts_with("error["));
            assert!(output.status.success() || refused, "{place}\n{printed}");
            let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
            let shown = &lines[at.end..end];
            let is_right = is_shown(shown, &printed);
            if !is_right {
                wrong.push(format!("{place}\nshown:\n{}\nprinted:\n{}", shown.join("\n"), printed.join("\n")));
            }
            let kept = if is_right || shown.contains(&"...") { shown } else { &printed[..] };
            for line in lines[next..at.end].iter().chain(kept) {
                out += &format!("{line}\n");
            }
            next = end;
        }
    }
    lines[next..].iter().for_each(|line| out += &format!("{line}\n"));
    (out, wrong)
}

/// The commands of a block, each with the lines that continue it.
fn commands(lines: &[&str], block: &Block) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for i in block.lines.clone() {
        match found.last_mut() {
            Some(last) if last.end == i && lines[i - 1].ends_with('\\') => last.end += 1,
            _ if lines[i].starts_with("$ ") => found.push(i..i + 1),
            _ => {}
        }
    }
    found
}

#[test]
fn commands_of_the_guide_print_what_the_pages_show() {
    let mut wrong = Vec::new();
    for page in guide() {
        let (ran, differs) = run(&page);
        if renews() {
            fs::write(root().join(&page), ran).expect("the page can be written");
        }
        wrong.extend(differs);
    }
    assert!(wrong.is_empty() || renews(), "\n{}\n{RENEW}", wrong.join("\n\n"));
}

#[test]
fn another_output_is_noticed() {
    assert!(is_shown(&["a  1.0   2"], &["a 10.25 3"]));
    assert!(is_shown(&["saved m: epoch 3 of 5, loss -1.25, 2.1 s"], &["saved m: epoch 4 of 5, loss 1e-05, 13.0 s"]));
    assert!(is_shown(&["saved m, 22.0 s"], &["saved m, 2:59"]));
    assert!(is_shown(&["a", "...", "d"], &["a", "b", "c", "d"]));
    assert!(!is_shown(&["saved m: epoch 3"], &["kept m: epoch 3"]));
    assert!(!is_shown(&["1 2"], &["1 2 3"]));
    assert!(!is_shown(&["a", "...", "d"], &["a", "b"]));
    assert!(!is_shown(&[], &["a"]));
}
/// The lines of the `sh` blocks of a page that run the program, continued lines joined.
fn program_lines(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let of_shell = blocks(&lines).into_iter().filter(|b| b.language == "sh");
    let joined = of_shell.flat_map(|b| {
        let text = lines[b.lines].join("\n").replace("\\\n", " ");
        text.lines().map(String::from).collect::<Vec<_>>()
    });
    joined.filter(|line| line.starts_with("flowglass ")).collect()
}

/// Whether the program knows the command and its flags. With `--help` after them, it reads all flags and does nothing.
fn is_understood(folder: &Path, line: &str) -> bool {
    let with_help = format!("flowglass() {{ command flowglass \"$@\" --help >/dev/null; }}\n{line}");
    shell(folder, &with_help).status.success()
}

#[test]
fn every_command_of_the_documentation_is_one_that_the_program_knows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut count = 0;
    for page in pages().into_iter().chain([PathBuf::from("README.md")]) {
        for line in program_lines(&read(&page)) {
            assert!(is_understood(folder.path(), &line), "{}: {line}", page.display());
            count += 1;
        }
    }
    assert!(count > 10, "{count} commands were found");
}

#[test]
fn a_command_with_an_unknown_flag_is_noticed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert!(is_understood(folder.path(), "flowglass train sims.npz -o model.safetensors --num-epochs 3"));
    assert!(!is_understood(folder.path(), "flowglass train sims.npz -o model.safetensors --number-of-epochs 3"));
    assert!(!is_understood(folder.path(), "flowglass trian sims.npz"));
}
