package charts_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// attempt is what a user tries, and what becomes of it.
type attempt struct {
	name      string
	input     string                      // to kubectl
	arguments []string                    // of kubectl, besides the dry run
	call      func(context.Context) error // what is tried instead, where kubectl has no dry run
	denied    string                      // the message of a denial; empty: allowed
	warned    string                      // the message of a warning; empty: none
}

// requireAttempts makes each attempt in a dry run. Policies take a moment to become effective.
func (r *release) requireAttempts(attempts ...attempt) {
	r.t.Helper()
	for _, a := range attempts {
		err := eventually(r.t.Context(), a.name, func(ctx context.Context) error {
			if a.call != nil {
				err := a.call(ctx)
				return a.check(err, fmt.Sprint(err))
			}
			said := kubectl(r.t, a.input, append(a.arguments, "--dry-run=server")...)
			return a.check(said.err, r.own(said.stderr))
		})
		if err != nil {
			r.t.Error(err)
		}
	}
}

// own leaves the warnings of other tests' releases out.
func (r *release) own(said string) string {
	lines := slices.DeleteFunc(strings.SplitAfter(said, "\n"), func(line string) bool {
		return strings.HasPrefix(line, "Warning: Validation failed") && !strings.Contains(line, "'"+r.fullname()+"."+r.namespace+".")
	})
	return strings.Join(lines, "")
}

func (a attempt) check(err error, said string) error {
	switch {
	case a.denied == "" && err != nil:
		return fmt.Errorf("it was denied: %s", said)
	case a.denied != "" && err == nil:
		return fmt.Errorf("it was allowed, want it denied with %q", a.denied)
	case !strings.Contains(said, a.denied) || !strings.Contains(said, a.warned):
		return fmt.Errorf("the user sees %q, want %q", said, a.denied+a.warned)
	case a.denied == "" && a.warned == "" && err == nil && a.call == nil && said != "":
		return fmt.Errorf("the user is warned: %s", said)
	}
	return nil
}

// applied is an attempt to apply the target Deployment with changes.
func (r *release) applied(name string, edit func(*appsv1.Deployment)) attempt {
	r.t.Helper()
	return attempt{name: name, input: manifest(r.t, nodeMonitor(edit)), arguments: []string{"apply", "--namespace", r.target, "-f", "-"}}
}

func (a attempt) isDenied(message string) attempt {
	a.denied = message
	return a
}

func (a attempt) isWarned(message string) attempt {
	a.warned = message
	return a
}

func (a attempt) as(user string) attempt {
	// Attempts by several users may begin alike.
	a.arguments = append(slices.Clone(a.arguments), "--as", user)
	return a
}

func rename(d *appsv1.Deployment) { d.Name = "second" }

// TestGuard: what would break PCP is denied, and what would do nothing is warned about, when a user applies it. The messages are
// those that kubectl prints.
func TestGuard(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "certificates.mode=helm")
	elsewhere := r.namespace + "-elsewhere"
	createNamespace(t, elsewhere, nil)
	another := r.namespace + "-another"
	createNamespace(t, another, map[string]string{"pcp.io/injection": "enabled"})
	injects := "release pcp-injector in namespace " + r.namespace + " injects PCP into Deployment node-monitor in namespace " + r.target + " only"
	r.install()
	r.requireAttempts(
		r.applied("replicas", func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(3)) }).
			isDenied("spec.replicas: Invalid value: 3: must be 1: PCP monitors the system, and a second instance only duplicates its data"),
		r.applied("rolling-update", func(d *appsv1.Deployment) { d.Spec.Strategy.Type = appsv1.RollingUpdateDeploymentStrategyType }).
			isDenied("spec.strategy.type: must be Recreate: with RollingUpdate the new pod starts while the old one still writes"),
		r.applied("host-pid", func(d *appsv1.Deployment) { d.Spec.Template.Spec.HostPID = true }).
			isDenied("spec.template.spec.hostPID: Invalid value: true: must be false: systemd"),
		r.applied("shared-processes", func(d *appsv1.Deployment) { d.Spec.Template.Spec.ShareProcessNamespace = new(true) }).
			isDenied("spec.template.spec.shareProcessNamespace: Invalid value: true: must be false: systemd"),
		r.applied("second-template", rename).
			isWarned("spec.template.metadata.annotations[pcp.io/inject]: has no effect, since Deployment second in namespace "+r.target+
				" is not the target of this one: "+injects),
		attempt{name: "unlabelled-namespace", input: manifest(t, nodeMonitor()), arguments: []string{"apply", "--namespace", elsewhere, "-f", "-"}}.
			isWarned(`has no effect, since namespace "`+elsewhere+`" has not opted in: `+injects),
		attempt{name: "another-namespace", input: manifest(t, nodeMonitor()), arguments: []string{"apply", "--namespace", another, "-f", "-"}}.
			isWarned("has an effect only with another release of pcp-injector, since Deployment node-monitor in namespace "+another+" is not the target of this one: "+injects),
		r.applied("own-metadata", func(d *appsv1.Deployment) {
			d.Annotations, d.Spec.Template.Annotations = d.Spec.Template.Annotations, nil
		}).isWarned("metadata.annotations: pcp.io/inject has no effect on a Deployment itself: move it to spec.template.metadata.annotations"),
		r.applied("misspelled-key", func(d *appsv1.Deployment) { d.Spec.Template.Annotations = map[string]string{"pcp.io/injct": "true"} }).
			isWarned("spec.template.metadata.annotations: pcp.io/injct is unknown: did you mean pcp.io/inject?"),
		r.applied("not-a-bool", func(d *appsv1.Deployment) { d.Spec.Template.Annotations["pcp.io/inject"] = "yes" }).
			isWarned(`spec.template.metadata.annotations[pcp.io/inject]: "yes" will be rejected: must be "true" or "false"`),
		r.applied("sound", func(*appsv1.Deployment) {}),
		r.applied("not-asking", func(d *appsv1.Deployment) {
			d.Spec.Template.Annotations, d.Spec.Replicas, d.Spec.Template.Spec.HostPID = nil, new(int32(3)), true
		}),
	)
	r.requireTypesRight()
}

