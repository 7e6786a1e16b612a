# The container image: static binaries on nothing, as the collector's own images are, so that one line of a compose file
# can be exchanged. What is copied lies in build/image, where scripts/build-image.sh puts it: `make image` does both, and
# `scripts/build-image.sh prepare && docker build .` the same with docker. docs/image.md tells how it is used.
FROM scratch

ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="otelcol-tokenledger" \
      org.opencontainers.image.name="otelcol-tokenledger" \
      org.opencontainers.image.description="OpenTelemetry Collector with exact token and cost totals of coding agents" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.source="https://github.com/tokenledger/tokenledger" \
      org.opencontainers.image.licenses="Apache-2.0"

# Entry names are links, so that each costs a few bytes: /otelcol and /otelcol-contrib, for those who name the stock
# images' entry point. /etc/otelcol-contrib/config.yaml is a link to /etc/otelcol/config.yaml for the same reason: whichever
# of the two a user mounts over, both then show the user's file.
COPY build/image/root/ /

# The user of the stock images. The ledger's folder must exist and be its own: a fresh named volume takes over the owner.
COPY --chown=10001:10001 build/image/state/ /var/lib/
USER 10001:10001

# Totals are what this image is for, so they are not lost with the container: without any setting of the user the ledger
# lies on an anonymous volume, which compose keeps when it replaces a container, and which stays writable where the root
# is read-only.
VOLUME ["/var/lib/tokenledger"]

# Only the default configuration and the search for the ledger's place read these.
ENV TOKENLEDGER_HOST=0.0.0.0 \
    TOKENLEDGER_STATE_DIR=/var/lib/tokenledger

# OTLP by gRPC and HTTP, the collector's own metrics, the totals, the health check.
EXPOSE 4317 4318 8888 8889 13133

# It finds the collector and its ports by itself, whatever the configuration (tokenledger health --help). A start with a
# large ledger takes seconds; for that long failures do not count. Needs docker's image format: OCI's has no health check.
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=3 CMD ["/tokenledger", "health"]

ENTRYPOINT ["/otelcol-tokenledger"]
CMD ["--config", "/etc/otelcol-contrib/config.yaml"]
