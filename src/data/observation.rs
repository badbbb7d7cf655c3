//! One observation: a spectrum, photometry, or both.

use serde::{Deserialize, Serialize};

/// One observed or simulated spectrum (or any vector of W data).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Spectrum {
    /// Values, (W).
    pub values: Vec<f32>,
    /// Uncertainties in the units of `values`, (W).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma: Option<Vec<f32>>,
    /// 1 where a point is masked (ignored), as in numpy.ma, (W).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<Vec<u8>>,
    /// The grid, in the units of the training set, (W).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wavelengths: Option<Vec<f64>>,
}

/// The coordinate of the points of a block: the grid of a spectrum, (W), or the bands of photometry, (F).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Axis {
    /// Names of the points, such as J and K for two bands.
    Names(Vec<String>),
    /// Central wavelengths, in the units of the training set.
    Wavelengths(Vec<f64>),
}

impl Axis {
    /// Number of points.
    pub fn len(&self) -> usize {
        match self {
            Self::Names(names) => names.len(),
            Self::Wavelengths(centers) => centers.len(),
        }
    }

    /// Whether there are no points.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One word for every point.
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Names(names) => names.clone(),
            Self::Wavelengths(centers) => centers.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Photometry in F bands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Photometry {
    /// Values, (F).
    pub values: Vec<f32>,
    /// Uncertainties in the units of `values`, (F).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma: Option<Vec<f32>>,
    /// 1 where a band is masked (ignored), as in numpy.ma, (F).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<Vec<u8>>,
    /// Names or central wavelengths of the bands, (F).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bands: Option<Axis>,
}

/// One observation. In JSON and JavaScript, the fields of the spectrum are fields of the observation, beside
/// `photometry`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Observation {
    /// The spectrum, if there is one.
    #[serde(flatten)]
    pub spectrum: Option<Spectrum>,
    /// The photometry, if there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photometry: Option<Photometry>,
}

/// The kinds of blocks that an observation is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// Values on a grid of wavelengths.
    Spectrum,
    /// Values in bands.
    Photometry,
}

impl Block {
    /// Every kind of block.
    pub const ALL: [Self; 2] = [Self::Spectrum, Self::Photometry];

    /// The name of the block in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spectrum => "spectrum",
            Self::Photometry => "photometry",
        }
    }
}

/// Values of a block of either kind, with their uncertainties and mask.
#[derive(Debug, Clone, Copy)]
pub struct Points<'a> {
    /// One value per point.
    pub values: &'a [f32],
    /// One uncertainty per point.
    pub sigma: Option<&'a [f32]>,
    /// 1 where a point is masked.
    pub mask: Option<&'a [u8]>,
}

impl<'a> Points<'a> {
    /// Whether point `i` is masked.
    pub fn is_masked(self, i: usize) -> bool {
        self.mask.is_some_and(|mask| mask.get(i).is_some_and(|&m| m != 0))
    }

    /// Iterates over the points that are not masked. All code that reads a block uses this iterator, so the value and
    /// the uncertainty of a masked point cannot matter.
    pub fn visible(self) -> impl Iterator<Item = usize> + 'a {
        (0..self.values.len()).filter(move |&i| !self.is_masked(i))
    }
}

impl Observation {
    /// The points of a block; `None` if the block is absent. A wholly masked block counts as absent.
    pub fn points(&self, block: Block) -> Option<Points<'_>> {
        let points = match block {
            Block::Spectrum => self.spectrum.as_ref().map(Spectrum::points),
            Block::Photometry => self.photometry.as_ref().map(Photometry::points),
        };
        points.filter(|points| points.visible().next().is_some())
    }

    /// Sets masked points to zero. They may hold NaN, and JSON has no NaN.
    pub fn without_masked(mut self) -> Self {
        if let Some(Spectrum { values, sigma, mask: Some(mask), .. }) = &mut self.spectrum {
            clear(values, sigma, mask);
        }
        if let Some(Photometry { values, sigma, mask: Some(mask), .. }) = &mut self.photometry {
            clear(values, sigma, mask);
        }
        self
    }
}

fn clear(values: &mut [f32], sigma: &mut Option<Vec<f32>>, mask: &[u8]) {
    let zero = |numbers: &mut [f32]| {
        numbers.iter_mut().zip(mask).filter(|(_, m)| **m != 0).for_each(|(v, _)| *v = 0.0);
    };
    zero(values);
    if let Some(sigma) = sigma {
        zero(sigma);
    }
}

impl Spectrum {
    /// Values, uncertainties and mask, without the grid.
    pub fn points(&self) -> Points<'_> {
        Points { values: &self.values, sigma: self.sigma.as_deref(), mask: self.mask.as_deref() }
    }
}

impl Photometry {
    /// Values, uncertainties and mask, without the bands.
    pub fn points(&self) -> Points<'_> {
        Points { values: &self.values, sigma: self.sigma.as_deref(), mask: self.mask.as_deref() }
    }
}

impl From<Spectrum> for Observation {
    fn from(spectrum: Spectrum) -> Self {
        Self { spectrum: Some(spectrum), photometry: None }
    }
}

impl From<Photometry> for Observation {
    fn from(photometry: Photometry) -> Self {
        Self { spectrum: None, photometry: Some(photometry) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_the_spectrum_flat_and_photometry_beside_it() {
        let photometry =
            Photometry { values: vec![3.0], bands: Some(Axis::Names(vec!["K".into()])), ..Photometry::default() };
        let spectrum = Spectrum { values: vec![1.0, 2.0], ..Spectrum::default() };
        let both = Observation { spectrum: Some(spectrum.clone()), photometry: Some(photometry.clone()) };
        let text = r#"{"values":[1.0,2.0],"photometry":{"values":[3.0],"bands":["K"]}}"#;
        assert_eq!(serde_json::to_string(&both).unwrap(), text);
        for observation in [both, spectrum.into(), photometry.into(), Observation::default()] {
            let text = serde_json::to_string(&observation).unwrap();
            assert_eq!(serde_json::from_str::<Observation>(&text).unwrap(), observation, "{text}");
        }
        let centers: Axis = serde_json::from_str("[1.25, 2.2]").unwrap();
        assert_eq!(centers, Axis::Wavelengths(vec![1.25, 2.2]));
    }

    #[test]
    fn a_wholly_masked_block_has_no_points() {
        let of = |mask: &[u8]| {
            Observation::from(Spectrum { values: vec![1.0; 2], mask: Some(mask.into()), ..Spectrum::default() })
        };
        assert!(of(&[1, 7]).points(Block::Spectrum).is_none());
        assert_eq!(of(&[1, 0]).points(Block::Spectrum).unwrap().visible().collect::<Vec<_>>(), [1]);
        assert!(of(&[0, 0]).points(Block::Photometry).is_none());
    }
}
