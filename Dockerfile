# The program as a container for managed training and hosting: `train` and `serve` are its commands.
# docs/container.md tells how it is used.
FROM debian:bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
      g++ cmake ninja-build libfmt-dev libcli11-dev nlohmann-json3-dev libfast-float-dev zlib1g-dev \
      libboost-dev libssl-dev
COPY . /source
RUN cmake -S /source -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release \
      -DCOPPICE_BUILD_TESTS=OFF -DCOPPICE_BUILD_BENCH=OFF \
 && cmake --build /build --target coppice_cli \
 && strip /build/coppice

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends libfmt9 libssl3 libstdc++6 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --no-create-home --shell /usr/sbin/nologin --uid 10001 coppice \
 && install --directory --owner=coppice /opt/ml /opt/ml/model
COPY --from=build /build/coppice /usr/local/bin/coppice
# A service that mounts /opt/ml for root alone needs RUN_AS=root.
ARG RUN_AS=10001
USER ${RUN_AS}
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=60s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${SAGEMAKER_BIND_TO_PORT:-8080} && printf 'GET /ping HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r -t 2 -u 3 _ status _ && [[ $status == 200 ]]"]
ENTRYPOINT ["coppice"]
CMD ["serve"]
