# Prometheus with the paths and the user of its official image, put together by scripts/run-image-tests.sh from Debian's
# program. `wget` is there because compose files check its health with it.
FROM scratch
COPY root/ /
COPY --chown=65534:65534 state/ /
USER 65534
EXPOSE 9090
VOLUME ["/prometheus"]
WORKDIR /prometheus
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
