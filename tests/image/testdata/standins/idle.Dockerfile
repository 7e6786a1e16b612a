# Stands for services of a compose file that the tests ask nothing: it takes any arguments and waits.
FROM scratch
COPY root/ /
ENTRYPOINT ["/bin/sh", "-c", "exec sleep 1000000"]
