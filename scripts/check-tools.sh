#!/usr/bin/env bash
# Says which tools are missing or too old, all at once and with the remedy, before anything is built.
#
#   scripts/check-tools.sh          what a build needs
#   scripts/check-tools.sh test     what the tests need besides
set -uo pipefail
cd "$(dirname "$0")/.." || exit

readonly least_go=1.26 least_rust=1.95
problems=()

main() {
  check_platform
  check_go
  check_rust
  check_c
  [[ ${1:-} != test ]] || check_test_tools
  if ((${#problems[@]} > 0)); then
    {
      echo "Tokenledger cannot be built here yet:"
      printf '  - %s\n' "${problems[@]}"
    } >&2
    return 1
  fi
}

problem() { problems+=("$1"); }

check_platform() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64 | Linux-aarch64 | Linux-arm64) ;;
    *) problem "$(uname -s) on $(uname -m) is not supported: build on Linux (amd64 or arm64), for example in a container" ;;
  esac
}

check_go() {
  local found
  if ! command -v go >/dev/null; then
    problem "go is missing: install Go $least_go or newer (https://go.dev/dl) and put it on PATH"
    return
  fi
  # Inside the module, so that a Go which fetches newer toolchains by itself is asked for the one it would use.
  found=$(go -C go-shim env GOVERSION 2>/dev/null || go env GOVERSION 2>/dev/null)
  found=${found#go}
  at_least "$found" $least_go || problem "go is ${found:-of unknown version}: install Go $least_go or newer (https://go.dev/dl)"
}

check_rust() {
  local tool found
  for tool in rustc cargo; do
    if ! command -v $tool >/dev/null; then
      problem "$tool is missing: install Rust $least_rust or newer (https://rustup.rs) and put ~/.cargo/bin on PATH"
      continue
    fi
    found=$($tool --version 2>/dev/null | cut -d' ' -f2)
    at_least "$found" $least_rust || problem "$tool is ${found:-of unknown version}: install Rust $least_rust or newer (rustup update)"
  done
}

check_c() {
  local tool source
  if ! command -v "${CC:-cc}" >/dev/null; then
    problem "a C compiler (${CC:-cc}) is missing: install one (Debian: apt-get install gcc libc6-dev)"
    return
  fi
  source=$(mktemp -d)
  echo 'int main(void) { return 0; }' >"$source/main.c"
  "${CC:-cc}" -static -o "$source/main" "$source/main.c" 2>/dev/null ||
    problem "${CC:-cc} cannot link statically: install the C library's static files (Debian: apt-get install libc6-dev, Fedora: dnf install glibc-static)"
  rm -rf "$source"
  for tool in "${LD:-ld}" "${OBJCOPY:-objcopy}" "${AR:-ar}" "${NM:-nm}"; do
    command -v "$tool" >/dev/null || problem "$tool is missing: install binutils (Debian: apt-get install binutils)"
  done
}

check_test_tools() {
  command -v prometheus >/dev/null ||
    problem "prometheus is missing, which the tests start and scrape with: install it (Debian: apt-get install prometheus)"
  command -v valgrind >/dev/null ||
    problem "valgrind is missing, which the tests look for leaks with: install it (Debian: apt-get install valgrind)"
  unshare --mount --net true 2>/dev/null ||
    problem "networks and mounts of their own cannot be made, in which the tests run whole stacks: run them as root (make test)"
}

# Whether version $1 is $2 or newer.
at_least() {
  [[ -n $1 && $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

main "$@"
