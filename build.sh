#!/usr/bin/env bash
# Builds, serves and tests Flowglass; installs what is missing. `./build.sh help` lists the commands.
# shellcheck disable=SC2317 # the stages of the tests are called by their names
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DIST="$ROOT/dist"
# Everything that is built lies in one folder, target, so that code that runs on the host (macros, build scripts) is
# compiled once for all artifacts. In CI the folder lies outside the checkout, so that the next run can use it again.
if [ -n "${FLOWGLASS_BUILD_DIR:-}" ]; then BUILD=$FLOWGLASS_BUILD_DIR
elif [ "${CI:-}" = true ]; then BUILD="$HOME/.cache/flowglass"
else BUILD="$ROOT"
fi
LOGS="$BUILD/target/logs"
# In CI a Cargo.lock that does not fit Cargo.toml is an error; elsewhere cargo brings it up to date.
LOCKED=()
if [ "${CI:-}" = true ]; then LOCKED=(--locked); fi

# The GPU is last: a software GPU takes longest.
ENGINES=(cpu ndarray gpu)
# relaxed is the cpu artifact for browsers with relaxed SIMD, and threads the one for pages that may share memory too.
# hdf5 converts HDF5 files for all of them; the page loads it with the first such file.
ARTIFACTS=(cpu relaxed hdf5 threads ndarray gpu)
STAGES=(check native web page)

usage() {
  cat <<'TEXT'
Usage: ./build.sh [COMMAND]

  serve [--port N]   (the default) build the page for the CPU, serve it and print its URL; build the other
                     artifacts meanwhile, each of use as soon as it is reported. Ctrl-C stops all of it.
  build              build everything into dist/, a static folder for any file server and any sub-path
  docs [book]        build the documentation into dist/docs/: the book, and the Rust reference unless "book" is said
  artifact NAME      build one artifact into dist/pkg/: cpu, relaxed, hdf5, threads, ndarray or gpu
  test [STAGE...]    run the tests, or some of their stages: check, native, web, page
  check              format and lint: cargo fmt and clippy, Biome; and the types of the scripts (tsc)
  clean              remove dist/ and what was built for it
  help               this text

Set FLOWGLASS_BUILD_DIR to keep the folder target elsewhere, CHROMIUM and CHROMEDRIVER to choose the browser.
TEXT
}

# shellcheck source=.build/setup.sh
. "$ROOT/.build/setup.sh"

minutes() { printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); }
sha256() { if have sha256sum; then sha256sum; else shasum -a 256; fi | cut -c 1-64; }

# Native tests and checks also cover the device `ndarray`, which the default build leaves out.
TESTED=(--features ndarray)

# native_cargo SUBCOMMAND...
native_cargo() { CARGO_TARGET_DIR="$BUILD/target" cargo "$1" ${LOCKED[@]+"${LOCKED[@]}"} "${@:2}"; }

# wasm_settings ARTIFACT: sets TARGET, FLAGS and FEATURES, in which the artifacts differ.
wasm_settings() {
  TARGET="$BUILD/target" FLAGS='-C target-feature=+simd128' FEATURES=()
  case $1 in
    cpu) ;;
    relaxed) FEATURES=(--features relaxed) ;;
    hdf5) FEATURES=(--features converter) ;;
    threads)
      # If only this artifact needs RUSTC_BOOTSTRAP, it has a folder of its own, because a change of that variable makes
      # cargo build most packages again.
      if [ -z "${WASM_BUILD_STD:-}" ]; then TARGET="$TARGET/threads"; fi
      FLAGS="-C target-feature=+simd128,+atomics $SHARED_MEMORY" FEATURES=(--features threads,relaxed)
      ;;
    gpu) FEATURES=(--features webgpu) ;;
    ndarray) FLAGS='' FEATURES=(--features ndarray) ;;
    *) die "no artifact is called '$1': there are ${ARTIFACTS[*]}" ;;
  esac
}

# Memory that workers share, up to 4 GiB, and the symbols by which wasm-bindgen gives each worker thread-local storage.
SHARED_MEMORY='-C link-arg=--shared-memory -C link-arg=--import-memory -C link-arg=--max-memory=4294967296'
for symbol in __wasm_init_tls __tls_size __tls_align __tls_base; do SHARED_MEMORY+=" -C link-arg=--export=$symbol"; done

