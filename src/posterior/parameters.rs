//! All weights of a network as one flat buffer, in the order in which the module lists them: the optimizer, files and
//! snapshots of the best state then each deal with one tensor, and one read gets everything off a GPU.

use super::Network;
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

/// The weights, (P), without autodiff.
pub fn flatten(network: &Network) -> Tensor<1> {
    struct Values(Vec<Tensor<1>>);
    impl ModuleVisitor for Values {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().inner().flatten(0, D - 1));
        }
    }
    let mut values = Values(vec![]);
    network.visit(&mut values);
    Tensor::cat(values.0, 0)
}

/// The network, or a part of one, with the weights `flat`, (P). With `tracked`, they are leaves that keep a gradient.
pub fn unflatten<M: Module>(network: M, flat: &Tensor<1>, tracked: bool) -> M {
    struct Fill<'a> {
        flat: &'a Tensor<1>,
        at: usize,
        tracked: bool,
    }
    impl ModuleMapper for Fill<'_> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let shape = param.val().dims();
            let n = shape.iter().product();
            let value = self.flat.clone().narrow(0, self.at, n).reshape(shape);
            self.at += n;
            let value = if self.tracked { value.autodiff().require_grad() } else { value };
            Param::initialized(param.id, value)
        }
    }
    network.map(&mut Fill { flat, at: 0, tracked })
}

/// The gradient of all weights, (P), without autodiff. A weight that the loss did not reach has a zero gradient.
pub fn gradient(network: &Network, gradients: &mut Gradients) -> Tensor<1> {
    struct Collect<'a>(&'a mut Gradients, Vec<Tensor<1>>);
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val();
            let gradient = value.grad_remove(self.0).unwrap_or_else(|| value.inner().zeros_like());
            self.1.push(gradient.flatten(0, D - 1));
        }
    }
    let mut collect = Collect(gradients, vec![]);
    network.visit(&mut collect);
    Tensor::cat(collect.1, 0)
}