// requireTypesRight: the cluster has checked the types in each policy's expressions, and kubectl describe shows no warning of it.
func (r *release) requireTypesRight() {
	r.t.Helper()
	r.eventually("types checked", func(ctx context.Context) error {
		policies, err := plane.Client().AdmissionregistrationV1().ValidatingAdmissionPolicies().List(ctx, metav1.ListOptions{LabelSelector: "pcp.io/target-namespace=" + r.target})
		if err != nil {
			return err
		}
		for _, policy := range policies.Items {
			switch checked := policy.Status.TypeChecking; {
			case checked == nil:
				return fmt.Errorf("%s is not checked", policy.Name)
			case len(checked.ExpressionWarnings) > 0:
				r.t.Errorf("%s: %v", policy.Name, checked.ExpressionWarnings)
			}
		}
		if len(policies.Items) < 5 {
			return fmt.Errorf("only %d policies", len(policies.Items))
		}
		return nil
	})
}

// TestGuardOfLiveObjects: what runs cannot be brought into a state that would have been denied.
func TestGuardOfLiveObjects(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm3", "certificates.mode=helm", "guard.warnings.scope=Target")
	r.install()
	r.serve()
	r.awaitTrust()
	r.apply(nodeMonitor(func(d *appsv1.Deployment) {
		d.Spec.Template.Annotations["openmetrics.pcp.io/exporter"] = "http://localhost:9100/metrics\nHEADER: A: b\n"
	})).must(t)
	pod := r.pod("node-monitor", injected)
	in := []string{"--namespace", r.target}
	scale := func(name, replicas string) attempt {
		return attempt{name: name, arguments: append([]string{"scale", "deployment/node-monitor", "--replicas", replicas}, in...)}
	}
	const one = "spec.replicas: Invalid value: 3: must be 1"
	r.requireAttempts(
		scale("scale-up", "3").isDenied(one),
		scale("scale-down", "0"),
		attempt{name: "live-annotation", arguments: append([]string{"annotate", "--overwrite", "pod", pod.Name, "pcp.io/pmlogconf-openmetrics=x"}, in...)}.
			isDenied("metadata.annotations: Forbidden: pcp.io/pmlogconf-openmetrics cannot change in a live pod"),
		attempt{name: "live-source", arguments: append([]string{"annotate", "pod", pod.Name, "openmetrics.pcp.io/app=http://localhost:44322/pmapi/store?name=a&value=1"}, in...)}.
			isDenied("metadata.annotations: Forbidden: openmetrics.pcp.io/app cannot change in a live pod"),
		attempt{name: "removed-source", arguments: append([]string{"annotate", "pod", pod.Name, "openmetrics.pcp.io/exporter-"}, in...)}.
			isDenied("metadata.annotations: Forbidden: openmetrics.pcp.io/exporter cannot change in a live pod"),
		attempt{name: "live-label", arguments: append([]string{"label", "--overwrite", "pod", pod.Name, "pcp.io/injected-"}, in...)}.
			isDenied("cannot change in a live pod"),
		attempt{name: "own-label", arguments: append([]string{"label", "pod", pod.Name, "team=a"}, in...)},
		attempt{name: "forged-owner", input: manifest(t, forgedReplicaSet()), arguments: append([]string{"create", "-f", "-"}, in...)}.
			isDenied("may not create or change replicasets of Deployment node-monitor in namespace "+r.target+", the target of the injector: only the deployment-controller may"),
	)
	r.requireNotAutoscaled(one)
	const denied = "spec.maxReplicas: Invalid value: 3: must be 1 for Deployment node-monitor, into which PCP is injected"
	r.requireAttempts(
		r.applies("autoscaler", autoscaler("node-monitor", 3)).isDenied(denied),
		r.applies("autoscaler to one", autoscaler("node-monitor", 1)),
		r.applies("autoscaler of another", autoscaler("another", 3)),
	)
}

