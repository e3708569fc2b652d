package charts_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/terminal"
)

// What a user who may patch pods can write where the API server checks nothing, for whoever runs the plugin.
const (
	// forShells is the name and kind of an owner.
	forShells = "x;touch ${HOME}/pwned;#"
	// forTerminals sets a terminal's title, clears it, and pretends to be a line of the program.
	forTerminals = "\x1b]0;owned\x07\u009b2J\u202egnp.exe\nerror: all is well"
)

// TestHostileObjects: whatever is written into objects, the plugin prints nothing that a terminal obeys, and no command that does anything but
// what it says.
func TestHostileObjects(t *testing.T) {
	t.Parallel()
	p := pluginFor(t, "guard.enabled=false")
	p.apply(nodeMonitor()).must(t)
	pod := p.pod("node-monitor", injected).Name
	p.patchPod(pod, map[string]any{
		"ownerReferences": []map[string]any{{"apiVersion": "apps/v9", "kind": forShells, "name": forShells, "uid": "1", "controller": true}},
		"annotations":     map[string]string{"openmetrics.pcp.io/app": "http://localhost/" + forTerminals},
	})
	p.eventually("the Deployment to let the pod go", func(context.Context) error { return p.adopted(pod) })
	p.examineHostile(pod)
	for _, owner := range []map[string]any{
		{"apiVersion": "apps/v9", "kind": "Deployment", "name": forShells, "uid": "1", "controller": true},
		{"apiVersion": "apps/v9", "kind": "Deployment", "name": "$(touch ${HOME}/pwned)", "uid": "1", "controller": true},
		{"apiVersion": "apps/v9", "kind": forTerminals, "name": forTerminals, "uid": "1", "controller": true},
	} {
		p.patchPod(pod, map[string]any{"ownerReferences": []map[string]any{owner}})
		p.examineHostile(pod)
	}
	p.requireForgedOwner(pod)
	for _, status := range []any{
		`{"reason":"Untrusted` + `\u001b]0;owned\u0007","message":"` + `\u001b[2J\u009b2J\nerror: all is well"}`,
		`{"reason":"UntrustedCreator","message":"\u001b]0;owned\u0007\nerror: all is well"}`,
		forTerminals, nil,
	} {
		p.patchPod(pod, map[string]any{"annotations": map[string]any{"pcp.io/status": status}})
		p.examineHostile(pod)
	}
	p.commands("delete pod " + pod + " --namespace TARGET")
	p.rehearseHostile()
}

// requireForgedOwner: an owner that the pod only claims to have is in no command.
func (p *plugin) requireForgedOwner(pod string) {
	p.t.Helper()
	p.commands("create deployment victim --image registry.example.com/app:v1 --namespace TARGET")
	p.patchPod(pod, map[string]any{"ownerReferences": []map[string]any{{"apiVersion": "apps/v9", "kind": "Deployment", "name": "victim", "uid": "1", "controller": true}}})
	for _, arguments := range []string{"verify", "check " + withoutPCP, "explain pod/" + pod} {
		for _, match := range listed.FindAllStringSubmatch(p.run(strings.Fields(arguments)...).stdout, -1) {
			if strings.Contains(match[1], "victim") {
				p.t.Errorf("kubectl pcp %s: %s", arguments, match[1])
			}
		}
	}
}

// rehearseHostile: a template brings a status of its own, which the API server's dry run gives back.
func (p *plugin) rehearseHostile() {
	p.t.Helper()
	p.commands(stopPod)
	for _, metadata := range []map[string]any{
		{"pcp.io/inject": nil, "pcp.io/status": `{"reason":"No\u001b]0;owned\u0007","message":"\u001b[2J\u009b2J\nerror: all is well"}`},
		{"pcp.io/inject": forTerminals, "pcp.io/status": nil},
		{"pcp.io/inject": "true", "openmetrics.pcp.io/app": "http://localhost/" + forTerminals},
	} {
		patch := map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{"annotations": metadata}}}}
		mustKubectl(p.t, "", "patch", nodeMonitorDeployment, "--namespace", p.target, "--type", "merge", "--patch", manifest(p.t, patch))
		for _, arguments := range []string{"rehearse " + nodeMonitorDeployment, "explain " + nodeMonitorDeployment, "check " + withoutPCP, "status", "verify"} {
			p.requireHarmless(strings.Fields(arguments)...)
		}
	}
}

func (p *plugin) patchPod(pod string, metadata map[string]any) {
	p.t.Helper()
	mustKubectl(p.t, "", "patch", "pod", pod, "--namespace", p.target, "--type", "merge", "--patch", manifest(p.t, map[string]any{"metadata": metadata}))
}

// adopted fails while the ReplicaSet still counts the pod as its own.
func (p *plugin) adopted(pod string) error {
	if said := mustKubectl(p.t, "", "get", "pods", "--namespace", p.target, "--selector", "app=node-monitor", "--output", "name"); strings.Count(said, "\n") < 2 {
		return errors.New("there is no other pod than " + pod)
	}
	return nil
}

func (p *plugin) examineHostile(pod string) {
	p.t.Helper()
	for _, arguments := range []string{
		"verify", "check " + withoutPCP, "check", "explain pod/" + pod, "status", "status --output wide", "rehearse pod/" + pod, "upgrade " + pod + " --image a --timeout 0",
	} {
		p.requireHarmless(strings.Fields(arguments)...)
	}
}

// listed matches a line that is there to be pasted.
var listed = regexp.MustCompile(`(?m)^ +((?:kubectl|helm|echo) .*)$`)

// requireHarmless looks at all that a verb prints, in all formats, and pastes its commands where kubectl and helm do nothing.
func (p *plugin) requireHarmless(arguments ...string) {
	p.t.Helper()
	said := p.run(arguments...)
	if text := said.all(); terminal.Lines(text) != text || strings.Contains(text, "\nerror: all is well") || strings.HasPrefix(text, "error: all is well") {
		p.t.Errorf("kubectl pcp %s prints %q", strings.Join(arguments, " "), text)
	}
	for _, match := range listed.FindAllStringSubmatch(said.stdout, -1) {
		p.pasteHarmlessly(match[1])
	}
	if arguments[0] == "rehearse" || arguments[0] == "upgrade" || arguments[len(arguments)-1] == "wide" {
		return
	}
	for _, format := range []string{"json", "yaml"} {
		if text := p.run(append(arguments, "--output", format)...).all(); terminal.Lines(text) != text {
			p.t.Errorf("kubectl pcp %s as %s prints %q", strings.Join(arguments, " "), format, text)
		}
	}
}

// pasteHarmlessly fails if the command does anything but run kubectl or helm.
func (p *plugin) pasteHarmlessly(command string) {
	p.t.Helper()
	programs, home := p.t.TempDir(), p.t.TempDir()
	for _, name := range []string{"kubectl", "helm"} {
		if err := os.WriteFile(filepath.Join(programs, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
			p.t.Fatal(err)
		}
	}
	said := execute(p.t, "", []string{"HOME=" + home, "PATH=" + programs + ":/usr/bin:/bin"}, "sh", "-c", "cd && "+command)
	files, err := os.ReadDir(home)
	if said.err != nil || said.all() != "" || err != nil || len(files) > 0 {
		p.t.Errorf("%s: %v, prints %q, makes the files %v (%v)", command, said.err, said.all(), files, err)
	}
}
