# Needs Go, git and make; every other tool is downloaded, or compiled from its Go module, into the user's cache, once; see test/toolchain.
# Only the real node of make e2e needs Debian's packages.

GO       ?= go
FUZZTIME ?= 30s
COUNT    ?= 6
# For make compat: the oldest version that the charts allow.
KUBERNETES ?= $(shell sed -n 's/^kubeVersion: ">=\(.*\)\.0-0"$$/\1/p' charts/pcp-injector/Chart.yaml)
IMAGE    ?= ghcr.io/performancecopilot/pcp-injector:$(VERSION)

# One set of flags for programs, tests, tools and the linter, so what they share is compiled once.
export CGO_ENABLED ?= 0
export GOFLAGS     := $(strip $(filter-out -trimpath,$(shell $(GO) env GOFLAGS)) -trimpath)

# The last tag and what came after it; before the first tag, a version that sorts before every release.
VERSION := $(shell git describe --tags --match 'v*' --dirty 2>/dev/null || echo "v0.0.0-g$$(git rev-parse --short HEAD 2>/dev/null || echo unknown)")

# The compiler collects its garbage less often, which saves a sixth of its time, until its heap has 3 GiB.
COMPILE   := $(if $(GOGC)$(GOMEMLIMIT),,GOGC=800 GOMEMLIMIT=3GiB)
# So do the tests and what they start: the control plane, Helm and kubectl then need a fifth less of the processors.
RUN_TESTS := $(if $(GOGC),,GOGC=400) $(GO) test
LDFLAGS   := -s -w -X main.version=$(VERSION)
BUILD     := CGO_ENABLED=0 $(COMPILE) $(GO) build -ldflags "$(LDFLAGS)"
TOOLCHAIN := $(COMPILE) $(GO) run ./test/toolchain/main
PLANE     := etcd kube-apiserver kube-controller-manager kube-scheduler kubectl kwok
CHARTS    := certmanager helm helm3 crane cyclonedx-gomod
PACKAGES  := buildah busybox-static containerd containernetworking-plugins debootstrap iproute2 iptables runc
ENGINES   := $(or $(CONTAINER_TOOL),docker podman buildah)
# Tests run in the folder of their package, but the paths given to make are relative to this one.
E2E_ENV   := $(strip E2E=1 $(foreach path,E2E_LOGS E2E_KUBECONFIG,$(if $($(path)),$(path)="$(abspath $($(path)))")))

.PHONY: help build test compat e2e e2e-suits e2e-packages lint demo generate verify vulnerabilities bench soak fuzz image package release tools clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

build: ## Build bin/pcp-injector, bin/pcp-launcher and bin/kubectl-pcp
	$(BUILD) -o bin/pcp-injector ./cmd/webhook
	GOOS=linux $(BUILD) -o bin/pcp-launcher ./cmd/pcp-launcher
	$(BUILD) -o bin/kubectl-pcp ./cmd/kubectl-pcp
	@cp cmd/kubectl-pcp/kubectl_complete-pcp bin

test: ## Run all tests, against a real control plane (the first run downloads or compiles it and Helm: up to 25 minutes)
	@$(TOOLCHAIN) $(PLANE) $(CHARTS) >/dev/null
	@unit=$$($(TOOLCHAIN) helm-unittest) && "$$unit" charts/pcp charts/pcp-injector
	@echo "compiling the tests: about 3 minutes the first time" && $(COMPILE) $(GO) list -export -deps -test ./... >/dev/null
	$(RUN_TESTS) -timeout 30m $(TESTFLAGS) ./...

compat: ## Test the webhook and the charts on another control plane: of the oldest Kubernetes, or KUBERNETES=1.33 (compiled in 10 minutes)
	@$(TOOLCHAIN) $(filter-out kube-%,$(PLANE)) $(CHARTS) >/dev/null
	assets=$$($(TOOLCHAIN) -kubernetes "$(KUBERNETES)") && \
	KUBEBUILDER_ASSETS="$$assets" KUBERNETES="$(KUBERNETES)" $(RUN_TESTS) -count 1 -timeout 30m $(TESTFLAGS) ./test/cluster ./test/integration ./test/charts

# The other packages run in the background, so the node's output still appears as it is written.
e2e: ## Test with real PCP, on a node on this machine (root on Debian), or on the cluster of E2E_KUBECONFIG; see test/e2e/README.md
	others=:; status=0; \
	$(if $(E2E_KUBECONFIG),,$(E2E_ENV) $(RUN_TESTS) -count 1 $(TESTFLAGS) ./test/e2e/injectorimage ./test/e2e/prometheus & others="wait $$!";) \
	$(E2E_ENV) $(RUN_TESTS) -count 1 -timeout 40m -parallel 5 $(TESTFLAGS) ./test/e2e || status=1; \
	$$others && exit $$status

e2e-suits: ## Report whether make e2e can run on this machine
	@E2E=suits $(GO) test -count 1 ./test/e2e

e2e-packages: ## Install the packages of Debian that make e2e needs
	@[ "$$(dpkg-query -W -f '$${db:Status-Status}\n' $(PACKAGES) 2>/dev/null | grep -cx installed)" = $(words $(PACKAGES)) ] || \
		{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $(PACKAGES); }

