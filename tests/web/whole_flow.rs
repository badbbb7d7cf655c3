//! All layers of a flow in one operation on the GPU compared with layers that run one by one on the CPU (flex).

use crate::kernels::{agree, matrix, numbers};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use flowglass::flow::{AutoregressiveTransform, BaseDistribution, Flow, FlowConfig, FlowFamily};
use flowglass::kernels::monotone_network::NetworkShape;
use flowglass::kernels::spline::SplineShape;
use flowglass::random::{Purpose, Random};
use wasm_bindgen_test::wasm_bindgen_test;

/// The sizes of a flow.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    dim: usize,
    layers: usize,
    width: usize,
    depth: usize,
    map: Map,
    /// Whether an affine base follows the layers.
    base: bool,
}

/// The layers of a flow, and the map of each dimension.
#[derive(Debug, Clone, Copy)]
enum Map {
    /// Coupling layers with splines of this many bins.
    Spline(usize),
    /// Coupling layers with shift and scale.
    Affine,
    /// Autoregressive layers with splines of this many bins.
    AutoregressiveSpline(usize),
    /// Autoregressive layers with shift and scale.
    AutoregressiveAffine,
    /// Autoregressive layers with monotone networks of this many units.
    Tanh(usize),
}

fn flow(sizes: Sizes, embedding: usize, device: &Device) -> Flow {
    let (bins, units) = match sizes.map {
        Map::Spline(bins) | Map::AutoregressiveSpline(bins) => (bins, 1),
        Map::Tanh(units) => (2, units),
        Map::Affine | Map::AutoregressiveAffine => (2, 1),
    };
    let config = FlowConfig {
        parameter_dim: sizes.dim,
        embedding_dim: embedding,
        flow_family: match sizes.map {
            Map::Spline(_) => FlowFamily::Spline,
            Map::Affine => FlowFamily::Affine,
            Map::AutoregressiveSpline(_) | Map::AutoregressiveAffine => FlowFamily::Autoregressive,
            Map::Tanh(_) => FlowFamily::NeuralAutoregressive,
        },
        num_coupling_layers: sizes.layers,
        hidden_dim: sizes.width,
        conditioner_depth: sizes.depth,
        spline: SplineShape::new(bins, 3.0),
        autoregressive_transform: match sizes.map {
            Map::AutoregressiveAffine => AutoregressiveTransform::Affine,
            _ => AutoregressiveTransform::Spline,
        },
        neural: NetworkShape { units, min_slope: 1e-3, min_residual: 0.05, bisection_steps: 48 },
        base_distribution: BaseDistribution::default(),
        use_base_affine: sizes.base,
        seed: 0,
    };
    Flow::init(&config, &mut Random::new(1, Purpose::Initialization), device)
}

/// Fills a flow with weights, in order. The flag says whether they are tracked by autodiff.
struct Fill<'a>(&'a [f32], bool);

impl ModuleMapper for Fill<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let value = param.val();
        let (now, later) = self.0.split_at(value.shape().num_elements());
        self.0 = later;
        let value = Tensor::from_data(TensorData::new(now.to_vec(), value.shape()), &value.device());
        Param::initialized(param.id, if self.1 { value.autodiff().require_grad() } else { value })
    }
}

/// The forward and the inverse pass of a flow, and the gradients of a weighted sum of z and the log-determinant with
/// respect to x, the embedding and all weights. On a GPU all layers run in one operation if they `fit`; on the CPU they
/// run one by one.
async fn through(sizes: Sizes, [batch, n]: [usize; 2], fit: bool, device: &Device) -> Vec<f32> {
    const E: usize = 5;
    struct Collect<'a>(&'a mut burn::tensor::Gradients, Vec<Tensor<1>>);
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.1.push(param.val().grad_remove(self.0).expect("it has a gradient").flatten(0, D - 1));
        }
    }
    let (mut random, rows) = (Random::new(3, Purpose::Sampling(0)), batch * n);
    let of_device = flow(sizes, E, device);
    let count = of_device.num_params();
    let scale = 1.0 / (sizes.width.max(sizes.dim) as f32).sqrt();
    let weights: Vec<f32> = random.normal(count).into_iter().map(|v| scale * v).collect();
    let flat = Tensor::<1>::from_data(TensorData::new(weights.clone(), [count]), device);
    let of_device = of_device.map(&mut Fill(&weights, true)).pack(flat.clone().autodiff().require_grad());
    let tracked = device.clone().autodiff();
    let x = matrix(&random.normal(rows * sizes.dim), rows, &tracked).require_grad();
    let embedding = matrix(&random.normal(batch * E), batch, &tracked).require_grad();
    let (z, log_det) = of_device.forward(x.clone(), embedding.clone());
    let (a, b) =
        (matrix(&random.normal(rows * sizes.dim), rows, &tracked), matrix(&random.normal(rows), rows, &tracked));
    let mut gradients = ((z.clone() * a).sum() + (log_det.clone() * b.reshape([rows])).sum()).backward();
    let mut all = vec![z.clone().inner().flatten(0, 1), log_det.inner()];
    for t in [&x, &embedding] {
        all.push(t.grad(&gradients).expect("it has a gradient").flatten(0, 1));
    }
    match of_device.packed() {
        Some(packed) => all.push(packed.grad_remove(&mut gradients).expect("it has a gradient")),
        None => {
            let mut collect = Collect(&mut gradients, vec![]);
            of_device.visit(&mut collect);
            all.extend(collect.1);
        }
    }
    let back = flow(sizes, E, device).map(&mut Fill(&weights, false)).pack(flat);
    assert_eq!(back.packed().is_some(), fit && format!("{device:?}").contains("Cube"), "{device:?}");
    let (x, log_det) = back.inverse(z.clone().inner(), embedding.clone().inner());
    let draws = back.draw(z.inner(), embedding.inner());
    all.extend([x.flatten(0, 1), log_det, draws.flatten(0, 1)]);
    numbers(Tensor::cat(all, 0)).await
}

