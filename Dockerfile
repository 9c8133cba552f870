# The image of kanihook: Node, git, tini, certificates, the production packages and src/. There is no shell,
# no package manager and no build tool in it; it runs as 65532 and writes to /tmp alone.
#
#   docker build --build-arg VERSION=0.1.0 --build-arg REVISION=$(git rev-parse HEAD) -t kanihook .

ARG NODE_VERSION=24.21.0

FROM docker.io/library/node:${NODE_VERSION}-trixie-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Types, source maps and read-me files are of no use at run time.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && find node_modules -type f \( -name '*.ts' -o -name '*.map' -o -name '*.md' \) -delete

FROM docker.io/library/node:${NODE_VERSION}-trixie-slim AS system
# Debian's stable release: its security updates come with each build.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates git openssh-client tini \
 && rm -rf /var/lib/apt/lists/*
COPY image /collect
RUN sh /collect/collect.sh /image

FROM scratch
COPY --from=system /image /
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json LICENSE ./
COPY src src
ENV PATH=/usr/local/bin:/usr/bin \
    HOME=/home/kanihook \
    NODE_ENV=production \
    KANIHOOK_CONFIG=/etc/kanihook/kanihook.yaml
# A number, so that Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 8080 9090
# tini clears away the helpers that git leaves behind when it fails.
ENTRYPOINT ["tini", "--", "kanihook"]
CMD ["serve"]

ARG VERSION=0.0.0-dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="kanihook" \
      org.opencontainers.image.description="A git push becomes a container image and a commit status" \
      org.opencontainers.image.source="https://github.com/kanihook/kanihook" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
