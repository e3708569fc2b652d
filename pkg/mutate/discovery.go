package mutate

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/performancecopilot/pcp-injector/internal/work"
	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// The annotations that pods customarily have for Prometheus.
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
	// container that declares the port, and the port's name without "metrics", which may be empty.
	container, prefix string
	port              int64
}

// discover adds a source for each port that serves metrics according to the pod. They are read from localhost, because the containers of a
// pod share their network. A source that somebody wrote takes precedence over a discovered one.
func (i *Injector) discover(pod *Pod, s *settings, budget *work.Budget) {
	annotations := pod.Metadata.Annotations
	if !i.readsOpenMetrics(s) || len(pod.Spec.Containers) == 0 || annotations[prometheusScrape] == "false" {
		return
	}
	scheme, path := "http", "/metrics"
	exporters := namedExporters(pod.Spec.Containers)
	if annotations[prometheusScrape] == "true" {
		scheme = cmp.Or(annotations[prometheusScheme], scheme)
		path = cmp.Or(annotations[prometheusPath], path)
		if port := annotations[prometheusPort]; port != "" {
			number, err := strconv.ParseUint(port, 10, 16)
			if err != nil || number == 0 {
				s.warn("annotation %s: %.20q is not a port, so no source was discovered from it", prometheusPort, port)
			} else {
				exporters = []exporter{exporterAt(pod.Spec.Containers, int64(number))}
			}
		}
	}
	if len(exporters) > maxDiscovered {
		s.warn("the pod has %d ports with names for metrics, but only the first %d become sources", len(exporters), maxDiscovered)
		exporters = exporters[:maxDiscovered]
	}
	for _, e := range exporters {
		url, usable := localURL(scheme, e.port, path, budget)
		switch {
		case config.IsPCPPort(e.port):
			s.warn("port %d is PCP's own, so it does not become a source", e.port)
		case !usable:
			s.warn("the prometheus.io annotations give no usable URL for port %d, so no source was discovered from it", e.port)
		default:
			i.addDiscovered(s, e, url)
		}
	}
}

// localURL never leaves the pod, whatever the annotations say: neither the scheme nor the path can name a host or start another line.
// Each discovered source repeats the path, so a long one is refused.
func localURL(scheme string, port int64, path string, budget *work.Budget) (string, bool) {
	if scheme != "http" && scheme != "https" || len(path) > maxList {
		return "", false
	}
	url := scheme + "://localhost:" + strconv.FormatInt(port, 10) + "/" + strings.TrimPrefix(path, "/")
	oneLine := !strings.ContainsFunc(path, unicode.IsControl)
	return url, oneLine && len(config.CheckSourceFile(url, config.PodAuthor, budget)) == 0
}

func (i *Injector) addDiscovered(s *settings, e exporter, url string) {
	name := e.name()
	written := slices.ContainsFunc(s.sources, func(other source) bool { return other.content == "" && other.name == name })
	if written || i.endpoints.Has(name) {
		return
	}
	if indexOfSource(s.sources, name) >= 0 {
		name = fmt.Sprintf("%.57s_%d", name, e.port)
	}
	if indexOfSource(s.sources, name) < 0 {
		s.sources = append(s.sources, source{name: name, key: OpenMetricsPrefix + name, content: url + "\n"})
	}
}

// namedExporters are the ports called metrics or *-metrics.
func namedExporters(containers []Container) []exporter {
	var exporters []exporter
	for _, c := range containers {
		for _, port := range c.Ports {
			prefix, named := strings.CutSuffix(port.Name, "metrics")
			if named && isTCP(port) && (prefix == "" || strings.HasSuffix(prefix, "-")) {
				exporters = append(exporters, exporter{container: c.Name, prefix: strings.TrimSuffix(prefix, "-"), port: port.ContainerPort})
			}
		}
	}
	return exporters
}

// exporterAt names the port after the container that declares it, or otherwise after the first one.
func exporterAt(containers []Container, number int64) exporter {
	owner := containers[0].Name
	for _, c := range containers {
		if slices.ContainsFunc(c.Ports, func(p Port) bool { return p.ContainerPort == number }) {
			owner = c.Name
			break
		}
	}
	return exporter{container: owner, port: number}
}

// name makes a valid source name from a container's name, which may begin with a digit or be a reserved one.
func (e *exporter) name() string {
	name := e.container
	if e.prefix != "" {
		name += "_" + e.prefix
	}
	for _, candidate := range []string{name, "container_" + name} {
		candidate = strings.TrimRight(candidate[:min(len(candidate), maxAnnotationName)], "-_.")
		if safe, err := config.SourceName(candidate); err == nil {
			return safe
		}
	}
	return "container"
}

func isTCP(port Port) bool {
	return port.Protocol == "" || port.Protocol == "TCP"
}
