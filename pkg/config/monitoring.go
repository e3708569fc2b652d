package config

// OpenMetrics configures the OpenMetrics agent (PMDA): its sources are the files of one folder, config.d, put together
// from the ConfigMap named here and from the pod's own annotations.
type OpenMetrics struct {
	// Mounts the sources and adds openmetrics to the agents. Takes effect where pmcd runs.
	Enabled bool `json:"enabled"`
	// ConfigMap in the target's namespace with a key <name>.url for each source; it need not exist. Its sources win over the
	// pod's own of the same name.
	ConfigMapName string `json:"configMapName" schema:"subdomain,optional"`
	// Secret in the target's namespace with further sources, each a key <name>.url with a whole .url file as its value, for headers
	// that hold tokens; it need not exist. None by default. Its sources win over all others of the same name.
	SecretName string `json:"secretName" schema:"subdomain,optional"`
	// The sources in that ConfigMap, by name: the Helm chart renders it from these. The injector itself reads only the names,
	// to refuse pods whose own sources would collide with them. A name starts with a letter and consists of up to 63 letters,
	// digits, _, - and .; the agent knows it with - and . turned into _, and control is reserved.
	Endpoints map[string]Endpoint `json:"endpoints,omitempty"`
	// Archives the metrics of all sources every 30 s, by a pmlogconf group. Takes effect where pmlogger runs.
	Archive bool `json:"archive"`
	// ConfigMap in the target's namespace with further pmlogconf groups, one a key; it need not exist. "" for none. pmlogger
	// drops a group in which it finds no metric when it starts: for metrics of agents, which start later, put one into it that is
	// always there, e.g. pmcd.numagents.
	PmlogconfConfigMapName string `json:"pmlogconfConfigMapName" schema:"subdomain,optional"`
	// Derives sources from the pod itself: container ports named metrics or *-metrics, and the annotations
	// prometheus.io/scrape, port, path and scheme. They are always read from localhost. Needs enabled.
	Discover bool `json:"discover"`
}

// Endpoint is one OpenMetrics source.
type Endpoint struct {
	// http, https or file URL of the exporter, e.g. http://localhost:9100/metrics. https with a private CA fails: the agent
	// knows only the image's CAs.
	URL string `json:"url"`
	// HTTP headers to send, by name. Values are printable ASCII. They are not secret: they stand in a ConfigMap.
	Headers map[string]string `json:"headers,omitempty"`
	// Which metrics and labels to keep, first match first: "INCLUDE METRIC regex", "EXCLUDE METRIC regex", "INCLUDE LABEL
	// regex", "EXCLUDE LABEL regex" or "OPTIONAL LABEL regex" (keeps the label, but not in the name of the instance). The regex
	// is Python's, matches from the start of the name, and cannot contain a colon, where the agent cuts it off. Nor can it repeat a
	// group, or have more than three of *, + and {} (fewer with ? and |): Python could take years to match it.
	Filters []string `json:"filters,omitempty"`
}

// HostMonitoring gives PCP a view of the node.
type HostMonitoring struct {
	// Mounts the node's file system read-only and points HOST_MOUNT at it: metrics of the node's processes, disks and file
	// systems.
	Enabled bool `json:"enabled"`
	// Absolute path on the node to mount.
	HostPath string `json:"hostPath" schema:"path"`
	// Absolute path in the container, the value of HOST_MOUNT. Not in the image's own folders, such as /var, /etc or /proc.
	MountPath string `json:"mountPath" schema:"path"`
	// Uses the node's network, so that network metrics are the node's. No NetworkPolicy applies there: pmcd and pmproxy, which
	// know no authentication, listen on the node's loopback address alone, unless container.listen is AllAddresses. Needs enabled.
	HostNetwork bool `json:"hostNetwork"`
	// Lets unauthenticated clients read details of all processes, among them their ENVIRONMENT, where secrets live. Without it
	// the injector switches the image's PROC_ACCESS=1 off. Needs enabled.
	ProcessDetails bool `json:"processDetails"`
}

// Override is a group of annotations that a pod may use to decide for itself.
type Override string

const (
	// OverrideServices allows pcp.io/services.
	OverrideServices Override = "services"
	// OverrideDomainAgents allows pcp.io/domain-agents.
	OverrideDomainAgents Override = "domain-agents"
	// OverrideOpenMetrics allows openmetrics.pcp.io/<name>.
	OverrideOpenMetrics Override = "openmetrics"
)

// AllOverrides are the overrides there are. None may ever set image, command, privileges, host paths or claims.
var AllOverrides = []Override{OverrideServices, OverrideDomainAgents, OverrideOpenMetrics}

// Overrides says which annotations a pod may use.
type Overrides struct {
	// Any of services (pcp.io/services), domain-agents (pcp.io/domain-agents) and openmetrics (openmetrics.pcp.io/<name>). A
	// pod with one that is not listed is rejected.
	Allow []Override `json:"allow" schema:"unique"`
}