// autoscaler is in the older version of its API, which the guard sees converted. kubectl autoscale falls back to it.
func autoscaler(name string, most int32) *autoscalingv1.HorizontalPodAutoscaler {
	return &autoscalingv1.HorizontalPodAutoscaler{
		TypeMeta: metav1.TypeMeta{APIVersion: "autoscaling/v1", Kind: "HorizontalPodAutoscaler"}, ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: autoscalingv1.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name}, MaxReplicas: most,
		},
	}
}

// requireNotAutoscaled makes the update that a HorizontalPodAutoscaler makes.
func (r *release) requireNotAutoscaled(message string) {
	r.t.Helper()
	config, err := plane.ConfigFor("system:serviceaccount:kube-system:horizontal-pod-autoscaler", "system:serviceaccounts", "system:serviceaccounts:kube-system")
	if err != nil {
		r.t.Fatal(err)
	}
	deployments := kubernetes.NewForConfigOrDie(config).AppsV1().Deployments(r.target)
	scale, err := deployments.GetScale(r.t.Context(), "node-monitor", metav1.GetOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	scale.Spec.Replicas = 3
	if _, err := deployments.UpdateScale(r.t.Context(), "node-monitor", scale, metav1.UpdateOptions{}); err == nil || !strings.Contains(err.Error(), message) {
		r.t.Errorf("the autoscaler gets the error %v, want %q", err, message)
	}
}

// forgedReplicaSet would make the pods that it creates look like the target Deployment's.
func forgedReplicaSet() *appsv1.ReplicaSet {
	template := nodeMonitor().Spec.Template
	template.Labels["pod-template-hash"] = "abc"
	return &appsv1.ReplicaSet{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "ReplicaSet"}, ObjectMeta: metav1.ObjectMeta{Name: "node-monitor-abc"},
		Spec: appsv1.ReplicaSetSpec{Selector: &metav1.LabelSelector{MatchLabels: template.Labels}, Template: template},
	}
}

// TestPermission: with guard.requirePermission only users with the verb inject may ask for PCP.
func TestPermission(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "certificates.mode=helm", "guard.warnings.scope=Target", "guard.requirePermission=true")
	r.install()
	r.grant("inject")
	r.requireAttempts(
		r.applied("without", func(*appsv1.Deployment) {}).as("alice").
			isDenied(`annotation pcp.io/inject: Forbidden: user "alice" may not ask for PCP in namespace "`+r.target+`": that needs the verb "inject" on "injections" in API group "pcp.io"`),
		r.applied("with", func(*appsv1.Deployment) {}).as("bob"),
		r.applied("not-asking", func(d *appsv1.Deployment) { d.Spec.Template.Annotations = nil }).as("alice"),
	)
	r.requireControllersMayAsk()
	pod := r.pod("node-monitor", injected)
	const beforehand = `spec.template.metadata.labels[pcp.io/injected]: Forbidden: user "alice" may not apply a manifest with injected PCP: `
	mustKubectl(t, "", "delete", "deployment", "node-monitor", "--namespace", r.target)
	target := beforehandIn("node-monitor", pod)
	delete(target.Spec.Template.Annotations, "pcp.io/inject")
	r.requireAttempts(
		r.applies("a target that has PCP and does not ask", target).as("alice").isDenied(beforehand+lacks("inject")),
		r.applies("a target that has PCP and does not ask", target).as("bob"),
	)
}

// requireControllersMayAsk fails if the pod of a Deployment that bob was allowed to create does not come about: its creator, the
// controller, has no verb of its own.
func (r *release) requireControllersMayAsk() {
	r.t.Helper()
	r.serve()
	r.awaitTrust()
	kubectl(r.t, manifest(r.t, nodeMonitor()), "apply", "--namespace", r.target, "--as", "bob", "-f", "-").must(r.t)
	r.pod("node-monitor", injected)
}
