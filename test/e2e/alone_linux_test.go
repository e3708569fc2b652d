package e2e_test

import "testing"

// TestNodeNetwork: on the node's network nobody reaches PCP unless the administrator says so, and it works beside another one. The node
// has one network, so its cases follow one another and take longest of all tests: go test begins with the parallel tests of the first
// file, so this one is the first.
func TestNodeNetwork(t *testing.T) { //nolint:tparallel // One after the other: the node has one network.
	t.Parallel()
	requireSite(t)
	for _, c := range []struct {
		name string
		run  func(*testing.T, *scene)
	}{
		{"Auto", func(t *testing.T, s *scene) {
			t.Helper()
			s.installInjector("container: {image: IMAGE}\nhostMonitoring: {enabled: true, hostNetwork: true}")
			onLoopback(t, s, s.deploy(nodeMonitor(nil)))
		}},
		{"AllAddresses", func(t *testing.T, s *scene) {
			t.Helper()
			s.installInjector("container: {image: IMAGE, listen: AllAddresses}\nhostMonitoring: {enabled: true, hostNetwork: true}")
			inTheOpen(t, s, s.deploy(nodeMonitor(nil)))
		}},
		// A template that chooses the node's network itself opens nothing either.
		{"Template", func(t *testing.T, s *scene) {
			t.Helper()
			s.installInjector("")
			deployment := nodeMonitor(nil)
			deployment.Spec.Template.Spec.HostNetwork = true
			onLoopback(t, s, s.deploy(deployment))
		}},
		{"BesideAnother", besideAnother},
	} {
		for _, version := range here.pcp {
			t.Run(c.name+"/"+version.Version, func(t *testing.T) {
				s := newScene(t, version.Name)
				s.hasNodePorts = true
				c.run(t, s)
			})
		}
	}
}
