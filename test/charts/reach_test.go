package charts_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// grant makes alice and bob editors of the target's namespace who may also debug pods. Bob has the verbs on injections.pcp.io.
func (r *release) grant(verbs string) {
	r.t.Helper()
	mustKubectl(r.t, `
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: debugging}, rules: [
 {apiGroups: [""], resources: [pods/ephemeralcontainers, pods/resize, pods/status], verbs: [get, patch, update]}, {apiGroups: [""], resources: [pods/binding], verbs: [create]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: debugging}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: debugging},
 subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: alice}, {apiGroup: rbac.authorization.k8s.io, kind: User, name: bob}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: editors}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit},
 subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: alice}, {apiGroup: rbac.authorization.k8s.io, kind: User, name: bob}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: injection}, rules: [{apiGroups: [pcp.io], resources: [injections], verbs: [`+verbs+`]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: injection}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: injection},
 subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: bob}]}
`, "apply", "--namespace", r.target, "-f", "-")
}

// attempted is an attempt by kubectl in the target's namespace.
func (r *release) attempted(name string, arguments ...string) attempt {
	return attempt{name: name, arguments: append(arguments, "--namespace", r.target)}
}

// applies is an attempt to apply the object in the target's namespace.
func (r *release) applies(name string, object any) attempt {
	r.t.Helper()
	return attempt{name: name, input: manifest(r.t, object), arguments: []string{"apply", "--namespace", r.target, "-f", "-"}}
}

// lacks is the end of a message about a verb.
func lacks(verb string) string {
	return `that needs the verb "` + verb + `" on "injections" in API group "pcp.io"; ask the administrator`
}

// started is a release with an injected pod, and with users of the target's namespace.
func started(t *testing.T, tool string, values ...string) (*release, *corev1.Pod) {
	t.Helper()
	r := newRelease(t, tool, append(values, "certificates.mode=helm", "guard.warnings.scope=Target")...)
	r.install()
	r.grant("inject, upgrade, configure, exec")
	r.serve()
	r.awaitTrust()
	r.apply(nodeMonitor()).must(t)
	pod := r.pod("node-monitor", injected)
	return r, pod
}

// TestReach: an editor of the target's namespace comes into PCP's privileged container in none of the ways that lead there: by its
// image, by running something in it or beside it, by the files that it reads. Users with the verb may.
func TestReach(t *testing.T) {
	t.Parallel()
	r, pod := started(t, "helm", "config.persistence.fixOwnership=true", "config.openMetrics.secretName=tokens", "config.openMetrics.caBundle.configMap=company-ca",
		"config.container.files[0].path=/etc/pcp/nginx/nginx.conf", "config.container.files[0].configMap=agents",
		"config.pmie.rules.configMap=rules", "config.pmie.webhook.secret=on-call",
		"config.container.files[1].path=/etc/pcp/postgresql/pmdapostgresql.conf", "config.container.files[1].secret=postgresql",
		"config.openMetrics.endpoints.app.url=http://localhost:9100/metrics")
	image := func(container string) attempt {
		return r.attempted("image of "+container, "set", "image", "pod/"+pod.Name, container+"=registry.example.com/evil:v1")
	}
	const imageDenied = `Forbidden: user "alice" may not change it in a live pod, because it runs privileged: `
	configMap := r.attempted("a ConfigMap", "create", "configmap", "pcp-pmlogconf", "--from-literal=a=b")
	secret := r.attempted("a Secret", "create", "secret", "generic", "tokens", "--from-literal=a=b")
	sources := r.attempted("sources", "patch", "configmap", "pcp-openmetrics", "--type=merge", `--patch={"data":{"b.url":"file:///etc/shadow"}}`)
	const file = `"alice" may not create it: `
	files := r.attempted("files", "create", "configmap", "agents", "--from-literal=nginx.conf=b")
	secretFiles := r.attempted("secret files", "create", "secret", "generic", "postgresql", "--from-literal=a=b")
	rules := r.attempted("rules", "create", "configmap", "rules", "--from-literal=rules=b")
	webhook := r.attempted("webhook", "create", "secret", "generic", "on-call", "--from-literal=url=b")
	authorities := r.attempted("CAs", "create", "configmap", "company-ca", "--from-literal=ca.crt=b")
	r.requireAttempts(
		image("pcp").as("alice").isDenied("image of pcp: "+imageDenied+lacks("upgrade")),
		image("pcp-fix-ownership").as("alice").isDenied("image of pcp-fix-ownership: "+imageDenied+lacks("upgrade")),
		image("app").as("alice"),
		image("pcp").as("bob"),
		configMap.as("alice").isDenied(`PCP reads the ConfigMap "pcp-pmlogconf" in its privileged container, and user `+file+lacks("configure")),
		configMap.as("bob"),
		secret.as("alice").isDenied(`PCP reads the Secret "tokens" in its privileged container, and user `+file+lacks("configure")),
		secret.as("bob"),
		sources.as("alice").isDenied(`"alice" may not update it: `+lacks("configure")),
		sources.as("bob"),
		files.as("alice").isDenied(`PCP reads the ConfigMap "agents" in its privileged container, and user `+file+lacks("configure")),
		files.as("bob"),
		secretFiles.as("alice").isDenied(`PCP reads the Secret "postgresql" in its privileged container, and user `+file+lacks("configure")),
		secretFiles.as("bob"),
		rules.as("alice").isDenied(`PCP reads the ConfigMap "rules" in its privileged container, and user `+file+lacks("configure")),
		rules.as("bob"),
		webhook.as("alice").isDenied(`PCP reads the Secret "on-call" in its privileged container, and user `+file+lacks("configure")),
		webhook.as("bob"),
		authorities.as("alice").isDenied(`PCP reads the ConfigMap "company-ca" in its privileged container, and user `+file+lacks("configure")),
		authorities.as("bob"),
		r.attempted("label of the sources", "label", "configmap", "pcp-openmetrics", "team=a").as("alice"),
		r.attempted("another ConfigMap", "create", "configmap", "mine", "--from-literal=a=b").as("alice"),
		r.debugs("alice", pod.Name).isDenied(`may not run anything there: `+lacks("exec")),
		r.debugs("bob", pod.Name),
		r.attaches("exec", "alice", pod.Name, "pcp").isDenied(`container pcp: Forbidden: it is privileged, and user "alice" may not run anything there: `+lacks("exec")),
		r.attaches("attach", "alice", pod.Name, "pcp").isDenied(`container pcp: Forbidden: it is privileged`),
		r.attaches("exec", "alice", pod.Name, "app"),
		r.attaches("exec", "bob", pod.Name, "pcp"),
	)
	r.requireAttempts(r.resizes(pod)...)
}

