# The image of the webhook: one static executable, which needs no shell, no libraries, no certificates and no writable files.
# make image builds it with docker, podman or buildah.

# If the Go module proxy is out of reach, use a builder that has the modules.
ARG BUILDER=docker.io/library/golang:1.26
# gcr.io/distroless/static-debian12:nonroot works as well, for policies that want a known base.
ARG BASE=scratch
# The version that the webhook and the label show. make image sets it; the default sorts before every release.
ARG VERSION=v0.0.0-dev

# Go compiles for other architectures by itself, so nothing is emulated.
FROM --platform=$BUILDPLATFORM $BUILDER AS build
WORKDIR /src
# The modules have their own layer, which survives changes of the code.
COPY go.mod go.sum ./
RUN go mod download
COPY cmd/webhook cmd/webhook
COPY internal/quote internal/quote
COPY internal/spelling internal/spelling
COPY internal/strictyaml internal/strictyaml
COPY internal/work internal/work
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
# By number, because the kubelet cannot know that a name is not root's (runAsNonRoot), and there is no /etc/passwd. The chart uses the same number.
USER 65532:65532
ENTRYPOINT ["/pcp-injector"]
