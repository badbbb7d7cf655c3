"""Golden numbers of the transforms that other libraries have too: writes golden.json beside this file.

    pip install torch==2.15.0 zuko==1.6.0 nflows==0.14 scipy && python make.py

All of it is computed in float64 from inputs that float32 holds exactly. Beside the numbers of scalar maps stands what
float32 can know of them: the largest change in 32 draws in which inputs, parameters and knots move by up to one
rounding (2^-24 of their size), and one rounding of the result. That is the unit of the test's tolerances.
"""

import json
import math
import platform
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from nflows.transforms import AffineCouplingTransform, MaskedAffineAutoregressiveTransform
from nflows.transforms import PiecewiseRationalQuadraticCouplingTransform
from nflows.transforms.splines import unconstrained_rational_quadratic_spline
from scipy.optimize import brentq
from torch import distributions
from zuko.flows import MaskedAutoregressiveTransform
from zuko.transforms import MonotonicAffineTransform, MonotonicRQSTransform

torch.set_default_dtype(torch.float64)
torch.manual_seed(1)
random = np.random.default_rng(1)

ROUNDING = 2.0**-24
DRAWS = 32
# The minima of Durkan et al. 2019, and what nflows pads its raw derivatives with: it gives the derivative 1.
MIN_BIN, MIN_DERIVATIVE = 1e-3, 1e-3
UNIT_DERIVATIVE = math.log(math.expm1(1 - MIN_DERIVATIVE))


def exact(values):
    """The nearest numbers that float32 holds."""
    return np.asarray(values, dtype=np.float32).astype(np.float64)


def inputs(values):
    """For the file: the shortest digits that read back as the same float32."""
    return [float(str(np.float32(v))) for v in np.ravel(values)]


def digits(values, n):
    return [float(f"{v:.{n}g}") for v in np.ravel(values)]


def softplus(x):
    return np.logaddexp(0, x)


def noise(shape):
    return ROUNDING * random.uniform(-1, 1, shape)


def way(at, results, moved):
    """One way through a map: `moved()` gives value and log-det with everything one rounding off."""
    floors = [ROUNDING * np.maximum(np.abs(r), 1) for r in results]
    draws = [moved() for _ in range(DRAWS)]
    value, log_det = (np.max([np.abs(d[i] - results[i]) for d in draws], axis=0) + floors[i] for i in range(2))
    return {
        "at": inputs(at),
        "value": digits(results[0], 12),
        "log_det": digits(results[1], 12),
        "value_rounding": digits(value, 3),
        "log_det_rounding": digits(log_det, 3),
    }


# Monotone rational-quadratic splines.


def spline_parts(raw, bins):
    """Shares of the bins in width and in height, and the inner derivatives."""

    def shares(raw):
        e = np.exp(raw - raw.max())
        return MIN_BIN + (1 - MIN_BIN * bins) * e / e.sum()

    inner = MIN_DERIVATIVE + softplus(raw[2 * bins :] + UNIT_DERIVATIVE)
    return shares(raw[:bins]), shares(raw[bins : 2 * bins]), inner


def nflows_spline(at, raw, bins, bound, inverse):
    rows = torch.tensor(raw).repeat(len(at), 1)
    w, h, d = rows[:, :bins], rows[:, bins : 2 * bins], rows[:, 2 * bins :] + UNIT_DERIVATIVE
    value, log_det = unconstrained_rational_quadratic_spline(torch.tensor(at), w, h, d, inverse, tail_bound=bound)
    return value.numpy(), log_det.numpy()


def zuko_spline(at, parts, bound, inverse):
    """zuko has no minima but a soft bound on its raw numbers, which is undone here."""
    slope = 1e-9
    limit = -math.log(slope)
    widths, heights, derivatives = (np.log(p) for p in parts)
    raw = []
    for log, most in [(widths, limit / 2), (heights, limit / 2), (derivatives, limit)]:
        if most < limit:
            log = log - (log.max() + log.min()) / 2  # softmax does not see it
        raw.append(torch.tensor(log / (1 - np.abs(log) / most)))
    spline = MonotonicRQSTransform(*raw, bound=bound, slope=slope)
    x = spline.inv(torch.tensor(at)) if inverse else torch.tensor(at)
    y, log_det = spline.call_and_ladj(x)
    return (x.numpy(), -log_det.numpy()) if inverse else (y.numpy(), log_det.numpy())


