#!/usr/bin/env bash
# Runs the tests of the C boundary under AddressSanitizer (with leak detection) and under valgrind.
#
# The sanitizer flag is unstable, so the pinned compiler is asked to accept it; its runtime is part of the toolchain.
set -euo pipefail
cd "$(dirname "$0")/.."

# Both find a leak within a few engines; the ordinary test run makes 100,000.
export TL_ENGINE_ROUNDS=200
target=$(rustc -vV | sed -n 's/^host: //p')

echo "memory: the boundary's tests under AddressSanitizer"
export RUSTC_BOOTSTRAP=1
sanitized=$(RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=target/asan cargo test --locked -p tokenledger-ffi \
  --target "$target" --lib --test boundary --test ledger --test trimming --test prices --no-run --message-format=json |
  sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
unset RUSTC_BOOTSTRAP
for binary in $sanitized; do
  # Without this a build that silently dropped the flag would pass.
  [[ $(nm "$binary") == *__asan_init* ]] || { echo "memory: $binary is not sanitized" >&2; exit 1; }
  ASAN_OPTIONS=detect_leaks=1 "$binary"
done

command -v valgrind >/dev/null || { echo "memory: valgrind is missing: install Debian's package valgrind" >&2; exit 1; }
echo "memory: the boundary's tests under valgrind"
plain=$(cargo test --locked -p tokenledger-ffi --test boundary --test ledger --test trimming --test prices --no-run --message-format=json |
  sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
for binary in $plain; do
  TL_ENGINE_ROUNDS=20 valgrind --quiet --error-exitcode=1 --leak-check=full --show-leak-kinds=definite,indirect \
    --errors-for-leak-kinds=definite,indirect \
    "$binary" --test-threads=1
done
