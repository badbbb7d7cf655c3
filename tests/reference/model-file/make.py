"""Model files written by hand, and their log densities, by the words of docs/reference/model-file.md alone.

    python3 make.py

Needs Python 3.9 and nothing else. Writes coupling.safetensors, made.safetensors, network.safetensors and densities.json
beside this file. No code is shared with Flowglass, all arithmetic is in float64 (weights are rounded to float32 first),
and no seed of Flowglass gives these splits, orders and constants.
"""

import json
import math
import random
import struct
from pathlib import Path

HERE = Path(__file__).parent
ROWS = 24


def single(value):
    """The nearest number that float32 holds."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


class Weights:
    """Named arrays of random float32 numbers, in the order in which they are asked for."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.arrays = {}

    def array(self, name, *shape, size=0.5):
        values = [single(self.random.gauss(0, size)) for _ in range(math.prod(shape))]
        self.arrays[name] = (shape, values)
        if len(shape) == 1:
            return values
        rest = math.prod(shape[1:])
        return [values[i * rest : (i + 1) * rest] for i in range(shape[0])]


def save(name, header, weights):
    """A .safetensors file: 8 bytes of length, a header of JSON, the numbers."""
    entries, data = {"__metadata__": {"flowglass": json.dumps(header)}}, b""
    for key, (shape, values) in weights.arrays.items():
        start = len(data)
        data += struct.pack(f"<{len(values)}f", *values)
        entries[key] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, len(data)]}
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    (HERE / name).write_bytes(struct.pack("<Q", len(text)) + text + data)


def relu(values):
    return [max(v, 0.0) for v in values]


def gelu(values):
    return [0.5 * v * (1 + math.erf(v / math.sqrt(2))) for v in values]


def softplus(v):
    return max(v, 0.0) + math.log1p(math.exp(-abs(v)))


def dense(x, weight, bias=None):
    """x W + b, with W of shape (inputs, outputs)."""
    outputs = len(weight[0]) if weight else len(bias)
    y = list(bias) if bias else [0.0] * outputs
    for value, row in zip(x, weight):
        for j in range(outputs):
            y[j] += value * row[j]
    return y


# Maps of single numbers, from data to base: the image and the logarithm of the derivative.


def affine(x, raw, m):
    bound = m["log_scale_bound"]
    log_scale = bound * math.tanh(raw[1] / bound)
    return x * math.exp(log_scale) + raw[0], log_scale


def spline(x, raw, m):
    k, bound = m["bins"], m["bound"]
    if abs(x) > bound:
        return x, 0.0

    def knots(raw, least):
        largest = max(raw)
        shares = [math.exp(v - largest) for v in raw]
        total = sum(shares)
        edges, at = [-bound], 0.0
        for share in shares[:-1]:
            at += least + (1 - k * least) * share / total
            edges.append(2 * bound * at - bound)
        return edges + [bound]

    xs, ys = knots(raw[:k], m["min_bin_width"]), knots(raw[k : 2 * k], m["min_bin_height"])
    inner = [m["min_derivative"] + softplus(v + m["derivative_shift"]) for v in raw[2 * k :]]
    slopes = [1.0] + inner + [1.0]
    i = max(j for j in range(k) if xs[j] <= x)
    width, height = xs[i + 1] - xs[i], ys[i + 1] - ys[i]
    d0, d1, s = slopes[i], slopes[i + 1], height / width
    z = (x - xs[i]) / width
    u = z * (1 - z)
    denominator = s + (d0 + d1 - 2 * s) * u
    y = ys[i] + height * (s * z * z + d0 * u) / denominator
    slope = s * s * (d1 * z * z + 2 * s * u + d0 * (1 - z) ** 2) / denominator**2
    return y, math.log(slope)


def monotone_network(x, raw, m):
    units = m["units"]

    def start(value):
        return math.log(math.expm1(value))

    residual = m["min_residual"] + softplus(raw[1] + start(1 - m["min_residual"]))
    y, slope = raw[0] + residual * x, residual
    for k in range(units):
        a = softplus(raw[2 + k] + start(m["initial_sum"] / units))
        b = m["min_slope"] + softplus(raw[2 + units + k] + start(1 - m["min_slope"]))
        c = raw[2 + 2 * units + k] + 2 * m["initial_span"] / units * ((units - 1) / 2 - k)
        t = math.tanh(b * x + c)
        y += a * t
        slope += a * b * (1 - t * t)
    return y, math.log(slope)


MAPS = {"affine": affine, "rational_quadratic_spline": spline, "monotone_network": monotone_network}


def parameters(m):
    """How many numbers describe a map."""
    return {
        "affine": lambda: 2,
        "rational_quadratic_spline": lambda: 3 * m["bins"] - 1,
        "monotone_network": lambda: 3 * m["units"] + 2,
    }[m["kind"]]()


