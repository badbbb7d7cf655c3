//! `flowglass reference`: the pages of the documentation that are made from the code, as Markdown.

use crate::failure::Failure;
use crate::files;
use crate::number_text::short;
use crate::options::{default, heading};
use clap::{Arg, Command, ValueEnum};
use flowglass::options::{OPTIONS, OptionKind, OptionSpec};
use serde_json::Value;
use std::fmt::Write;

/// Print a page of the reference as Markdown
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The page
    page: Page,
}

/// A page that is made from the code.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Page {
    Cli,
    Options,
    /// The options as an interface of TypeScript
    Types,
}

/// Runs the command; `program` is the whole command line.
pub(crate) fn run(args: &Args, program: Command) -> Result<(), Failure> {
    let page = match args.page {
        Page::Cli => cli(program),
        Page::Options => options(OPTIONS),
        Page::Types => types(OPTIONS),
    };
    files::print(page.as_bytes())
}

/// All commands, with their arguments and examples.
fn cli(mut program: Command) -> String {
    program.build();
    let mut page = String::from("# Command line\n\n");
    page += "<!-- Made by `flowglass reference cli > docs/reference/cli.md`. Edit the program instead. -->\n\n";
    page += &format!(
        "{}.\n\nThe same text is in `flowglass help COMMAND`.\n\n| command | what it does |\n|---|---|\n",
        about(&program)
    );
    let commands: Vec<&Command> =
        program.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help").collect();
    for command in &commands {
        let name = command.get_name();
        let _ = writeln!(page, "| [`{name}`](#flowglass-{name}) | {} |", about(command));
    }
    page += "\nFor every command:\n\n";
    page += &arguments(&program, |arg| arg.is_global_set());
    page += &prose(&program);
    for command in commands {
        let _ = write!(page, "\n## flowglass {}\n\n{}\n\n", command.get_name(), about(command));
        let usage = command.clone().render_usage().to_string();
        let _ = write!(page, "```text\n{}\n```\n\n", usage.trim_start_matches("Usage: ").trim());
        page += &arguments_by_heading(command);
        page += &prose(command);
    }
    page
}

fn about(command: &Command) -> String {
    cell(&command.get_long_about().or(command.get_about()).map_or_else(String::new, ToString::to_string))
}

/// A table for each heading. The options of training are on a page of their own.
fn arguments_by_heading(command: &Command) -> String {
    let has = |name: &str| command.get_arguments().any(|arg| arg.get_id() == name);
    let of_training = OPTIONS.iter().all(|spec| has(spec.name));
    let listed = |arg: &Arg| {
        let is_option = of_training && OptionSpec::find(arg.get_id().as_str()).is_ok();
        !is_option && !arg.is_global_set() && !["help", "version"].contains(&arg.get_id().as_str())
    };
    let mut headings: Vec<Option<&str>> = Vec::new();
    for arg in command.get_arguments().filter(|arg| listed(arg)) {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    let mut text = String::new();
    for heading in headings {
        if let Some(heading) = heading {
            let _ = write!(text, "{heading}:\n\n");
        }
        text += &arguments(command, |arg| listed(arg) && arg.get_help_heading() == heading);
    }
    if of_training {
        text += "Besides, every [option of training](options.md) is a flag, with dashes in place of underscores: \
                 `--num-epochs 20`.\n\n";
    }
    text
}

fn arguments(command: &Command, listed: impl Fn(&Arg) -> bool) -> String {
    let mut table = String::from("| argument | what it does |\n|---|---|\n");
    for arg in command.get_arguments().filter(|arg| listed(arg)) {
        let _ = writeln!(table, "| `{}` | {} |", spelled(arg), described(arg));
    }
    table + "\n"
}

/// An argument as it is typed.
fn spelled(arg: &Arg) -> String {
    let values: Vec<String> = arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
    let value = values.join(" ");
    if arg.is_positional() {
        return if arg.get_num_args().is_some_and(|n| n.max_values() > 1) { format!("{value}...") } else { value };
    }
    let short = arg.get_short().map(|c| format!("-{c}"));
    let long = arg.get_long().map(|word| format!("--{word}"));
    let flag = [short, long].into_iter().flatten().collect::<Vec<_>>().join(", ");
    if arg.get_action().takes_values() { format!("{flag} {value}") } else { flag }
}

fn described(arg: &Arg) -> String {
    let mut text = cell(&arg.get_long_help().or(arg.get_help()).map_or_else(String::new, ToString::to_string));
    let values: Vec<String> = arg.get_possible_values().iter().map(|v| format!("`{}`", v.get_name())).collect();
    // The devices depend on the features of the build.
    if !values.is_empty() && arg.get_action().takes_values() && arg.get_id() != "device" {
        let _ = write!(text, ". One of {}", values.join(", "));
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
    if !defaults.is_empty() && !arg.is_hide_default_value_set() && arg.get_action().takes_values() {
        let _ = write!(text, ". Default: `{}`", defaults.join(" "));
    }
    text
}

/// What stands below the arguments: indented lines are code.
fn prose(command: &Command) -> String {
    let Some(text) = command.get_after_long_help().or(command.get_after_help()) else { return String::new() };
    let mut page = String::new();
    let mut language = None;
    for line in text.to_string().lines() {
        match (line.strip_prefix("  "), language) {
            (Some(code), Some(_)) => page += &format!("{code}\n"),
            (Some(code), None) => {
                let opened = if code.starts_with("flowglass") { "sh" } else { "toml" };
                language = Some(opened);
                page += &format!("\n```{opened}\n{code}\n");
            }
            (None, open) => {
                page += if open.is_some() { "```\n" } else { "" };
                language = None;
                page += &format!("{}\n", line.replace('<', "&lt;"));
            }
        }
    }
    page + if language.is_some() { "```\n" } else { "" }
}

/// A page of the options in `rows`, by subject.
fn options<C: 'static>(rows: &[OptionSpec<C>]) -> String {
    let mut page = String::from("# Options of training\n\n");
    page += "<!-- Made by `flowglass reference options > docs/reference/options.md`. Edit the table in the code instead. -->\n\n";
    page += "The names are the same in Rust (`Config`), in JavaScript (`train`), in a settings file (TOML) and, with dashes in place \
             of underscores, on the command line. [Training](../guide/training.md) says which to choose.\n";
    let mut last = "";
    for spec in rows {
        let title = heading(spec);
        if title != last {
            let _ = write!(page, "\n## {title}\n\n");
            last = title;
        }
        let default = match (spec.default)() {
            Value::String(word) => format!("`{word}`"),
            _ => default(spec),
        };
        let (name, help) = (spec.name, help_with_conditions(spec).replace('<', "&lt;"));
        let _ = writeln!(page, "- **`{name}`**: {help} *{}; default {default}.*", values(spec));
    }
    page
}

/// The help of an option, and when it has an effect.
fn help_with_conditions<C: 'static>(spec: &OptionSpec<C>) -> String {
    match spec.conditions() {
        None => spec.help.into(),
        Some(conditions) => format!("{} Has an effect only if {conditions}.", spec.help),
    }
}

