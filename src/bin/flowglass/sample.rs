//! `flowglass sample`: posterior draws for one observation or several.

use crate::arguments::{Output, Seed, SpaceName};
use crate::failure::Failure;
use crate::number_text::{count, counted, of_posterior, two_digits};
use crate::observed::{Encoded, Model};
use crate::{files, memory, number_text};
use flowglass::diagnostics::{LEVELS, Learned, Summary, beyond_training, learned, summarize};
use flowglass::error::Error;
use flowglass::posterior::{DrawsRequest, MAX_DRAWS};
use flowglass::prior::Prior;
use flowglass::reading::draws_writer::{DrawsFormat, batch_draws_file, draws_file};
use flowglass::space::{ParameterSpace, SpaceKind};
use pollster::block_on;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  flowglass sample model.safetensors spectrum.txt
  flowglass sample model.safetensors spectrum.txt -n 50000 --seed 1 -o draws.npz
  flowglass sample model.safetensors observation.csv -o - | head
  flowglass sample model.safetensors spectrum.txt --photometry bands.txt
  flowglass sample model.safetensors other_grid.txt --interpolate
  flowglass sample model.safetensors night_*.txt -n 1000 -o draws.npz

An observation is one of: text with columns of wavelength, value and uncertainty; text of photometry with columns of band, value \
and uncertainty; a CSV with a header and one row (data_1, data_2, ...); an .npy of shape (W,); an .npz, HDF5 or .safetensors \
with x and, if the model expects them, sigma, mask, wavelengths, photometry, photometry_sigma, photometry_mask and bands. The \
same model, observation, n and seed give the same draws.

The table has medians, central intervals and the information gain: how many bits the observation told of the parameter beyond \
its prior (the Kullback-Leibler divergence of the posterior of this parameter from the prior). One bit halves a uniform prior.

Several files are several observations. So are the rows of a file like a simulation set, whose theta is ignored. Their draws are \
(B, N, D) in .npy and .npz; a .csv has a first column, observation, which counts from 0. Each observation has a sub-seed of its \
own, and the first one gets the draws that it would get alone.";

/// Draw posterior samples for observations, or print a table of medians and intervals
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    model: Model,
    #[command(flatten)]
    encoded: Encoded,
    /// Number of draws for each observation
    #[arg(short, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MAX_DRAWS as u64))]
    n: u64,
    #[command(flatten)]
    seed: Seed,
    /// Write the draws to a file instead of printing medians, 68 % and 95 % intervals and gains: .npy (float64, (N, D)), .csv
    /// (header: parameter names), .npz (theta, parameter_names), .json (one observation, for arviz.from_json), or - for
    /// CSV on stdout. An old file is replaced
    #[arg(short, long, value_name = "DRAWS")]
    output: Option<PathBuf>,
    /// Coordinates of the draws: physical units, prior cumulative probability in (0, 1), or the logit of that
    #[arg(long, value_enum, default_value_t = SpaceName::Physical)]
    space: SpaceName,
}

/// Runs the command.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<(), Failure> {
    let inputs = args.encoded.inputs(&args.model);
    let output = args.output.as_deref().map(|path| Output::new(path, &inputs, &DrawsFormat::ALL)).transpose()?;
    let posterior = args.model.load()?;
    let embeddings = args.encoded.embeddings(&posterior, quiet)?;
    let (n, b, names) = (args.n as usize, embeddings.dims()[0], &posterior.metadata().space.names);
    if let Some(output) = &output {
        output.format.check(b)?;
    }
    if let Some(available) = memory::known() {
        let of_file = output.as_ref().map_or(0, |output| output.format.memory_of_number());
        let request = DrawsRequest { observations: b, n, dim: names.len() };
        request.check_memory(of_file.max(DrawsRequest::BYTES), available)?;
    }
    let draws = block_on(posterior.batch_sample_posterior(embeddings, n, args.seed.seed, args.space.into()))?;
    if draws.clamped > 0 && !quiet {
        eprintln!(
            "warning: {} of {} draws not finite and replaced by extreme values",
            count(draws.clamped),
            count(n * b)
        );
    }
    // Fewer would be "100 % lie inside"; a model with mirrors draws a few in ten thousand anew.
    if draws.rejected as f64 >= 0.005 * (n * b) as f64 && !quiet {
        let share = two_digits(100.0 * (n * b) as f64 / (n * b + draws.rejected) as f64);
        eprintln!("note: {share} % of the draws of the flow lie inside of the priors; the others were drawn anew");
    }
    if draws.outside > 0 && !quiet {
        eprintln!(
            "warning: {} of {} draws lie outside of the priors: fewer than 1 % of the draws of the flow lie inside",
            count(draws.outside),
            count(n * b)
        );
    }
    if !quiet {
        let beyond = beyond_training(posterior.metadata(), &draws.values, draws.space);
        beyond.iter().for_each(|note| eprintln!("note: {note}"));
    }
    let each = if b > 1 { format!(" for each of {} observations", count(b)) } else { String::new() };
    match output {
        Some(output) => {
            output.write(&match b {
                1 => draws_file(output.format, names, &draws.values)?,
                _ => batch_draws_file(output.format, names, &draws.values, b)?,
            })?;
            if let (Some(path), false) = (output.path, quiet) {
                let draws = counted(count(n), "draw");
                eprintln!("wrote {}: {draws} of {}{each}", path.display(), names.join(", "));
            }
            Ok(())
        }
        None => {
            if !quiet {
                let n = counted(count(n), "draw");
                eprintln!("{n}{each} in {} coordinates, seed {}", draws.space, draws.seed);
            }
            let space = &posterior.metadata().space;
            let told: Vec<_> =
                draws.values.chunks_exact(draws.values.len() / b).map(|own| learned(space, own, draws.space)).collect();
            if !quiet {
                notes(names, &told).iter().for_each(|note| eprintln!("note: {note}"));
            }
            files::print(summary(space, &draws.values, draws.space == SpaceKind::Physical, &told)?.as_bytes())
        }
    }
}

