package e2e_test

import (
	"testing"

	"github.com/performancecopilot/pcp-injector/test/e2e/pcpimage"
)

// TestNodeNetwork: on the node's network nobody reaches PCP unless the administrator says so, and it works beside another one. The node
// has one network, so its cases follow one another and take longest of all tests: go test begins with the parallel tests of the first
// file, so this one is the first.
func TestNodeNetwork(t *testing.T) { //nolint:tparallel // One after the other: the node has one network.
	t.Parallel()
	requireSite(t)
	for _, c := range []struct {
		name     string
		versions []pcpimage.Image
		run      func(*testing.T, *scene)
	}{
		{"Auto", here.pcp, func(t *testing.T, s *scene) {
			t.Helper()
			s.installInjector("container: {image: IMAGE}\nhostMonitoring: {enabled: true, hostNetwork: true}")
			onLoopback(t, s, s.deploy(nodeMonitor(nil)))
		}},
		{"AllAddresses", here.pcp[:1], func(t *testing.T, s *scene) {
			t.Helper()
			s.installInjector("container: {image: IMAGE, listen: AllAddresses}\nhostMonitoring: {enabled: true, hostNetwork: true}")
			inTheOpen(t, s, s.deploy(nodeMonitor(nil)))
		}},
		// A template that chooses the node's network itself opens nothing either, whatever PCP's version: the injector sees to that.
		{"Template", here.pcp[:1], func(t *testing.T, s *scene) {
			t.Helper()
			s.installInjector("")
			deployment := nodeMonitor(nil)
			deployment.Spec.Template.Spec.HostNetwork = true
			onLoopback(t, s, s.deploy(deployment))
		}},
		{"BesideAnother", here.pcp, besideAnother},
		{"DaemonSet", here.pcp[len(here.pcp)-1:], perNode},
	} {
		for _, version := range c.versions {
			t.Run(c.name+"/"+version.Version, func(t *testing.T) {
				s := newScene(t, version.Name)
				s.hasNodePorts = true
				c.run(t, s)
			})
		}
	}
}
