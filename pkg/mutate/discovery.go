package mutate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// The annotations by which pods have long told Prometheus how to scrape them.
const (
	prometheusScrape = "prometheus.io/scrape"
	prometheusPort   = "prometheus.io/port"
	prometheusPath   = "prometheus.io/path"
	prometheusScheme = "prometheus.io/scheme"

	maxAnnotationName = 63
	maxDiscovered     = 64
)

// exporter is a port of the pod that serves metrics.
type exporter struct {
	name string
	port int64
}

// discover adds a source for each port that the pod says serves metrics, always read from localhost: the containers of
// a pod share their network. Sources that somebody wrote win over discovered ones.
func (i *Injector) discover(pod *Pod, w *wish) {
	annotations := pod.Metadata.Annotations
	if !i.cfg.OpenMetrics.Enabled || annotations[prometheusScrape] == "false" {
		return
	}
	scheme, path := "http", "/metrics"
	exporters := namedExporters(pod.Spec.Containers)
	if annotations[prometheusScrape] == "true" {
		scheme = valueOr(annotations[prometheusScheme], scheme)
		path = valueOr(annotations[prometheusPath], path)
		if port := annotations[prometheusPort]; port != "" {
			number, err := strconv.ParseUint(port, 10, 16)
			if err != nil || number == 0 {
				w.warn(warnDiscovery, "annotation %s: %.20q is no port: nothing was discovered from it", prometheusPort, port)
			} else {
				exporters = []exporter{exporterAt(pod.Spec.Containers, int64(number))}
			}
		}
	}
	if len(exporters) > maxDiscovered {
		w.warn(warnDiscovery, "the pod has %d ports named for metrics: only the first %d were taken", len(exporters), maxDiscovered)
		exporters = exporters[:maxDiscovered]
	}
	for _, e := range exporters {
		i.addDiscovered(w, e, scheme+"://localhost:"+strconv.FormatInt(e.port, 10)+"/"+strings.TrimPrefix(path, "/"))
	}
}

func (i *Injector) addDiscovered(w *wish, e exporter, url string) {
	if len(config.CheckSourceFile(url, "http", "https")) > 0 {
		w.warn(warnDiscovery, "the prometheus.io annotations give no usable URL for port %d: nothing was discovered from it", e.port)
		return
	}
	written := slices.ContainsFunc(w.sources, func(s source) bool { return s.content == "" && s.name == e.name })
	if written || i.endpoints.Has(e.name) {
		return
	}
	name := e.name
	if indexOfSource(w.sources, name) >= 0 {
		name = fmt.Sprintf("%.57s_%d", e.name, e.port)
	}
	if indexOfSource(w.sources, name) < 0 {
		w.sources = append(w.sources, source{name: name, key: OpenMetricsPrefix + name, content: url + "\n"})
	}
}

// namedExporters are the ports called metrics or *-metrics.
func namedExporters(containers []Container) []exporter {
	var exporters []exporter
	for _, c := range containers {
		for _, port := range c.Ports {
			prefix, named := strings.CutSuffix(port.Name, "metrics")
			if named && isTCP(port) && (prefix == "" || strings.HasSuffix(prefix, "-")) {
				exporters = append(exporters, exporter{name: exporterName(c.Name, strings.TrimSuffix(prefix, "-")), port: port.ContainerPort})
			}
		}
	}
	return exporters
}

// exporterAt names the port after the container that declares it, else after the first one.
func exporterAt(containers []Container, number int64) exporter {
	owner := containers[0].Name
	for _, c := range containers {
		if slices.ContainsFunc(c.Ports, func(p Port) bool { return p.ContainerPort == number }) {
			owner = c.Name
			break
		}
	}
	return exporter{name: exporterName(owner, ""), port: number}
}

// exporterName makes a name that PCP takes out of a container's name, which may begin with a digit or be a reserved one.
func exporterName(container, port string) string {
	name := container
	if port != "" {
		name += "_" + port
	}
	safe, err := config.SourceName(name)
	if err != nil {
		safe, err = config.SourceName("container_" + name)
	}
	if err != nil {
		return "container"
	}
	return strings.TrimRight(safe[:min(len(safe), maxAnnotationName)], "_")
}

func isTCP(port Port) bool {
	return port.Protocol == "" || port.Protocol == "TCP"
}

func valueOr(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
