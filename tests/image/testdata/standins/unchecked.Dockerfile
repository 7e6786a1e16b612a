# The image under test as the stock images are: without a health check.
FROM localhost/tokenledger/otelcol-tokenledger:latest
HEALTHCHECK NONE