def moved_spline(at, parts, bound, inverse):
    """With the place and every inner knot off by a rounding of the whole interval, derivatives by one of their own."""

    def moved(shares):
        off = np.diff(noise(len(shares) - 1), prepend=0, append=0)
        return np.maximum(shares + off, ROUNDING)

    inside = np.clip(at + 2 * bound * noise(len(at)), -bound, bound)
    parts = moved(parts[0]), moved(parts[1]), parts[2] * (1 + noise(len(parts[2])))
    return zuko_spline(np.where(np.abs(at) > bound, at, inside), parts, bound, inverse)


def spline(peer, bins, bound, spread):
    raw = exact(random.uniform(-spread, spread, 3 * bins - 1))
    parts = spline_parts(raw, bins)
    row = {"peer": peer, "bins": bins, "bound": bound, "raw": inputs(raw)}
    for name, inverse in [("forward", False), ("inverse", True)]:
        edges = bound * (2 * np.cumsum(parts[int(inverse)])[:-1] - 1)
        within = np.nextafter(np.float32(bound), np.float32(0))
        beyond = np.nextafter(np.float32(bound), np.float32(100))
        outside = [bound, within, beyond, 1.5 * bound, 1e4 * bound]
        at = exact(np.concatenate([random.uniform(-bound, bound, 2 * bins), edges, outside, np.negative(outside)]))
        of_nflows = peer == "nflows"
        results = nflows_spline(at, raw, bins, bound, inverse) if of_nflows else zuko_spline(at, parts, bound, inverse)
        row[name] = way(at, results, lambda: moved_spline(at, parts, bound, inverse))
    return row


# Shift and scale.


def affine(peer):
    n = 24
    x, shift = exact(random.normal(size=n) * 3), exact(random.normal(size=n) * 2)
    # nflows' scale is a sigmoid plus a thousandth, so below 1.001.
    log_scale = random.uniform(-4.5, 0.0 if peer == "nflows" else 4.5, n)
    log_scale[0] = 0.0
    log_scale = exact(log_scale)

    def run(at, shift, log_scale, inverse):
        if peer == "nflows":
            sigmoid = torch.tensor(np.exp(log_scale) - 1e-3)
            raw = torch.stack([torch.tensor(shift), torch.logit(sigmoid) - 2], 1)
            # Two dimensions, of which the second is transformed; the conditioner gives what is wanted.
            layer = AffineCouplingTransform([0, 1], lambda kept, outputs: lambda x, context: raw)
            pair = torch.stack([torch.zeros(n), torch.tensor(at)], 1)
            y, log_det = layer.inverse(pair) if inverse else layer.forward(pair)
            return y[:, 1].numpy(), log_det.numpy()
        limit = -math.log(1e-3)
        raw = torch.tensor(log_scale / (1 - np.abs(log_scale) / limit))
        map = MonotonicAffineTransform(torch.tensor(shift), raw)
        map = map.inv if inverse else map
        y, log_det = map.call_and_ladj(torch.tensor(at))
        return y.numpy(), log_det.numpy()

    row = {"peer": peer, "shift": inputs(shift), "log_scale": inputs(log_scale)}
    for name, inverse in [("forward", False), ("inverse", True)]:
        # A log scale is a soft bound of 5 times a number of order 1.
        off = lambda: (x * (1 + noise(n)), shift * (1 + noise(n)), log_scale + 5 * noise(n))
        row[name] = way(x, run(x, shift, log_scale, inverse), lambda: run(*off(), inverse))
    return row


# The monotone network, which no peer has: y = shift + r x + sum a tanh(b x + c), and its root by Brent's method.


