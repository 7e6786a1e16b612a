#!/usr/bin/env bash
# Tests the container image in build/image.tar: each test in a box of its own (scripts/container-box.sh), several at a time,
# because they mostly wait for scrapes. Needs root and the tools that are checked below.
#
#   scripts/run-image-tests.sh            every test
#   scripts/run-image-tests.sh REGEX      those whose names match
#
#   variable                 meaning
#   TOKENLEDGER_SEED_STACKS  folder with the compose files and configurations of existing stacks, which are not part of this
#                            repository; ../shared/data/seed-stacks if that is there. `none` leaves out the tests that need them
#   IMAGE_TESTS_AT_A_TIME    3
set -euo pipefail
cd "$(dirname "$0")/.."

readonly work=build/image-test

# Without the variable the folder beside the repository, where there is one.
stacks=$PWD/../shared/data/seed-stacks
[[ -d $stacks ]] || stacks=none
export TOKENLEDGER_SEED_STACKS=${TOKENLEDGER_SEED_STACKS:-$stacks}

main() {
  check_tools
  mkdir -p $work/logs
  install_compose
  go test -C tools ./sbom
  [[ $TOKENLEDGER_SEED_STACKS != none ]] || echo "image tests: without the stacks of the field (TOKENLEDGER_SEED_STACKS)"
  echo "image tests: building"
  go test -C tests -tags image -c -o "../$work/tests" ./image
  prepare_standins
  scripts/container-box.sh $work "$0" --fill-store
  local tests
  tests=$("$work/tests" -test.list "${1:-.}" | grep '^Test') || { echo "image tests: no test matches $1" >&2; exit 1; }
  # What a box writes goes into files, so that tests at the same time do not mix their lines.
  xargs -P "${IMAGE_TESTS_AT_A_TIME:-3}" -I{} "$0" --one {} <<<"$tests"
  echo "image tests: all passed"
}

check_tools() {
  local tool missing=()
  for tool in podman buildah crun catatonit unshare ip busybox prometheus python3; do
    command -v $tool >/dev/null || missing+=("$tool")
  done
  if ((${#missing[@]} > 0)); then
    echo "image tests: missing: ${missing[*]} (Debian: apt-get install podman buildah crun catatonit netavark aardvark-dns iptables \
util-linux iproute2 busybox-static prometheus python3-venv)" >&2
    exit 1
  fi
  [[ -f build/image.tar ]] || { echo "image tests: build/image.tar is missing: run \`make image\` first" >&2; exit 1; }
}

# Debian's own is too old for conditions of services.
install_compose() {
  export PATH=$PWD/$work/compose/bin:$PATH
  [[ -x $work/compose/bin/podman-compose ]] && return
  python3 -m venv $work/compose
  $work/compose/bin/pip install --quiet --disable-pip-version-check podman-compose==1.6.0
}

# The files of the images that stand for other services.
prepare_standins() {
  local folder=$work/standins name library
  rm -rf $folder
  mkdir -p $folder/idle/root/bin $folder/unchecked
  cp "$(command -v busybox)" $folder/idle/root/bin/busybox
  for name in sh sleep wget; do ln -s busybox $folder/idle/root/bin/$name; done
  mkdir -p $folder/prometheus/state/prometheus $folder/prometheus/root/{etc/prometheus,usr/share/prometheus}
  cp -r $folder/idle/root/bin $folder/prometheus/root/
  cp "$(command -v prometheus)" $folder/prometheus/root/bin/
  while read -r library; do
    mkdir -p "$folder/prometheus/root$(dirname "$library")"
    cp -L "$library" "$folder/prometheus/root$library"
  done < <(ldd "$(command -v prometheus)" | grep -oE '/[^ ]+')
  echo 'nobody:x:65534:65534:nobody:/:/bin/sh' >$folder/prometheus/root/etc/passwd
}

# Inside the box: the image under test, the stand-ins, and all names under which compose files ask for them.
fill_store() {
  local name tested=localhost/tokenledger/otelcol-tokenledger:latest
  podman rmi --all --force >/dev/null
  podman load --quiet --input build/image.tar >/dev/null
  podman tag "$(podman images --quiet | head -n 1)" $tested
  for name in idle prometheus unchecked; do
    buildah bud --quiet --isolation chroot --format docker --tag "localhost/standin/$name:latest" \
      --file tests/image/testdata/standins/$name.Dockerfile $work/standins/$name >/dev/null
  done
  while read -r name; do
    case $name in
      otel/* | tokenledger/*) podman tag $tested "$name" ;;
      prom/prometheus:*) podman tag localhost/standin/prometheus:latest "$name" ;;
      *) podman tag localhost/standin/idle:latest "$name" ;;
    esac
  done < <(cat tests/image/testdata/stack/*.yml "$TOKENLEDGER_SEED_STACKS"/compose/*.yml 2>/dev/null | sed -n 's/^ *image: *//p' | sort -u)
}

one() { # test
  local log=$work/logs/$1.log status=0 began=$SECONDS
  (cd tests/image && ../../scripts/container-box.sh --on ../../$work ../../$work/tests -test.v -test.timeout 10m -test.run "^$1\$") \
    >"$log" 2>&1 || status=$?
  if ((status != 0)); then
    cat "$log"
    echo "image tests: $1 failed after $((SECONDS - began)) s (log: $log)"
    return 1
  fi
  grep -E '^ *--- |^ok|^PASS' "$log" || true
}

case ${1:-} in
  --fill-store) fill_store ;;
  --one) one "$2" ;;
  *) main "$@" ;;
esac
