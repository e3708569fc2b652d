package toolchain

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// downloading is a store that finds the releases on the server, and the tool to compile if it does not. The tool says "hello v1.2.3",
// whatever its name.
func downloading(t *testing.T, server string) (store, tool) {
	t.Helper()
	s, plane := sample(t, hello)
	s.platform, s.web = platform{"linux", "amd64"}, newWeb(defaultPatience)
	plane.commands = []string{"kube-apiserver", "kubectl", "etcd"}
	plane.releases = at(server, controlPlaneReleases)
	return s, plane
}

// at returns the releases with the server's address instead of the real one, in the tool's own version.
func at(server string, releases []release) []release {
	releases = slices.Clone(releases)
	for n := range releases {
		releases[n].module, releases[n].from, releases[n].sumsFrom = "", host{url: server}, host{url: server}
	}
	return releases
}

// said returns what the executable prints. A process that another test starts while the executable is being written has the file open for a
// moment, until it executes its own program: https://go.dev/issue/22315.
func said(t *testing.T, path string) string {
	t.Helper()
	for {
		output, err := exec.CommandContext(t.Context(), path).Output()
		switch {
		case errors.Is(err, syscall.ETXTBSY):
			runtime.Gosched()
		case err != nil:
			t.Fatal(err)
		default:
			return strings.TrimSpace(string(output))
		}
	}
}

func wantCommands(plane tool, commands ...string) []*wanted {
	return []*wanted{{tool: plane, commands: commands}}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			t.Parallel()
			server := newReleaseServer(t)
			s, plane := downloading(t, server.URL)
			s.platform.architecture = arch
			for range 2 {
				paths, err := s.provide(t.Context(), wantCommands(plane, plane.commands...))
				if err != nil {
					t.Fatal(err)
				}
				for _, command := range plane.commands {
					if got, want := said(t, paths[command]), command+" "+arch; got != want {
						t.Errorf("%s says %q, want %q", command, got, want)
					}
				}
			}
			if got := server.requests(); got != 9 {
				t.Errorf("%d requests, want 9: for three checksums and three files, which are redirected, once", got)
			}
			if text := s.out.(*output).String(); strings.Contains(text, "compiling hello") {
				t.Errorf("it was compiled:\n%s", text)
			}
		})
	}
}

// TestDownloadWhatIsMissing: what is in the cache is not downloaded again.
func TestDownloadWhatIsMissing(t *testing.T) {
	t.Parallel()
	server := newReleaseServer(t)
	s, plane := downloading(t, server.URL)
	for _, commands := range [][]string{{"kubectl"}, {"kubectl", "etcd"}} {
		if _, err := s.provide(t.Context(), wantCommands(plane, commands...)); err != nil {
			t.Fatal(err)
		}
	}
	if got := server.requests(); got != 6 {
		t.Errorf("%d requests, want 6: %v", got, server.asked)
	}
}

func TestDownloadByGitHubsDigest(t *testing.T) {
	t.Parallel()
	server := newReleaseServer(t)
	s, kwok := downloading(t, server.URL)
	kwok.commands, kwok.releases = []string{"kwok"}, at(server.URL, kwokReleases)
	paths, err := s.provide(t.Context(), wantCommands(kwok, "kwok"))
	if err != nil {
		t.Fatal(err)
	}
	if got := said(t, paths["kwok"]); got != "kwok amd64" {
		t.Errorf("kwok says %q", got)
	}
	s.platform.architecture = "arm64"
	requireCompiled(t, s, kwok, "no SHA-256 of kwok-linux-arm64 in what is published")
}

// requireCompiled checks that the tool was compiled, that it says why it was not downloaded, and that nothing of a download is left.
func requireCompiled(t *testing.T, s store, plane tool, why string) {
	t.Helper()
	paths, err := s.provide(t.Context(), wantCommands(plane, plane.commands...))
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range plane.commands {
		if got := said(t, paths[command]); got != "hello v1.2.3" {
			t.Errorf("%s says %q, want what was compiled", command, got)
		}
	}
	text := s.out.(*output).String()
	if !strings.Contains(text, why) {
		t.Errorf("it does not say %q:\n%s", why, text)
	}
	if lines := strings.Count(text, "is not downloaded"); why != "" && lines != 1 {
		t.Errorf("it says %d times that it is not downloaded, want once:\n%s", lines, text)
	}
	if left, err := filepath.Glob(filepath.Join(s.cache, "*.part")); err != nil || len(left) > 0 {
		t.Errorf("the cache holds %v (error: %v)", left, err)
	}
}

