#!/usr/bin/env bash
# The p-value of `check_tarp` in sbi 0.27 hardly ever rejects. It is a two-sample Kolmogorov-Smirnov test between the
# heights of the curve of expected coverage (`ecp`) and its grid (`alpha`), as if both were independent draws. They are the
# points of one smooth curve, so their number is that of the bins, a tenth of the simulations, and not of the simulations.
# The docstring says that people reject below 0.05. With 1,000 simulations, posteriors that are two thirds as wide as the
# right one pass, and so do those that are 1.5 times as wide.
#
# Beside it: the same test on the coverage values themselves, which are independent and uniform if the posterior is right.
#
# Needs Python 3.10 or later (PYTHON), and room for PyTorch. A folder with sbi 0.27.0 in a virtual environment can be named
# by VENV.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
venv=${VENV:-$work/venv}
if [ ! -d "$venv" ]; then
  "${PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check sbi==0.27.0
fi

cat >"$work/tarp.py" <<'PYTHON'
from importlib.metadata import version

import torch
from sbi.diagnostics.tarp import _run_tarp, check_tarp, get_tarp_references
from sbi.utils.metrics import l2
from scipy.stats import kstest

N, DRAWS, RUNS = 1000, 500, 100


def run(width):
    """p-values of `check_tarp` and of its coverage values; the posterior is `width` times as wide as the right one."""
    theta = torch.randn(N, 2)
    x = theta + torch.randn(N, 2)  # so that the posterior is N(x / 2, 1 / 2)
    draws = x / 2 + width * 0.5**0.5 * torch.randn(DRAWS, N, 2)
    references = get_tarp_references(theta)
    p = check_tarp(*_run_tarp(draws, theta, references))[1]
    coverage = (l2(references, draws) < l2(references, theta)).float().mean(0)
    return p, kstest(coverage.numpy(), "uniform").pvalue


torch.manual_seed(0)
print("sbi", version("sbi"), f"TARP with {N} simulations, {RUNS} runs: share with p < 0.05")
print("width of the posterior   check_tarp   coverage values   median p of check_tarp")
found = {}
for width in (1.0, 0.8, 0.67, 0.5, 1.5):
    both = torch.tensor([run(width) for _ in range(RUNS)])
    found[width] = (both < 0.05).float().mean(0).tolist()
    print(f"{width:22} {found[width][0]:12.2f} {found[width][1]:17.2f} {both[:, 0].median():24.3f}")
assert found[1.0][1] < 0.15, "the coverage values of a right posterior are no longer uniform"
assert found[0.67][1] > 0.9 and found[0.67][0] < 0.1, "check_tarp now finds a posterior of two thirds of the width"
print("as found: check_tarp passes posteriors that a test of the coverage values rejects")
PYTHON
"$venv/bin/python" -W ignore "$work/tarp.py"
