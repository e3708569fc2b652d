package mutate

import "github.com/performancecopilot/pcp-injector/pkg/config"

// The names of the contract between pods, administrators and the injector.
const (
	// NamespaceLabel with the value NamespaceLabelValue opts a namespace in. The API server checks it, not this package.
	NamespaceLabel      = "pcp.io/injection"
	NamespaceLabelValue = "enabled"

	// AnnotationInject opts the pod (template) in ("true") or out ("false").
	AnnotationInject = "pcp.io/inject"
	// AnnotationServices overrides PCP_SERVICES: a comma-separated subset of pmcd, pmie, pmlogger and pmproxy.
	AnnotationServices = "pcp.io/services"
	// AnnotationDomainAgents adds to PCP_DOMAIN_AGENTS: comma-separated names.
	AnnotationDomainAgents = "pcp.io/domain-agents"
	// AnnotationIntervals are the intervals at which single sources of the pod are archived: <name>=<seconds>, comma-separated.
	AnnotationIntervals = "pcp.io/openmetrics-intervals"
	// OpenMetricsPrefix, followed by a name, is one OpenMetrics source: the value is the .url file.
	OpenMetricsPrefix = "openmetrics.pcp.io/"

	// AnnotationStatus is written by the injector: a Status as JSON.
	AnnotationStatus = "pcp.io/status"
	// AnnotationPmlogconf is written by the injector: the pmlogconf group that archives the OpenMetrics sources.
	AnnotationPmlogconf = "pcp.io/pmlogconf-openmetrics"
	// LabelInjected with the value "true" is written by the injector, for Services, NetworkPolicies and PodMonitors to select.
	LabelInjected = "pcp.io/injected"

	// ContainerName is the name of the PCP container.
	ContainerName = "pcp"
	// InitContainerName is the name of the init container that gives the volumes to PCP's user.
	InitContainerName = "pcp-fix-ownership"
	// VolumePrefix is reserved for the injector's volumes, which no other containers may use.
	VolumePrefix = "pcp-"

	// Names and numbers of the container's ports. pmproxy also binds PortPMProxyTLS.
	PortNamePMCD    = "pmcd"
	PortNamePMProxy = "pmproxy"
	PortPMCD        = config.PortPMCD
	PortPMProxy     = config.PortPMProxy
	PortPMProxyTLS  = config.PortPMProxyTLS

	// AnnotationSafeToEvict lists volumes that need not keep Cluster Autoscaler from evicting the pod. The injector adds it if there is none.
	// https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md
	AnnotationSafeToEvict = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"

	domain = "pcp.io"
)

// OwnContainers are the injector's, which alone may use its volumes.
var OwnContainers = []string{ContainerName, InitContainerName}

// Annotation is a key under pcp.io/ that the injector knows.
type Annotation struct {
	Key string
	// Override that the administrator has to allow before a pod's author may use the key; empty if none is needed.
	Override config.Override
	// Written by the injector only.
	Written bool
}

// Annotations are all keys under pcp.io/, and the only list of them: the chart's policies follow it. Keys with OpenMetricsPrefix are not in
// it.
var Annotations = []Annotation{
	{Key: AnnotationInject},
	{Key: AnnotationServices, Override: config.OverrideServices},
	{Key: AnnotationDomainAgents, Override: config.OverrideDomainAgents},
	{Key: AnnotationIntervals, Override: config.OverrideIntervals},
	{Key: AnnotationStatus, Written: true},
	{Key: AnnotationPmlogconf, Written: true},
}
