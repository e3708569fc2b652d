package charts_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/test/docs/commands"
)

const guidePage = "../../docs/getting-started.md"

// The commands of these pages, run as they stand, lead from nothing to an injected pod. They are run before the parallel tests, since the pages' namespaces
// are nobody's own. docs/getting-started.md goes on to an upgrade, and back to nothing.

func TestReadme(t *testing.T) {
	newGuide(t).followTo("../../README.md", injectedPod)
}

func TestReadmeOfChart(t *testing.T) {
	newGuide(t).followTo("../../charts/pcp-injector/README.md", "Succeeded")
}

func TestGettingStarted(t *testing.T) {
	g := newGuide(t)
	g.followTo(guidePage, injectedPod)
	g.requireNothingLeft()
}

// TestWithoutCertManager follows the same page, with the certificate that the chart makes.
func TestWithoutCertManager(t *testing.T) {
	g := newGuide(t)
	g.followTo(guidePage, injectedPod)
	g.requireNothingLeft()
}

// injectedPod is what kubectl shows of it.
const injectedPod = `(?m)^node-monitor-\S+ +2/2 +Running`

// TestReadmeOfPCP: each command of the page installs the chart pcp.
func TestReadmeOfPCP(t *testing.T) {
	t.Parallel()
	blocks, err := commands.For("../../charts/pcp/README.md", t.Name())
	if err != nil {
		t.Fatal(err)
	}
	for n, block := range blocks {
		g := newGuide(t)
		g.namespace = namespaceFor(t) + "-" + strconv.Itoa(n)
		createNamespace(t, g.namespace, nil)
		g.sh(block.Text).must(t, block.String())
		if list := g.must("list", "--namespace", g.namespace); !strings.Contains(list, "deployed") {
			t.Errorf("%s: helm list says %s", &block, list)
		}
		g.must("uninstall", "pcp", "--namespace", g.namespace)
	}
}

// guide is a reader of a page, in a copy of the tree. The commands are run by sh; only REGISTRY is filled in.
type guide struct {
	*release

	folder string
	served int64 // generation of the webhook's Deployment
}

