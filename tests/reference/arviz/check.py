"""Reads draws with ArviZ: flowglass sample MODEL OBSERVATION -o draws.json, then python check.py draws.json."""

import sys

import arviz

data = arviz.from_json(sys.argv[1])
posterior = data.posterior
assert posterior.sizes["chain"] == 1, posterior.sizes
assert all(variable.dims == ("chain", "draw") for variable in posterior.values()), posterior
print(arviz.summary(data, kind="stats"))
print(dict(posterior.attrs))
