//! Priors on the command line, for sets whose files have no priors or other ones.

use flowglass::error::Error;
use flowglass::prior::Prior;
use serde_json::json;
use std::collections::BTreeMap;

/// The priors that the flags give.
#[derive(clap::Args)]
#[command(next_help_heading = "Priors, instead of the priors in the set")]
pub(crate) struct Priors {
    /// The prior of a parameter: uniform or log_uniform with its bounds; normal with mean and standard deviation;
    /// log_normal with mean and standard deviation of ln theta; or none. The flag may be given once for each parameter
    #[arg(long = "prior", value_name = "NAME=KIND:A:B")]
    priors: Vec<String>,
}

impl Priors {
    /// The priors, by the names of their parameters.
    pub(crate) fn given(&self) -> Result<BTreeMap<String, Prior>, Error> {
        let mut all = BTreeMap::new();
        for text in &self.priors {
            let (name, prior) = read(text)?;
            if all.insert(name, prior).is_some() {
                return Err(Error::option("prior", text, "one for each parameter"));
            }
        }
        Ok(all)
    }
}

/// The name and the prior in `NAME=KIND:A:B`. The name may have any characters, `=` and `:` too.
fn read(text: &str) -> Result<(String, Prior), Error> {
    const EXPECTED: &str = "NAME=KIND:A:B with the kind uniform, log_uniform, normal or log_normal and two numbers, or \
                            NAME=none";
    let refuse = || Error::option("prior", text, EXPECTED);
    let (name, words) = text.rsplit_once('=').ok_or_else(refuse)?;
    let (kind, numbers) = words.split_once(':').map_or((words, None), |(kind, numbers)| (kind, Some(numbers)));
    let prior = match numbers {
        None if kind == "none" => json!({ "kind": kind }),
        None => return Err(refuse()),
        Some(numbers) => {
            let numbers: Vec<f64> = numbers.split(':').map_while(|word| word.parse().ok()).collect();
            let [a, b] = numbers[..] else { return Err(refuse()) };
            // Each kind reads its own two fields and ignores the others.
            json!({ "kind": kind.replace('-', "_"), "low": a, "high": b, "mean": a, "std": b })
        }
    };
    let prior: Prior = serde_json::from_value(prior).map_err(|_| refuse())?;
    let prior =
        prior.validate(name).map_err(|e| Error::option("prior", text, format!("numbers that are a prior ({e})")))?;
    Ok((name.into(), prior))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_with_its_two_numbers() {
        let read = |text: &str| read(text).unwrap();
        assert_eq!(read("a=uniform:-1:1e3"), ("a".into(), Prior::Uniform { low: -1.0, high: 1e3 }));
        assert_eq!(read("a=log-uniform:1:2").1, Prior::LogUniform { low: 1.0, high: 2.0 });
        assert_eq!(read("a=normal:-1:2").1, Prior::Normal { mean: -1.0, std: 2.0 });
        assert_eq!(read("a=log_normal:0:1").1, Prior::LogNormal { mean: 0.0, std: 1.0 });
        assert_eq!(read("a=none").1, Prior::None);
    }

    #[test]
    fn a_name_may_have_the_characters_that_separate() {
        assert_eq!(read("log T=x:y=none").unwrap(), ("log T=x:y".into(), Prior::None));
    }

    #[test]
    fn a_text_that_is_not_a_prior_is_refused_as_it_was_given() {
        for text in
            ["a", "a=uniform", "a=uniform:1", "a=uniform:1:2:3", "a=uniform:1:b", "a=unifrm:1:2", "a=none:1:2:3"]
        {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(&format!("prior = {text}: expected NAME=KIND:A:B")), "{error}");
        }
        for text in ["a=uniform:2:1", "a=log_uniform:0:1", "a=normal:0:0", "a=uniform:nan:1"] {
            let error = read(text).unwrap_err();
            assert!(error.code() == "option" && error.to_string().contains(text), "{error}");
        }
        let twice = Priors { priors: vec!["a=none".into(), "a=uniform:0:1".into()] };
        assert!(twice.given().unwrap_err().to_string().contains("one for each parameter"));
    }
}
