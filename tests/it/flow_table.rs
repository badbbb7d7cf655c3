//! The table of flows for tests of their properties. It has every family, base and size, with weights far from the
//! identity.

use crate::models::{model, observation, randomized, small};
use burn::tensor::{Device, Tensor, TensorData};
use flowglass::flow::{AutoregressiveTransform, BaseDistribution};
use flowglass::options::Config;
use flowglass::posterior::Posterior;
use flowglass::prior::Prior;
use flowglass::random::{Purpose, Random};
use flowglass::space::SpaceKind;

/// One row of the table.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    pub(crate) d: usize,
    pub(crate) config: Config,
    /// Standard deviation of the random weights. Larger weights make single slopes of 1000 and more, and a round trip
    /// loses that factor in f32. Then the test would only measure how badly conditioned the numbers are.
    pub(crate) std: f32,
}

/// All families and transforms, with the standard deviation of their random weights.
pub(crate) fn families() -> Vec<(Config, f32)> {
    let affine = AutoregressiveTransform::Affine;
    vec![
        (Config::spline(), 0.2),
        (Config::affine(), 0.1),
        (Config::autoregressive(), 0.2),
        (Config { autoregressive_transform: affine, ..Config::autoregressive() }, 0.1),
        (Config::neural_autoregressive(), 0.2),
    ]
}

pub(crate) const BASES: [BaseDistribution; 3] =
    [BaseDistribution::Gaussian, BaseDistribution::Logistic, BaseDistribution::StudentT];

/// Every family, transform, base, with and without `use_base_affine`, in `dims` dimensions.
pub(crate) fn table(dims: &[usize]) -> Vec<Flow> {
    let mut flows = Vec::new();
    for (config, std) in families() {
        for &d in dims {
            for base_distribution in BASES {
                for use_base_affine in [false, true] {
                    let sizes =
                        Config { hidden_dim: d.max(16), num_coupling_layers: if d > 7 { 2 } else { 3 }, ..small() };
                    let Config { hidden_dim, num_coupling_layers, embedding_dim, spectrum_embedding_dim, .. } = sizes;
                    let config = Config {
                        base_distribution,
                        use_base_affine,
                        hidden_dim,
                        num_coupling_layers,
                        embedding_dim,
                        spectrum_embedding_dim,
                        parameter_space: SpaceKind::Unconstrained,
                        ..config.clone()
                    };
                    // The sums in the conditioners grow with D, so the weights must be smaller.
                    flows.push(Flow { d, config, std: if d > 7 { 0.3 * std } else { std } });
                }
            }
        }
    }
    flows
}

/// Flows for tests of the maps. The maps know nothing of the base, so one base is enough. Splines of several sizes are
/// added.
pub(crate) fn maps(dims: &[usize]) -> Vec<Flow> {
    let mut flows = table(dims);
    flows.retain(|flow| flow.config.base_distribution == BaseDistribution::Gaussian);
    // D, layers, bins, bound.
    for (d, layers, bins, bound) in [(1, 1, 8, 10.0), (1, 3, 4, 3.0), (2, 4, 8, 10.0), (3, 4, 5, 5.0), (5, 6, 2, 2.0)] {
        for (config, std) in [&families()[0], &families()[2]] {
            let config = Config {
                num_coupling_layers: layers,
                num_spline_bins: bins,
                spline_bound: bound,
                flow_family: config.flow_family,
                ..small()
            };
            flows.push(Flow { d, config, std: *std });
        }
    }
    flows
}

impl Flow {
    pub(crate) fn start_on(&self, device: &Device) -> Posterior {
        let priors = vec![Prior::Uniform { low: 0.0, high: 1.0 }; self.d];
        model(self.config.clone(), priors, &vec![0.5; self.d], device)
    }

    pub(crate) fn start(&self) -> Posterior {
        self.start_on(&Device::flex())
    }

    pub(crate) fn random(&self) -> Posterior {
        randomized(self.start(), self.std, 8)
    }

    pub(crate) fn bound(&self) -> f64 {
        self.config.spline_bound
    }

    pub(crate) fn name(&self) -> String {
        let c = &self.config;
        let (family, transform) = (c.flow_family, c.autoregressive_transform);
        let base = (c.base_distribution, c.use_base_affine);
        format!("{}-D {family:?} {transform:?} {base:?} {} layers", self.d, c.num_coupling_layers)
    }
}

pub(crate) fn tensor(values: Vec<f32>, d: usize) -> Tensor<2> {
    let n = values.len() / d;
    Tensor::from_data(TensorData::new(values, [n, d]), &Device::flex())
}

/// Rows where something could break: the edges of even bins, the bound, one step of f32 to either side of the bound,
/// numbers beyond it, and the cube's margin (±13.8). Each number stands alone in one dimension with normal numbers in
/// the others, and in all dimensions at once.
pub(crate) fn rows(flow: &Flow) -> Tensor<2> {
    let (d, bins, b) = (flow.d, flow.config.num_spline_bins, flow.bound() as f32);
    let mut special: Vec<f32> = (0..=bins).map(|i| -b + 2.0 * b * i as f32 / bins as f32).collect();
    special.extend([0.0, 0.5 * b, b.next_up(), b.next_down(), -b.next_up(), -b.next_down(), 1.5 * b, -1.5 * b]);
    special.extend([13.8, -13.8]);
    let mut random = Random::new(3, Purpose::Sampling(0));
    let mut values = Vec::new();
    for &s in &special {
        values.extend(vec![s; d]);
        for j in (0..d).step_by(d.div_ceil(7)) {
            let mut row: Vec<f32> = random.normal(d).into_iter().map(|v| v * b / 3.0).collect();
            row[j] = s;
            values.extend(row);
        }
    }
    values.extend(random.normal(20 * d).into_iter().map(|v| v * b / 3.0));
    tensor(values, d)
}

pub(crate) fn embedding(posterior: &Posterior) -> Tensor<2> {
    posterior.encode_observation(&observation(2)).unwrap()
}

/// The largest difference in units of the larger of the bound and |x|.
pub(crate) fn relative(a: &[f32], b: &[f32], bound: f64) -> f64 {
    let worst = |(a, b): (&f32, &f32)| {
        let off = f64::from((a - b).abs()) / bound.max(f64::from(b.abs()));
        if off.is_finite() { off } else { f64::INFINITY }
    };
    a.iter().zip(b).map(worst).fold(0.0, f64::max)
}
