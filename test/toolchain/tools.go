package toolchain

import (
	"fmt"
	"strings"
	"time"
)

// tool is one executable that is downloaded or compiled on demand. To add one, add a row to the table.
type tool struct {
	name    string // of the executable
	module  string // the module that has its version
	version string // empty: the version that the go.mod in folder requires
	pkg     string // import path of the main package; empty: nothing is compiled, only the files are needed
	folder  string // of this repository, with the go.mod for compiling it; empty: a published module, taken as it is
	staged  bool   // the folder has no go.mod, so the module's is taken, see stage
	files   string // folder of the module that is needed at run time; copied beside the executable as "files"
	expect  string // how long the build takes on 2 cores if nothing that it shares with other tools is compiled yet

	// commands are the names that the executable goes by, if there are more than its own.
	commands []string
	// releases are where the commands are published ready to run, and then downloaded instead of compiled.
	releases []release
	// stamp returns the linker's -X settings that give the executable its version, if it cannot find it by itself.
	stamp func(version string, released time.Time) []string
}

// shared is the module with the versions of everything that tools with Kubernetes' libraries are compiled from. Each library is compiled
// once, in one version, for all of them and for this project: eight tools with eight versions of client-go compile more than twice as much.
// The tools have the versions that their authors released, but their libraries may be newer than the authors'.
const shared = "test/tools"

// tools are all tools of this project except Go itself, git and make.
var tools = []tool{
	{
		name: "controlplane", module: "k8s.io/kubernetes", folder: shared, pkg: "./controlplane", expect: "10 minutes", stamp: stampKubernetes,
		commands: []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubectl"},
		releases: controlPlaneReleases,
	},
	{name: "kwok", module: "sigs.k8s.io/kwok", folder: shared, pkg: "sigs.k8s.io/kwok/cmd/kwok", expect: "2 minutes", releases: kwokReleases},
	{name: "kwok-stages", module: "sigs.k8s.io/kwok", folder: shared, files: "kustomize/stage", commands: []string{}, expect: "10 seconds"},
	{name: "golangci-lint", module: "github.com/golangci/golangci-lint/v2", version: "v2.15.0", pkg: "github.com/golangci/golangci-lint/v2/cmd/golangci-lint", expect: "4 minutes"},
	{name: "benchstat", module: "golang.org/x/perf", version: "v0.0.0-20260908200009-22c9c6c9d4da", pkg: "golang.org/x/perf/cmd/benchstat", expect: "30 seconds"},
	{name: "certmanager", module: "github.com/cert-manager/cert-manager", folder: shared, pkg: "./certmanager", files: "deploy/crds", expect: "4 minutes"},
	{name: "coredns", module: "github.com/coredns/coredns", folder: shared, pkg: "./coredns", expect: "2 minutes"},
	{
		name: "prometheus-operator", module: "github.com/prometheus-operator/prometheus-operator", version: "v0.85.0",
		files: "example/prometheus-operator-crd", commands: []string{}, expect: "10 seconds",
	},
	{name: "helm", module: "helm.sh/helm/v4", folder: shared, pkg: "helm.sh/helm/v4/cmd/helm", expect: "2 minutes", stamp: stampHelm4},
	{name: "helm3", module: "helm.sh/helm/v3", folder: shared, pkg: "helm.sh/helm/v3/cmd/helm", expect: "2 minutes", stamp: stampHelm3},
	{
		name: "helm-unittest", module: "github.com/helm-unittest/helm-unittest", folder: shared,
		pkg: "github.com/helm-unittest/helm-unittest/cmd/helm-unittest", expect: "1 minute",
	},
	{name: "helm-docs", module: "github.com/norwoodj/helm-docs", version: "v1.14.2", pkg: "github.com/norwoodj/helm-docs/cmd/helm-docs", expect: "1 minute"},
	{name: "govulncheck", module: "golang.org/x/vuln", version: "v1.9.0", pkg: "golang.org/x/vuln/cmd/govulncheck", expect: "30 seconds"},
	{name: "actionlint", module: "github.com/rhysd/actionlint", version: "v1.7.12", pkg: "github.com/rhysd/actionlint/cmd/actionlint", expect: "30 seconds"},
	{
		name: "cyclonedx-gomod", module: "github.com/CycloneDX/cyclonedx-gomod", version: "v1.10.0",
		pkg: "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod", expect: "1 minute",
	},
	{name: "crane", module: "github.com/google/go-containerregistry", folder: shared, pkg: "github.com/google/go-containerregistry/cmd/crane", expect: "1 minute"},
}

// names are all names of the tool's executable.
func (t tool) names() []string {
	if t.commands == nil {
		return []string{t.name}
	}
	return t.commands
}

// stampKubernetes sets what upstream's release scripts set. A module has no commit to show, so its tag is used instead.
func stampKubernetes(version string, released time.Time) []string {
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	values := []string{
		"gitVersion=" + version, "gitMajor=" + parts[0], "gitMinor=" + parts[1], "gitCommit=" + version,
		"gitTreeState=clean", "buildDate=" + released.UTC().Format(time.RFC3339),
	}
	var settings []string
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		for _, value := range values {
			settings = append(settings, fmt.Sprintf("-X %s.%s", pkg, value))
		}
	}
	return settings
}

func stampHelm4(version string, _ time.Time) []string {
	return []string{"-X helm.sh/helm/v4/internal/version.version=" + version}
}

// stampHelm3 also tells Helm 3 for which Kubernetes it is made. Without a cluster, as in helm template, it compares a chart's kubeVersion
// with that. Helm 4 finds it in its own module list.
func stampHelm3(version string, _ time.Time) []string {
	settings := []string{"-X helm.sh/helm/v3/internal/version.version=" + version}
	for _, pkg := range []string{"helm.sh/helm/v3/pkg/chartutil", "helm.sh/helm/v3/pkg/lint/rules"} {
		settings = append(settings, "-X "+pkg+".k8sVersionMajor=1", "-X "+pkg+".k8sVersionMinor=37")
	}
	return settings
}

// toolFor returns the row of the tool with that name.
func toolFor(command string) (tool, error) {
	var known []string
	for _, t := range tools {
		for _, name := range t.names() {
			if name == command {
				return t, nil
			}
			known = append(known, name)
		}
	}
	return tool{}, fmt.Errorf("no tool called %q: there are %s; add a row to test/toolchain/tools.go for another", command, strings.Join(known, ", "))
}
