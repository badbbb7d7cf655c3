#!/usr/bin/env bash
# Small models in format 3, draws from them, and draws from the model of format 1, by the command line of commit 52c735f (the last one to write format 3):
#
#   git worktree add target/format-3 52c735f
#   (cd target/format-3 && cargo build --release)
#   tests/reference/model-file/make_format_3.sh target/format-3/target/release/flowglass
#
# Writes format-3/*.safetensors and, for each, 16 draws as a .npy of float64, shape (16, 5); and demo.npy in format-1/,
# 16 draws for the example in format-1/demo.safetensors. Needs Python 3 to take the example out of the header.
set -euo pipefail
flowglass=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/format-3"
rm -f ./*.safetensors ./*.npy
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$flowglass" simulate slcp -n 400 --seed 5 -o "$work/set.npz" --quiet

# make NAME OPTION...
make() {
  local name=$1
  shift
  "$flowglass" train "$work/set.npz" -o "$name.safetensors" --quiet --num-epochs 3 --seed 11 --hidden-dim 8 \
    --embedding-dim 4 --spectrum-embedding-dim 4 --num-coupling-layers 3 --learning-rate 0.01 "$@"
  "$flowglass" sample "$name.safetensors" ../observation.csv -n 16 --seed 3 -o "$name.npy" --quiet
}

make spline --num-spline-bins 4 --spline-bound 6 --spectrum-encoder-type mlp
make affine --flow-family affine --use-base-affine true --base-distribution student_t --preprocessing per_sample
make autoregressive_spline --flow-family autoregressive --num-spline-bins 3 --conditioner-depth 1
make autoregressive_affine --flow-family autoregressive --autoregressive-transform affine \
  --spectrum-encoder-type transformer --encoder-hidden-dim 6 --encoder-patch-size 3
make neural_autoregressive --flow-family neural_autoregressive --autoregressive-transform-units 3 \
  --base-distribution logistic --parameter-space cube
make ensemble --num-spline-bins 2 --ensemble-size 2 --aux-parameter-loss-weight 0.1

python3 - ../format-1/demo.safetensors >"$work/example.txt" <<'PYTHON'
import json, struct, sys
data = open(sys.argv[1], "rb").read()
header = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])["__metadata__"]["flowglass"]
model = json.loads(header)
seen = model["example"]["observation"]
for row in zip(model["schema"]["wavelengths"], seen["values"], seen["sigma"]):
    print(*map(repr, row))
PYTHON
mkdir -p ../format-1
"$flowglass" sample ../format-1/demo.safetensors "$work/example.txt" -n 16 --seed 3 -o ../format-1/demo.npy --quiet
