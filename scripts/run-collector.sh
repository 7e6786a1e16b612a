#!/usr/bin/env bash
# Runs the collector in the foreground with collector-config/default.yaml, after saying once what a client needs and
# where the totals show. Hosts and ports come from the variables that the configuration names.
set -euo pipefail
cd "$(dirname "$0")/.."

host=${TOKENLEDGER_HOST:-localhost}
reach=$host # where a client on this machine reaches it
case $reach in 0.0.0.0 | "[::]") reach=localhost ;; esac

# As collector-config/default.yaml chooses it; set to nothing it is none.
state=${TOKENLEDGER_STATE_DIR-${XDG_STATE_HOME-${HOME-}/.local/state}/tokenledger}

cat <<TEXT

In the terminal in which you start Claude Code:

  export CLAUDE_CODE_ENABLE_TELEMETRY=1
  export OTEL_METRICS_EXPORTER=otlp
  export OTEL_LOGS_EXPORTER=otlp
  export OTEL_EXPORTER_OTLP_PROTOCOL=grpc
  export OTEL_EXPORTER_OTLP_ENDPOINT=http://$reach:${TOKENLEDGER_OTLP_GRPC_PORT:-4317}

Then start it anew: a running one does not notice. It sends metrics once a minute.

  totals, for Prometheus      http://$reach:${TOKENLEDGER_PROMETHEUS_PORT:-8889}/metrics
  does data arrive?           build/tokenledger health --data
  totals outlive a restart in ${state:-(nowhere: TOKENLEDGER_STATE_DIR is empty)}
  the collector's own metrics http://$reach:${TOKENLEDGER_SELF_METRICS_PORT:-8888}/metrics

The log below has a line for the first metrics, logs and traces that come in. Ctrl-C ends the collector.

TEXT
exec build/otelcol-tokenledger --config collector-config/default.yaml
