//! On the CPU, training runs all coupling layers as one operation. Its values and gradients must be those of the layers
//! run one by one.

#![allow(deprecated, reason = "the device of browsers without SIMD, until burn 0.23 drops it")]

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use flowglass::flow::{Flow, FlowConfig, FlowFamily};
use flowglass::random::{Purpose, Random};

const E: usize = 5;

fn matrix(values: &[f32], rows: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), [rows, values.len() / rows]), device)
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

/// Fills a flow with weights, in order, as leaves.
struct Fill<'a>(&'a [f32]);

impl ModuleMapper for Fill<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let value = param.val();
        let (now, later) = self.0.split_at(value.shape().num_elements());
        self.0 = later;
        let value = Tensor::from_data(TensorData::new(now.to_vec(), value.shape()), &value.device());
        Param::initialized(param.id, value.autodiff().require_grad())
    }
}

struct Collect<'a>(&'a mut Gradients, Vec<f32>);

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.1.extend(numbers(param.val().grad_remove(self.0).expect("it has a gradient")));
    }
}

/// z, log-determinant, and the gradients of a weighted sum of both with respect to x, embedding and all weights.
fn through(config: &FlowConfig, [batch, n]: [usize; 2], packs: bool, device: &Device) -> [Vec<f32>; 5] {
    let (mut random, rows, dim) = (Random::new(3, Purpose::Sampling(0)), batch * n, config.parameter_dim);
    let flow = Flow::init(config, &mut Random::new(1, Purpose::Initialization), device);
    let count = flow.num_params();
    let weights: Vec<f32> = random.normal(count).into_iter().map(|v| v / (config.hidden_dim as f32).sqrt()).collect();
    let flow = flow.map(&mut Fill(&weights));
    let flat = Tensor::<1>::from_data(TensorData::new(weights, [count]), device).autodiff().require_grad();
    let flow = if packs { flow.pack(flat) } else { flow };
    assert_eq!(flow.packed().is_some(), packs);
    let tracked = device.clone().autodiff();
    let x = matrix(&random.normal(rows * dim), rows, &tracked).require_grad();
    let embedding = matrix(&random.normal(batch * E), batch, &tracked).require_grad();
    let (z, log_det) = flow.forward(x.clone(), embedding.clone());
    let (a, b) = (matrix(&random.normal(rows * dim), rows, &tracked), matrix(&random.normal(rows), rows, &tracked));
    let mut gradients = ((z.clone() * a).sum() + (log_det.clone() * b.reshape([rows])).sum()).backward();
    let [by_x, by_embedding] = [&x, &embedding].map(|t| numbers(t.grad(&gradients).expect("it has a gradient")));
    let by_weights = match flow.packed() {
        Some(packed) => numbers(packed.grad_remove(&mut gradients).expect("it has a gradient")),
        None => {
            let mut collect = Collect(&mut gradients, vec![]);
            flow.visit(&mut collect);
            collect.1
        }
    };
    [numbers(z.inner()), numbers(log_det.inner()), by_x, by_embedding, by_weights]
}

#[test]
fn coupling_layers_run_at_once_agree_with_layers_run_one_by_one() {
    use FlowFamily::{Affine, Spline};
    let mut worst = 0.0_f32;
    let devices = [
        Device::flex(),
        #[cfg(feature = "ndarray")]
        Device::ndarray(),
    ];
    for device in devices {
        // Columns: D, layers, width, depth, family, whether the base moves, and observations and rows of each. The
        // cases: nothing is kept; one hidden layer; several rows of an observation; enough observations for several
        // threads, and numbers that threads cannot share evenly; hundreds of rows, more than one sum takes.
        for (dim, layers, width, depth, family, base, rows) in [
            (1, 2, 7, 1, Spline, false, [1, 1]),
            (3, 3, 9, 3, Spline, false, [5, 1]),
            (7, 8, 32, 2, Spline, false, [33, 1]),
            (4, 2, 20, 2, Spline, true, [3, 7]),
            (5, 3, 16, 2, Spline, false, [17, 3]),
            (2, 2, 16, 1, Affine, false, [600, 1]),
            (5, 4, 24, 2, Affine, true, [40, 2]),
        ] {
            let config = FlowConfig {
                parameter_dim: dim,
                embedding_dim: E,
                flow_family: family,
                num_coupling_layers: layers,
                hidden_dim: width,
                conditioner_depth: depth,
                use_base_affine: base,
                ..flowglass::options::Config::default().flow(dim)
            };
            let [one, by_one] = [true, false].map(|packs| through(&config, rows, packs, &device));
            let what = ["z", "log_det", "by x", "by embedding", "by weights"];
            for ((one, by_one), what) in one.iter().zip(&by_one).zip(what) {
                assert_eq!(one.len(), by_one.len());
                // Relative to the largest number, because sums over rows and units lose digits against their terms.
                let size = by_one.iter().fold(1.0_f32, |most, v| most.max(v.abs()));
                for (one, by_one) in one.iter().zip(by_one) {
                    let off = (one - by_one).abs() / size;
                    worst = worst.max(off);
                    // Sums in another order in f32, through up to eight layers. Measured: 1.3e-6.
                    assert!(off < 2e-5, "{what} of {config:?}, {rows:?}: {one} and {by_one}");
                }
            }
        }
    }
    println!("farthest apart, relative to the largest: {worst:.1e}");
    assert!(worst > 0.0, "both are computed by the same code");
}

#[test]
#[should_panic(expected = "the inverse of packed layers has no gradient")]
fn the_inverse_of_packed_layers_with_tracked_weights_panics() {
    let (device, config) = (Device::flex(), flowglass::options::Config::default().flow(3));
    let flow = Flow::init(&config, &mut Random::new(1, Purpose::Initialization), &device);
    let flat = Tensor::<1>::zeros([flow.num_params()], &device).autodiff().require_grad();
    let tracked = device.autodiff();
    let [z, embedding] = [3, config.embedding_dim].map(|columns| Tensor::<2>::zeros([2, columns], &tracked));
    flow.pack(flat).inverse(z, embedding);
}
