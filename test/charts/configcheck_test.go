package charts_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// understood are the files that pkg/config refuses and Helm understands, because it reads values with another reader of YAML, and what comes of
// them is sound: the program never sees the mistake.
var understood = map[string]string{
	"syntax-alias":   "a reader of YAML replaces an alias by its value",
	"syntax-tags":    "Helm decodes !!binary, and ignores a tag that it does not know",
	"keys-duplicate": "of a key that is there twice, Helm takes the last value",
}

// TestBrokenConfigurations: what the program refuses, the chart refuses before anything is applied: with its schema and its templates or, where they
// accept it, with the program in the Job that runs first.
func TestBrokenConfigurations(t *testing.T) {
	t.Parallel()
	var byChart, byProgram, sound atomic.Int32
	t.Run("fixtures", func(t *testing.T) {
		t.Parallel()
		for name, config := range brokenConfigurations(t) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				rendered := template(t, config)
				switch {
				case rendered.err != nil:
					byChart.Add(1)
				case programRefuses(t, rendered.stdout):
					byProgram.Add(1)
				case understood[name] != "":
					sound.Add(1)
				default:
					t.Errorf("it is applied:\n%s", config)
				}
			})
		}
	})
	t.Cleanup(func() {
		t.Logf("refused by the chart: %d, by the program: %d", byChart.Load(), byProgram.Load())
		if got, want := int(sound.Load()), len(understood); got != want {
			t.Errorf("%d files were sound, want the %d in the list", got, want)
		}
	})
}

// brokenConfigurations are those that pkg/config's own tests hold to be wrong, by name.
func brokenConfigurations(t *testing.T) map[string]string {
	t.Helper()
	archives, err := filepath.Glob("../../pkg/config/testdata/broken/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("found no fixtures (error: %v)", err)
	}
	found := map[string]string{}
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range archive.Files {
			if name, isInput := strings.CutSuffix(file.Name, ".yaml"); isInput {
				found[strings.TrimSuffix(filepath.Base(path), ".txtar")+"-"+name] = string(file.Data)
			}
		}
	}
	return found
}

// template renders the Job that checks the configuration.
func template(t *testing.T, config string) output {
	t.Helper()
	values := filepath.Join(t.TempDir(), "values.yaml")
	text := "config:\n  " + strings.ReplaceAll(config, "\n", "\n  ") + "\n"
	if err := os.WriteFile(values, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return newHelm(t, "helm").run("template", "pcp-injector", injectorChart, "--namespace", "pcp-system", "--values", values, "--show-only", "templates/config-check.yaml")
}

// programRefuses runs what the rendered Job would.
func programRefuses(t *testing.T, rendered string) bool {
	t.Helper()
	var job batchv1.Job
	if err := yaml.UnmarshalStrict([]byte(rendered), &job); err != nil {
		t.Fatal(err)
	}
	said := runCheck(t, &job.Spec.Template)
	if code := exitStatus(said.err); code > 1 {
		t.Fatalf("exit code %d: %s", code, said.all())
	}
	return said.err != nil
}

// runCheck runs the container of the Job's pod: its files are annotations of the pod.
func runCheck(t *testing.T, pod *corev1.PodTemplateSpec) output {
	t.Helper()
	folder, container := t.TempDir(), &pod.Spec.Containers[0]
	for _, item := range pod.Spec.Volumes[0].DownwardAPI.Items {
		key := strings.TrimSuffix(strings.TrimPrefix(item.FieldRef.FieldPath, "metadata.annotations['"), "']")
		if err := os.WriteFile(filepath.Join(folder, item.Path), []byte(pod.Annotations[key]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var arguments []string
	for _, argument := range container.Args {
		arguments = append(arguments, strings.ReplaceAll(argument, container.VolumeMounts[0].MountPath, folder))
	}
	return execute(t, "", nil, command, arguments...)
}
