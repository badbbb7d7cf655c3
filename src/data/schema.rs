//! The schema of observations that a model reads, and the check of an observation against it.

use super::{Axis, Block, Observation, Photometry, Points, Spectrum};
use crate::error::{Error, Result, counted};
use serde::{Deserialize, Serialize};

/// Schema of the observations that a model reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObservationSchema {
    /// Number of points of a spectrum, W; 0 if the model reads only photometry.
    pub n_wavelengths: usize,
    /// Grid on which the model was trained, if the set had one, (W).
    pub wavelengths: Option<Vec<f64>>,
    /// Whether the model was trained with uncertainties.
    pub has_sigma: bool,
    /// Whether the model was trained with masks.
    pub has_mask: bool,
    /// Whether the training set had simulations without a spectrum, so that the model learned what its absence means.
    #[serde(default)]
    pub spectrum_may_be_absent: bool,
    /// Schema of the photometry, if the set had photometry.
    #[serde(default)]
    pub photometry: Option<PhotometrySchema>,
}

/// Schema of the photometry that a model reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhotometrySchema {
    /// Number of bands, F.
    pub n_bands: usize,
    /// Names or central wavelengths of the bands, if the set had them, (F).
    pub bands: Option<Axis>,
    /// Whether the model was trained with uncertainties.
    pub has_sigma: bool,
    /// Whether the model was trained with masks.
    pub has_mask: bool,
    /// Whether the training set had simulations without photometry.
    pub may_be_absent: bool,
}

/// The shape of a block as its encoder sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockShape {
    /// Number of points: W or F.
    pub points: usize,
    /// Whether there is an uncertainty channel.
    pub has_sigma: bool,
    /// Whether there is a mask channel.
    pub has_mask: bool,
    /// Whether the block may be absent.
    pub may_be_absent: bool,
}

impl BlockShape {
    /// Number of input channels of the encoder: values, then uncertainties and masks if the model was trained with
    /// them.
    pub fn channels(self) -> usize {
        1 + usize::from(self.has_sigma) + usize::from(self.has_mask)
    }
}

/// Largest difference between points of two equal grids, as a share of the mean step. Text files round wavelengths.
const GRID_TOLERANCE: f64 = 1e-2;
/// Largest relative difference between central wavelengths of the same band. Catalogs define the center differently,
/// and neighboring filters differ by more.
const BAND_TOLERANCE: f64 = 1e-2;