func newGuide(t *testing.T) *guide {
	t.Helper()
	g := &guide{release: &release{helm: newHelm(t, "helm"), name: "pcp-injector", namespace: "pcp-system", target: "monitoring"}, folder: t.TempDir()}
	for _, name := range []string{"charts", "cmd", "deploy", "examples", "internal", "pkg"} {
		if err := os.CopyFS(filepath.Join(g.folder, name), os.DirFS(filepath.Join(root, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"Makefile", "go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(g.folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// followTo follows a page to its end, and fails if nothing that it shows is like the pattern.
func (g *guide) followTo(page, pattern string) {
	g.t.Helper()
	blocks, err := commands.For(page, g.t.Name())
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(g.leaveNothing)
	g.t.Cleanup(g.cleanUp)
	shown := ""
	for n := range blocks {
		shown += g.follow(&blocks[n])
		g.serveIfChanged()
	}
	if !regexp.MustCompile(pattern).MatchString(shown) {
		g.t.Errorf("nothing that the page's commands print is like %s", pattern)
	}
}

func (g *guide) follow(block *commands.Block) string {
	g.t.Helper()
	g.t.Logf("%s:\n%s", block, block.Text)
	done := make(chan output)
	go func() { done <- g.sh(block.Text) }()
	// The simulated node runs nothing in the pod that Helm waits for.
	if strings.Contains(block.Text, "helm test ") {
		g.runTestPod()
	}
	said := <-done
	g.t.Log(said.all())
	return said.must(g.t, block.String())
}

// sh runs commands whose namespace, where they name none, is the release's.
func (g *guide) sh(script string) output {
	cmd := exec.CommandContext(g.t.Context(), "sh", "-eu", "-c", strings.ReplaceAll(script, "REGISTRY", "registry.example.com/team"))
	var stdout, stderr strings.Builder
	cmd.Dir, cmd.Stdout, cmd.Stderr = g.folder, &stdout, &stderr
	path := []string{filepath.Join(g.folder, "bin"), filepath.Dir(plane.Kubectl()), filepath.Dir(g.command), os.Getenv("PATH")}
	cmd.Env = append(os.Environ(), g.environment()...)
	cmd.Env = append(cmd.Env, "HELM_NAMESPACE="+g.namespace, "PATH="+strings.Join(path, string(os.PathListSeparator)))
	err := cmd.Run()
	return output{stdout: stdout.String(), stderr: stderr.String(), err: err}
}

func (g *guide) requireNothingLeft() {
	g.t.Helper()
	for _, namespace := range []string{g.namespace, g.target} {
		if kubectl(g.t, "", "get", "namespace", namespace).err == nil {
			g.t.Errorf("the namespace %s is left at the end of the page", namespace)
		}
	}
	objects := mustKubectl(g.t, "", "get", "mutatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,clusterrolebindings",
		"--selector", "app.kubernetes.io/instance="+g.name, "--output", "name")
	if objects != "" {
		g.t.Errorf("left at the end of the page: %s", objects)
	}
}

// serveIfChanged does what the pods of the webhook would, after each block that has changed their Deployment.
func (g *guide) serveIfChanged() {
	g.t.Helper()
	deployment, err := plane.Client().AppsV1().Deployments(g.namespace).Get(g.t.Context(), g.fullname(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		g.t.Fatal(err)
	case deployment.Generation != g.served:
		g.served = deployment.Generation
		g.serve()
		g.awaitTrust()
	}
}

// leaveNothing removes what the page has left, for the tests that follow.
func (g *guide) leaveNothing() {
	ctx := context.Background()
	for _, arguments := range [][]string{
		{g.command, "uninstall", g.name, "--namespace", g.namespace, "--ignore-not-found"},
		{plane.Kubectl(), "delete", "validatingadmissionpolicies,validatingadmissionpolicybindings", "--selector", "pcp.io/target-namespace=" + g.target},
		{plane.Kubectl(), "delete", "namespace", g.namespace, g.target, "--ignore-not-found"},
	} {
		cmd := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
		cmd.Env = append(os.Environ(), g.environment()...)
		if said, err := cmd.CombinedOutput(); err != nil {
			g.t.Errorf("%v: %v\n%s", arguments, err, said)
		}
	}
}

// TestGitOps: the chart takes the values that docs/getting-started.md shows for Argo CD and Flux, from the folder that it names. Neither of them runs here.
func TestGitOps(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(guidePage)
	if err != nil {
		t.Fatal(err)
	}
	h, rendered := newHelm(t, "helm"), 0
	for _, match := range regexp.MustCompile("(?ms)^```yaml\n(.*?\n)```$").FindAllStringSubmatch(string(page), -1) {
		for document := range strings.SplitSeq(match[1], "\n---\n") {
			object := gitOpsObject(t, document)
			folder, values := object.Spec.Source.Path, object.Spec.Source.Helm.ValuesObject
			switch object.Kind {
			case "HelmRelease":
				folder, values = object.Spec.Chart.Spec.Chart, object.Spec.Values
			case "GitRepository":
				continue
			}
			file := filepath.Join(t.TempDir(), "values.yaml")
			if err := os.WriteFile(file, values, 0o600); err != nil {
				t.Fatal(err)
			}
			manifests := h.must("template", "pcp-injector", filepath.Join(root, folder), "--namespace", "pcp-system", "--values", file)
			for _, want := range []string{`image: "registry.example.com/team/pcp-injector:`, "\nkind: Namespace\n"} {
				if !strings.Contains(manifests, want) {
					t.Errorf("with the values of the %s, the chart has no %q", object.Kind, want)
				}
			}
			rendered++
		}
	}
	if rendered != 2 {
		t.Errorf("%d objects of Argo CD and Flux were found in the page, want 2", rendered)
	}
}

// gitOps is as much of Argo CD's and Flux' objects as says which chart they install, and how.
type gitOps struct {
	Kind string `json:"kind"`
	Spec struct {
		Source struct {
			Path string `json:"path"`
			Helm struct {
				ValuesObject json.RawMessage `json:"valuesObject"`
			} `json:"helm"`
		} `json:"source"`
		Chart struct {
			Spec struct {
				Chart string `json:"chart"`
			} `json:"spec"`
		} `json:"chart"`
		Values json.RawMessage `json:"values"`
	} `json:"spec"`
}

func gitOpsObject(t *testing.T, document string) (object gitOps) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(document), &object); err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
	return object
}
