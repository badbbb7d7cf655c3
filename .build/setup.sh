# shellcheck shell=bash disable=SC2034 # build.sh uses what is set here
# Finds the tools that build.sh needs, or installs them with a package manager, or says which one is missing and how to
# get it. Sourced by build.sh, which defines ROOT, BUILD and LOGS.

say() { printf '%s\n' "$*"; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# locked_version PACKAGE: its version in Cargo.lock.
locked_version() { awk -v want="name = \"$1\"" '$0 == want { getline; gsub(/version = |"/, ""); print; exit }' "$ROOT/Cargo.lock"; }

# apt_install PACKAGE...: false if there is no apt-get, no right to use it, or no such package.
apt_install() {
  local sudo=() log="$LOGS/apt.log"
  have apt-get || return 1
  if [ "$(id -u)" != 0 ]; then have sudo || return 1; sudo=(sudo); fi
  say "Installing with apt-get: $*"
  sudo+=(env DEBIAN_FRONTEND=noninteractive)
  # First without an update of the package lists, which is slow and rarely needed.
  "${sudo[@]}" apt-get install -y -q --no-install-recommends "$@" >"$log" 2>&1 && return
  "${sudo[@]}" apt-get update -q >>"$log" 2>&1 || true
  "${sudo[@]}" apt-get install -y -q --no-install-recommends "$@" >>"$log" 2>&1 && return
  tail -n 5 "$log" >&2
  return 1
}

# Debian's own Rust for the web: a recent compiler with the standard library's source (Debian 12 and later).
DEBIAN_RUST=(rustc-web cargo-web rust-web-src libstd-rust-web-dev)

need_cargo() {
  # rustup puts itself on PATH only in new shells.
  PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
  local wanted found
  wanted=$(sed -n 's/^rust-version = "\([0-9.]*\)".*/\1/p' "$ROOT/Cargo.toml")
  have cargo && have rustc || apt_install "${DEBIAN_RUST[@]}" ||
    die "cargo is missing. Install Rust $wanted or later with rustup (see rustup.rs), or on Debian: apt-get install ${DEBIAN_RUST[*]}"
  found=$(rustc --version | awk '{ print $2 }')
  printf '%s\n' "$wanted" "$found" | sort -V -C ||
    die "rustc is $found, and $wanted or later is needed. Update it with: rustup update stable"
  have cc || apt_install gcc libc6-dev ||
    die "a C linker (cc) is missing. Install it with: apt-get install gcc libc6-dev (macOS: xcode-select --install)"
}

need_rust_checks() {
  { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1 ||
    die "cargo fmt or cargo clippy is missing. Install them with: rustup component add rustfmt clippy"
}

# Sets WASM_RUSTC, WASM_CARGO, WASM_LINKER and WASM_BUILD_STD by the first of three routes that works.
need_wasm_target() {
  local target=wasm32-unknown-unknown
  WASM_RUSTC=rustc WASM_CARGO=cargo WASM_LINKER='' WASM_BUILD_STD=''
  has_wasm_std() { ls "$(rustc --print target-libdir --target $target)"/libstd-*.rlib >/dev/null 2>&1; }
  # 1. The active toolchain has it.
  has_wasm_std && return
  # 2. rustup adds it.
  if have rustup && rustup target add $target >"$LOGS/rustup.log" 2>&1 && has_wasm_std; then return; fi
  # 3. Debian's compiler builds it from the source that Debian ships.
  debian_builds_std ||
    die "Rust's standard library for $target is missing. Get it with: rustup target add $target (its answer here is in $LOGS/rustup.log), or on Debian 12 or later: apt-get install ${DEBIAN_RUST[*]}"
}

# For the threads artifact, for which no toolchain has a compiled standard library. It is built from source: the source of
# the active toolchain, or the one that rustup adds, or Debian's. Sets the same names as need_wasm_target.
need_std_source() {
  need_wasm_target
  [ -z "$WASM_BUILD_STD" ] || return 0
  if has_std_source rustc || { have rustup && rustup component add rust-src >"$LOGS/rust-src.log" 2>&1 && has_std_source rustc; }; then
    WASM_BUILD_STD='-Zbuild-std=std,panic_abort'
    return
  fi
  debian_builds_std ||
    die "the source of Rust's standard library is missing. Get it with: rustup component add rust-src, or on Debian 12 or later: apt-get install ${DEBIAN_RUST[*]}"
}

# has_std_source RUSTC
has_std_source() { [ -e "$("$1" --print sysroot)/lib/rustlib/src/rust/library/std/Cargo.toml" ]; }

# Sets the same names to Debian's compiler, which it installs if needed; false if that fails. build-std is unstable, so
# wasm_cargo sets RUSTC_BOOTSTRAP.
debian_builds_std() {
  debian_has_it() { [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && has_std_source /usr/bin/rustc; }
  debian_has_it || apt_install "${DEBIAN_RUST[@]}" || true
  debian_has_it || return 1
  WASM_RUSTC=/usr/bin/rustc WASM_CARGO=/usr/bin/cargo WASM_BUILD_STD='-Zbuild-std=std,panic_abort'
  # Debian's rustc looks for rust-lld by name and comes without one: take rustup's, or LLVM's of the same version.
  local host llvm
  host=$(rustc -vV | sed -n 's/^host: //p')
  llvm=$(/usr/bin/rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
  WASM_LINKER="$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld"
  [ -x "$WASM_LINKER" ] && return
  have "wasm-ld-$llvm" || have wasm-ld || apt_install "lld-$llvm" || apt_install lld ||
    die "a linker for wasm is missing. Install it with: apt-get install lld-$llvm"
  WASM_LINKER=$(command -v "wasm-ld-$llvm" || command -v wasm-ld)
}

# quick_install PACKAGE VERSION [OPTION...]: installs a tool from crates.io. It is not optimized: that takes a third of the
# time, and the tool is fast enough here. Cargo's lock on the target folder makes a second call wait for the first.
quick_install() {
  CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_TARGET_DIR="$BUILD/target/tools" \
    cargo install "$1" --version "$2" "${@:3}" >>"$LOGS/$1.log" 2>&1
}

# Without default features, which are for tests that load files over HTTPS.
install_wasm_bindgen() { quick_install wasm-bindgen-cli "$(locked_version wasm-bindgen)" --no-default-features; }

# Sets WASM_BINDGEN, or is false if the tool is not there in the version of the crate.
find_wasm_bindgen() {
  local version candidate
  version=$(locked_version wasm-bindgen)
  for candidate in "$(command -v wasm-bindgen || true)" "${CARGO_HOME:-$HOME/.cargo}/bin/wasm-bindgen"; do
    [ -x "$candidate" ] && [ "$("$candidate" --version)" = "wasm-bindgen $version" ] && WASM_BINDGEN=$candidate && return
  done
  return 1
}

# Begins to install the tool, so that it is ready when the first artifact is compiled.
begin_wasm_bindgen() {
  find_wasm_bindgen && return
  say "Installing wasm-bindgen-cli meanwhile"
  install_wasm_bindgen &
}

# Sets WASM_BINDGEN. If an installation has begun, it waits for its end.
need_wasm_bindgen() {
  local version
  find_wasm_bindgen && return
  version=$(locked_version wasm-bindgen)
  say "Installing wasm-bindgen-cli $version (about a minute on two cores)"
  install_wasm_bindgen || true
  find_wasm_bindgen ||
    die "wasm-bindgen-cli $version is missing. Install it with: cargo install wasm-bindgen-cli --version $version (its answer here is in $LOGS/wasm-bindgen-cli.log: $(grep -m 1 "^error" "$LOGS/wasm-bindgen-cli.log" || true))"
}

# The version of mdBook that docs/book.toml is written for.
MDBOOK_VERSION=0.5.4

# Sets MDBOOK.
need_mdbook() {
  local candidate
  find_mdbook() {
    for candidate in "$(command -v mdbook || true)" "${CARGO_HOME:-$HOME/.cargo}/bin/mdbook"; do
      [ -x "$candidate" ] && [ "$("$candidate" --version)" = "mdbook v$MDBOOK_VERSION" ] && MDBOOK=$candidate && return
    done
    return 1
  }
  find_mdbook && return
  say "Installing mdbook $MDBOOK_VERSION (about a minute on two cores)"
  # `--locked`: with the dependencies that its authors tested.
  quick_install mdbook "$MDBOOK_VERSION" --locked --no-default-features --features search || true
  find_mdbook ||
    die "mdbook $MDBOOK_VERSION is missing. Install it with: cargo install mdbook --version $MDBOOK_VERSION --locked (its answer here is in $LOGS/mdbook.log: $(grep -m 1 "^error" "$LOGS/mdbook.log" || true))"
}

need_node() {
  have node || apt_install nodejs || true
  have node || die "node is missing. Install Node.js 18 or later (Debian: apt-get install nodejs npm; macOS: brew install node)"
  node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' ||
    die "node is $(node --version), and 18 or later is needed. Install a later Node.js and put it on PATH"
}

# wasm-opt (binaryen) and playwright-core, of the versions in package.json.
need_npm_packages() {
  need_node
  npm_packages_there() {
    # shellcheck disable=SC2016 # the template string is JavaScript's
    (cd "$ROOT" && node -e '
      const { readFileSync } = require("node:fs"), json = (path) => JSON.parse(readFileSync(path))
      for (const [name, version] of Object.entries(json("package.json").devDependencies))
        if (json(`node_modules/${name}/package.json`).version !== version) process.exit(1)' 2>/dev/null)
  }
  npm_packages_there && return
  have npm || apt_install npm || true
  have npm || die "npm is missing. Install it with Node.js (Debian: apt-get install npm; macOS: brew install node)"
  say "Installing with npm: binaryen (wasm-opt), playwright-core, Biome, TypeScript"
  (cd "$ROOT" && npm install --ignore-scripts >"$LOGS/npm.log" 2>&1) || true
  npm_packages_there ||
    die "the npm packages of package.json are missing. Install them with: npm install (its answer here is in $LOGS/npm.log: $(grep -m 1 -i "error" "$LOGS/npm.log" || true))"
}

# Sets CHROMIUM and CHROMEDRIVER; both may be given from outside.
need_chromium() {
  local candidate macos='/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
  # first_of VALUE NAME...: the value if it is there, else the first of the names that can be run.
  first_of() { for candidate in "$@"; do command -v "$candidate" 2>/dev/null && return; done; }
  find_browser() {
    CHROMIUM=$(first_of "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable "$macos")
    CHROMEDRIVER=$(first_of "${CHROMEDRIVER:-}" chromedriver /usr/lib/chromium-browser/chromedriver)
    [ -n "$CHROMIUM" ] && [ -n "$CHROMEDRIVER" ]
  }
  find_browser || apt_install chromium chromium-driver || true
  # In two steps, so that the message names the program that is missing.
  find_browser || true
  [ -n "$CHROMIUM" ] ||
    die "Chromium is missing. Install it (Debian: apt-get install chromium chromium-driver; Ubuntu, whose package is a snap, and macOS: Google Chrome and chromedriver) or set CHROMIUM to its path"
  [ -n "$CHROMEDRIVER" ] ||
    die "chromedriver is missing. Install the one of your browser's version (Debian: apt-get install chromium-driver; macOS: brew install chromedriver) or set CHROMEDRIVER to its path"
  major() { "$1" --version 2>/dev/null | sed -n 's/^[^0-9]*\([0-9]*\)\..*/\1/p' | head -n 1; }
  [ "$(major "$CHROMIUM")" = "$(major "$CHROMEDRIVER")" ] ||
    die "$CHROMIUM is version $(major "$CHROMIUM") and $CHROMEDRIVER version $(major "$CHROMEDRIVER"): install the driver of the browser's version, or set CHROMIUM and CHROMEDRIVER"
  export CHROMIUM CHROMEDRIVER
}
