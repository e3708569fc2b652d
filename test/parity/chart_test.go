package parity

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/test/toolchain"
)

// A release with the chart's own name gets names that are the injector's defaults.
const (
	release   = "pcp"
	namespace = "monitoring"
)

// namespaces of the charts' releases. The injector's is not that of its target.
var namespaces = map[string]string{"pcp": namespace, "pcp-injector": "pcp-system"}

// rendered is what the chart gives for some values.
type rendered struct {
	kind       string
	template   *corev1.PodTemplateSpec
	configMaps []corev1.ConfigMap
	claims     []corev1.PersistentVolumeClaim
}

func (r *rendered) configMap(name string) *corev1.ConfigMap {
	for n := range r.configMaps {
		if r.configMaps[n].Name == name {
			return &r.configMaps[n]
		}
	}
	return nil
}

func mustRender(t *testing.T, values string) *rendered {
	t.Helper()
	chart, err := render(t, "pcp", values)
	if err != nil {
		t.Fatal(err)
	}
	return chart
}

// findHelm also reads the charts' files: go test does not see that Helm reads them, and would repeat an old result.
var findHelm = sync.OnceValues(func() (map[string]string, error) {
	err := filepath.WalkDir("../../charts", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			_, err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return toolchain.Find(context.Background(), nil, "helm")
})

// render runs helm template. Its error is what Helm's user reads.
func render(t *testing.T, chart, values string) (*rendered, error) {
	t.Helper()
	paths, err := findHelm()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), paths["helm"], "template", release, "../../charts/"+chart, "--namespace", namespaces[chart], "--values", "-")
	cmd.Stdin = strings.NewReader(values)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, errors.New(stderr.String())
	}
	return read(t, stdout.Bytes()), nil
}

// read decodes the objects strictly: a field that Kubernetes does not know is a mistake.
func read(t *testing.T, manifests []byte) *rendered {
	t.Helper()
	r := &rendered{}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifests)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return r
		}
		if err != nil {
			t.Fatal(err)
		}
		r.add(t, document)
	}
}

func (r *rendered) add(t *testing.T, document []byte) {
	t.Helper()
	var object metav1.TypeMeta
	if err := yaml.Unmarshal(document, &object); err != nil {
		t.Fatal(err)
	}
	switch object.Kind {
	case "Deployment":
		workload := decode[appsv1.Deployment](t, document)
		r.kind, r.template = object.Kind, &workload.Spec.Template
	case "DaemonSet":
		workload := decode[appsv1.DaemonSet](t, document)
		r.kind, r.template = object.Kind, &workload.Spec.Template
	case "ConfigMap":
		r.configMaps = append(r.configMaps, *decode[corev1.ConfigMap](t, document))
	case "PersistentVolumeClaim":
		r.claims = append(r.claims, *decode[corev1.PersistentVolumeClaim](t, document))
	}
}

func decode[T any](t *testing.T, document []byte) *T {
	t.Helper()
	object := new(T)
	if err := yaml.UnmarshalStrict(document, object); err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
	return object
}

// valuesFiles are those of a chart that come with this project, with their content.
func valuesFiles(t *testing.T, chart string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, pattern := range []string{"../../charts/" + chart + "/ci/*-values.yaml", "../../deploy/examples/" + chart + "/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files[filepath.Base(path)] = string(content)
		}
	}
	return files
}
