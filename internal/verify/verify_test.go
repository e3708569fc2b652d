package verify_test

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/internal/verify"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

const version = "v1.0.0"

const asking = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"node-monitor","namespace":"monitoring","annotations":{"pcp.io/inject":"true",` +
	`"openmetrics.pcp.io/app":"http://localhost:9100/metrics"}},"spec":{"containers":[{"name":"app","image":"app"}]}}`

func configuration() *config.InjectorConfig {
	cfg := config.Default()
	cfg.Target = config.Target{Namespace: "monitoring", Kind: config.KindPod, Name: "node-monitor"}
	cfg.Complete()
	return cfg
}

// livePod is the injector's result for the pod, after an edit.
func livePod(t *testing.T, cfg *config.InjectorConfig, edit func(pod *unstructured.Unstructured)) *snapshot.LivePod {
	t.Helper()
	injector, err := mutate.New(cfg, version)
	if err != nil {
		t.Fatal(err)
	}
	var view, template mutate.Pod
	for _, into := range []*mutate.Pod{&view, &template} {
		if err := manifest.Decode([]byte(asking), into); err != nil {
			t.Fatal(err)
		}
	}
	decision := injector.Decide(mutate.Request{Namespace: "monitoring", Pod: &view, Username: "alice"})
	if decision.Reason != mutate.ReasonInjected {
		t.Fatalf("the pod is not injected: %s", decision.Explanation())
	}
	injected, err := manifest.ApplyJSON([]byte(asking), decision.Patch)
	if err != nil {
		t.Fatal(err)
	}
	pod := &unstructured.Unstructured{}
	if err := json.Unmarshal(injected, &pod.Object); err != nil {
		t.Fatal(err)
	}
	edit(pod)
	// The API server's numbers are integers.
	text, err := json.Marshal(pod.Object)
	if err != nil {
		t.Fatal(err)
	}
	if err := manifest.Decode(text, &pod.Object); err != nil {
		t.Fatal(err)
	}
	return &snapshot.LivePod{Pod: pod, Template: &template, Subject: &snapshot.Subject{
		Namespace: "monitoring", Kind: snapshot.Named(config.KindPod), Object: pod, Owner: mutate.Owner{Kind: "Deployment", Name: "node-monitor"},
	}}
}

// container is PCP's container in the pod.
func container(pod *unstructured.Unstructured) map[string]any {
	for _, list := range []string{"containers", "initContainers"} {
		spec, _ := pod.Object["spec"].(map[string]any)
		items, _ := spec[list].([]any)
		for _, item := range items {
			if found, ok := item.(map[string]any); ok && found["name"] == mutate.ContainerName {
				return found
			}
		}
	}
	return nil
}

func annotate(key, value string) func(*unstructured.Unstructured) {
	return func(pod *unstructured.Unstructured) {
		annotations := pod.GetAnnotations()
		annotations[key] = value
		pod.SetAnnotations(annotations)
	}
}

func set(key string, value any) func(*unstructured.Unstructured) {
	return func(pod *unstructured.Unstructured) { container(pod)[key] = value }
}

func both(edits ...func(*unstructured.Unstructured)) func(*unstructured.Unstructured) {
	return func(pod *unstructured.Unstructured) {
		for _, edit := range edits {
			edit(pod)
		}
	}
}

func nothing(*unstructured.Unstructured) {}

func TestPod(t *testing.T) {
	t.Parallel()
	native := func(cfg *config.InjectorConfig) { cfg.Container.Placement = config.PlacementNativeSidecar }
	same := func(*config.InjectorConfig) {}
	for name, test := range map[string]struct {
		made, now func(*config.InjectorConfig)
		edit      func(*unstructured.Unstructured)
		version   string
		want      verify.State
		says      string
	}{
		"untouched":         {same, same, nothing, version, verify.Current, "made by v1.0.0"},
		"another program":   {same, same, nothing, "v2.0.0", verify.Current, "made by v1.0.0"},
		"defaults":          {same, same, set("terminationMessagePath", "/dev/termination-log"), version, verify.Current, "made by"},
		"image":             {same, same, set("image", "pcp:next"), version, verify.Upgraded, `runs image pcp:next, as after`},
		"image of a native": {native, native, set("image", "pcp:next"), version, verify.Upgraded, `runs image pcp:next, as after`},
		"command":           {same, same, set("command", []any{"sh"}), version, verify.Tampered, `spec.containers[pcp].command: was added: ["sh"]`},
		"image and command": {same, same, both(set("image", "pcp:next"), set("command", []any{"sh"})), version, verify.Tampered, "spec.containers[pcp].command: was added"},
		"by another":        {same, same, set("command", []any{"sh"}), "v2.0.0", verify.Older, "made by v1.0.0, and v2.0.0 would make it differently: spec.containers[pcp].command"},
		"no arguments":      {same, same, set("args", nil), version, verify.Tampered, "spec.containers[pcp].args"},
		"source":            {same, same, annotate("openmetrics.pcp.io/app", "http://10.0.0.1/"), version, verify.Tampered, "metadata.annotations[openmetrics.pcp.io/app]: is "},
		"source added":      {same, same, annotate("openmetrics.pcp.io/more", "http://10.0.0.1/"), version, verify.Tampered, "metadata.annotations[openmetrics.pcp.io/more]: was added"},
		"label":             {same, same, func(pod *unstructured.Unstructured) { pod.SetLabels(nil) }, version, verify.Tampered, "label"},
		"status":            {same, same, annotate("pcp.io/status", "{}"), version, verify.Tampered, "no annotation pcp.io/status that an injector wrote"},
		"status of others":  {same, same, func(pod *unstructured.Unstructured) { unstructured.RemoveNestedField(pod.Object, "spec", "volumes") }, version, verify.Tampered, "volume"},
		"configuration":     {same, func(cfg *config.InjectorConfig) { cfg.Container.Image = "pcp:next" }, nothing, version, verify.Stale, "made by configuration "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, now := configuration(), configuration()
			test.made(made)
			test.now(now)
			state, evidence, err := verify.Pod(livePod(t, made, test.edit), now, test.version)
			if err != nil || state != test.want || !strings.Contains(evidence, test.says) {
				t.Errorf("%s: %s (error: %v), want %s: %s", state, evidence, err, test.want, test.says)
			}
		})
	}
}

// TestRemedy: what to do about a pod is what makes its successor as it should be. A restart does not where the manifest itself has PCP, and
// takes PCP away where the target is another one.
func TestRemedy(t *testing.T) {
	t.Parallel()
	next := func(cfg *config.InjectorConfig) { cfg.Container.Image = "pcp:next" }
	renamed := func(cfg *config.InjectorConfig) { cfg.Target.Name = "renamed" }
	same := func(*config.InjectorConfig) {}
	asks := func(*mutate.Pod) {}
	declines := func(template *mutate.Pod) { template.Metadata.Annotations[mutate.AnnotationInject] = "false" }
	for name, test := range map[string]struct {
		now          func(*config.InjectorConfig)
		edit         func(*unstructured.Unstructured)
		template     func(*mutate.Pod)
		hasPCP       bool // the manifest, too
		result       gate.Result
		says, advice string
	}{
		"older configuration":          {next, nothing, asks, false, gate.Failed, "stale: made by configuration ", "restart"},
		"of the manifest":              {next, nothing, asks, true, gate.Failed, "which its manifest has: a new pod would be the same", "replace-in-manifest"},
		"tampered in the manifest":     {same, set("command", []any{"sh"}), asks, true, gate.Failed, "which its manifest has: a new pod would be the same", "replace-in-manifest"},
		"current in the manifest":      {same, nothing, asks, true, gate.Passed, "as it should be: made by", ""},
		"renamed target":               {renamed, nothing, asks, false, gate.Failed, `a new pod would have no PCP: NotDesignated: the pod belongs to `, "make-target"},
		"renamed, in the manifest":     {renamed, nothing, asks, true, gate.Failed, "because its manifest has PCP; the webhook warns: injected before this admission", "make-target"},
		"no longer asks":               {next, nothing, declines, false, gate.Failed, "a new pod would have no PCP: NotRequested", "explain"},
		"tampered with":                {same, set("command", []any{"sh"}), asks, false, gate.Failed, "tampered with: ", "restart"},
		"upgraded to a release":        {same, set("image", "pcp:7.2.1"), asks, false, gate.Passed, "upgraded: runs image pcp:7.2.1", ""},
		"upgraded to a tag that moves": {same, set("image", "evil.example.com/pcp:latest"), asks, false, gate.Warning, "upgraded: runs image evil.example.com/pcp:latest", "pin-image"},
		"upgraded to no tag":           {same, set("image", "evil.example.com:5000/pcp"), asks, false, gate.Warning, "its tag moves", "pin-image"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := configuration()
			test.now(now)
			live := livePod(t, configuration(), test.edit)
			if test.hasPCP {
				decode(t, live.Pod.Object, live.Template)
			}
			test.template(live.Template)
			report, err := verify.Report(&snapshot.Live{Namespace: "monitoring", Config: now, Pods: []snapshot.LivePod{*live}}, version)
			if err != nil {
				t.Fatal(err)
			}
			found, advice := report.Gates[0], ""
			var out strings.Builder
			if err := report.Write(&out, gate.Style{}); err != nil || found.Remedy != nil && !strings.Contains(out.String(), strings.Fields(found.Remedy.Sentence())[0]) {
				t.Errorf("the remedy is not shown (error: %v):\n%s", err, out.String())
			}
			if found.Remedy != nil {
				advice = found.Remedy.Text().Name
			}
			if found.Result != test.result || !strings.Contains(found.Evidence, test.says) || advice != test.advice {
				t.Errorf("got %s, %s (%s), want %s, %s (%s)", found.Result, found.Evidence, advice, test.result, test.says, test.advice)
			}
		})
	}
}

func decode(t *testing.T, object map[string]any, into *mutate.Pod) {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	*into = mutate.Pod{}
	if err := manifest.Decode(text, into); err != nil {
		t.Fatal(err)
	}
}