/// Names of the arrays of a block in messages: values, uncertainties, mask, and one point.
type Names = [&'static str; 4];
const SPECTRUM: Names = ["values", "sigma", "mask", "point"];
const PHOTOMETRY: Names = ["photometry", "photometry_sigma", "photometry_mask", "band"];

impl ObservationSchema {
    /// The shape of a block; `None` if the model does not read the block.
    pub fn shape(&self, block: Block) -> Option<BlockShape> {
        match (block, &self.photometry) {
            (Block::Spectrum, _) => (self.n_wavelengths > 0).then_some(BlockShape {
                points: self.n_wavelengths,
                has_sigma: self.has_sigma,
                has_mask: self.has_mask,
                may_be_absent: self.spectrum_may_be_absent,
            }),
            (Block::Photometry, photometry) => photometry.as_ref().map(|p| BlockShape {
                points: p.n_bands,
                has_sigma: p.has_sigma,
                has_mask: p.has_mask,
                may_be_absent: p.may_be_absent,
            }),
        }
    }

    /// Checks an observation against the schema. Masked points may hold anything, NaN included.
    ///
    /// # Errors
    /// [`Error::Array`] with the array, what came and what was expected. For a wrong grid or wrong bands it shows both.
    pub fn check(&self, observation: &Observation) -> Result<()> {
        if let Some(spectrum) = &observation.spectrum {
            self.check_spectrum(spectrum)?;
        }
        if let Some(photometry) = &observation.photometry {
            self.check_photometry(photometry)?;
        }
        self.check_absences(observation)?;
        if Block::ALL.iter().all(|&block| observation.points(block).is_none()) {
            let message = "no point of the observation is visible: expected one that is not masked";
            return Err(Error::array(self.names_of_first_block()[2], message));
        }
        Ok(())
    }

    /// Checks that the model was trained without each block that `observation` lacks.
    ///
    /// # Errors
    /// [`Error::Array`] with the name of the block.
    pub fn check_absences(&self, observation: &Observation) -> Result<()> {
        for (block, names) in [(Block::Spectrum, SPECTRUM), (Block::Photometry, PHOTOMETRY)] {
            let Some(shape) = self.shape(block) else { continue };
            if !shape.may_be_absent && observation.points(block).is_none() {
                let there = match block {
                    Block::Spectrum => observation.spectrum.is_some(),
                    Block::Photometry => observation.photometry.is_some(),
                };
                let came = if there { "wholly masked" } else { "missing" };
                let message = format!(
                    "{came}: this model expects {} of them, and no simulation that it was trained on lacked them all",
                    shape.points
                );
                return Err(Error::array(names[0], message));
            }
        }
        Ok(())
    }

    fn names_of_first_block(&self) -> Names {
        if self.n_wavelengths > 0 { SPECTRUM } else { PHOTOMETRY }
    }

    fn check_spectrum(&self, spectrum: &Spectrum) -> Result<()> {
        let Some(shape) = self.shape(Block::Spectrum) else {
            let came = counted(spectrum.values.len(), "point");
            let message = format!("{came} of a spectrum: this model was trained on photometry alone");
            return Err(Error::array(SPECTRUM[0], message));
        };
        let w = shape.points;
        let length = |name: &str, came: usize| {
            let grid = |g: &Option<Vec<f64>>| g.as_deref().map_or(String::new(), |g| format!(" ({})", describe(g)));
            let (theirs, ours) = (grid(&spectrum.wavelengths), grid(&self.wavelengths));
            let message = || format!("{}{theirs}: this model expects {w}{ours}", counted(came, "point"));
            if came == w { Ok(()) } else { Err(Error::array(name, message())) }
        };
        check_lengths(spectrum.points(), shape, SPECTRUM, length)?;
        if let (Some(ours), Some(theirs)) = (&self.wavelengths, &spectrum.wavelengths) {
            length("wavelengths", theirs.len())?;
            let tolerance = GRID_TOLERANCE * (ours[w - 1] - ours[0]).abs() / (w.max(2) - 1) as f64;
            let apart = |i: &usize| theirs[*i].is_nan() || (ours[*i] - theirs[*i]).abs() > tolerance;
            if let Some(i) = spectrum.points().visible().find(apart) {
                return Err(Error::array(
                    "wavelengths",
                    format!(
                        "the observation's grid ({}) is not the model's ({}): point {i} is {} there and {} here",
                        describe(theirs),
                        describe(ours),
                        theirs[i],
                        ours[i]
                    ),
                ));
            }
        }
        check_numbers(spectrum.points(), shape, SPECTRUM)
    }

    fn check_photometry(&self, photometry: &Photometry) -> Result<()> {
        let (Some(shape), Some(ours)) = (self.shape(Block::Photometry), &self.photometry) else {
            let came = counted(photometry.values.len(), "band");
            let message = format!("{came}: this model was trained without photometry");
            return Err(Error::array(PHOTOMETRY[0], message));
        };
        let words = |b: &Option<Axis>| b.as_ref().map_or(String::new(), |b| format!(" ({})", b.words().join(", ")));
        let (theirs, expected) = (words(&photometry.bands), words(&ours.bands));
        let length = |name: &str, came: usize| {
            let message = || {
                let came = counted(came, "band");
                format!("{came}{theirs}: this model expects {}{expected}", shape.points)
            };
            if came == shape.points { Ok(()) } else { Err(Error::array(name, message())) }
        };
        check_lengths(photometry.points(), shape, PHOTOMETRY, length)?;
        if let (Some(ours), Some(came)) = (&ours.bands, &photometry.bands) {
            length("bands", came.len())?;
            if !same_bands(ours, came) {
                let message = format!("the observation's bands are{theirs}, the model's, in this order,{expected}");
                return Err(Error::array("bands", message));
            }
        }
        check_numbers(photometry.points(), shape, PHOTOMETRY)
    }
}

/// Checks that every array has as many points as the schema, before points are compared one by one, and that masks and
/// uncertainties are those that the model was trained with.
fn check_lengths(
    points: Points<'_>,
    shape: BlockShape,
    names: Names,
    length: impl Fn(&str, usize) -> Result<()>,
) -> Result<()> {
    let [values, sigma, mask, point] = names;
    length(values, points.values.len())?;
    if let Some(mask_values) = points.mask {
        length(mask, mask_values.len())?;
        if !shape.has_mask && mask_values.iter().any(|&m| m != 0) {
            let message = format!("{point}s are masked, but this model was trained without masks");
            return Err(Error::array(mask, message));
        }
    }
    match (points.sigma, shape.has_sigma) {
        (None, true) => {
            let message = format!("missing: this model expects {}", counted(shape.points, "uncertainty"));
            Err(Error::array(sigma, message))
        }
        (Some(sigmas), true) => length(sigma, sigmas.len()),
        (_, false) => Ok(()),
    }
}

/// Checks that the visible values and uncertainties are finite, and that uncertainties are not negative.
fn check_numbers(points: Points<'_>, shape: BlockShape, names: Names) -> Result<()> {
    let [values, sigma, _, point] = names;
    if let Some(i) = points.visible().find(|&i| !points.values[i].is_finite()) {
        let message = format!("{point} {i} is {}: expected a finite number", points.values[i]);
        return Err(Error::array(values, message));
    }
    if let (Some(sigmas), true) = (points.sigma, shape.has_sigma)
        && let Some(i) = points.visible().find(|&i| !sigmas[i].is_finite() || sigmas[i] < 0.0)
    {
        return Err(Error::array(sigma, format!("{point} {i} is {}: expected a number >= 0", sigmas[i])));
    }
    Ok(())
}

/// Whether two lists of bands are the same, in the same order: names must be equal, central wavelengths close.
fn same_bands(ours: &Axis, theirs: &Axis) -> bool {
    match (ours, theirs) {
        (Axis::Names(ours), Axis::Names(theirs)) => ours == theirs,
        (Axis::Wavelengths(ours), Axis::Wavelengths(theirs)) => {
            ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() <= BAND_TOLERANCE * a.abs())
        }
        _ => false,
    }
}

