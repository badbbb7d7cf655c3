#!/usr/bin/env bash
# Measures Flowglass and its peers in one run on this machine: benches/beside.sh KIT [OUT]
#
# KIT is a folder with the peers' scripts: run_all.sh, and a README that explains PEERS_VENV, PEERS_NODE and PEERS_OUT.
# OUT, by default target/beside, gets the results. This takes about 15 minutes; dist/ must be built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# -ge 1 ] || { echo "usage: benches/beside.sh KIT [OUT]" >&2; exit 2; }
kit=$1 out=${2:-target/beside}
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -f "$out/peers.jsonl"
RESULTS="$out/peers.jsonl" BUDGET="${BUDGET:-2}" bash "$kit/run_all.sh" jax web >/dev/null
node benches/run.mjs native cpu relaxed threads page sizes --budget "${BUDGET:-2}" >"$out/flowglass.jsonl"
node benches/ratios.mjs "$out/flowglass.jsonl" "$out/peers.jsonl" | tee "$out/beside.md"
