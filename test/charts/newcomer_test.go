package charts_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// newcomers is a Deployment as it is before its author has read a word.
func newcomers(d *appsv1.Deployment) {
	d.Annotations, d.Spec.Template.Annotations = map[string]string{"pcp.io/inject": "true"}, nil
	d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType}
	d.Spec.Template.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: new(true), RunAsUser: new(int64(65534))}
}

// shownCommand is a line of explain that is there to be pasted.
var shownCommand = regexp.MustCompile(`(?m)^ {2}(\S.*)$`)

// TestNewcomer pastes the commands that explain prints, one after the other, in a namespace where nothing is as it must be. The pod runs
// on until the last of them, whose new pod nothing refuses.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	p := pluginFor(t, "guard.warnings.scope=None")
	p.commands("label --overwrite namespace TARGET pcp.io/injection=true pod-security.kubernetes.io/enforce=baseline")
	p.apply(nodeMonitor(newcomers)).must(t)
	before := p.pod("node-monitor", untouched)
	if said := p.run("check", withoutPCP).stdout; !strings.Contains(strings.Join(strings.Fields(said), " "), "Fix them in this order: namespace, pod-security, rollout, request.") {
		t.Errorf("check does not say in which order to mend:\n%s", said)
	}
	said := p.run("explain", nodeMonitorDeployment)
	commands := shownCommand.FindAllStringSubmatch(said.stdout, -1)
	if len(commands) != 4 || !strings.Contains(commands[3][1], `"pcp.io/inject":"true"`) {
		t.Fatalf("want 4 commands, and the one that asks for PCP last:\n%s", said.all())
	}
	for n, command := range commands {
		if n == len(commands)-1 {
			p.requireReadyFor(before)
		}
		p.paste(command[1])
	}
	p.pod("node-monitor", injected)
	p.requireGreen("explain", nodeMonitorDeployment)
	p.requireNoneRefused()
}

// requireReadyFor waits until nothing but the request is in the way of a new pod, and the old one still runs.
func (p *plugin) requireReadyFor(old *corev1.Pod) {
	p.t.Helper()
	p.eventually("all but the request to be passed", func(context.Context) error {
		report := p.report("explain", nodeMonitorDeployment)
		for n := range report.Gates {
			if g := &report.Gates[n]; g.Result != "passed" && g.Name != "request" && g.Name != "pod" {
				return fmt.Errorf("%s: %s", g.Name, g.Evidence)
			}
		}
		return nil
	})
	if now := p.pod("node-monitor", untouched); now.UID != old.UID {
		p.t.Errorf("pod %s was replaced before all was ready for its successor", old.Name)
	}
}

// requireNoneRefused fails if a controller could not create a pod.
func (p *plugin) requireNoneRefused() {
	p.t.Helper()
	events, err := plane.Client().CoreV1().Events(p.target).List(p.t.Context(), metav1.ListOptions{FieldSelector: "reason=FailedCreate"})
	if err != nil {
		p.t.Fatal(err)
	}
	for n := range events.Items {
		p.t.Errorf("a pod was refused: %s", events.Items[n].Message)
	}
}
