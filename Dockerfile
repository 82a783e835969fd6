# Built from a clone: docker build -t watchkeeper . ; docs/deploying.md says how it is run.
FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN pip wheel --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir /wheels/*.whl && rm -r /wheels \
    && useradd --system --uid 10001 --home-dir /var/lib/watchkeeper --create-home watchkeeper
USER watchkeeper
ENV WATCHKEEPER_DATA=/var/lib/watchkeeper WATCHKEEPER_HOST=0.0.0.0 WATCHKEEPER_LOG_FORMAT=json
VOLUME /var/lib/watchkeeper
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["watchkeeper"]
CMD ["serve"]
