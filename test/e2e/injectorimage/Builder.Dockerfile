# What golang:1.26 is to the project's Dockerfile: a shell, and Go and its caches of this machine, which are volumes at these paths.
FROM scratch
COPY busybox /bin/sh
# Go works there; the folder is made along the way.
WORKDIR /tmp
ENV PATH=/usr/local/go/bin:/bin GOPATH=/go GOCACHE=/cache GOPROXY=off GOFLAGS= GOTOOLCHAIN=local
