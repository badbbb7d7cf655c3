//! `flowglass sample`: posterior draws for one observation or several.

use crate::arguments::{Output, Seed, SpaceName};
use crate::failure::Failure;
use crate::number_text::{count, counted, of_posterior};
use crate::observed::{Encoded, Model};
use crate::{files, memory, number_text};
use flowglass::diagnostics::{LEVELS, Summary, summarize};
use flowglass::error::Error;
use flowglass::posterior::{DrawsRequest, MAX_DRAWS};
use flowglass::reading::draws_writer::{DrawsFormat, batch_draws_file, draws_file};
use flowglass::space::SpaceKind;
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
    /// Write the draws to a file instead of printing medians and 68 % and 95 % intervals: .npy (float64, (N, D)), .csv
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
            let priors = &posterior.metadata().space.priors;
            let is_physical = draws.space == SpaceKind::Physical;
            let logarithmic: Vec<bool> = priors.iter().map(|prior| is_physical && prior.is_logarithmic()).collect();
            files::print(summary(names, &logarithmic, &draws.values, b)?.as_bytes())
        }
    }
}

/// A table with the median and the intervals of every parameter, for each observation. `logarithmic` says which
/// parameters have a prior of their logarithm, (D).
fn summary(names: &[String], logarithmic: &[bool], draws: &[f64], observations: usize) -> Result<String, Error> {
    let d = names.len();
    let ends = LEVELS.iter().flat_map(|level| ["low", "high"].map(|end| format!("{:.0} % {end}", 100.0 * level)));
    let mut rows = vec![["parameter", "median"].map(String::from).into_iter().chain(ends).collect::<Vec<_>>()];
    for own in draws.chunks_exact(draws.len() / observations) {
        for ((name, &logarithmic), Summary { median, intervals }) in
            names.iter().zip(logarithmic).zip(summarize(own, d)?)
        {
            let [narrow, _] = intervals;
            let numbers = [median].into_iter().chain(intervals.iter().flat_map(|i| [i.low, i.high]));
            let texts = numbers.map(|v| of_posterior(v, [narrow.low, narrow.high], logarithmic));
            rows.push(std::iter::once(name.clone()).chain(texts).collect());
        }
    }
    if observations > 1 {
        rows[0].insert(0, "observation".into());
        rows[1..].iter_mut().enumerate().for_each(|(i, row)| row.insert(0, (i / d).to_string()));
    }
    Ok(number_text::table(0, &rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_row_of_median_with_intervals_for_a_parameter() {
        let table = summary(&["a".into()], &[false], &[1.0, 3.0, 2.0], 1).unwrap();
        let words: Vec<Vec<&str>> = table.lines().map(|line| line.split("  ").map(str::trim).collect()).collect();
        let words = words.into_iter().map(|line| line.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>());
        let [header, row] = &words.collect::<Vec<_>>()[..] else { panic!("{table}") };
        assert_eq!(header[..], ["parameter", "median", "68 % low", "68 % high", "95 % low", "95 % high"]);
        assert_eq!(row[..], ["a", "2.00", "1.32", "2.68", "1.05", "2.95"]);
    }
}