/// What each observation told of each parameter.
type Told = [Vec<Option<Learned>>];

/// A table with the median, the intervals and the information gain of every parameter, for each observation.
/// `in_physical` says that the draws are in physical units.
fn summary(space: &ParameterSpace, draws: &[f64], in_physical: bool, told: &Told) -> Result<String, Error> {
    let (d, observations) = (space.dim(), told.len());
    let ends = LEVELS.iter().flat_map(|level| ["low", "high"].map(|end| format!("{:.0} % {end}", 100.0 * level)));
    let mut rows = vec![["parameter", "median"].map(String::from).into_iter().chain(ends).collect::<Vec<_>>()];
    rows[0].push("gain".into());
    for (own, told) in draws.chunks_exact(draws.len() / observations).zip(told) {
        for (j, Summary { median, intervals, .. }) in summarize(own, d)?.into_iter().enumerate() {
            let ([narrow, _], is_logarithmic) = (intervals, in_physical && space.priors[j].is_logarithmic());
            let numbers = [median].into_iter().chain(intervals.iter().flat_map(|i| [i.low, i.high]));
            let numbers = numbers.map(|v| of_posterior(v, [narrow.low, narrow.high], is_logarithmic));
            let gain = match told[j] {
                Some(Learned { gain, .. }) => format!("{} bits", two_digits(gain.max(0.0))),
                None if space.priors[j] == Prior::None => "no prior".into(),
                None => "unknown".into(),
            };
            rows.push([space.names[j].clone()].into_iter().chain(numbers).chain([gain]).collect());
        }
    }
    if observations > 1 {
        rows[0].insert(0, "observation".into());
        rows[1..].iter_mut().enumerate().for_each(|(i, row)| row.insert(0, (i / d).to_string()));
    }
    Ok(number_text::table(0, &rows))
}

/// Names the parameters of which the data told nothing.
fn notes(names: &[String], told: &Told) -> Vec<String> {
    let note = |(j, name): (usize, &String)| {
        let nothing = told.iter().filter(|of| of[j].is_some_and(|learned| learned.is_nothing)).count();
        let from = match (nothing, told.len()) {
            (0, _) => return None,
            (_, 1) => "this observation".into(),
            (some, all) => format!("{} of {} observations", count(some), count(all)),
        };
        let end = "its posterior is its prior, as far as can be told";
        Some(format!("nothing was learned of {name} from {from}: {end}"))
    };
    names.iter().enumerate().filter_map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(priors: &[Prior]) -> ParameterSpace {
        let names = ["a", "b"].map(String::from)[..priors.len()].to_vec();
        ParameterSpace::fit(SpaceKind::Physical, names, priors.to_vec(), &[1.0, 2.0]).unwrap()
    }

    /// The words of each line of a table, whose columns are two spaces apart or more.
    fn words(table: &str) -> Vec<Vec<&str>> {
        table.lines().map(|line| line.split("  ").map(str::trim).filter(|w| !w.is_empty()).collect()).collect()
    }

    #[test]
    fn the_table_has_a_row_of_median_with_intervals_for_a_parameter() {
        let space = space(&[Prior::None]);
        let table = summary(&space, &[1.0, 3.0, 2.0], true, &[vec![None]]).unwrap();
        let [header, row] = &words(&table)[..] else { panic!("{table}") };
        assert_eq!(header[..], ["parameter", "median", "68 % low", "68 % high", "95 % low", "95 % high", "gain"]);
        assert_eq!(row[..], ["a", "2.00", "1.32", "2.68", "1.05", "2.95", "no prior"]);
    }

    #[test]
    fn a_gain_has_two_digits_and_one_that_is_none_is_named() {
        let space = space(&[Prior::Uniform { low: 0.0, high: 1.0 }; 2]);
        let of = |gain: f64| Some(Learned { gain, gain_error: 0.01, contraction: 0.5, is_nothing: gain < 0.05 });
        let told = [vec![of(3.2345), of(-0.003)], vec![of(0.0634), None]];
        let table = summary(&space, &[0.5; 8], true, &told).unwrap();
        let gains: Vec<&str> = words(&table)[1..].iter().map(|row| row[7]).collect();
        assert_eq!(gains, ["3.2 bits", "0 bits", "0.063 bits", "unknown"]);
        let said = notes(&space.names, &told);
        let end = "its posterior is its prior, as far as can be told";
        assert_eq!(said, [format!("nothing was learned of b from 1 of 2 observations: {end}")]);
        let one = notes(&space.names, &told[..1]);
        assert_eq!(one, [format!("nothing was learned of b from this observation: {end}")]);
    }
}
