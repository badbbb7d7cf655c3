#!/usr/bin/env bash
# Pareto smoothed importance sampling in ArviZ: `psislw` of arviz 0.23 takes log weights, its successor of the same name in
# arviz-stats 1.3 takes minus the log weights. Nothing fails with the other sign: a normal-looking k-hat comes out, of the
# wrong tail. Found on weights that are log-normal to the right and bounded to the left.
#
# Needs Python 3.12 or later for arviz-stats (PYTHON), and any Python from 3.11 on for arviz.
set -euo pipefail
python=${PYTHON:-$(command -v python3.12 || command -v python3.13 || command -v python3)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m venv "$work/old"
"$python" -m venv "$work/new"
"$work/old/bin/pip" install --quiet --disable-pip-version-check arviz==0.23.4
"$work/new/bin/pip" install --quiet --disable-pip-version-check arviz-stats==1.3.3

cat >"$work/tails.py" <<'PYTHON'
# Log weights with a heavy upper tail (weights to the power of 1.5 of a Pareto law) and a light lower one.
import numpy

log_weights = 1.5 * numpy.random.default_rng(0).standard_exponential(4000)
PYTHON

cat >"$work/old.py" <<'PYTHON'
import arviz, tails
print("arviz", arviz.__version__, *(round(float(arviz.psislw(sign * tails.log_weights)[1]), 2) for sign in (1, -1)))
PYTHON

cat >"$work/new.py" <<'PYTHON'
import arviz_stats, tails
from arviz_stats.base import array_stats
k = [round(float(array_stats.psislw(sign * tails.log_weights)[1]), 2) for sign in (1, -1)]
print("arviz-stats", arviz_stats.__version__, *k)
PYTHON

old=$(cd "$work" && old/bin/python old.py)
new=$(cd "$work" && new/bin/python new.py)
echo "package version, k-hat for the log weights, k-hat for minus the log weights (the heavy tail has k = 1.5)"
echo "$old"
echo "$new"
"$python" - "$old" "$new" <<'PYTHON'
import sys

(_, _, old, old_minus), (_, _, new, new_minus) = (line.split() for line in sys.argv[1:])
heavy = lambda k: float(k) > 1.0
assert heavy(old) and not heavy(old_minus), "arviz 0.23.4 no longer takes log weights"
assert heavy(new_minus) and not heavy(new), "arviz-stats 1.3.3 no longer takes minus the log weights"
print("as found: the sign of the argument differs between the two")
PYTHON