def network(raw, units, floors):
    """Zero gives r = 1, b = 1, a = 0.1 / U, and centers of the units that are even on [-3, 3]."""

    def positive(raw, at_zero, floor=0.0):
        return floor + softplus(raw + math.log(math.expm1(at_zero - floor)))

    centers = 6 / units * (np.arange(units) - (units - 1) / 2)
    a, b, c = raw[2:].reshape(3, units)
    return raw[0], positive(raw[1], 1, floors[1]), positive(a, 0.1 / units), positive(b, 1, floors[0]), c - centers


def neural_forward(at, shift, r, a, b, c):
    inner = b * at[:, None] + c
    falling = np.cosh(np.minimum(np.abs(inner), 300)) ** -2.0  # beyond, cosh² overflows
    return shift + r * at + (a * np.tanh(inner)).sum(1), np.log(r + (a * b * falling).sum(1))


def neural_inverse(at, shift, r, a, b, c):
    def root(y):
        middle, half = (y - shift) / r, a.sum() / r + 1e-9
        off = lambda x: neural_forward(np.array([x]), shift, r, a, b, c)[0][0] - y
        return brentq(off, middle - half, middle + half, xtol=1e-15, rtol=1e-15)

    x = np.array([root(y) for y in at])
    return x, -neural_forward(x, shift, r, a, b, c)[1]


def neural(units, spread):
    floors = (1e-3, 0.05)
    raw = exact(random.uniform(-spread, spread, 3 * units + 2))
    parts = network(raw, units, floors)
    row = {"units": units, "min_slope": floors[0], "min_residual": floors[1], "raw": inputs(raw)}
    for name, run in [("forward", neural_forward), ("inverse", neural_inverse)]:
        at = exact(np.concatenate([random.normal(size=14) * 2, [0.0, 13.8, -13.8, 200.0]]))

        value, log_det = run(at, *parts)
        # What rounds: the terms of the sum, and x, which is searched to an absolute error; the slope turns it into y.
        inverse = run is neural_inverse
        x, y, slope = (value, at, np.exp(-log_det)) if inverse else (at, value, np.exp(log_det))
        largest = np.abs(y) + np.maximum(np.abs(x), 1) * slope + np.abs(parts[0]) + parts[2].sum()

        def moved():
            shift, *others = network(raw + noise(len(raw)) * np.maximum(np.abs(raw), 1), units, floors)
            places = zip(at * (1 + noise(len(at))), shift + noise(len(at)) * largest)
            results = [run(np.array([place]), shift, *others) for place, shift in places]
            return np.ravel([r[0] for r in results]), np.ravel([r[1] for r in results])

        row[name] = way(at, (value, log_det), moved)
    return row


# Base distributions, three independent dimensions.


def bases():
    uniform = distributions.Uniform(0.0, 1.0)
    of = {
        "gaussian": distributions.Normal(0.0, 1.0),
        "logistic": distributions.TransformedDistribution(uniform, [distributions.SigmoidTransform().inv]),
        "student_t": distributions.StudentT(5.0),
    }
    z = exact(np.concatenate([random.normal(size=(12, 3)) * 2, [[0, 0, 0], [30, -30, 20], [-80, 0.5, 80]]]))
    result = {"z": inputs(z)}
    for name, base in of.items():
        result[name] = digits(base.log_prob(torch.tensor(z)).sum(1), 12)
    return result


# Which outputs of an autoregressive layer depend on which inputs.


def masks():
    def depends(map, dim):
        found = torch.zeros(dim, dim, dtype=torch.bool)
        for x in torch.randn(50, dim):  # one by one: a unit of the network may be off at some
            found |= torch.autograd.functional.jacobian(map, x) != 0
        return found.int().tolist()

    rows = []
    for dim in [2, 3, 5, 7]:
        order = random.permutation(dim)
        context = torch.randn(2)
        # zuko's `order` is each dimension's place; the file's lists the dimensions.
        layer = MaskedAutoregressiveTransform(dim, 2, order=np.argsort(order), hidden_features=(64, 64))
        zuko = depends(lambda x: layer(context)(x), dim)
        rows.append({"peer": "zuko", "order": order.tolist(), "depends": zuko})
        layer = MaskedAffineAutoregressiveTransform(dim, 64, context_features=2, use_residual_blocks=False)
        nflows = depends(lambda x: layer(x[None], context[None])[0][0], dim)
        rows.append({"peer": "nflows", "order": list(range(dim)), "depends": nflows})
    return rows


