package toolchain

import (
	"cmp"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
)

// downloadVariable forbids downloads if it is "off".
const downloadVariable = "TOOLS_DOWNLOAD"

// host is where releases are found, unless its environment variable names a mirror with the same layout.
type host struct{ variable, url string }

var (
	kubernetesReleases = host{"TOOLS_KUBERNETES_URL", "https://dl.k8s.io"}
	gitHub             = host{"TOOLS_GITHUB_URL", "https://github.com"}
	gitHubAPI          = host{"TOOLS_GITHUB_API_URL", "https://api.github.com"}
)

func (h host) base() string {
	return strings.TrimSuffix(cmp.Or(os.Getenv(h.variable), h.url), "/")
}

// release is where the authors of commands publish their executables. {command}, {version}, {os} and {arch} in its paths are filled in, the
// last two as Go names them.
type release struct {
	commands []string
	module   string // whose version, as for a tool, is the release's; empty: the tool's own
	systems  []string
	from     host
	path     string
	member   string // of the archive at path; empty: the executable is there itself
	// sums is a file with the SHA-256 of the file at path: the digest alone, lines as printed by sha256sum, or GitHub's JSON about a
	// release.
	sums     string
	sumsFrom host
}

// controlPlaneReleases are separate executables, which are one if compiled.
var controlPlaneReleases = []release{
	{
		// Only the kubelet is linked to the C library, which each machine with a node has.
		commands: []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubectl"},
		systems:  []string{"linux"},
		from:     kubernetesReleases, path: "release/{version}/bin/{os}/{arch}/{command}",
		sumsFrom: kubernetesReleases, sums: "release/{version}/bin/{os}/{arch}/{command}.sha256",
	},
	{
		commands: []string{"etcd"}, module: "go.etcd.io/etcd/server/v3",
		systems: []string{"linux"},
		from:    gitHub, path: "etcd-io/etcd/releases/download/{version}/etcd-{version}-{os}-{arch}.tar.gz",
		member:   "etcd-{version}-{os}-{arch}/etcd",
		sumsFrom: gitHub, sums: "etcd-io/etcd/releases/download/{version}/SHA256SUMS",
	},
}

// kwokReleases have no file of checksums, but GitHub publishes those of all uploaded files.
var kwokReleases = []release{{
	commands: []string{"kwok"},
	systems:  []string{"linux", "darwin"},
	from:     gitHub, path: "kubernetes-sigs/kwok/releases/download/{version}/kwok-{os}-{arch}",
	sumsFrom: gitHubAPI, sums: "repos/kubernetes-sigs/kwok/releases/tags/{version}",
}}

// platform is what executables are made for, in Go's words.
type platform struct{ system, architecture string }

func thisPlatform() platform { return platform{runtime.GOOS, runtime.GOARCH} }

// artifact is one executable of a release.
type artifact struct {
	command, version  string
	url, sums, member string
}

// name of the artifact's folder in the cache.
func (a *artifact) name(p platform) string {
	return strings.Join([]string{a.command, a.version, p.system, p.architecture}, "-")
}

// host that the artifact comes from.
func (a *artifact) host() string {
	parsed, err := url.Parse(a.url)
	if err != nil {
		return a.url
	}
	return parsed.Host
}

// artifact returns where the command's executable is published, in the version that the project requires; nil if there is no such release
// for the platform.
func (s store) artifact(t tool, command string) (*artifact, error) {
	for _, r := range t.releases {
		if !slices.Contains(r.commands, command) || !slices.Contains(r.systems, s.platform.system) {
			continue
		}
		version := t.version
		if r.module != "" {
			found, err := requiredVersion(s.root, t.folder, r.module)
			if err != nil {
				return nil, err
			}
			version = found
		}
		return r.artifact(command, version, s.platform), nil
	}
	return nil, nil
}

func (r *release) artifact(command, version string, p platform) *artifact {
	fill := strings.NewReplacer("{command}", command, "{version}", version, "{os}", p.system, "{arch}", p.architecture).Replace
	return &artifact{
		command: command, version: version, member: fill(r.member),
		url: r.from.base() + "/" + fill(r.path), sums: r.sumsFrom.base() + "/" + fill(r.sums),
	}
}