// resizes are attempts to change resources in a live pod. Kubernetes before 1.32 has no subresource for that. The API server allows it only if
// the node reports the resources of containers. A kubelet does, but the simulated node does not.
func (r *release) resizes(pod *corev1.Pod) []attempt {
	r.t.Helper()
	known, err := plane.Client().Discovery().ServerResourcesForGroupVersion("v1")
	if err != nil {
		r.t.Fatal(err)
	}
	if !slices.ContainsFunc(known.APIResources, func(resource metav1.APIResource) bool { return resource.Name == "pods/resize" }) {
		return nil
	}
	reported := pod.DeepCopy()
	for n := range reported.Status.ContainerStatuses {
		reported.Status.ContainerStatuses[n].Resources = &corev1.ResourceRequirements{}
	}
	if _, err := plane.Client().CoreV1().Pods(r.target).UpdateStatus(r.t.Context(), reported, metav1.UpdateOptions{}); err != nil {
		r.t.Fatal(err)
	}
	of := func(container string) attempt {
		patch := fmt.Sprintf(`{"spec":{"containers":[{"name":%q,"resources":{"requests":{"cpu":"7m"}}}]}}`, container)
		return r.attempted("resources of "+container, "patch", "pod", pod.Name, "--subresource=resize", "--patch", patch)
	}
	return []attempt{
		of("pcp").as("alice").isDenied(`resources of pcp: Forbidden: user "alice" may not change them in a live pod, since the configuration limits what PCP takes of the node: ` + lacks("upgrade")),
		of("app").as("alice"),
		of("pcp").as("bob"),
	}
}

// as the user, in the target's namespace.
func (r *release) clientOf(user string) kubernetes.Interface {
	r.t.Helper()
	config, err := plane.ConfigFor(user)
	if err != nil {
		r.t.Fatal(err)
	}
	return kubernetes.NewForConfigOrDie(config)
}