# wasm_cargo ARTIFACT SUBCOMMAND...: cargo for wasm32-unknown-unknown, by the route that need_wasm_target found.
wasm_cargo() {
  local artifact=$1 subcommand=$2
  shift 2
  wasm_settings "$artifact"
  (
    if [ "$artifact" = threads ]; then need_std_source; fi
    export RUSTC="$WASM_RUSTC" CARGO_TARGET_DIR="$TARGET" CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="$FLAGS"
    local std=()
    if [ -n "$WASM_BUILD_STD" ]; then
      export RUSTC_BOOTSTRAP=1
      std=("$WASM_BUILD_STD")
      # As fast as the standard library that rustup delivers.
      for package in core alloc std compiler_builtins; do std+=(--config "profile.wasm.package.$package.opt-level=3"); done
    fi
    if [ -n "$WASM_LINKER" ]; then export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$WASM_LINKER"; fi
    "$WASM_CARGO" "$subcommand" --profile wasm --target wasm32-unknown-unknown ${std[@]+"${std[@]}"} \
      --no-default-features ${FEATURES[@]+"${FEATURES[@]}"} ${LOCKED[@]+"${LOCKED[@]}"} "$@"
  )
}

need_wasm_tools() {
  need_cargo
  need_wasm_target
  begin_wasm_bindgen
  need_npm_packages
}

# A hash of everything that an artifact is made of. Cargo would notice a change too, but several artifacts write the same
# file, so cargo would link it again each time. A file that src/ includes must therefore lie in src/.
source_hash() {
  (
    cd "$ROOT"
    "$WASM_RUSTC" -vV
    locked_version wasm-bindgen
    find src Cargo.toml Cargo.lock package.json build.sh -type f -print -exec cat {} + | LC_ALL=C sha256
  ) | sha256
}

# publish FOLDER NAME: the folder becomes dist/pkg/NAME by a rename, so that the server never sends half of it.
publish() {
  local new="$DIST/pkg/.$2.new" old="$DIST/pkg/.$2.old"
  mkdir -p "$DIST/pkg"
  rm -rf "$new" "$old"
  mkdir "$new"
  cp "$1"/flowglass* "$new"
  # JavaScript of crates: the workers of the threads artifact.
  if [ -d "$1/snippets" ]; then cp -R "$1/snippets" "$new"; fi
  if [ -d "$DIST/pkg/$2" ]; then mv "$DIST/pkg/$2" "$old"; fi
  mv "$new" "$DIST/pkg/$2"
  rm -rf "$old"
}

# build_artifact NAME: cargo, wasm-bindgen, wasm-opt, dist/pkg/NAME; only the last step if nothing has changed.
build_artifact() {
  wasm_settings "$1"
  mkdir -p "$TARGET/pkg"
  (
    # Two builds at once in one target folder would overwrite each other's flowglass.wasm. (macOS has no flock.)
    if have flock; then flock 9; fi
    build_artifact_alone "$1"
  ) 9>"$TARGET/pkg/lock"
}

build_artifact_alone() {
  local name=$1 start=$SECONDS made="$TARGET/pkg/$1" work="$TARGET/pkg/$1.new" hash wasm
  hash=$(source_hash)
  if [ "$(cat "$made/source" 2>/dev/null)" != "$hash" ]; then
    say "Building the $name artifact"
    # An artifact that is out of date is not served, because the page's script may expect another interface.
    rm -rf "$DIST/pkg/$name" "$work"
    cd "$ROOT"
    wasm_cargo "$name" build --lib
    say "The $name artifact is compiled ($(minutes $((SECONDS - start))))"
    need_wasm_bindgen
    "$WASM_BINDGEN" --target web --out-dir "$work" --out-name flowglass "$TARGET/wasm32-unknown-unknown/wasm/flowglass.wasm"
    optimize "$name" "$work/flowglass_bg.wasm"
    say "$hash" >"$work/source"
    rm -rf "$made"
    mv "$work" "$made"
  fi
  publish "$made" "$name"
  wasm="$DIST/pkg/$name/flowglass_bg.wasm"
  say "The $name artifact is ready: $(megabytes <"$wasm") MB, $(gzip -9 <"$wasm" | megabytes) MB compressed ($(minutes $((SECONDS - start))))"
}

megabytes() { wc -c | awk '{ printf "%.2f", $1 / 1e6 }'; }

