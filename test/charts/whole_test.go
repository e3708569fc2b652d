package charts_test

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// requireWhole: after all that was broken and mended, Helm still knows every object of the release as its own: it upgrades it, uninstalls it
// and leaves nothing but what it should, and installs it again.
func (p *plugin) requireWhole() {
	p.t.Helper()
	p.requireMarks()
	p.upgrade("config.container.image=registry.example.com/pcp:whole", "replicas=3")
	p.replacePod()
	p.pod("node-monitor", withImage("registry.example.com/pcp:whole"))
	p.uninstall()
	p.install()
	p.serve()
	p.awaitTrust()
	p.replacePod()
	p.pod("node-monitor", injected)
	p.requireAllGreen()
	p.uninstall()
}

// requireMarks: each object of the release has Helm's marks, without which Helm 4 does not uninstall it, and no installation takes it over.
func (p *plugin) requireMarks() {
	p.t.Helper()
	live := mustKubectl(p.t, p.must("get", "manifest", p.name, "--namespace", p.namespace), "get", "--output", "json", "-f", "-")
	var all struct{ Items []unstructured.Unstructured }
	if err := json.Unmarshal([]byte(live), &all); err != nil || len(all.Items) < 20 {
		p.t.Fatalf("%d objects (%v):\n%s", len(all.Items), err, live)
	}
	for n := range all.Items {
		object, annotations := &all.Items[n], all.Items[n].GetAnnotations()
		if annotations["meta.helm.sh/release-name"] != p.name || annotations["meta.helm.sh/release-namespace"] != p.namespace ||
			object.GetLabels()["app.kubernetes.io/managed-by"] != "Helm" {
			p.t.Errorf("%s %s is not marked as Helm's own: %v", object.GetKind(), object.GetName(), annotations)
		}
	}
}