func TestCompiledInstead(t *testing.T) {
	t.Parallel()
	const apiServer = "/release/v1.2.3/bin/linux/amd64/kube-apiserver"
	const etcd = "/etcd-io/etcd/releases/download/v1.2.3/etcd-v1.2.3-linux-amd64.tar.gz"
	for name, one := range map[string]struct {
		change func(*releaseServer)
		say    string
	}{
		"changed file": {
			func(r *releaseServer) { r.files[apiServer] = script("malice") },
			"WARNING: hello is not downloaded: ",
		},
		"changed archive": {
			func(r *releaseServer) { r.files[etcd] += "more" },
			"it was deleted and is not used",
		},
		"checksum of another": {
			func(r *releaseServer) { r.files[apiServer+".sha256"] = sumOf("another") },
			" publishes " + sumOf("another"),
		},
		"no checksum": {
			func(r *releaseServer) { delete(r.files, apiServer+".sha256") },
			"kube-apiserver.sha256 answered 404 Not Found",
		},
		"checksum page of a portal": {
			func(r *releaseServer) { r.files[apiServer+".sha256"] = "<html><body>Please log in</body></html>" },
			"no SHA-256 of kube-apiserver in what is published",
		},
		"no file": {
			func(r *releaseServer) { delete(r.files, apiServer) },
			"kube-apiserver answered 404 Not Found",
		},
		"refused": {
			func(r *releaseServer) {
				r.fail = func(w http.ResponseWriter, _ string) bool { http.Error(w, "no", http.StatusForbidden); return true }
			},
			"answered 403 Forbidden",
		},
		"broken transfer": {
			func(r *releaseServer) { r.fail = breakOff("/cdn"+apiServer, 3) },
			"broke off after 5 bytes: unexpected EOF",
		},
		"archive without the executable": {
			func(r *releaseServer) {
				r.files[etcd] = r.files["/etcd-io/etcd/releases/download/v1.2.3/etcd-v1.2.3-linux-arm64.tar.gz"]
				r.files[path.Dir(etcd)+"/SHA256SUMS"] = sumOf(r.files[etcd]) + "  " + path.Base(etcd) + "\n"
			},
			"it has no file etcd-v1.2.3-linux-amd64/etcd",
		},
		"endless redirects": {
			func(r *releaseServer) {
				r.fail = func(w http.ResponseWriter, path string) bool {
					w.Header().Set("Location", path)
					w.WriteHeader(http.StatusFound)
					return true
				}
			},
			"more than 10 redirects",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newReleaseServer(t)
			one.change(server)
			s, plane := downloading(t, server.URL)
			requireCompiled(t, s, plane, one.say)
			for _, command := range []string{"kube-apiserver", "etcd"} {
				if data, err := os.ReadFile(filepath.Join(s.cache, command+"-v1.2.3-linux-amd64", command)); err == nil && strings.Contains(string(data), "malice") {
					t.Errorf("the changed %s is kept", command)
				}
			}
		})
	}
}

// breakOff announces more than it sends, the given number of times.
func breakOff(address string, times int) func(http.ResponseWriter, string) bool {
	var mutex sync.Mutex
	return func(w http.ResponseWriter, path string) bool {
		mutex.Lock()
		defer mutex.Unlock()
		if path != address || times == 0 {
			return false
		}
		times--
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("#!/bi"))
		return true
	}
}

func TestBrokenTransferIsRepeated(t *testing.T) {
	t.Parallel()
	server := newReleaseServer(t)
	server.fail = breakOff("/cdn/release/v1.2.3/bin/linux/amd64/kubectl", 2)
	s, plane := downloading(t, server.URL)
	paths, err := s.provide(t.Context(), wantCommands(plane, "kubectl"))
	if err != nil {
		t.Fatal(err)
	}
	if got := said(t, paths["kubectl"]); got != "kubectl amd64" {
		t.Errorf("kubectl says %q", got)
	}
}

// TestStalledTransfer: the server sends the beginning of a file and then nothing, without closing the connection.
func TestStalledTransfer(t *testing.T) {
	t.Parallel()
	server := newReleaseServer(t)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	server.fail = func(w http.ResponseWriter, path string) bool {
		if path != "/cdn/release/v1.2.3/bin/linux/amd64/kubectl" {
			return false
		}
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("#!/bi"))
		_ = http.NewResponseController(w).Flush()
		<-over
		return true
	}
	s, plane := downloading(t, server.URL)
	planned, err := s.plan(t.Context(), plane, []string{"kubectl"})
	if err != nil {
		t.Fatal(err)
	}
	s.web.patience.stall = 100 * time.Millisecond
	if _, err := s.download(t.Context(), plane, planned); err == nil || !strings.Contains(err.Error(), "nothing came for 100ms") {
		t.Errorf("got error %v, want that nothing came", err)
	}
	requireNothingKept(t, s)
}