# Level 1: rustc has optimized already, and the higher levels cost minutes and make the download larger. Measured on two
# busy cores (processor seconds, MB compressed): cpu 28 s, 1.29 (level 2: 80 s, 1.36); gpu 89 s, 4.42 (level 2: 4.56).
# Sorted by name, the versions of one generic function lie side by side, where gzip finds that they are alike: cpu 1.21 to
# 1.10. The features are those that rustc uses by default.
WASM_OPT=(-O1 --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext
  --enable-mutable-globals --enable-reference-types --enable-multivalue)

# optimize ARTIFACT WASM: in place.
optimize() {
  local flags=("${WASM_OPT[@]}")
  if [ "$1" != ndarray ]; then flags+=(--enable-simd); fi
  case $1 in relaxed | threads) flags+=(--enable-relaxed-simd) ;; esac
  if [ "$1" = threads ]; then flags+=(--enable-threads); fi
  "$ROOT/node_modules/.bin/wasm-opt" "${flags[@]}" --reorder-functions-by-name "$2" -o "$2.opt"
  mv "$2.opt" "$2"
}

# The page itself; dist/pkg and dist/docs stay.
copy_www() {
  mkdir -p "$DIST"
  find "$DIST" -mindepth 1 -maxdepth 1 ! -name pkg ! -name docs -exec rm -rf {} +
  cp -R "$ROOT/www/." "$DIST/"
  rm -f "$DIST/serve.mjs"
}

# build_docs [book]: the documentation becomes dist/docs by a rename, so that the server never sends half of it.
build_docs() {
  local new="$DIST/.docs.new" old="$DIST/.docs.old"
  need_mdbook
  mkdir -p "$DIST"
  rm -rf "$new" "$old"
  "$MDBOOK" build "$ROOT/docs" --dest-dir "$new"
  # mdBook copies every file that is not a page, and so also its own settings.
  rm "$new/book.toml"
  mkdir "$new/rust"
  if [ "${1:-}" = book ]; then
    say '<!doctype html><meta charset="utf-8"><title>Rust reference</title><p>This copy was built without the Rust reference. <code>./build.sh docs</code> adds it.' >"$new/rust/index.html"
  else
    (cd "$ROOT" && rust_reference)
    cp -R "$BUILD/target/doc/." "$new/rust"
    say '<!doctype html><meta charset="utf-8"><title>Rust reference</title><meta http-equiv="refresh" content="0; url=flowglass/index.html">' >"$new/rust/index.html"
  fi
  if [ -d "$DIST/docs" ]; then mv "$DIST/docs" "$old"; fi
  mv "$new" "$DIST/docs"
  rm -rf "$old"
  say "The documentation is ready in dist/docs"
}

build_all() {
  local name
  for name in "${ARTIFACTS[@]}"; do build_artifact "$name"; done
  copy_www
  build_docs book
}

serve() {
  local port=() name
  while [ $# -gt 0 ]; do
    case $1 in
      --port) [ $# -gt 1 ] || die "--port wants a number"; port=("$2"); shift 2 ;;
      --port=*) port=("${1#--port=}"); shift ;;
      *) die "serve takes --port N, not '$1'" ;;
    esac
  done
  case ${port[0]:-0} in *[!0-9]*) die "--port wants a number, not '${port[0]}'" ;; esac
  need_wasm_tools
  copy_www
  build_artifact cpu
  # With job control, the server and the builder each have a process group of their own, which the trap on EXIT ends.
  set -m
  node "$ROOT/www/serve.mjs" "$DIST" ${port[@]+"${port[@]}"} &
  local server=$!
  (
    "$ROOT/build.sh" docs book || say "build.sh: the documentation was not built; the page goes on without it" >&2
    for name in "${ARTIFACTS[@]:1}"; do
      # Each build is a process of its own, because `||` would switch `set -e` off inside a function.
      "$ROOT/build.sh" artifact "$name" || say "build.sh: the $name artifact was not built; the page goes on without it" >&2
    done
  ) &
  local builder=$!
  set +m
  # shellcheck disable=SC2064 # the ids as they are now
  trap "kill -- -$server -$builder 2>/dev/null || true" EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  wait "$server"
}

check() {
  cd "$ROOT"
  cargo fmt --check
  # With --release, clippy uses the build scripts and macros that the native tests have compiled.
  native_cargo clippy --release "${TESTED[@]}" --all-targets -- -D warnings
  node_modules/.bin/biome check --error-on-warnings
  node_modules/.bin/tsc
  rust_reference
}

