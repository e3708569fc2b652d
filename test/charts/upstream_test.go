package charts_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// upstreamUsers is what users of upstream's chart add to its values.
const upstreamUsers = `
env: {TZ: UTC, PCP_DOMAIN_AGENTS: nginx}
service: {type: NodePort}
volumes: [{name: exporters, emptyDir: {}}]
volumeMounts: [{name: exporters, mountPath: /exporters}]
`

// TestUpstreamValues: upstream's own values, which are refused as they are, work after they have been translated by the table in the chart's README.
func TestUpstreamValues(t *testing.T) {
	t.Parallel()
	namespace, h := namespaceFor(t), newHelm(t, "helm")
	createNamespace(t, namespace, map[string]string{"pod-security.kubernetes.io/enforce": "privileged"})
	refused := h.run("template", "pcp", pcpChart, "--values", "testdata/upstream-values.yaml")
	for _, key := range []string{"autoscaling", "livenessProbe", "podSecurityContext", "rbac", "readinessProbe", "securityContext", "shareProcessNamespace", "volumeMounts", "volumes"} {
		if refused.err == nil || !strings.Contains(refused.stderr, "'"+key+"'") {
			t.Errorf("upstream's %s is not refused: %v\n%s", key, refused.err, refused.stderr)
		}
	}
	given := readUpstreamValues(t)
	values, err := yaml.Marshal(newTranslation(t).translate(t, given))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, values, 0o600); err != nil {
		t.Fatal(err)
	}
	h.must("install", "pcp", pcpChart, "--namespace", namespace, "--wait", "--timeout", "60s", "--values", file)
	var pods corev1.PodList
	if err := json.Unmarshal([]byte(mustKubectl(t, "", "get", "pods", "--namespace", namespace, "--output", "json")), &pods); err != nil || len(pods.Items) != 1 {
		t.Fatalf("got %d pods, want one: %v", len(pods.Items), err)
	}
	container := pods.Items[0].Spec.Containers[0]
	if got := container.LivenessProbe; got.Exec == nil || got.Exec.Command[2] != "systemctl is-active pmcd" || got.InitialDelaySeconds != 30 {
		t.Errorf("the liveness probe is %+v, want upstream's", got)
	}
	if got := container.ReadinessProbe; got.TCPSocket == nil || got.TCPSocket.Port.StrVal != "pmcd" || got.TimeoutSeconds != 3 {
		t.Errorf("the readiness probe is %+v, want upstream's", got)
	}
	if !slices.ContainsFunc(container.Env, func(e corev1.EnvVar) bool { return e.Name == "TZ" && e.Value == "UTC" }) {
		t.Errorf("the variables are %v, want TZ among them", container.Env)
	}
	if !slices.ContainsFunc(container.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == "exporters" && m.MountPath == "/exporters" }) {
		t.Errorf("the mounts are %v, want the user's among them", container.VolumeMounts)
	}
	if got := mustKubectl(t, "", "get", "service", "pcp", "--namespace", namespace, "--output", "jsonpath={.spec.ports[*].nodePort}"); got != "30321 30322" {
		t.Errorf("the Service has the node ports %q, want upstream's", got)
	}
}

