package charts_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/gate"
)

const (
	customDefinition = `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: nodemonitors.GROUP}, spec: {
		group: GROUP, scope: Namespaced, names: {kind: NodeMonitor, plural: nodemonitors, singular: nodemonitor}, versions: [
		{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}`
	customObject = `{apiVersion: GROUP/v1, kind: NodeMonitor, metadata: {name: node-monitor}, spec: {size: 1}}`
	customPod    = `{apiVersion: v1, kind: Pod, metadata: {name: node-monitor-0, labels: {app: custom}, annotations: {pcp.io/inject: "true"},
		ownerReferences: [{apiVersion: GROUP/v1, kind: NodeMonitor, name: node-monitor, uid: UID, controller: true}]}, spec: {containers: [{name: app, image: app}]}}`
)

// requireCustomTarget: check examines a target of a custom kind as far as it can. The administrator acts as its controller here.
func (p *plugin) requireCustomTarget(t *testing.T) {
	t.Helper()
	group := strings.NewReplacer("GROUP", p.namespace+".example.com")
	in := []string{"--namespace", p.target}
	p.commands("delete " + nodeMonitorDeployment + " --namespace TARGET")
	p.upgrade("config.target.kind=NodeMonitor", "config.target.trustedCreators={administrator}")
	p.awaitTarget("target", gate.Failed, "the cluster knows no kind NodeMonitor")
	mustKubectl(t, group.Replace(customDefinition), "create", "-f", "-")
	t.Cleanup(func() { kubectl(t, "", "delete", "crd", group.Replace("nodemonitors.GROUP"), "--wait=false") })
	p.awaitTarget("target", gate.Failed, "NodeMonitor node-monitor does not exist in namespace "+p.target)
	p.eventually("the kind to be served", func(context.Context) error {
		return kubectl(t, group.Replace(customObject), append(in, "create", "-f", "-")...).failure()
	})
	p.awaitTarget("target", gate.Unknown, "whether it asks for PCP is unknown, because it has no pod template in spec.template")
	uid := mustKubectl(t, "", append(in, "get", "nodemonitor", "node-monitor", "--output", "jsonpath={.metadata.uid}")...)
	mustKubectl(t, strings.Replace(group.Replace(customPod), "UID", uid, 1), append(in, "create", "-f", "-")...)
	p.pod("custom", injected)
	p.awaitTarget("target", gate.Passed, `NodeMonitor "node-monitor" is there, and its pod node-monitor-0 has PCP`)

	const template = `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app"}]}}}}`
	mustKubectl(t, "", append(in, "patch", "nodemonitor", "node-monitor", "--type=merge", "--patch", template)...)
	request := p.awaitTarget("request", gate.Failed, "the pod template has no annotation pcp.io/inject")
	p.follow(request.Remedy)
	p.awaitTarget("target", gate.Passed, `NodeMonitor "node-monitor" is the configured target`)
	for _, gateOfIt := range []string{"request", "pod"} {
		p.awaitTarget(gateOfIt, gate.Passed, "")
	}
}

// awaitTarget waits until the first gate of the name says so.
func (p *plugin) awaitTarget(name string, result gate.Result, evidence string) (found *found) {
	p.t.Helper()
	p.eventually(name, func(context.Context) error {
		report := p.checked()
		for n := range report.Gates {
			if found = &report.Gates[n]; found.Name == name {
				break
			}
		}
		if found.Name != name || found.Result != result || !strings.Contains(found.Evidence, evidence) {
			return errors.New(text(report))
		}
		return nil
	})
	return found
}
