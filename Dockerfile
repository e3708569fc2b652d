# The image of the webhook: one static executable, which needs no shell, no libraries, no certificates and no writable files.
# make image builds it with docker, podman or buildah.

# Where the Go module proxy is out of reach, take a builder that has the modules.
ARG BUILDER=docker.io/library/golang:1.26
# gcr.io/distroless/static-debian12:nonroot does as well, for policies that want a known base.
ARG BASE=scratch
# What the webhook and the label say: make image gives its own. The default sorts before every release.
ARG VERSION=v0.0.0-dev

# Go compiles for other architectures by itself: nothing is emulated.
FROM --platform=$BUILDPLATFORM $BUILDER AS build
WORKDIR /src
# The modules are a layer of their own, which outlives changes of the code.
COPY go.mod go.sum ./
RUN go mod download
COPY cmd/webhook cmd/webhook
COPY internal/quote internal/quote
COPY internal/spelling internal/spelling
COPY internal/strictyaml internal/strictyaml
COPY pkg pkg
ARG TARGETOS
ARG TARGETARCH
ARG VERSION
# As in make build.
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /pcp-injector ./cmd/webhook

FROM $BASE
ARG VERSION
LABEL org.opencontainers.image.title="pcp-injector" \
      org.opencontainers.image.description="Mutating admission webhook that adds Performance Co-Pilot to the node-monitor pod that you choose" \
      org.opencontainers.image.source="https://github.com/performancecopilot/pcp-injector" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build /pcp-injector /pcp-injector
# By number: the kubelet cannot tell for a name that it is not root's (runAsNonRoot), and there is no /etc/passwd. The chart runs it as the same.
USER 65532:65532
ENTRYPOINT ["/pcp-injector"]