lint: ## Run the linters
	@linter=$$($(TOOLCHAIN) golangci-lint) && echo "golangci-lint run" && "$$linter" run ./...
	@linter=$$($(TOOLCHAIN) actionlint) && echo actionlint && "$$linter" -shellcheck= -pyflakes=

demo: ## Show an injection: within a minute offline, then in a real control plane on this machine
	@echo "==> Compiling the injector's core, to show an injection offline first: less than a minute, once"
	@$(BUILD) -o bin/preview ./test/demo/preview
	@bin/preview -ldflags "$(LDFLAGS)"
	@bin/demo

generate: ## Regenerate the generated files
	$(GO) generate ./...
	@docs=$$($(TOOLCHAIN) helm-docs) && echo helm-docs && "$$docs" --chart-search-root charts --log-level warning
	@helm=$$($(TOOLCHAIN) helm) && echo "helm template >deploy/install.yaml" && { \
		echo "# No image is published yet: replace the image below with your own (see README.md)." && cat deploy/namespace.yaml && \
		"$$helm" template pcp-injector charts/pcp-injector --namespace pcp-system --no-hooks; } >deploy/install.yaml

verify: ## Check that generated files, formatting and modules are as committed
	@before=$$(git diff; git status --porcelain); $(MAKE) --no-print-directory generate && \
	if [ "$$before" != "$$(git diff; git status --porcelain)" ]; then \
		git --no-pager diff --stat; echo "verify: generated files are out of date: commit what make generate changes" >&2; exit 1; \
	fi
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then \
		echo "verify: not formatted, run gofmt -w:" $$unformatted >&2; exit 1; \
	fi
	$(GO) mod tidy -diff
	$(GO) -C test/tools mod tidy -diff
	$(GO) vet ./...

vulnerabilities: ## Look up known vulnerabilities in what the programs call (needs https://vuln.go.dev)
	@checker=$$($(TOOLCHAIN) govulncheck) && echo govulncheck && "$$checker" ./cmd/...

# BenchmarkAdmission/floor/… and BenchmarkAdmission/injector/… become columns side by side.
bench: ## Compare the webhook's handler with one that decodes requests and allows everything
	@mkdir -p bin && echo "benchmarking; the times count as ratios only"
	@benchstat=$$($(TOOLCHAIN) benchstat) || exit 1; \
	$(GO) test -run '^$$' -bench . -benchmem -count $(COUNT) ./cmd/webhook >bin/bench.txt || { cat bin/bench.txt; exit 1; }; \
	sed 's,^BenchmarkAdmission/,&handler=,' bin/bench.txt >bin/bench-compared.txt && \
	"$$benchstat" -col /handler bin/bench-compared.txt

soak: ## Create pods while the webhook rolls, renews, dies and freezes, and report failures; see docs/reliability.md
	@$(TOOLCHAIN) $(PLANE) $(CHARTS) >/dev/null
	SOAK=1 $(GO) test -count 1 -timeout 30m -v -run '^TestSoak$$' $(TESTFLAGS) ./test/charts

fuzz: ## Run each fuzz test for FUZZTIME (30s)
	@grep -rl --include='*_test.go' '^func Fuzz' cmd internal pkg | while read -r file; do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file"); do \
			echo "fuzzing $$target ($$file) for $(FUZZTIME)"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "./$$(dirname "$$file")" || exit 1; \
		done \
	done

# Docker before 23 knows the Dockerfile's BUILDPLATFORM only with BuildKit.
image: ## Build the webhook's image as IMAGE, with the first of docker, podman and buildah that works (or CONTAINER_TOOL, with IMAGEFLAGS)
	@for tool in $(ENGINES); do \
		if "$$tool" info >/dev/null 2>&1; then \
			set -x; exec env DOCKER_BUILDKIT=1 "$$tool" build --tag "$(IMAGE)" --build-arg "VERSION=$(VERSION)" $(IMAGEFLAGS) .; \
		fi; \
	done; \
	echo "image: nothing to build it with: install or start one of: $(ENGINES) (TOOL info must succeed)" >&2; exit 1

package: ## Package the charts into bin/charts, with an index for a static repository; push them to REGISTRY, if given
	@helm=$$($(TOOLCHAIN) helm) && rm -rf bin/charts && mkdir -p bin/charts && \
	for chart in charts/*/; do "$$helm" package $(PACKAGEFLAGS) --destination bin/charts "$$chart" || exit 1; done && \
	"$$helm" repo index bin/charts $(if $(CHARTS_URL),--url $(CHARTS_URL)) && \
	for archive in $(if $(REGISTRY),bin/charts/*.tgz); do "$$helm" push $(PUSHFLAGS) "$$archive" $(REGISTRY) || exit 1; done

release: ## Make what a release publishes, as VERSION, in bin/release: image, plugin (for PLUGIN), charts, manifests, checksums
	@helm=$$($(TOOLCHAIN) helm) && sbom=$$($(TOOLCHAIN) cyclonedx-gomod) && rm -rf bin/release && mkdir -p bin && \
	$(COMPILE) $(GO) run ./internal/release/main -version "$(VERSION)" -helm "$$helm" -cyclonedx-gomod "$$sbom" \
		$(if $(PLUGIN),-plugin "$(PLUGIN)") $(if $(INDEX),-index "$(INDEX)") -out bin/release

tools: ## Download or compile every tool; the last line of the output is their folder
	@$(TOOLCHAIN)

clean: ## Remove the built files (compiled tools stay in the cache)
	rm -rf bin
