//! All weights of a network as one vector, in the order in which the module lists them. So the optimizer, files and
//! snapshots of the best state deal with one tensor each, and one read gets everything off a GPU.

use super::Network;
use crate::kernels::join;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor};

/// Name and shape of every weight, in order.
pub fn layout(network: &Network) -> Vec<(String, Vec<usize>)> {
    struct Names(Vec<String>, Vec<(String, Vec<usize>)>);
    impl ModuleVisitor for Names {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.push(name.to_string());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.1.push((self.0.join("."), param.val().dims().to_vec()));
        }
    }
    let mut names = Names(vec![], vec![]);
    network.visit(&mut names);
    names.1
}

/// Number of weights.
pub fn count(network: &Network) -> usize {
    layout(network).iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
}

/// All weights, (P), without autodiff.
pub fn flatten(network: &Network) -> Tensor<1> {
    struct Values(Vec<Tensor<1>>);
    impl ModuleVisitor for Values {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().inner().flatten(0, D - 1));
        }
    }
    let mut values = Values(vec![]);
    network.visit(&mut values);
    join::join(values.0)
}

/// The network with the weights `flat`, (P), as constants.
pub fn unflatten(network: Network, flat: &Tensor<1>) -> Network {
    let mut network = fill(network, flat);
    let [of_encoder, of_flow] = [network.encoder.num_params(), network.flow.num_params()];
    network.flow = network.flow.pack(flat.clone().narrow(0, of_encoder, of_flow));
    network
}

/// The network with the weights `flat`, (P), each of them a leaf that keeps a gradient. Both directions of the flow are
/// available.
pub fn leaves(network: Network, flat: &Tensor<1>) -> Network {
    let sizes = sizes(&network);
    let mut network = fill_pieces(network, join::split(flat.clone(), &sizes), As::Leaves);
    network.flow = network.flow.unpack();
    network
}

/// The network with the weights `flat`, (P), as leaves that keep a gradient, for training. If the device runs all
/// layers of the flow at once, their weights become a single leaf; only `forward` (data to base) is available then.
pub fn tracked(mut network: Network, flat: &Tensor<1>) -> Network {
    if !network.flow.packs_tracked(&flat.device()) {
        return leaves(network, flat);
    }
    let mut all = sizes(&network.encoder);
    let of_encoder = all.len();
    let heads = (network.scale_head, network.parameter_head);
    all.push(network.flow.num_params());
    all.extend(sizes(&heads));
    let mut pieces = join::split(flat.clone(), &all);
    let of_heads = pieces.split_off(of_encoder + 1);
    let of_flow = pieces.pop().expect("the encoder's pieces are followed by the flow's");
    network.flow = network.flow.pack(of_flow.autodiff().require_grad());
    network.encoder = fill_pieces(network.encoder, pieces, As::Leaves);
    (network.scale_head, network.parameter_head) = fill_pieces(heads, of_heads, As::Leaves);
    network
}

/// How many numbers each weight of a module has.
fn sizes<M: Module>(module: &M) -> Vec<usize> {
    struct Sizes(Vec<usize>);
    impl ModuleVisitor for Sizes {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().shape().num_elements());
        }
    }
    let mut sizes = Sizes(vec![]);
    module.visit(&mut sizes);
    sizes.0
}

/// A part of a network with the weights `flat`, (number of its weights), as constants. For whole networks there is
/// [`unflatten`].
pub fn fill<M: Module>(module: M, flat: &Tensor<1>) -> M {
    let sizes = sizes(&module);
    fill_pieces(module, join::split(flat.clone(), &sizes), As::Constants)
}

/// What the weights of a module become.
#[derive(Clone, Copy, PartialEq)]
enum As {
    /// Constants, which keep no gradient.
    Constants,
    /// Leaves that keep a gradient.
    Leaves,
}

/// A module with these weights.
fn fill_pieces<M: Module>(module: M, pieces: Vec<Tensor<1>>, into: As) -> M {
    struct Fill(std::vec::IntoIter<Tensor<1>>, As);
    impl ModuleMapper for Fill {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let value = self.0.next().expect("a piece for each weight").reshape(param.val().dims());
            let value = if self.1 == As::Leaves { value.autodiff().require_grad() } else { value };
            Param::initialized(param.id, value)
        }
    }
    module.map(&mut Fill(pieces.into_iter(), into))
}

/// The gradient of all weights, (P), without autodiff. A weight that the loss did not reach has a zero gradient.
pub fn gradient(network: &Network, gradients: &mut Gradients) -> Tensor<1> {
    join::join(gradient_pieces(network, gradients))
}

/// The gradient of all weights as a list of contiguous pieces; joined they are [`gradient`].
pub fn gradient_pieces(network: &Network, gradients: &mut Gradients) -> Vec<Tensor<1>> {
    let Some(packed) = network.flow.packed() else { return collect(network, gradients) };
    let mut pieces = collect(&network.encoder, gradients);
    pieces.push(packed.grad_remove(gradients).unwrap_or_else(|| packed.clone().inner().zeros_like()));
    pieces.extend(collect(&network.scale_head, gradients));
    pieces.extend(collect(&network.parameter_head, gradients));
    pieces
}

/// The gradient of each weight of a module.
fn collect<M: Module>(module: &M, gradients: &mut Gradients) -> Vec<Tensor<1>> {
    struct Collect<'a>(&'a mut Gradients, Vec<Tensor<1>>);
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val();
            let gradient = value.grad_remove(self.0).unwrap_or_else(|| value.inner().zeros_like());
            self.1.push(gradient.flatten(0, D - 1));
        }
    }
    let mut collect = Collect(gradients, vec![]);
    module.visit(&mut collect);
    collect.1
}