// debugs is what kubectl debug does, with PCP's archives as an option lets it.
func (r *release) debugs(user, pod string) attempt {
	r.t.Helper()
	pods := r.clientOf(user).CoreV1().Pods(r.target)
	return attempt{name: user + " debugs", call: func(ctx context.Context) error {
		found, err := pods.Get(ctx, pod, metav1.GetOptions{})
		if err != nil {
			return err
		}
		found.Spec.EphemeralContainers = []corev1.EphemeralContainer{{
			EphemeralContainerCommon: corev1.EphemeralContainerCommon{
				Name: "debugger", Image: "registry.example.com/debug:v1", TerminationMessagePolicy: corev1.TerminationMessageReadFile, ImagePullPolicy: corev1.PullIfNotPresent,
				VolumeMounts: []corev1.VolumeMount{{Name: "pcp-pmlogger", MountPath: "/mnt"}},
			},
		}}
		_, err = pods.UpdateEphemeralContainers(ctx, pod, found, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}}
}

// attaches is kubectl exec or attach. No kubelet runs on the simulated node: who is let through, fails to reach it.
func (r *release) attaches(verb, user, pod, container string) attempt {
	r.t.Helper()
	arguments := []string{verb, "--as", user, "--namespace", r.target, pod, "--container", container}
	if verb == "exec" {
		arguments = append(arguments, "--", "true")
	}
	return attempt{name: user + " " + verb + " " + container, call: func(context.Context) error {
		said := kubectl(r.t, "", arguments...)
		if said.err == nil {
			return fmt.Errorf("kubectl %s succeeded where nothing runs: %s", verb, said.all())
		}
		if strings.Contains(said.stderr, "orbidden") {
			return fmt.Errorf("%s", said.stderr)
		}
		return nil
	}}
}

// TestLabel: only pods with PCP bear the label by which PCP's Service, PodMonitor and NetworkPolicy select them, and only the
// injector sets it, or who has the verb inject.
func TestLabel(t *testing.T) {
	t.Parallel()
	r, pod := started(t, "helm3")
	r.apply(nodeMonitor(rename, func(d *appsv1.Deployment) {
		d.Spec.Template.Annotations = nil
		d.Spec.Selector.MatchLabels["app"] = "second"
	})).must(t)
	other := r.pod("second", untouched)
	labeled := func(template *corev1.PodTemplateSpec) { template.Labels["pcp.io/injected"] = "true" }
	const isForPCP = "metadata.labels[pcp.io/injected]: Forbidden: only the injector sets it, on pods with PCP"
	const beforehand = `user "alice" may apply a manifest with injected PCP only for Deployment node-monitor in namespace `
	r.requireAttempts(
		r.attempted("label", "label", "pod", other.Name, "pcp.io/injected=true").isDenied(isForPCP),
		r.applies("labeled pod", &corev1.Pod{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: "third", Labels: map[string]string{"pcp.io/injected": "true"}},
			Spec: nodeMonitor().Spec.Template.Spec,
		}).isDenied(isForPCP),
		r.applied("labeled template", func(d *appsv1.Deployment) {
			d.Name = "labeled"
			d.Spec.Template.Annotations = nil
			labeled(&d.Spec.Template)
		}).isDenied("spec.template."+isForPCP),
		r.applies("copied pod", copied(pod)).as("alice").isDenied("metadata.labels[pcp.io/injected]: Forbidden: "+beforehand+r.target+": "+lacks("inject")),
		r.applies("copied pod", copied(pod)).as("bob").isWarned("NotDesignated"),
		r.applies("copied template", beforehandIn("third", pod)).as("alice").isDenied("spec.template.metadata.labels[pcp.io/injected]: Forbidden: "+beforehand),
		r.applies("copied template of the target's", beforehandIn("node-monitor", pod)).as("alice"),
		r.applies("three of the target", silent(pod, func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(3)) })).as("alice").isDenied("spec.replicas: Invalid value: 3"),
		r.applies("two of the target in a rollout", silent(pod, func(d *appsv1.Deployment) { d.Spec.Strategy.Type = appsv1.RollingUpdateDeploymentStrategyType })).
			as("alice").isDenied("spec.strategy.type: must be Recreate"),
		r.applies("more volumes than policies can look at", silent(pod, func(d *appsv1.Deployment) {
			for n := range 1024 {
				d.Spec.Template.Spec.Volumes = append(d.Spec.Template.Spec.Volumes, corev1.Volume{Name: fmt.Sprintf("many-%d", n)})
			}
		})).as("alice").isDenied("spec: a pod with PCP has at most 1024 volumes"),
	)
	kubectl(t, manifest(t, beforehandIn("third", pod)), "apply", "--namespace", r.target, "--as", "bob", "-f", "-").must(t)
	r.pod("third", labeledPod)
}

