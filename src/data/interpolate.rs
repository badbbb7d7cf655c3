//! Interpolation of a spectrum onto the grid of a model. It happens only on request, because it correlates the noise of
//! neighboring points, and the model assumes independent noise.

use super::Spectrum;
use crate::error::{Error, Result};

impl Spectrum {
    /// Interpolates this spectrum linearly onto `grid`, between visible neighbors. Uncertainties are interpolated too,
    /// as if the noise of both neighbors were the same. The new spectrum has no mask. A finer grid adds no information.
    /// A coarser grid drops the points in between; it does not average them.
    ///
    /// # Errors
    /// [`Error::Array`] for `wavelengths` if the spectrum has no grid, has fewer than two visible points, has two
    /// points at one wavelength, or does not reach from the first to the last point of `grid`. Nothing is extrapolated.
    pub fn interpolated(&self, grid: &[f64]) -> Result<Self> {
        let refuse = |message: String| Err(Error::array("wavelengths", message));
        let Some(own) = self.wavelengths.as_ref().filter(|own| own.len() == self.values.len()) else {
            return refuse("missing from the observation: without them it cannot be interpolated".into());
        };
        let visible = |i: &usize| self.mask.as_ref().is_none_or(|mask| mask.get(*i).is_none_or(|&m| m == 0));
        let mut order: Vec<usize> =
            (0..own.len()).filter(visible).filter(|&i| own[i].is_finite() && self.values[i].is_finite()).collect();
        order.sort_by(|&a, &b| own[a].total_cmp(&own[b]));
        if let Some(pair) = order.windows(2).find(|pair| own[pair[0]] == own[pair[1]]) {
            return refuse(format!("two points are at {}: expected one value at each wavelength", own[pair[0]]));
        }
        let (&[first, .., last], [low, .., high]) = (&order[..], grid) else {
            return refuse(format!("{} usable points: expected at least 2 to interpolate between", order.len()));
        };
        if own[first] > low.min(*high) || own[last] < low.max(*high) {
            let (from, to) = (own[first], own[last]);
            return refuse(format!("from {from} to {to}: expected at least {low} to {high}, the model's grid"));
        }
        let at = |of: &[f32], w: f64| {
            let right = order.partition_point(|&i| own[i] < w).clamp(1, order.len() - 1);
            let (a, b) = (order[right - 1], order[right]);
            let share = (w - own[a]) / (own[b] - own[a]);
            (f64::from(of[a]) + share * (f64::from(of[b]) - f64::from(of[a]))) as f32
        };
        let on_grid = |of: &[f32]| grid.iter().map(|&w| at(of, w)).collect::<Vec<_>>();
        let sigma = self.sigma.as_ref().filter(|sigma| sigma.len() == own.len());
        Ok(Self {
            values: on_grid(&self.values),
            sigma: sigma.map(|sigma| on_grid(sigma)),
            mask: None,
            wavelengths: Some(grid.to_vec()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Spectrum {
        let grid = vec![1.0, 2.0, 4.0, 5.0];
        Spectrum {
            values: grid.iter().map(|w| 3.0 * *w as f32 - 1.0).collect(),
            sigma: Some(vec![0.1, 0.2, 0.4, 0.1]),
            mask: None,
            wavelengths: Some(grid),
        }
    }

    #[test]
    fn a_straight_line_stays_straight() {
        let grid = [1.0, 1.5, 2.0, 3.0, 4.9, 5.0];
        let found = line().interpolated(&grid).unwrap();
        for (value, w) in found.values.iter().zip(grid) {
            assert!((f64::from(*value) - (3.0 * w - 1.0)).abs() < 1e-6, "{value} at {w}");
        }
        assert_eq!(found.sigma.unwrap()[2..4], [0.2, 0.3]);
        assert_eq!(found.wavelengths.unwrap(), grid);
    }

    #[test]
    fn on_its_own_grid_a_spectrum_stays_the_same() {
        let same = line().interpolated(&[1.0, 2.0, 4.0, 5.0]).unwrap();
        assert_eq!(same, line());
    }

    #[test]
    fn the_order_of_points_does_not_matter() {
        let mut reversed = line();
        reversed.values.reverse();
        reversed.sigma.as_mut().unwrap().reverse();
        reversed.wavelengths.as_mut().unwrap().reverse();
        assert_eq!(reversed.interpolated(&[1.2, 3.3]).unwrap(), line().interpolated(&[1.2, 3.3]).unwrap());
    }

    #[test]
    fn masked_points_are_bridged() {
        let mut masked = line();
        masked.values[1] = f32::NAN;
        masked.mask = Some(vec![0, 1, 0, 0]);
        let bridged = masked.interpolated(&[2.0, 5.0]).unwrap();
        assert!((bridged.values[0] - 5.0).abs() < 1e-6);
    }

    #[test]
    fn nothing_is_extrapolated() {
        let text = line().interpolated(&[0.9, 5.0]).unwrap_err().to_string();
        assert!(text.contains("from 1 to 5") && text.contains("0.9 to 5"), "{text}");
        assert!(line().interpolated(&[1.0, 5.1]).is_err());
    }

    #[test]
    fn a_spectrum_that_cannot_be_interpolated_is_refused() {
        assert!(Spectrum { wavelengths: None, ..line() }.interpolated(&[1.0, 2.0]).is_err());
        let twice = Spectrum { wavelengths: Some(vec![1.0, 2.0, 2.0, 5.0]), ..line() };
        assert!(twice.interpolated(&[1.0, 2.0]).unwrap_err().to_string().contains("two points are at 2"));
        let lone = Spectrum { mask: Some(vec![1, 1, 1, 0]), ..line() };
        assert!(lone.interpolated(&[5.0, 5.0]).unwrap_err().to_string().contains("1 usable"));
    }
}
