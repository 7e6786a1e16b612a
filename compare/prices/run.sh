#!/usr/bin/env bash
# Lets LiteLLM and ccusage price the usages of compare-prices, and writes docs/price-comparison.md. The other tools
# come from PyPI and npm into a folder that is removed at the end; the calculation itself uses no network.
set -euo pipefail
cd "$(dirname "$0")/../.."

LITELLM=1.106.2
CCUSAGE=20.0.24

main() {
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT

  cargo build --quiet --locked -p tokenledger-price-generator --bin compare-prices
  target/debug/compare-prices usages >"$folder/usages.json"

  echo "LiteLLM $LITELLM"
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "litellm==$LITELLM"
  "$folder/venv/bin/python" compare/prices/litellm_costs.py "$folder/usages.json" >"$folder/litellm.json"

  echo "ccusage $CCUSAGE"
  npm install --silent --no-audit --no-fund --prefix "$folder/npm" "ccusage@$CCUSAGE"
  python3 compare/prices/ccusage_costs.py "$folder/usages.json" "$folder/npm/node_modules/.bin/ccusage" >"$folder/ccusage.json"

  mkdir -p compare/prices/results
  cp "$folder/litellm.json" "$folder/ccusage.json" compare/prices/results/
  target/debug/compare-prices page
  echo "docs/price-comparison.md"
}

main "$@"