# Flows: draws the weights when a flow is made, and computes densities with them.


class Flow:
    def __init__(self, flow, dim, embedding, weights):
        self.flow, self.dim, self.layers = flow, dim, []
        for i, layer in enumerate(flow["layers"]):
            each, hidden = parameters(layer["map"]), layer["conditioner"]["hidden"]
            if layer["kind"] == "coupling":
                variant = {"affine": "AffineCoupling"}.get(layer["map"]["kind"], "SplineCoupling")
                given, outputs = len(layer["kept"]), len(layer["transformed"]) * each
            else:
                variant, given, outputs = "Autoregressive", dim - 1, dim * each
            prefix = f"flow.layers.{i}.{variant}.conditioner"
            made = {"given": []}
            if given:
                made["given"] = weights.array(f"{prefix}.kept.weight", given, hidden[0])
            made["embedding"] = (
                weights.array(f"{prefix}.embedding.weight", embedding, hidden[0]),
                weights.array(f"{prefix}.embedding.bias", hidden[0]),
            )
            made["hidden"] = [
                (weights.array(f"{prefix}.hidden.{j}.weight", n, n), weights.array(f"{prefix}.hidden.{j}.bias", n))
                for j, n in enumerate(hidden[1:])
            ]
            made["last"] = (
                weights.array(f"{prefix}.last.weight", hidden[-1], outputs),
                weights.array(f"{prefix}.last.bias", outputs),
            )
            self.layers.append(made)
        self.affine = None
        if flow["base"]["affine"]:
            prefix = f"flow.layers.{len(flow['layers'])}.BaseAffine.parameters"
            self.affine = (
                weights.array(f"{prefix}.weight", embedding, 2 * dim),
                weights.array(f"{prefix}.bias", 2 * dim),
            )

    def log_density(self, x, embedding):
        x, total = list(x), 0.0
        for layer, made in zip(self.flow["layers"], self.layers):
            m = layer["map"]
            each, image = parameters(m), list(x)
            if layer["kind"] == "coupling":
                given, transformed = [x[j] for j in layer["kept"]], layer["transformed"]
                raw = self.conditioner(made, given, embedding, None, each)
            else:
                order = layer["order"]
                given, transformed = [x[j] for j in order[:-1]], order
                raw = self.conditioner(made, given, embedding, layer["conditioner"]["degrees"], each)
            for place, j in enumerate(transformed):
                image[j], log_derivative = MAPS[m["kind"]](x[j], raw[place * each : (place + 1) * each], m)
                total += log_derivative
            x = image
        if self.affine:
            # The base is shift + scale * noise, so data to base goes from the base to the noise.
            raw = dense(embedding, *self.affine)
            bound = self.flow["base"]["affine"]["log_scale_bound"]
            for j in range(self.dim):
                log_scale = bound * math.tanh(raw[2 * j + 1] / bound)
                x[j] = (x[j] - raw[2 * j]) * math.exp(-log_scale)
                total -= log_scale
        return total + sum(self.base(v) for v in x)

    def conditioner(self, made, given, embedding, degrees, each):
        """Raw parameters of the maps. `degrees` are those of the hidden units; None where nothing is masked."""

        def masked(weight, allows):
            if degrees is None:
                return weight
            return [[v if allows(i, j) else 0.0 for j, v in enumerate(row)] for i, row in enumerate(weight)]

        weight, bias = made["embedding"]
        h = dense(embedding, weight, bias)
        first = dense(given, masked(made["given"], lambda i, j: i < degrees[0][j]), [0.0] * len(h))
        h = relu([a + b for a, b in zip(first, h)])
        for n, (weight, bias) in enumerate(made["hidden"]):
            h = relu(dense(h, masked(weight, lambda i, j: degrees[n][i] <= degrees[n + 1][j]), bias))
        weight, bias = made["last"]
        return dense(h, masked(weight, lambda i, j: degrees[-1][i] <= j // each), bias)

    def base(self, z):
        base = self.flow["base"]
        if base["kind"] == "gaussian":
            return -0.5 * z * z - 0.5 * math.log(2 * math.pi)
        if base["kind"] == "logistic":
            return -abs(z) - 2 * math.log1p(math.exp(-abs(z)))
        nu = base["degrees_of_freedom"]
        constant = math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * math.log(nu * math.pi)
        return constant - (nu + 1) / 2 * math.log1p(z * z / nu)


class Encoder:
    def __init__(self, header, weights):
        self.header = header
        e, schema = header["encoder"], header["schema"]
        self.channels = 1 + schema["has_sigma"] + schema["has_mask"]
        points, spectrum = schema["n_wavelengths"], e["spectrum"]
        if spectrum["kind"] == "mlp":
            n, w, o = self.channels * points, spectrum["hidden"][0], spectrum["outputs"]
            prefix = "encoder.spectrum.Mlp"
            self.spectrum = [
                (weights.array(f"{prefix}.{name}.weight", i, j), weights.array(f"{prefix}.{name}.bias", j))
                for name, i, j in [("first", n, w), ("second", w, w), ("last", w, o)]
            ] + [(weights.array(f"{prefix}.shortcut.weight", n, o), None)]
        else:
            prefix, inputs, self.spectrum = "encoder.spectrum.Conv1d", self.channels, []
            for j, out in enumerate(spectrum["channels"]):
                shape = (out, inputs, spectrum["kernel"])
                stage = weights.array(f"{prefix}.stages.{j}.weight", *shape), weights.array(f"{prefix}.stages.{j}.bias", out)
                self.spectrum.append(stage)
                points = (points - spectrum["kernel"]) // spectrum["stride"] + 1
                inputs = out
            last = (inputs * points, spectrum["outputs"])
            self.spectrum.append((weights.array(f"{prefix}.last.weight", *last), weights.array(f"{prefix}.last.bias", last[1])))
        fusion, inputs = e["fusion"], spectrum["outputs"]
        self.fusion = [
            (weights.array(f"encoder.{name}.weight", i, j), weights.array(f"encoder.{name}.bias", j))
            for name, i, j in [
                ("fusion_first", inputs, fusion["hidden"][0]),
                ("fusion_last", fusion["hidden"][0], fusion["outputs"]),
            ]
        ]

    def embedding(self, observation):
        """Preprocessing, the spectrum's encoder, the fusion."""
        preprocessing, channels = self.header["preprocessing"], []
        for key, scale in [("values", "value"), ("sigma", "sigma")][: self.channels]:
            scale, values = preprocessing.get(scale), observation[key]
            if scale:
                each = range(len(values)) if len(scale["mean"]) > 1 else [0] * len(values)
                values = [(v - scale["mean"][i]) / scale["std"][i] for v, i in zip(values, each)]
            channels.append(values)
        spectrum = self.header["encoder"]["spectrum"]
        if spectrum["kind"] == "mlp":
            x = [v for channel in channels for v in channel]
            first, second, last, shortcut = self.spectrum
            h = gelu(dense(gelu(dense(x, *first)), *second))
            h = [a + b for a, b in zip(dense(h, *last), dense(x, shortcut[0]))]
        else:
            kernel, stride = spectrum["kernel"], spectrum["stride"]
            for weight, bias in self.spectrum[:-1]:
                length = (len(channels[0]) - kernel) // stride + 1
                channels = [
                    gelu(
                        [
                            bias[o]
                            + sum(
                                row[c * kernel + t] * channel[stride * at + t]
                                for c, channel in enumerate(channels)
                                for t in range(kernel)
                            )
                            for at in range(length)
                        ]
                    )
                    for o, row in enumerate(weight)
                ]
            h = dense([v for channel in channels for v in channel], *self.spectrum[-1])
        return dense(gelu(dense(h, *self.fusion[0])), *self.fusion[1])


def log_prob(space, theta, flow, embedding):
    """ln p(theta | observation) in physical units."""
    v, total = [], 0.0
    for value, prior, mean, std in zip(theta, space["priors"], space["mean"], space["std"]):
        if space["kind"] == "physical":
            v.append((value - mean) / std)
            total -= math.log(std)
        else:
            assert prior["kind"] == "uniform"
            width = prior["high"] - prior["low"]
            u = (value - prior["low"]) / width
            v.append(math.log(u / (1 - u)))
            total -= math.log(u * (1 - u)) + math.log(width)
    return total + flow.log_density(v, embedding)


MLP = {"activation": "gelu", "normalization": "none"}


def header(names, space, schema, preprocessing, encoder, flow):
    d = len(names)
    priors = [{"kind": "none"}] * d if space == "physical" else [{"kind": "uniform", "low": -2.0, "high": 3.0}] * d
    mean, std = ([0.5, -1.0, 2.0, 0.0][:d], [2.0, 0.5, 1.5, 1.0][:d])
    return {
        "format_version": 4,
        "space": {"kind": space, "names": names, "priors": priors, "mean": mean, "std": std},
        "schema": {"wavelengths": None, "has_mask": False, **schema},
        "preprocessing": preprocessing,
        "encoder": {"photometry": None, **encoder},
        "flows": [flow],
        "auxiliary_heads": {"log_scale": False, "parameters": False},
    }


def coupling():
    """Three parameters; unequal splits, one layer that keeps nothing, a spline that no option of training gives."""
    m = {
        "kind": "rational_quadratic_spline", "bins": 5, "bound": 2.5, "outside": "identity", "sizes": "softmax",
        "min_bin_width": 0.02, "min_bin_height": 0.01, "derivatives": "softplus", "min_derivative": 0.05,
        "derivative_shift": 0.0, "end_derivatives": "one",
    }  # fmt: skip
    rest = {"conditioner": {"hidden": [5, 5], "activation": "relu"}, "map": m}
    layers = [
        {"kind": "coupling", "kept": [2, 0], "transformed": [1], **rest},
        {"kind": "coupling", "kept": [1], "transformed": [2, 0], **rest},
        {"kind": "coupling", "kept": [], "transformed": [1, 0, 2], **rest},
        {"kind": "coupling", "kept": [0, 1], "transformed": [2], **rest},
    ]
    base = {"kind": "student_t", "degrees_of_freedom": 5}
    base["affine"] = {"kind": "affine", "log_scale": "tanh", "log_scale_bound": 3.0}
    spectrum = {"kind": "mlp", "hidden": [4, 4], "shortcut": True, "outputs": 3, **MLP}
    fusion = {"hidden": [4], "outputs": 3, **MLP}
    preprocessing = {
        "kind": "standardize",
        "value": {"mean": [1.0, 2.0, 3.0], "std": [0.5, 1.0, 2.0]},
        "sigma": {"mean": [0.1, 0.1, 0.1], "std": [0.05, 0.05, 0.05]},
    }
    schema = {"n_wavelengths": 3, "has_sigma": True}
    encoder = {"spectrum": spectrum, "fusion": fusion}
    return header(["a", "b", "c"], "physical", schema, preprocessing, encoder, {"layers": layers, "base": base})


def autoregressive(m, base, orders, hidden):
    """Four parameters in orders that no seed gives. Weights under the masks are random: a reader must ignore them."""
    width, dim = hidden[0], len(orders[0])
    degrees = [[unit * dim // width for unit in range(width)] for _ in hidden]
    rest = {"conditioner": {"hidden": hidden, "activation": "relu", "degrees": degrees}, "map": m}
    layers = [{"kind": "autoregressive", "order": order, **rest} for order in orders]
    spectrum = {"kind": "conv1d", "channels": [16], "kernel": 5, "stride": 2, "outputs": 3, **MLP}
    fusion = {"hidden": [4], "outputs": 2, **MLP}
    schema = {"n_wavelengths": 12, "has_sigma": False}
    encoder = {"spectrum": spectrum, "fusion": fusion}
    flow = {"layers": layers, "base": base}
    names = ["a", "b", "c", "d"][:dim]
    return header(names, "unconstrained", schema, {"kind": "none"}, encoder, flow)


def made():
    m = {"kind": "affine", "log_scale": "tanh", "log_scale_bound": 2.5}
    return autoregressive(m, {"kind": "logistic", "affine": None}, [[2, 0, 3, 1], [1, 3, 0, 2], [0, 1, 2, 3]], [7, 7])


def network():
    m = {
        "kind": "monotone_network", "units": 3, "activation": "tanh", "min_slope": 0.01, "min_residual": 0.1,
        "initial_sum": 0.1, "initial_span": 3.0, "bisection_steps": 60,
    }  # fmt: skip
    return autoregressive(m, {"kind": "gaussian", "affine": None}, [[1, 2, 0], [0, 2, 1]], [6])


def main():
    densities = {}
    for seed, (name, make) in enumerate([("coupling", coupling), ("made", made), ("network", network)]):
        head, weights = make(), Weights(seed)
        encoder = Encoder(head, weights)
        flow = Flow(head["flows"][0], len(head["space"]["names"]), head["encoder"]["fusion"]["outputs"], weights)
        save(f"{name}.safetensors", head, weights)
        draw, points = random.Random(100 + seed), head["schema"]["n_wavelengths"]
        observation = {"values": [single(draw.gauss(1, 1)) for _ in range(points)]}
        if head["schema"]["has_sigma"]:
            observation["sigma"] = [single(draw.uniform(0.05, 0.2)) for _ in range(points)]
        embedding, space = encoder.embedding(observation), head["space"]
        if space["kind"] == "physical":
            theta = [[draw.gauss(m, 2 * s) for m, s in zip(space["mean"], space["std"])] for _ in range(ROWS)]
        else:
            theta = [[draw.uniform(-1.99, 2.99) for _ in space["names"]] for _ in range(ROWS)]
        found = [log_prob(space, row, flow, embedding) for row in theta]
        densities[name] = {"observation": observation, "theta": theta, "log_prob": found}
        print(name, len(sum((v for _, v in weights.arrays.values()), [])), "weights,", min(found), "to", max(found))
    (HERE / "densities.json").write_text(json.dumps(densities, indent=1) + "\n")


main()
