package config

// OpenMetrics configures the OpenMetrics agent (PMDA). It reads its sources from one folder, config.d, which combines the
// ConfigMap and the Secret named here with the pod's own annotations.
type OpenMetrics struct {
	// Mounts the sources and adds openmetrics to the agents. Takes effect if pmcd runs.
	Enabled bool `json:"enabled"`
	// ConfigMap in the target's namespace with a key <name>.url for each source. It need not exist. Its sources take precedence
	// over the pod's own sources of the same name.
	ConfigMapName string `json:"configMapName" schema:"subdomain,optional"`
	// Secret in the target's namespace with additional sources, for headers that contain tokens. Each key is <name>.url, and
	// its value is a whole .url file. It need not exist. None by default. Its sources take precedence over all others of the
	// same name.
	SecretName string `json:"secretName" schema:"subdomain,optional"`
	// The sources in that ConfigMap, by name: the Helm chart creates the ConfigMap from them. The injector itself reads only
	// the names, to reject pods whose own sources would collide with them. A name starts with a letter and consists of up to 63
	// letters, digits, _, - and . characters. In the names of metrics, - and . become _. The name control is reserved.
	Endpoints map[string]Endpoint `json:"endpoints,omitempty"`
	// Archives the metrics of all sources every 30 s, with a pmlogconf group. Takes effect if pmlogger runs.
	Archive bool `json:"archive"`
	// ConfigMap in the target's namespace with additional pmlogconf groups, one for each key. It need not exist. "" means none.
	// When pmlogger starts, it drops a group if it finds none of its metrics. Agents start later, so for their metrics, add a
	// metric to the group that is always there, e.g. pmcd.numagents.
	PmlogconfConfigMapName string `json:"pmlogconfConfigMapName" schema:"subdomain,optional"`
	// Discovers sources in the pod itself: container ports named metrics or *-metrics, and the annotations
	// prometheus.io/scrape, port, path and scheme. PCP always reads them from localhost. Needs enabled.
	Discover bool `json:"discover"`
}

// Endpoint is one OpenMetrics source.
type Endpoint struct {
	// http, https or file URL of the exporter, e.g. http://localhost:9100/metrics. https with a private CA fails, because the
	// agent trusts only the image's CAs.
	URL string `json:"url"`
	// HTTP headers to send, by name. Values are printable ASCII. They are not secret, because they are stored in a ConfigMap.
	Headers map[string]string `json:"headers,omitempty"`
	// Which metrics and labels to keep; the first match decides: "INCLUDE METRIC regex", "EXCLUDE METRIC regex", "INCLUDE LABEL
	// regex", "EXCLUDE LABEL regex" or "OPTIONAL LABEL regex" (keeps the label, but not in the name of the instance). The regex
	// is a Python regex that matches from the start of the name. It cannot contain a colon, because the agent cuts it off
	// there. It cannot repeat a group or have more than three of *, + and {} (fewer with ? and |), because Python could take
	// years to match it.
	Filters []string `json:"filters,omitempty"`
}

// HostMonitoring gives PCP access to the node.
type HostMonitoring struct {
	// Mounts the node's file system read-only and sets HOST_MOUNT to it, for metrics of the node's processes, disks and file
	// systems.
	Enabled bool `json:"enabled"`
	// Absolute path on the node to mount.
	HostPath string `json:"hostPath" schema:"path"`
	// Absolute path in the container; the value of HOST_MOUNT. Cannot be in the image's own folders, such as /var, /etc or
	// /proc.
	MountPath string `json:"mountPath" schema:"path"`
	// Uses the node's network, so network metrics are the node's. No NetworkPolicy applies there, and pmcd and pmproxy have no
	// authentication, so they listen on the node's loopback address only, unless container.listen is AllAddresses. Needs
	// enabled.
	HostNetwork bool `json:"hostNetwork"`
	// Lets unauthenticated clients read details of all processes, including their ENVIRONMENT, which often contains secrets. If
	// false, the injector switches off the image's PROC_ACCESS=1. Needs enabled.
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

// Overrides defines which annotations a pod can use.
type Overrides struct {
	// Any of services (pcp.io/services), domain-agents (pcp.io/domain-agents) and openmetrics (openmetrics.pcp.io/<name>). A
	// pod with an annotation that is not listed is rejected.
	Allow []Override `json:"allow" schema:"unique"`
}