func labeledPod(pod *corev1.Pod) error {
	if pod.Labels["pcp.io/injected"] != "true" {
		return fmt.Errorf("its labels are %v", pod.Labels)
	}
	return injected(pod)
}

// copied is a pod as kubectl pcp inject would have made it.
func copied(pod *corev1.Pod) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: "copied", Labels: map[string]string{"app": "copied", "pcp.io/injected": "true"}, Annotations: pod.Annotations},
		Spec:       specOf(pod),
	}
}

// beforehandIn is a Deployment whose template kubectl pcp inject has made.
func beforehandIn(name string, pod *corev1.Pod) *appsv1.Deployment {
	return nodeMonitor(func(d *appsv1.Deployment) {
		d.Name = name
		d.Spec.Selector.MatchLabels = map[string]string{"app": name}
		d.Spec.Template = corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": name, "pcp.io/injected": "true"}, Annotations: pod.Annotations},
			Spec:       specOf(pod),
		}
	})
}

// silent is the target with PCP in its template, which does not ask for it.
func silent(pod *corev1.Pod, change func(*appsv1.Deployment)) *appsv1.Deployment {
	deployment := beforehandIn("node-monitor", pod)
	annotations := maps.Clone(pod.Annotations)
	annotations["pcp.io/inject"] = "false"
	deployment.Spec.Template.Annotations = annotations
	change(deployment)
	return deployment
}

// specOf is what a user wrote and the injector added, without what the API server did.
func specOf(pod *corev1.Pod) corev1.PodSpec {
	spec := *pod.Spec.DeepCopy()
	spec.NodeName, spec.Tolerations = "", nil
	token := ""
	for _, volume := range spec.Volumes {
		if strings.HasPrefix(volume.Name, "kube-api-access-") {
			token = volume.Name
		}
	}
	var volumes []corev1.Volume
	for _, volume := range spec.Volumes {
		if volume.Name != token {
			volumes = append(volumes, volume)
		}
	}
	spec.Volumes = volumes
	for n := range spec.Containers {
		var mounts []corev1.VolumeMount
		for _, mount := range spec.Containers[n].VolumeMounts {
			if mount.Name != token {
				mounts = append(mounts, mount)
			}
		}
		spec.Containers[n].VolumeMounts = mounts
	}
	return spec
}

// TestOwnedReplicaSets: nobody but the controller scales the ReplicaSet between Deployment and pod; and the controller can, so
// rollouts and rollbacks work.
func TestOwnedReplicaSets(t *testing.T) {
	t.Parallel()
	r, _ := started(t, "helm")
	name := r.replicaSet()
	scaled := func(replicas string) attempt {
		return r.attempted("scale to "+replicas, "scale", "replicaset/"+name, "--replicas", replicas)
	}
	const denied = `" belongs to Deployment node-monitor in namespace `
	r.requireAttempts(
		scaled("3").isDenied(`spec.replicas: Forbidden: "`+name+denied),
		scaled("0"),
		r.attempted("patch", "patch", "replicaset", name, "--type=merge", `--patch={"spec":{"replicas":3}}`).isDenied(`spec.replicas: Forbidden: "`+name+denied),
		r.attempted("label", "label", "replicaset", name, "team=a"),
	)
	mustKubectl(t, "", "set", "image", "deployment/node-monitor", "app=registry.example.com/app:v2", "--namespace", r.target)
	r.pod("node-monitor", withApp("registry.example.com/app:v2"))
	r.requireAttempts(scaled("1").isDenied(`spec.replicas: Forbidden: "` + name + denied))
	mustKubectl(t, "", "rollout", "undo", "deployment/node-monitor", "--namespace", r.target)
	r.pod("node-monitor", withApp("registry.example.com/app:v1"))
}

// replicaSet is the name of the Deployment's.
func (r *release) replicaSet() string {
	r.t.Helper()
	sets, err := plane.Client().AppsV1().ReplicaSets(r.target).List(r.t.Context(), metav1.ListOptions{LabelSelector: "app=node-monitor"})
	if err != nil || len(sets.Items) != 1 {
		r.t.Fatalf("there are %d ReplicaSets, want 1 (error: %v)", len(sets.Items), err)
	}
	return sets.Items[0].Name
}

func withApp(image string) func(*corev1.Pod) error {
	return func(pod *corev1.Pod) error {
		if got := pod.Spec.Containers[0].Image; got != image {
			return fmt.Errorf("the app's image is %s, want %s", got, image)
		}
		return injected(pod)
	}
}
