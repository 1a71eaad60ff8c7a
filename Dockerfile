# One image for all services: they are one Python package with the same dependencies, so six images
# would be six names for the same layers. The command chooses: `docker run IMAGE order`; the operator
# is in it, too: `docker run --entrypoint python3 IMAGE -m coordination_operator`.
ARG PYTHON=docker.io/library/python:3.13.9-slim-trixie

FROM ${PYTHON} AS build
ENV PYTHONDONTWRITEBYTECODE=1
COPY requirements/services.txt /tmp/
# cel-expr-python's wheel brings the sources that it was built from, 16 MB that nobody imports.
RUN python3 -m venv --without-pip /opt/venv \
 && python3 -m pip --python /opt/venv/bin/python3 install --no-cache-dir --no-compile \
    --disable-pip-version-check --only-binary :all: --require-hashes --requirement /tmp/services.txt \
 && rm -rf /opt/venv/lib/python3.*/site-packages/bazel-project \
 && /opt/venv/bin/python3 -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib
COPY services /app/services
COPY operator/coordination_operator /app/coordination_operator
# Checked by hash and not by time: the same sources make the same layer, and a synced file counts.
# Nor does it say when that was: a builder that keeps times keeps this one.
RUN /opt/venv/bin/python3 -m compileall -q --invalidation-mode checked-hash /app \
 && find /opt/venv /app -exec touch --no-dereference --date=@0 {} +

FROM ${PYTHON}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="bandstand" \
      org.opencontainers.image.description="An order process in orchestration and in choreography: all of its services" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    BANDSTAND_HOST=0.0.0.0
# A number, because Kubernetes can only tell from a number that it is not root.
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["python3", "-m", "services"]
