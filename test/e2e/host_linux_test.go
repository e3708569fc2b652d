package e2e_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// secret is in the environment of a process of the node that PCP runs on.
const secret = "E2E_SECRET"

// nodeProcess is a process that a node has outside of pods.
var nodeProcess = regexp.MustCompile(`value "(kubelet|k3s.*|rke2.*)"`)

// eachInstallation runs a test with PCP from the injector and from the chart, each with its settings and with another version of PCP: the tests
// of parity hold what both make of the same settings together.
func eachInstallation(t *testing.T, injectors, charts string, run func(s *scene, pod *corev1.Pod)) {
	t.Helper()
	requireSite(t)
	for i, installation := range []struct {
		name  string
		start func(s *scene) *corev1.Pod
	}{
		{"Chart", func(s *scene) *corev1.Pod { s.installPCP(charts); return s.awaitReady("") }},
		{"Injected", func(s *scene) *corev1.Pod { s.installInjector(injectors); return s.deploy(nodeMonitor(nil)) }},
	} {
		image := here.pcp[i%len(here.pcp)]
		t.Run(installation.name+"/"+image.Version, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, image.Name)
			run(s, installation.start(s))
		})
	}
}

// onNode runs a test of host monitoring in each installation, with the settings of each besides.
func onNode(t *testing.T, monitoring, injectors, charts string, run func(s *scene, pod *corev1.Pod)) {
	t.Helper()
	eachInstallation(t, monitoring+injectors, monitoring+charts, func(s *scene, pod *corev1.Pod) {
		s.createSecretOn(pod.Spec.NodeName)
		s.awaitNode(pod)
		run(s, pod)
	})
}

// createSecretOn starts a process with a secret on the node.
func (s *scene) createSecretOn(name string) {
	s.t.Helper()
	pod := runs("secretive", "sleep", "infinity")
	pod.Spec.NodeName = name
	pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: secret, Value: "hidden"}}
	s.create(pod)
	eventually(s.t, startLimit, "a process with a secret", func() error {
		_, err := s.in(pod.Name, pod.Name, "true")
		return err
	})
}

// awaitNode returns when PCP, asked by root in its own container, sees a process of the node.
func (s *scene) awaitNode(pod *corev1.Pod) {
	s.t.Helper()
	eventually(s.t, metricLimit, "the node's processes", func() error {
		output, err := s.in(pod.Name, "pcp", "pminfo", "-h", "unix:", "-f", "proc.psinfo.cmd")
		if err == nil && !nodeProcess.MatchString(output) {
			err = fmt.Errorf("the kubelet is not among the processes: %.500s", output)
		}
		return err
	})
}

// way is one in which another pod asks for processes' environments.
type way struct {
	name string
	ask  func() (string, error)
	// answer is in each answer, leak is in one that shows environments of root's processes.
	answer string
	leak   *regexp.Regexp
}

// ways are to ask pmcd, and to ask pmproxy, which reaches pmcd as a local client does. The latter's answers break off, so the node's
// first process, which comes first, is what can be looked for.
func (s *scene) ways(pod *corev1.Pod) []way {
	return []way{
		{
			"pmcd", func() (string, error) { return s.ask("pminfo", "-h", pod.Status.PodIP, "-f", "proc.psinfo.environ") },
			"proc.psinfo.environ", regexp.MustCompile(secret),
		},
		{
			"pmproxy", func() (string, error) { return s.fetch(pod, "/pmapi/fetch?hostspec=local:&names=proc.psinfo.environ") },
			`"name":"proc.psinfo.environ"`, regexp.MustCompile(`"instance":1,"value":"[^"]`),
		},
	}
}

// TestHostMonitoring: PCP sees the node's files, pods and processes, but does not show the environments of root's to other pods. That these ways would
// show them is what TestWarnedOptions is for.
func TestHostMonitoring(t *testing.T) {
	t.Parallel()
	onNode(t, "hostMonitoring: {enabled: true}", "", "", func(s *scene, pod *corev1.Pod) {
		s.seesFiles(pod)
		s.seesPod(pod)
		for _, way := range s.ways(pod) {
			eventually(s.t, metricLimit, "an answer of "+way.name, func() error {
				output, err := way.ask()
				if way.leak.MatchString(output) {
					s.t.Fatalf("another pod reads environments of the node from %s: %.500s", way.name, output)
				}
				if !strings.Contains(output, way.answer) {
					return fmt.Errorf("got %.500s: %w", output, err)
				}
				return nil
			})
		}
		if s.releases[0].name == "pcp-injector" {
			s.dashboards(pod)
		}
	})
}

// TestWarnedOptions: what the administrator asked for, and what the options' names and the injector's warnings warn of.
func TestWarnedOptions(t *testing.T) {
	t.Parallel()
	const monitoring = "hostMonitoring: {enabled: true, processDetails: true}\n"
	onNode(t, monitoring, "container: {image: IMAGE, acceptWrites: true}", "acceptWrites: true", func(s *scene, pod *corev1.Pod) {
		for _, way := range s.ways(pod) {
			eventually(s.t, metricLimit, "environments of the node from "+way.name, func() error {
				output, err := way.ask()
				if err == nil && !way.leak.MatchString(output) {
					err = fmt.Errorf("no environment is in %.500s", output)
				}
				return err
			})
		}
		s.takesWrites(pod)
	})
}