native() {
  cd "$ROOT"
  native_cargo test --release --no-fail-fast "${TESTED[@]}"
}

# The documentation of the Rust library, in target/doc. It uses the packages that clippy has checked.
rust_reference() { RUSTDOCFLAGS="-D warnings" native_cargo doc --release "${TESTED[@]}" --no-deps --lib; }

# Runs the Rust tests of tests/web in headless Chromium, once for the features of each engine.
web() {
  local name
  cd "$ROOT"
  need_wasm_bindgen
  export WASM_BINDGEN_TEST_WEBDRIVER_JSON="$LOGS/webdriver.json"
  sed "s|CHROMIUM|$CHROMIUM|" "$ROOT/.build/webdriver.json" >"$WASM_BINDGEN_TEST_WEBDRIVER_JSON"
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER="$(dirname "$WASM_BINDGEN")/wasm-bindgen-test-runner"
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER
  # Seconds for all tests of one run; the runner's own 20 are too few for training, above all on a software GPU.
  export WASM_BINDGEN_TEST_TIMEOUT="${WASM_BINDGEN_TEST_TIMEOUT:-600}"
  for name in "${ENGINES[@]}"; do
    say "Tests in the browser: $name"
    wasm_cargo "$name" test --test web
  done
}

# Tests the built page in headless Chromium.
page() {
  cd "$ROOT"
  build_all
  local tests=(tests/e2e/*.test.*js)
  [ -e "${tests[0]}" ] || die "tests/e2e has no *.test.mjs"
  # The files and not the folder, because node 22 and later accept no folder here.
  FLOWGLASS_DIST="$DIST" node --test "${tests[@]}"
}

# Runs the stages, all of them even if one fails, and prints a summary.
run_tests() {
  local stages=("$@") stage start code failed=0 report=() log
  if [ $# = 0 ]; then stages=("${STAGES[@]}"); fi
  for stage in "${stages[@]}"; do
    case " ${STAGES[*]} " in *" $stage "*) ;; *) die "no stage is called '$stage': there are ${STAGES[*]}" ;; esac
  done
  start=$SECONDS
  for stage in "${stages[@]}"; do
    case $stage in
      check) need_cargo; need_rust_checks; need_npm_packages ;;
      native) need_cargo ;;
      web) need_wasm_tools; need_chromium ;;
      page) need_wasm_tools; need_chromium ;;
    esac
  done
  report+=("ok      $(minutes $((SECONDS - start)))  set-up")
  for stage in "${stages[@]}"; do
    say "== $stage"
    start=$SECONDS log="$LOGS/test-$stage.log"
    set +e
    (set -e; "$stage") 2>&1 | tee "$log"
    code=${PIPESTATUS[0]}
    set -e
    if [ "$code" = 0 ]; then report+=("ok      $(minutes $((SECONDS - start)))  $stage")
    else report+=("FAILED  $(minutes $((SECONDS - start)))  $stage"); failed=1
    fi
  done
  say "== summary"
  printf '%s\n' "${report[@]}"
  # Prints the last lines of all test runners together. (-a: a test may print bytes that are not text.)
  for stage in "${stages[@]}"; do
    grep -ahE '^test result:|^(# |ℹ )(tests|pass|fail|cancelled|skipped) ' "$LOGS/test-$stage.log" | sed "s/^/$stage: /" || true
  done
  return $failed
}

main() {
  mkdir -p "$LOGS"
  local command=${1:-serve}
  case $command in -*) command=serve ;; *) shift $(($# > 0)) ;; esac
  case $command in
    serve) serve "$@" ;;
    build) need_wasm_tools; build_all; build_docs; say "dist/ is ready for any static file server" ;;
    artifact) [ $# = 1 ] || die "artifact wants one of ${ARTIFACTS[*]}"; wasm_settings "$1"; need_wasm_tools; build_artifact "$1" ;;
    docs) case $* in '' | book) need_cargo; build_docs "$@" ;; *) die "docs takes nothing or 'book', not '$*'" ;; esac ;;
    test) run_tests "$@" ;;
    check) [ $# = 0 ] || die "check takes no arguments; several stages: ./build.sh test check $*"; run_tests check ;;
    clean) rm -rf "$DIST" "$BUILD/target" ;;
    help | --help | -h) usage ;;
    *) usage >&2; die "no command is called '$command'" ;;
  esac
}

# On one line with `exit`: bash reads a script while it runs it, and would otherwise run edits made during a long build.
main "$@"; exit
