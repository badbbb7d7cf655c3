"""Golden numbers of Pareto smoothed importance sampling, by ArviZ.

pip install "arviz==0.23.4"; python make.py > golden.json

`psislw` of ArviZ 0.23 takes log weights. That of arviz-stats 1.3, the successor, takes minus the log weights.
"""

import json
import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import arviz


def grid(n):
    """Numbers in (0, 1) in a fixed order that is not ascending; tests/it/importance.rs makes the same ones."""
    return ((np.arange(n) * 7919 % n) + 0.5) / n


# Log weights by name, of numbers u in (0, 1).
CASES = {
    "pareto 0.3": lambda u: -0.3 * np.log1p(-u),
    "pareto 0.7": lambda u: -0.7 * np.log1p(-u),
    "pareto 1.2": lambda u: -1.2 * np.log1p(-u),
    "log-logistic": lambda u: 2.5 * (np.log(u) - np.log1p(-u)),
    "bounded": lambda u: np.log(1.0 - (1.0 - u) ** 2),
    "far apart": lambda u: 400.0 * (u - 1.0),
    "ties": lambda u: np.floor(12.0 * u * u) / 3.0,
}


def main():
    found = []
    for name, of in CASES.items():
        for n in (30, 101, 1000, 10_000):
            log_weights, k = arviz.psislw(of(grid(n)))
            weights = np.exp(log_weights)
            squares = float(np.sum(weights**2))
            # ArviZ gives infinity where the largest weights are one number.
            k = float(k) if np.isfinite(k) else None
            row = {"case": name, "n": n, "k": k, "effective_sample_size": 1.0 / squares}
            found.append({**row, "largest_weight": float(weights.max())})
    print("[\n" + ",\n".join(json.dumps(row) for row in found) + "\n]")


main()