func readUpstreamValues(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile("testdata/upstream-values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	values, users := map[string]any{}, map[string]any{}
	if err := cmp.Or(yaml.UnmarshalStrict(text, &values), yaml.UnmarshalStrict([]byte(upstreamUsers), &users)); err != nil {
		t.Fatal(err)
	}
	merge(values, users)
	return values
}

// merge adds what users give; their lists follow upstream's.
func merge(values, users map[string]any) {
	for key, value := range users {
		switch value := value.(type) {
		case map[string]any:
			merge(values[key].(map[string]any), value)
		case []any:
			values[key] = append(values[key].([]any), value...)
		default:
			values[key] = value
		}
	}
}

// translation is the table of the chart's README.
type translation struct {
	// keys of upstream's chart, and their names here; "" has none.
	keys map[string]string
	// replaced are the ConfigMaps of upstream's volumes that are other values here.
	replaced []string
}

var (
	upstreamRow  = regexp.MustCompile(`(?m)^\| (.*?) \| (.*?) \| (.*?)\|$`)
	inBackticks  = regexp.MustCompile("`([^`]+)`")
	volumesOfRow = regexp.MustCompile("^`volumes` and `volumeMounts` of `([^`]+)`$")
)

func newTranslation(t *testing.T) *translation {
	t.Helper()
	readme, err := os.ReadFile(pcpChart + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "## Coming from upstream's chart\n")
	section, _, _ = strings.Cut(section, "\n## ")
	tr := &translation{keys: map[string]string{}}
	for _, row := range upstreamRow.FindAllStringSubmatch(section, -1) {
		if match := volumesOfRow.FindStringSubmatch(row[1]); match != nil {
			tr.replaced = append(tr.replaced, match[1])
		} else if strings.HasPrefix(row[1], "`") {
			tr.add(t, row[1], row[2])
		}
	}
	if len(tr.keys) < 25 || len(tr.replaced) != 2 {
		t.Fatalf("the README's table has %d keys and %d ConfigMaps, so this test shows nothing", len(tr.keys), len(tr.replaced))
	}
	return tr
}

func (tr *translation) add(t *testing.T, theirs, ours string) {
	t.Helper()
	keys, targets := inBackticks.FindAllStringSubmatch(theirs, -1), inBackticks.FindAllStringSubmatch(ours, -1)
	for n, key := range keys {
		switch {
		case ours == "the same":
			tr.keys[key[1]] = key[1]
		case ours == "none":
			tr.keys[key[1]] = ""
		case len(targets) == len(keys):
			tr.keys[key[1]] = targets[n][1]
		default:
			t.Errorf("the README's row of %s does not say what becomes of each key: %s", theirs, ours)
		}
	}
}

func (tr *translation) translate(t *testing.T, upstream map[string]any) map[string]any {
	t.Helper()
	tr.dropReplaced(upstream)
	ours := map[string]any{}
	tr.walk(t, ours, nil, upstream)
	// What the table says in words.
	ours["terminationGracePeriodSeconds"] = 30
	env, _ := ours["env"].(map[string]any)
	var extra []any
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if !slices.Contains([]string{"PCP_SERVICES", "PCP_DOMAIN_AGENTS", "HOST_MOUNT", "KEY_SERVERS"}, name) {
			extra = append(extra, map[string]any{"name": name, "value": env[name]})
			delete(env, name)
		}
	}
	ours["extraEnv"] = extra
	return ours
}

// dropReplaced leaves the volumes of those ConfigMaps out, and their mounts.
func (tr *translation) dropReplaced(upstream map[string]any) {
	dropped := map[string]bool{}
	upstream["volumes"] = slices.DeleteFunc(upstream["volumes"].([]any), func(volume any) bool {
		source, _ := volume.(map[string]any)["configMap"].(map[string]any)
		name, _ := source["name"].(string)
		if !slices.Contains(tr.replaced, name) {
			return false
		}
		dropped[volume.(map[string]any)["name"].(string)] = true
		return true
	})
	upstream["volumeMounts"] = slices.DeleteFunc(upstream["volumeMounts"].([]any), func(mount any) bool {
		return dropped[mount.(map[string]any)["name"].(string)]
	})
}

// walk puts each value where the table says.
func (tr *translation) walk(t *testing.T, ours map[string]any, path []string, value any) {
	t.Helper()
	if object, ok := value.(map[string]any); ok && len(object) > 0 {
		for key, below := range object {
			tr.walk(t, ours, append(slices.Clone(path), key), below)
		}
		return
	}
	for n := len(path); n > 0; n-- {
		target, known := tr.keys[strings.Join(path[:n], ".")]
		if !known {
			continue
		}
		if target != "" {
			set(ours, append(strings.Split(target, "."), path[n:]...), value)
		}
		return
	}
	t.Errorf("the README's table has no row for upstream's %s", strings.Join(path, "."))
}

func set(object map[string]any, path []string, value any) {
	for ; len(path) > 1; path = path[1:] {
		if object[path[0]] == nil {
			object[path[0]] = map[string]any{}
		}
		object = object[path[0]].(map[string]any)
	}
	if value == "pmcd-port" {
		value = "pmcd"
	}
	object[path[0]] = value
}