#[wasm_bindgen_test]
async fn coupling_layers_run_at_once_agree_with_layers_run_one_by_one() {
    let cases = [
        // One dimension, so that no dimension is kept; one hidden layer; a single row.
        (Sizes { dim: 1, layers: 2, width: 7, depth: 1, map: Map::Spline(4), base: false }, [1, 1]),
        (Sizes { dim: 3, layers: 3, width: 9, depth: 3, map: Map::Spline(5), base: false }, [5, 1]),
        // Several rows per observation, more hidden units than a workgroup has units, and a last workgroup with few
        // rows.
        (Sizes { dim: 7, layers: 4, width: 150, depth: 2, map: Map::Spline(8), base: false }, [3, 175]),
        // Layers so wide that fewer rows, or only one, fit into a workgroup; many dimensions; more parameters than
        // units.
        (Sizes { dim: 4, layers: 2, width: 700, depth: 1, map: Map::Spline(8), base: false }, [1, 1030]),
        (Sizes { dim: 3, layers: 2, width: 1500, depth: 1, map: Map::Spline(4), base: false }, [2, 33]),
        (Sizes { dim: 32, layers: 2, width: 512, depth: 2, map: Map::Spline(8), base: false }, [2, 3]),
        (Sizes { dim: 33, layers: 2, width: 40, depth: 2, map: Map::Spline(8), base: false }, [2, 35]),
        (Sizes { dim: 1, layers: 3, width: 7, depth: 2, map: Map::Affine, base: false }, [3, 1]),
        (Sizes { dim: 7, layers: 4, width: 150, depth: 2, map: Map::Affine, base: false }, [3, 175]),
        (Sizes { dim: 5, layers: 2, width: 20, depth: 2, map: Map::Spline(8), base: true }, [3, 7]),
    ];
    for (sizes, rows) in cases {
        agree(&format!("{sizes:?} {rows:?}"), 1e-3, async |device| through(sizes, rows, true, device).await).await;
    }
}

#[wasm_bindgen_test]
async fn autoregressive_layers_run_at_once_agree_with_layers_run_one_by_one() {
    let cases = [
        (Sizes { dim: 1, layers: 2, width: 7, depth: 1, map: Map::AutoregressiveSpline(4), base: false }, [1, 1]),
        // As many hidden units as dimensions, and numbers of hidden units that are not a multiple of the dimensions.
        (Sizes { dim: 3, layers: 3, width: 3, depth: 3, map: Map::AutoregressiveAffine, base: false }, [5, 1]),
        (Sizes { dim: 5, layers: 2, width: 13, depth: 1, map: Map::Tanh(3), base: false }, [2, 9]),
        (Sizes { dim: 7, layers: 4, width: 150, depth: 2, map: Map::AutoregressiveSpline(8), base: false }, [3, 175]),
        (Sizes { dim: 7, layers: 2, width: 60, depth: 2, map: Map::Tanh(16), base: false }, [3, 175]),
        (Sizes { dim: 4, layers: 2, width: 20, depth: 2, map: Map::Tanh(16), base: true }, [3, 7]),
        // Only one row fits into a workgroup.
        (Sizes { dim: 4, layers: 2, width: 900, depth: 3, map: Map::AutoregressiveAffine, base: false }, [1, 33]),
    ];
    for (sizes, rows) in cases {
        agree(&format!("{sizes:?} {rows:?}"), 1e-3, async |device| through(sizes, rows, true, device).await).await;
    }
}

#[wasm_bindgen_test]
async fn layers_too_wide_for_a_workgroup_agree_too() {
    let cases = [
        (Sizes { dim: 3, layers: 2, width: 2050, depth: 2, map: Map::Spline(4), base: false }, [2, 3]),
        (Sizes { dim: 180, layers: 2, width: 20, depth: 1, map: Map::Spline(8), base: false }, [1, 5]),
        // The inverse keeps the hidden units of all layers, which do not fit here.
        (Sizes { dim: 3, layers: 2, width: 900, depth: 5, map: Map::Tanh(2), base: false }, [1, 5]),
    ];
    for (sizes, rows) in cases {
        agree(&format!("{sizes:?} {rows:?}"), 1e-3, async |device| through(sizes, rows, false, device).await).await;
    }
}