/// Describes a grid in a few words, for messages.
fn describe(grid: &[f64]) -> String {
    match grid {
        [] => "empty".into(),
        [one] => format!("1 point at {one}"),
        [first, .., last] => format!("{} points from {first} to {last}", grid.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(absent: [bool; 2]) -> ObservationSchema {
        ObservationSchema {
            n_wavelengths: 2,
            wavelengths: Some(vec![1.0, 2.0]),
            has_sigma: false,
            has_mask: true,
            spectrum_may_be_absent: absent[0],
            photometry: Some(PhotometrySchema {
                n_bands: 2,
                bands: Some(Axis::Names(vec!["J".into(), "K".into()])),
                has_sigma: true,
                has_mask: true,
                may_be_absent: absent[1],
            }),
        }
    }

    fn spectrum() -> Spectrum {
        Spectrum { values: vec![1.0, 2.0], mask: Some(vec![0, 0]), wavelengths: Some(vec![1.0, 2.0]), sigma: None }
    }

    fn photometry() -> Photometry {
        Photometry {
            values: vec![3.0, 4.0],
            sigma: Some(vec![0.1; 2]),
            mask: Some(vec![0, 0]),
            bands: Some(Axis::Names(vec!["J".into(), "K".into()])),
        }
    }

    fn refusal(schema: &ObservationSchema, observation: Observation) -> String {
        schema.check(&observation).expect_err("it was accepted").to_string()
    }

    #[test]
    fn wrong_bands_are_refused_with_both_lists() {
        let with = |photometry: Photometry| Observation { spectrum: Some(spectrum()), photometry: Some(photometry) };
        let schema = schema([false; 2]);
        schema.check(&with(photometry())).unwrap();
        let names = |words: &[&str]| Some(Axis::Names(words.iter().map(ToString::to_string).collect()));
        let swapped = refusal(&schema, with(Photometry { bands: names(&["K", "J"]), ..photometry() }));
        assert!(swapped.contains("(K, J)") && swapped.contains("(J, K)"), "{swapped}");
        let three = Photometry { values: vec![1.0; 3], bands: names(&["J", "H", "K"]), ..photometry() };
        let three = refusal(&schema, with(three));
        assert!(three.contains("3 bands (J, H, K)") && three.contains("expects 2 (J, K)"), "{three}");
        let centers = Photometry { bands: Some(Axis::Wavelengths(vec![1.25, 2.2])), ..photometry() };
        let centers = refusal(&schema, with(centers));
        assert!(centers.contains("(1.25, 2.2)") && centers.contains("(J, K)"), "{centers}");
        assert!(refusal(&schema, with(Photometry { sigma: None, ..photometry() })).contains("photometry_sigma"));
        let nan = Photometry { values: vec![1.0, f32::NAN], ..photometry() };
        assert!(refusal(&schema, with(nan)).contains("'photometry': band 1 is NaN"));
    }

    #[test]
    fn central_wavelengths_are_compared_as_catalogs_round() {
        let mut schema = schema([false; 2]);
        schema.photometry.as_mut().unwrap().bands = Some(Axis::Wavelengths(vec![1.248, 2.2]));
        let with = |centers: [f64; 2]| Observation {
            spectrum: Some(spectrum()),
            photometry: Some(Photometry { bands: Some(Axis::Wavelengths(centers.into())), ..photometry() }),
        };
        schema.check(&with([1.25, 2.19])).unwrap();
        assert!(refusal(&schema, with([1.25, f64::NAN])).contains("(1.25, NaN)"));
        assert!(refusal(&schema, with([1.25, 2.3])).contains("(1.248, 2.2)"));
    }

    #[test]
    fn a_block_may_be_absent_only_if_it_was_absent_in_training() {
        let masked = Spectrum { values: vec![f32::NAN; 2], mask: Some(vec![1; 2]), ..spectrum() };
        for (absent, observation, refused) in [
            ([false, false], Observation::from(spectrum()), Some("'photometry': missing")),
            ([true, false], spectrum().into(), Some("'photometry': missing")),
            ([false, true], spectrum().into(), None),
            ([false, true], photometry().into(), Some("'values': missing")),
            ([true, false], photometry().into(), None),
            ([true, true], Observation::default(), Some("no point")),
            (
                [false, true],
                Observation { spectrum: Some(masked.clone()), photometry: Some(photometry()) },
                Some("'values': wholly masked"),
            ),
            ([true, false], Observation { spectrum: Some(masked), photometry: Some(photometry()) }, None),
        ] {
            let result = schema(absent).check(&observation).map_err(|e| e.to_string());
            match refused {
                None => assert_eq!(result, Ok(()), "{absent:?}"),
                Some(words) => assert!(result.as_ref().is_err_and(|e| e.contains(words)), "{absent:?} {result:?}"),
            }
        }
    }

    #[test]
    fn a_block_that_the_model_does_not_read_is_refused() {
        let without = ObservationSchema { photometry: None, ..schema([false; 2]) };
        let both = Observation { spectrum: Some(spectrum()), photometry: Some(photometry()) };
        assert!(refusal(&without, both.clone()).contains("trained without photometry"));
        let alone = ObservationSchema { n_wavelengths: 0, wavelengths: None, ..schema([false; 2]) };
        assert!(refusal(&alone, both).contains("photometry alone"));
        alone.check(&photometry().into()).unwrap();
    }

    #[test]
    fn arrays_of_the_wrong_length_are_refused() {
        let without_masks = ObservationSchema { has_mask: false, photometry: None, ..schema([false; 2]) };
        for mask in [vec![], vec![0], vec![0; 3]] {
            let message = refusal(&without_masks, Spectrum { mask: Some(mask), ..spectrum() }.into());
            assert!(message.contains("'mask'") && message.contains("expects 2"), "{message}");
        }
    }

    #[test]
    fn a_masked_point_may_have_any_wavelength() {
        let schema = ObservationSchema { photometry: None, ..schema([false; 2]) };
        let odd = Spectrum { wavelengths: Some(vec![1.0, f64::NAN]), ..spectrum() };
        assert!(refusal(&schema, odd.clone().into()).contains("point 1"));
        schema.check(&Spectrum { mask: Some(vec![0, 1]), ..odd }.into()).unwrap();
    }
}
