package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestKeyServer: with a key server pmproxy indexes the archives' time series, and answers queries for them. All other tests have none.
func TestKeyServer(t *testing.T) {
	t.Parallel()
	eachPCP(t, func(s *scene) {
		server := runs("valkey", "valkey-server", "--save", "", "--protected-mode", "no")
		server.Spec.Containers[0].Image = here.valkey
		s.create(server)
		s.createService("valkey", 6379)
		s.installInjector("container: {image: IMAGE, keyServers: ['valkey:6379']}")
		pod := s.deploy(nodeMonitor(nil))
		var series []string
		eventually(s.t, archiveLimit, "an answer to a query for series", func() error {
			output, err := s.fetch(pod, "/series/query?expr=kernel.all.load")
			if err == nil {
				err = json.Unmarshal([]byte(output), &series)
			}
			if err == nil && len(series) == 0 {
				err = fmt.Errorf("no series: %s", output)
			}
			return err
		})
		eventually(s.t, archiveLimit, "values of the series", func() error {
			output, err := s.fetch(pod, "/series/values?samples=1&series="+series[0])
			var values []struct{ Series, Value string }
			if err == nil {
				err = json.Unmarshal([]byte(output), &values)
			}
			if err == nil && (len(values) == 0 || values[0].Series != series[0] || values[0].Value == "") {
				err = fmt.Errorf("no values: %s", output)
			}
			return err
		})
		s.showsSeries(pod)
	})
}

// showsSeries: every query of the dashboard for grafana-pcp's Valkey has series.
func (s *scene) showsSeries(pod *corev1.Pod) {
	s.t.Helper()
	for _, expression := range readDashboard(s.t, "pcp-valkey-node").Expressions() {
		eventually(s.t, archiveLimit, "series of "+expression, func() error {
			var series []string
			output, err := s.fetch(pod, "/series/query?expr="+url.QueryEscape(strings.ReplaceAll(expression, "$host", "node-monitor")))
			if err == nil {
				err = json.Unmarshal([]byte(output), &series)
			}
			if err == nil && len(series) == 0 {
				err = fmt.Errorf("no series: %s", output)
			}
			return err
		})
	}
}
