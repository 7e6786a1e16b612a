#!/usr/bin/env bash
# Builds the container image from build/otelcol-tokenledger and from the command line, which is built here once more, as a
# static binary: an empty image has no C library.
#
#   scripts/build-image.sh            prepare, build with buildah into its local storage, write build/image.tar
#   scripts/build-image.sh prepare    only put together what the Dockerfile copies, for `docker build .`
#
#   variable            meaning
#   IMAGE               name without version; tokenledger/otelcol-tokenledger
#   SOURCE_DATE_EPOCH   time of the image and its files in Unix seconds; that of the last commit
#   CA_BUNDLE           the certificates that the image trusts; this machine's
#   TARGET              Rust's name of the platform, which must be that of build/otelcol-tokenledger; this machine's
set -euo pipefail
cd "$(dirname "$0")/.."

readonly context=build/image root=build/image/root image=${IMAGE:-tokenledger/otelcol-tokenledger}
target=${TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
readonly target ca_bundle=${CA_BUNDLE:-/etc/ssl/certs/ca-certificates.crt}

main() {
  prepare
  [[ ${1:-} == prepare ]] || build
}

prepare() {
  local file
  for file in build/otelcol-tokenledger "$ca_bundle"; do
    [[ -f $file ]] || fail "$file is missing: run \`make build\` first, and install ca-certificates"
  done
  rm -rf "$context"
  mkdir -p "$context/state/tokenledger" $root/var/lib # of the latter only the folder inside is to be the user's
  chmod 750 "$context/state/tokenledger" # totals by user are nobody else's business
  put 755 build/otelcol-tokenledger /otelcol-tokenledger
  ln -s otelcol-tokenledger $root/otelcol
  ln -s otelcol-tokenledger $root/otelcol-contrib
  put 755 "$(static_command_line)" /tokenledger
  check_static
  put 644 collector-config/default.yaml /etc/otelcol/config.yaml
  link ../otelcol/config.yaml /etc/otelcol-contrib/config.yaml
  link ../otelcol/config.yaml /etc/otelcol-tokenledger/config.yaml
  put 644 "$ca_bundle" /etc/ssl/certs/ca-certificates.crt
  put 644 LICENSE /usr/share/doc/tokenledger/LICENSE
  put 644 THIRD_PARTY.md /usr/share/doc/tokenledger/THIRD_PARTY.md
  write_sbom $root/usr/share/sbom/tokenledger.cdx.json
}

put() { # mode file place
  install -D -m "$1" "$2" "$root$3"
}

link() { # target place
  mkdir -p "$root$(dirname "$2")"
  ln -s "$1" "$root$2"
}

# Builds the command line for this machine's target by name: only so rustc links programs statically and the compiler's
# own plug-ins dynamically. A directory of its own, because other flags make cargo build everything anew.
static_command_line() {
  local directory=${CARGO_TARGET_DIR:-target}/static variable
  variable=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$target")_RUSTFLAGS
  export "$variable=-C target-feature=+crt-static -C strip=symbols"
  CARGO_TARGET_DIR=$directory cargo build --release --locked -p tokenledger-cli --target "$target" >&2
  echo "$directory/$target/release/tokenledger"
}

# A program that wants a loader would fail in the image with the misleading "no such file or directory".
check_static() {
  local program
  for program in otelcol-tokenledger tokenledger; do
    ! readelf --program-headers $root/$program | grep -q INTERP || fail "$program is not linked statically"
  done
}

# Of the crates those that end in a binary, with the features that they have there.
write_sbom() { # place
  mkdir -p "$(dirname "$1")"
  cargo tree --locked -p tokenledger-ffi -p tokenledger-cli --edges normal,no-proc-macro --target "$target" \
    --prefix none --format $'{p}\t{l}' |
    go run -C tools ./sbom -version "$(version)" -time "$(epoch)" -collector "$PWD/build/otelcol-tokenledger" >"$1"
}

build() {
  local created tags=("$image:$(version)" "$image:latest")
  created=$(date --utc --date="@$(epoch)" +%Y-%m-%dT%H:%M:%SZ)
  command -v buildah >/dev/null || fail "buildah is missing: install it (Debian: apt-get install buildah), or build with docker: docs/image.md"
  # Docker's format, because OCI's has no place for the health check. The Dockerfile runs nothing, so nothing is isolated.
  buildah bud --quiet --isolation chroot --format docker --arch "$(architecture)" --timestamp "$(epoch)" \
    --build-arg VERSION="$(version)" --build-arg REVISION="$(revision)" --build-arg CREATED="$created" \
    --tag "${tags[0]}" --tag "${tags[1]}" .
  rm -f build/image.tar
  buildah push --quiet "${tags[0]}" "docker-archive:build/image.tar:${tags[0]}"
  echo "image: ${tags[*]}, build/image.tar ($(($(stat -c %s build/image.tar) / 1000000)) MB)"
}

# The target's, as container engines name it.
architecture() {
  case ${target%%-*} in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) fail "no image for $target" ;;
  esac
}

version() { sed -n '/^\[workspace.package\]/,/^\[/ s/^version = "\(.*\)"/\1/p' Cargo.toml; }

revision() { git rev-parse HEAD 2>/dev/null || echo unknown; }

epoch() { echo "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}"; }

fail() {
  echo "image: $*" >&2
  exit 1
}

main "$@"