// TestSilentHost: something accepts connections and never answers, as a firewall may. It costs one wait, however many tools are published
// there.
func TestSilentHost(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	s, plane := downloading(t, "http://"+listener.Addr().String())
	impatient := defaultPatience
	impatient.answer = 100 * time.Millisecond
	s.web = newWeb(impatient)
	requireCompiled(t, s, plane, "no answer from "+listener.Addr().String()+": net/http: timeout awaiting response headers")
	listener.Close()
	plane.name, plane.commands = "other", []string{"kubectl"}
	requireSilent(t, s, plane, "timeout awaiting response headers")
}

// requireSilent checks that the host is not asked again, and that the answer is the earlier one.
func requireSilent(t *testing.T, s store, plane tool, why string) {
	t.Helper()
	if _, err := s.plan(t.Context(), plane, plane.commands); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("got error %v, want the earlier one: %s", err, why)
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	// Port 1 is outside of the range from which other tests get theirs.
	s, plane := downloading(t, "http://127.0.0.1:1")
	requireCompiled(t, s, plane, "connection refused")
}

func TestRedirectIsNotUnencrypted(t *testing.T) {
	t.Parallel()
	plain := newReleaseServer(t)
	encrypted := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		http.Redirect(w, request, plain.URL+request.URL.Path, http.StatusFound)
	}))
	t.Cleanup(encrypted.Close)
	s, plane := downloading(t, encrypted.URL)
	s.web.client.Transport = encrypted.Client().Transport
	requireCompiled(t, s, plane, "which is not encrypted")
	if plain.requests() > 0 {
		t.Error("the redirect was followed")
	}
}

func TestNotPublishedForThePlatform(t *testing.T) {
	t.Parallel()
	server := newReleaseServer(t)
	s, plane := downloading(t, server.URL)
	s.platform.system = "plan9"
	requireCompiled(t, s, plane, "")
	if server.requests() > 0 || strings.Contains(s.out.(*output).String(), "downloaded") {
		t.Errorf("%d requests, want none; it says:\n%s", server.requests(), s.out)
	}
}

func TestDownloadsForbidden(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(downloadVariable, "off")
	s, err := newStore(t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if s.web != nil {
		t.Errorf("%s=off does not forbid downloads", downloadVariable)
	}
	t.Setenv(downloadVariable, "")
	if s, err = newStore(t.Output()); err != nil || s.web == nil {
		t.Errorf("downloads are forbidden (error: %v) without %s=off", err, downloadVariable)
	}
}

// TestReleases compares the table with the addresses as of November 2026, in the versions that the project requires.
func TestReleases(t *testing.T) {
	root, err := projectRoot()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TOOLS_GITHUB_URL", "https://mirror.example.com/github/")
	s := store{root: root, platform: platform{"linux", "arm64"}}
	for command, want := range map[string]struct{ url, sums string }{
		"kube-apiserver": {"https://dl.k8s.io/release/{v}/bin/linux/arm64/kube-apiserver", "https://dl.k8s.io/release/{v}/bin/linux/arm64/kube-apiserver.sha256"},
		"kubelet":        {"https://dl.k8s.io/release/{v}/bin/linux/arm64/kubelet", "https://dl.k8s.io/release/{v}/bin/linux/arm64/kubelet.sha256"},
		"etcd":           {"https://mirror.example.com/github/etcd-io/etcd/releases/download/{v}/etcd-{v}-linux-arm64.tar.gz", "https://mirror.example.com/github/etcd-io/etcd/releases/download/{v}/SHA256SUMS"},
		"kwok":           {"https://mirror.example.com/github/kubernetes-sigs/kwok/releases/download/{v}/kwok-linux-arm64", "https://api.github.com/repos/kubernetes-sigs/kwok/releases/tags/{v}"},
	} {
		row, err := toolFor(command)
		if err != nil {
			t.Fatal(err)
		}
		if row, err = row.resolved(root); err != nil {
			t.Fatal(err)
		}
		got, err := s.artifact(row, command)
		if err != nil || got == nil {
			t.Errorf("%s: got no release (error: %v)", command, err)
			continue
		}
		url, sums := strings.ReplaceAll(want.url, "{v}", got.version), strings.ReplaceAll(want.sums, "{v}", got.version)
		if got.url != url || got.sums != sums {
			t.Errorf("%s: got %s and %s, want %s and %s", command, got.url, got.sums, url, sums)
		}
	}
}

// TestControlPlaneIsPublished: each command that is compiled can be downloaded too.
func TestControlPlaneIsPublished(t *testing.T) {
	t.Parallel()
	plane, err := toolFor("kube-apiserver")
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range plane.commands {
		if !slices.ContainsFunc(plane.releases, func(r release) bool { return slices.Contains(r.commands, command) }) {
			t.Errorf("no release of %s", command)
		}
	}
}
