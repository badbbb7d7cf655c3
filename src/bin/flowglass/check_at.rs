//! `flowglass check --at`: whether a model is right at observations.

use crate::check::{Args, bar, check_outputs, json};
use crate::failure::Failure;
use crate::files;
use crate::number_text::{count, counted, fixed, row, table};
use crate::observed::read_all;
use flowglass::diagnostics::{LocalCheck, LocalOptions, LocalReport};
use flowglass::error::Error;
use flowglass::plots::report::p_value;
use pollster::block_on;

/// Runs the command.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
    check_outputs(args)?;
    let posterior = args.model.load()?;
    let file = files::shown(&args.set);
    let set = args.reading.set(&args.set, &Default::default(), quiet)?.set;
    let (names, observations): (Vec<String>, Vec<_>) = read_all(&args.at)?.into_iter().unzip();
    for (name, observation) in names.iter().zip(&observations) {
        posterior.metadata().schema.check(observation).map_err(Failure::at(name))?;
    }
    let n = args.max_rows.map_or(set.len(), |most| set.len().min(most as usize));
    let defaults = LocalOptions::of(n);
    let options = LocalOptions {
        n_near: args.near.map_or(defaults.n_near, |near| near as usize),
        seed: args.seed.seed,
        ..defaults
    };
    let mut check = LocalCheck::new(&posterior, &set, &observations, options).map_err(Failure::at(&file))?;
    if !quiet {
        set.notes.iter().for_each(|note| eprintln!("note: {note}"));
        let (near, n, of) = (count(options.n_near), count(n), counted(count(observations.len()), "observation"));
        eprintln!("{of}, each with the {near} nearest of {n} simulations, seed {}", options.seed);
    }
    let bar = bar(check.steps(), "steps", quiet);
    while !check.is_done() {
        block_on(check.run(usize::MAX)).map_err(Failure::at(&file))?;
        bar.set_position(check.done() as u64);
    }
    bar.finish_and_clear();
    let report = check.finish().ok_or_else(|| Error::State("the check has not ended".into()))?;
    if let Some(path) = &args.output {
        files::write(path, &json(&report)?)?;
    }
    if !quiet {
        report.notes.iter().for_each(|note| eprintln!("warning: {note}"));
    }
    files::print(text(&report).as_bytes())
}

/// The tables of the report: observations, and their parameters.
fn text(report: &LocalReport) -> String {
    let mut observations = vec![row(["observation", "statistic", "p", "corrected p", "unlike"])];
    let mut parameters = vec![row(["observation", "parameter", "move by", "±", "widen by", "±", "the posterior is"])];
    for (i, o) in report.observations.iter().enumerate() {
        let p = [o.p_value, o.corrected_p_value].map(p_value);
        observations.push(row([&i.to_string(), &fixed(o.statistic, 2), &p[0], &p[1], &fixed(o.farther, 2)]));
        for p in &o.parameters {
            let shift = format!("{:+.2}", p.shift);
            let numbers = [shift, fixed(p.shift_error, 2), fixed(p.width, 2), fixed(p.width_error, 2)];
            let says = if p.says.is_empty() { "-".into() } else { p.says.join(", ") };
            parameters.push([vec![i.to_string(), p.name.clone()], numbers.to_vec(), vec![says]].concat());
        }
    }
    [table(0, &observations), table(0, &parameters)].join("\n")
}
