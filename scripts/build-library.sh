#!/usr/bin/env bash
# Builds the engine as a static library for the Go package go-shim/internal/engine.
#
# Two things make this more than a cargo build:
# - Go's build cache does not notice a changed library. So the digest of the sources is compiled into the library and
#   written into a header of the Go package; the package refuses a library with another digest. Both files are touched
#   only if they change, so that Go's cache stays warm.
# - Two Rust libraries in one binary collide in their standard library's symbols. So only `tl_*` stays visible.
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
  local digest package library header
  digest=$(source_digest)
  package=go-shim/internal/engine
  library=$package/lib/$(go_platform)/libtokenledger.a
  header=$package/library_digest.h
  if up_to_date "$digest" "$library" "$header"; then
    echo "library: up to date ($digest)"
    return
  fi
  echo "library: building ($digest)"
  # No paths of this machine in the messages of a panic.
  export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
  # A directory of its own: other flags than those of every other build would make cargo rebuild everything each time.
  export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/library
  # One crate type alone: together with the rlib that the tests use, cargo leaves link-time optimisation to a linker.
  TL_CONTENT_DIGEST=$digest cargo rustc --release --locked -p tokenledger-ffi --lib --crate-type staticlib ${TARGET:+--target "$TARGET"}
  mkdir -p "$(dirname "$library")"
  keep_exports "$CARGO_TARGET_DIR/${TARGET:+$TARGET/}release/libtokenledger_ffi.a" "$library"
  printf '/* Written by scripts/build-library.sh: the digest of the sources that the library was built from. */\n#define TL_EXPECTED_DIGEST "%s"\n' "$digest" >"$header.new"
  mv "$header.new" "$header"
}

# The digest of everything that decides what the library contains, this script included. Paths count, times do not.
source_digest() {
  {
    rustc --version
    find .cargo rust/prices rust/engine rust/storage rust/otlp rust/ffi \( -name '*.rs' -o -name '*.toml' \) -type f -print0 |
      LC_ALL=C sort -z | xargs -0 sha256sum
    sha256sum Cargo.toml Cargo.lock scripts/build-library.sh
  } | sha256sum | cut -d' ' -f1
}

# The directory's name for TARGET, Rust's name of a platform, or for this machine, as Go names platforms.
go_platform() {
  local kernel machine
  kernel=$(uname -s) machine=${TARGET:-$(uname -m)}
  case "$kernel-${machine%%-*}" in
    Linux-x86_64) echo linux_amd64 ;;
    Linux-aarch64 | Linux-arm64) echo linux_arm64 ;;
    *)
      echo "library: $(uname -s) on $(uname -m) is not supported; build on Linux, amd64 or arm64" >&2
      return 1
      ;;
  esac
}

up_to_date() { # digest library header
  [[ -f $2 && -f $3 ]] && grep -q "\"$1\"" "$3" && grep -qa "$1" "$2"
}

# Links the archive into one object that holds only what the exports need, and hides every other symbol. The bitcode
# that rustc's own library brings along goes too: binutils takes it for an object of another compiler.
keep_exports() { # archive library
  local exports=() name
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  while read -r name; do exports+=("--undefined=$name"); done < <(exported_names "$1")
  if ((${#exports[@]} == 0)); then
    echo "library: $1 exports no tl_ function" >&2
    return 1
  fi
  "${LD:-ld}" --relocatable --gc-sections "${exports[@]}" -o "$scratch/engine.o" "$1"
  "${OBJCOPY:-objcopy}" --wildcard --keep-global-symbol='tl_*' --strip-debug --remove-section='.llvm*' "$scratch/engine.o"
  "${AR:-ar}" rcsD "$scratch/libtokenledger.a" "$scratch/engine.o"
  mv "$scratch/libtokenledger.a" "$2"
}

exported_names() {
  "${NM:-nm}" --extern-only --defined-only "$1" 2>/dev/null | awk '$2 == "T" && $3 ~ /^tl_/ { print $3 }' | LC_ALL=C sort -u
}

main "$@"
