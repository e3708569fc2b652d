package options

import (
	"slices"
	"strings"
)

// Services of PCP, by the names that the image's entrypoint knows.
const (
	PMCD     = "pmcd"
	PMIE     = "pmie"
	PMLogger = "pmlogger"
	PMProxy  = "pmproxy"
)

// Entrypoint is what the entrypoint of upstream's image reads from the container's environment
// (https://github.com/performancecopilot/pcp/tree/main/build/containers/pcp).
type Entrypoint struct {
	Services, Agents, KeyServers []string
	// HostMount is where the node's file systems are; empty: nowhere.
	HostMount string
}

// ReadEntrypoint has the entrypoint's own defaults.
func ReadEntrypoint(lookup func(string) (string, bool)) Entrypoint {
	text := func(name, otherwise string) string {
		if value, _ := lookup(name); value != "" {
			return value
		}
		return otherwise
	}
	return Entrypoint{
		Services:   words(text("PCP_SERVICES", "pmcd,pmie,pmlogger,pmproxy")),
		Agents:     words(text("PCP_DOMAIN_AGENTS", "")),
		KeyServers: words(text("KEY_SERVERS", "localhost:6379")),
		HostMount:  strings.TrimRight(text("HOST_MOUNT", ""), "/"),
	}
}

// Runs reports whether a service is asked for.
func (e *Entrypoint) Runs(service string) bool { return slices.Contains(e.Services, service) }

// Has reports whether one of the agents is asked for.
func (e *Entrypoint) Has(agents ...string) bool {
	return slices.ContainsFunc(agents, func(agent string) bool { return slices.Contains(e.Agents, agent) })
}

func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}
