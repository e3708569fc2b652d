package integration_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var listAll = metav1.ListOptions{}

// TestRefused: each condition that keeps PCP from working, as the user sees it.
func TestRefused(t *testing.T) {
	t.Parallel()
	e := start(t, "container: {placement: Container}\nhostMonitoring: {enabled: true}")
	port := func(p corev1.ContainerPort) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { pod.Spec.Containers[0].Ports = []corev1.ContainerPort{p} }
	}
	cases := map[string]struct {
		edit func(*corev1.Pod)
		want string
	}{
		"bad value":             {annotate("pcp.io/inject", "yes"), `metadata.annotations[pcp.io/inject]: Invalid value: "yes": must be "true" or "false"`},
		"unknown key":           {annotate("pcp.io/servces", "pmcd"), "metadata.annotations[pcp.io/servces]"},
		"reserved key":          {annotate("pcp.io/status", "{}"), "metadata.annotations[pcp.io/status]"},
		"bad services":          {annotate("pcp.io/services", "pmwebd"), "metadata.annotations[pcp.io/services]"},
		"bad agents":            {annotate("pcp.io/domain-agents", "a;b"), "metadata.annotations[pcp.io/domain-agents]"},
		"file source":           {annotate("openmetrics.pcp.io/a", "file:///host/etc/shadow"), "metadata.annotations[openmetrics.pcp.io/a]"},
		"hostPID":               {func(p *corev1.Pod) { p.Spec.HostPID = true }, "spec.hostPID: Invalid value: true"},
		"shareProcessNamespace": {func(p *corev1.Pod) { p.Spec.ShareProcessNamespace = new(true) }, "spec.shareProcessNamespace: Invalid value: true"},
		"hostUsers":             {func(p *corev1.Pod) { p.Spec.HostUsers = new(false) }, "spec.hostUsers: Invalid value: false"},
		"restartPolicy":         {func(p *corev1.Pod) { p.Spec.RestartPolicy = corev1.RestartPolicyNever }, `spec.restartPolicy: Invalid value: "Never"`},
		"windows":               {func(p *corev1.Pod) { p.Spec.OS = &corev1.PodOS{Name: corev1.Windows} }, `spec.os.name: Invalid value: "windows"`},
		"container name":        {func(p *corev1.Pod) { p.Spec.Containers[0].Name = "pcp" }, `spec.containers[0].name: Invalid value: "pcp"`},
		"volume name":           {func(p *corev1.Pod) { p.Spec.Volumes = []corev1.Volume{{Name: "pcp-x"}} }, `spec.volumes[0].name: Invalid value: "pcp-x"`},
		"port":                  {port(corev1.ContainerPort{ContainerPort: 44321}), "spec.containers[0].ports[0].containerPort: Invalid value: 44321"},
		"host port":             {port(corev1.ContainerPort{ContainerPort: 80, HostPort: 44322}), "spec.containers[0].ports[0].hostPort: Invalid value: 44322"},
		"port name":             {port(corev1.ContainerPort{ContainerPort: 80, Name: "pmcd"}), `spec.containers[0].ports[0].name: Invalid value: "pmcd"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := e.controller.CoreV1().Pods(e.namespace).Create(t.Context(), targetPod(c.edit), dryRun)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the user sees %v, want %s", err, c.want)
			}
			if !apierrors.IsInvalid(err) {
				t.Errorf("the reason is %s, want Invalid", apierrors.ReasonForError(err))
			}
		})
	}
}

// TestRefusedOnTheNodesNetwork: the API server or the kubelet would refuse these with a less helpful message.
func TestRefusedOnTheNodesNetwork(t *testing.T) {
	t.Parallel()
	e := start(t, "hostMonitoring: {enabled: true, hostNetwork: true}")
	_, err := e.create(e.controller, targetPod(func(p *corev1.Pod) {
		p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 8080}, {ContainerPort: 81, Name: "a"}}
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "b", Image: "b", Ports: []corev1.ContainerPort{{ContainerPort: 81}}})
		p.Spec.SecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: "0"}}}
	}))
	for _, path := range []string{"spec.containers[0].ports[0].hostPort", "spec.containers[1].ports[0].containerPort", "spec.securityContext.sysctls[0].name"} {
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("the user does not see %s: %v", path, err)
		}
	}
}

// TestRefusedAllAtOnce: one attempt reports everything that must change.
func TestRefusedAllAtOnce(t *testing.T) {
	t.Parallel()
	e := start(t, "")
	_, err := e.create(e.controller, targetPod(annotate("pcp.io/services", "x"), func(p *corev1.Pod) {
		p.Spec.HostPID = true
		p.Spec.Volumes = []corev1.Volume{{Name: "pcp-x"}}
	}))
	for _, path := range []string{"metadata.annotations[pcp.io/services]", "spec.hostPID", "spec.volumes[0].name"} {
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("the user does not see %s: %v", path, err)
		}
	}
	if e.count("Incompatible") != 1 {
		t.Error("the rejection was not counted once")
	}
}