# Whole coupling layers of nflows, with a ReLU perceptron of two hidden layers whose weights are in the file.


def coupling(kind):
    kept, transformed, embedding, width, bins, bound = [1, 4], [0, 2, 3], 2, 6, 4, 3.0
    each = 3 * bins - 1 if kind == "spline" else 2
    shapes = [(len(kept), width), (embedding, width), (width,), (width, width), (width,)]
    shapes += [(width, len(transformed) * each), (len(transformed) * each,)]
    weights = [exact(random.normal(size=s) * 0.4) for s in shapes]
    if kind == "affine":
        weights[-1][1::2] -= 2.5  # for nflows' scale, below 1.001
        weights[-1] = exact(weights[-1])
    of_kept, of_embedding, bias1, hidden, bias2, last, bias3 = (torch.tensor(w) for w in weights)

    def raw(x, context):
        h = torch.relu(torch.relu(x @ of_kept + context @ of_embedding + bias1) @ hidden + bias2)
        raw = (h @ last + bias3).reshape(len(x), len(transformed), each)
        if kind == "spline":
            raw[..., 2 * bins :] += UNIT_DERIVATIVE
            return raw.reshape(len(x), -1)
        log_scale = 5 * torch.tanh(raw[..., 1] / 5)
        return torch.cat([raw[..., 0], torch.logit(log_scale.exp() - 1e-3) - 2], 1)

    mask = [int(i in transformed) for i in range(5)]
    if kind == "spline":
        layer = PiecewiseRationalQuadraticCouplingTransform(
            mask, lambda *_: raw, num_bins=bins, tails="linear", tail_bound=bound
        )
    else:
        layer = AffineCouplingTransform(mask, lambda *_: raw)
    x, context = exact(random.normal(size=(32, 5)) * 1.5), exact(random.normal(size=(32, embedding)))
    row = {"kept": kept, "transformed": transformed, "width": width, "bins": bins, "bound": bound}
    row |= {"at": inputs(x), "embedding": inputs(context)}
    row["weights"] = inputs(np.concatenate([w.ravel() for w in weights]))
    for name, run in [("forward", layer.forward), ("inverse", layer.inverse)]:
        value, log_det = run(torch.tensor(x), torch.tensor(context))
        row[name] = {"value": digits(value, 12), "log_det": digits(log_det, 12)}
    return row


warnings.filterwarnings("ignore", "Inputs to the softmax are not scaled down")
sizes = [(2, 1.0), (4, 3.0), (8, 10.0), (16, 5.0)]
golden = {
    "versions": {name: version(name) for name in ["torch", "zuko", "nflows", "numpy", "scipy"]}
    | {"python": platform.python_version()},
    # Raw numbers within ±1, ±4, and ±50, where softmax and softplus are at their minima.
    "splines": [spline(p, *size, s) for p in ["nflows", "zuko"] for size in sizes for s in [1.0, 4.0, 50.0]],
    "affine": [affine("nflows"), affine("zuko")],
    "neural": [neural(units, spread) for units in [1, 3, 16] for spread in [1.0, 5.0, 20.0]],
    "bases": bases(),
    "masks": masks(),
    "couplings": {kind: coupling(kind) for kind in ["spline", "affine"]},
}
lines = [f'"{name}": {json.dumps(value, separators=(",", ":"), allow_nan=False)}' for name, value in golden.items()]
text = "{\n" + ",\n".join(lines).replace('{"peer"', '\n{"peer"').replace('{"units"', '\n{"units"') + "\n}\n"
path = Path(__file__).with_name("golden.json")
path.write_text(text)
print(f"{path.name}: {len(text)} bytes", file=sys.stderr)