/// The interface of the options in `rows` for TypeScript, as `www/client/options.d.ts`.
fn types<C: 'static>(rows: &[OptionSpec<C>]) -> String {
    let mut file = String::from(
        "// Made by `flowglass reference types > www/client/options.d.ts`. Edit the table in the code instead.\n\n\
         /** The training options, as the table of options in Rust has them. */\nexport interface TrainingOptions {\n",
    );
    for spec in rows {
        let kind = match spec.kind {
            OptionKind::Int { .. } | OptionKind::Float { .. } => "number".into(),
            OptionKind::Bool => "boolean".into(),
            OptionKind::Choice(words) => words().iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" | "),
            OptionKind::Text => "string".into(),
            OptionKind::Json => "unknown".into(),
        };
        let none = if spec.optional && kind != "unknown" { " | null" } else { "" };
        let range = match spec.kind {
            OptionKind::Int { .. } | OptionKind::Float { .. } => format!(" Takes {}.", spec.allowed()),
            _ => String::new(),
        };
        let doc = format!("{}{range} Default: {}.", help_with_conditions(spec), (spec.default)());
        let _ = writeln!(file, "  /** {doc} */\n  {}?: {kind}{none};", spec.name);
    }
    file + "}\n"
}

fn values<C: 'static>(spec: &OptionSpec<C>) -> String {
    let values = match spec.kind {
        OptionKind::Int { min, max } => format!("{min} to {max}"),
        OptionKind::Float { min, max } => format!("{} to {}", short(min), short(max)),
        OptionKind::Bool => "`true`, `false`".into(),
        OptionKind::Choice(words) => words().iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        OptionKind::Text => "text".into(),
        OptionKind::Json => "JSON".into(),
    };
    if spec.optional { format!("{values}, or none") } else { values }
}

/// Text for a cell of a table: without the full stop at its end, but with three dots.
fn cell(text: &str) -> String {
    let text = text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ");
    let text = text.trim();
    if text.ends_with("..") { text.to_string() } else { text.trim_end_matches('.').to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::ADDED;

    #[test]
    fn a_row_that_is_added_is_on_the_page_of_options() {
        let page = options(&[ADDED]);
        let row = "- **`added_option`**: The option that was added. *0 to 0.5, or none; default 0.25.*";
        assert!(page.contains("## Noise and auxiliary losses") && page.contains(row), "{page}");
    }

    #[test]
    fn a_row_that_is_added_is_in_the_types_of_the_client() {
        let row = "  /** The option that was added. Takes a number from 0 to 0.5, or none. Default: 0.25. */\n  added_option?: number | null;\n";
        assert!(types(&[ADDED]).contains(row), "{}", types(&[ADDED]));
    }
}
