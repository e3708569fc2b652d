// Package config is the InjectorConfig: what the administrator decides about the PCP container and who gets it. It reads one file,
// completes it with defaults and validates it. It knows nothing about admission requests.
package config

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

const (
	// APIVersion is the only version of the configuration file that this release reads.
	APIVersion = "config.pcp.io/v1alpha1"
	// Kind is the kind of the configuration file.
	Kind = "InjectorConfig"
)

// InjectorConfig is the injector's whole configuration. It is one versioned file; the Helm chart's values have the same keys.
// Absent keys take their defaults. Unknown, duplicate and empty (null) keys are errors. A changed file takes effect after a
// restart: the injector never reloads it while it admits pods.
type InjectorConfig struct {
	// Version of the file's format: config.pcp.io/v1alpha1.
	APIVersion string `json:"apiVersion"`
	// Kind of the file: InjectorConfig.
	Kind string `json:"kind"`
	// The one workload whose pods can get the PCP container.
	Target Target `json:"target"`
	// The PCP container itself.
	Container Container `json:"container"`
	// Where the archives of pmlogger and the data of pmproxy are stored.
	Persistence Persistence `json:"persistence"`
	// Rules over metrics, and whom pmie calls when they hold.
	PMIE PMIE `json:"pmie,omitzero"`
	// Sources of OpenMetrics (Prometheus) metrics that PCP reads, and whether PCP archives them.
	OpenMetrics OpenMetrics `json:"openMetrics"`
	// Another pmproxy that gets what pmlogger archives.
	Push Push `json:"push,omitzero"`
	// Access to the node: its file system, its processes, its network.
	HostMonitoring HostMonitoring `json:"hostMonitoring"`
	// Gives the pod a host name that stays the same when the pod is replaced. pmlogger writes its archives to a folder of that
	// name. Without a stable name, each new pod starts a new folder, and old folders are never deleted. Has no effect on
	// DaemonSets and StatefulSets, on pods that set a host name themselves, or on the node's network.
	StableHostname bool `json:"stableHostname"`
	// What a pod can set with annotations.
	Overrides Overrides `json:"overrides"`
}

// TargetKind is the kind of the target workload, e.g. Deployment. Kinds that Kubernetes does not know (custom resources) are allowed with
// trustedCreators.
type TargetKind string

// The kinds whose controllers are known, so trustedCreators has a default.
const (
	KindPod                   TargetKind = "Pod"
	KindDeployment            TargetKind = "Deployment"
	KindReplicaSet            TargetKind = "ReplicaSet"
	KindReplicationController TargetKind = "ReplicationController"
	KindStatefulSet           TargetKind = "StatefulSet"
	KindDaemonSet             TargetKind = "DaemonSet"
	KindJob                   TargetKind = "Job"
	KindCronJob               TargetKind = "CronJob"
)

// Target is the one workload that can get PCP. PCP monitors the whole system, so a second instance would only duplicate its data.
type Target struct {
	// Namespace of the workload. The namespace opts in with the label pcp.io/injection=enabled.
	Namespace string `json:"namespace" schema:"label"`
	// Kind of the workload: Pod, Deployment, ReplicaSet, ReplicationController, StatefulSet, DaemonSet, Job, CronJob, or the
	// kind of a custom resource whose controller creates the pods directly.
	Kind TargetKind `json:"kind" schema:"kind"`
	// Name of the workload: up to 241 characters for a Deployment and 52 for a CronJob, because the names of their ReplicaSets
	// and Jobs add a suffix.
	Name string `json:"name" schema:"subdomain"`
	// Names of the users that may create the workload's pods, normally its controller. Anyone who may create pods can forge an
	// ownerReference, but not the user of the request. Defaults to the service account of the kind's controller in kube-system,
	// e.g. system:serviceaccount:kube-system:replicaset-controller for a Deployment. For kind Pod the default is empty, so
	// anyone may create that pod. Required for custom kinds.
	TrustedCreators []string `json:"trustedCreators,omitempty" schema:"unique"`
}

// Placement says where in the pod the PCP container goes.
type Placement string

const (
	// PlacementAuto is NativeSidecar where the pod's restartPolicy is not Always, and Container elsewhere.
	PlacementAuto Placement = "Auto"
	// PlacementContainer is an ordinary container.
	PlacementContainer Placement = "Container"
	// PlacementNativeSidecar is an init container with restartPolicy Always, which lets Jobs complete.
	PlacementNativeSidecar Placement = "NativeSidecar"
)

// Service is one of PCP's services that the image can start.
type Service string

const (
	// ServicePMCD serves metrics on port 44321.
	ServicePMCD Service = "pmcd"
	// ServicePMIE evaluates rules over metrics.
	ServicePMIE Service = "pmie"
	// ServicePMLogger archives metrics.
	ServicePMLogger Service = "pmlogger"
	// ServicePMProxy serves metrics over REST and as OpenMetrics on port 44322.
	ServicePMProxy Service = "pmproxy"
)

// The ports on which PCP's services listen. pmproxy also binds PortPMProxyTLS. The primary pmlogger listens on PortPMLogger for pmlc(1)
// (https://github.com/performancecopilot/pcp/blob/main/src/pmlogger/src/ports.c).
const (
	PortPMCD       = 44321
	PortPMProxy    = 44322
	PortPMProxyTLS = 44323
	PortPMLogger   = 4330
)

// Services are all services of the image, in the image's order.
var Services = []Service{ServicePMCD, ServicePMIE, ServicePMLogger, ServicePMProxy}

// Listen defines the addresses on which pmcd and pmproxy listen.
type Listen string

const (
	// ListenAuto is Loopback with the node's network, and AllAddresses elsewhere.
	ListenAuto Listen = "Auto"
	// ListenAllAddresses is all addresses of the network that the pod uses: the pod's own, or the node's.
	ListenAllAddresses Listen = "AllAddresses"
	// ListenLoopback is the loopback address alone.
	ListenLoopback Listen = "Loopback"
)

// OnLoopback reports whether pmcd and pmproxy listen on the loopback address alone; hostNetwork says whether the pod uses the node's
// network.
func (l Listen) OnLoopback(hostNetwork bool) bool {
	return l == ListenLoopback || l == ListenAuto && hostNetwork
}

// Container is the PCP container. It is always privileged and runs as root, because systemd is its PID 1. The injector never
// sets its command, because the image's entrypoint reads the environment.
type Container struct {
	// Image of PCP, built like upstream's build/containers/pcp. If it has both a tag and a digest, the digest takes precedence. A tag
	// that moves (latest, or none) causes a warning; a digest never moves: ghcr.io/performancecopilot/pcp@sha256:….
	Image string `json:"image" schema:"image"`
	// When the image is pulled.
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy"`
	// Where the container goes in the pod: among the containers, or as a native sidecar (an init container with restartPolicy
	// Always), which lets a Job complete. Auto means a native sidecar if the pod's restartPolicy is not Always, and otherwise a
	// container.
	Placement Placement `json:"placement"`
	// Compute resources. Do not limit the CPU: with a limit of 100m, agents were still missing after 43 s.
	Resources Resources `json:"resources"`
	// The services of PCP to run (PCP_SERVICES). Ports and probes follow. pmie and pmlogger need pmcd.
	Services []Service `json:"services" schema:"unique,nonempty"`
	// Metric agents (PMDAs) to install in addition to those of the image (PCP_DOMAIN_AGENTS), by name: lower-case letters,
	// digits and _. With openMetrics.enabled, the injector adds openmetrics. Agents need pmcd. trace and statsd cause a
	// warning, because they listen on a port.
	DomainAgents []string `json:"domainAgents" schema:"agent,unique"`
	// Addresses on which pmcd and pmproxy listen. They have no authentication. AllAddresses: the pod's addresses, which a
	// NetworkPolicy can protect; with hostMonitoring.hostNetwork, the node's addresses, to which no NetworkPolicy applies. A pod
	// that requests the node's network itself is then refused. Loopback: the loopback address only; connect with kubectl
	// port-forward or kubectl exec. Auto: Loopback if the pod uses the node's network, whether hostMonitoring.hostNetwork or the
	// pod itself requests it, and otherwise AllAddresses. pmlogger's control port is always on the loopback address.
	Listen Listen `json:"listen"`
	// Lets other PCPs push archives to pmproxy (their push.url). It needs PCP 7.2.0 or later. pmproxy has no authentication, so anyone who can
	// connect to it can write archives in any host's name. At 80 % of the space on persistence.pmproxy's file system, checked
	// every 10 s, the oldest are removed. Takes effect if pmproxy runs.
	AcceptArchives bool `json:"acceptArchives"`
	// Lets clients of pmproxy write: whole archives, as with acceptArchives, and metric values
	// through /pmapi/store. If false, pmproxy is read-only. Takes effect if pmproxy runs.
	AcceptWrites bool `json:"acceptWrites"`
	// Key servers (Valkey or Redis) in which pmproxy indexes time series, as host:port (KEY_SERVERS). Without one, live metrics
	// work, but /series and /search do not answer.
	KeyServers []string `json:"keyServers" schema:"hostPort,unique,nonempty"`
	// Overrides of the probes. The default probes follow the services.
	Probes Probes `json:"probes"`
	// Additional environment variables, as in core/v1. Only the image's entrypoint sees them: systemd hides them from PCP's
	// services. Those that the injector sets itself are refused, with the key that sets them.
	Env []corev1.EnvVar `json:"env,omitempty"`
	// Files for PCP's agents, pmie and pmlogger, e.g. the settings of the agents postgresql, nginx and valkey. They replace the
	// image's files of the same path. No pod can add or change one.
	Files []File `json:"files,omitempty"`
}

// File is a file in the container. It need not exist when the pod starts: the container's log names a file that is missing then.
// Later changes reach the container within about a minute, but most of PCP reads its files only when it starts.
type File struct {
	// Absolute path of the file, below /etc/pcp or /var/lib/pcp. Its folder is created if the image does not have it. Cannot be a
	// file that the injector or PCP itself writes, or in a folder that other keys fill, such as that of the OpenMetrics sources.
	Path string `json:"path" schema:"path"`
	FileSource
	// Permissions: 0444 (everyone may read the file), 0400 (only root), or, for a program, 0555 or 0500. Root owns the file, and
	// most agents run as another user. Defaults to 0444.
	Mode int32 `json:"mode,omitempty"`
}

// FileSource is one key of a ConfigMap or of a Secret in the target's namespace.
type FileSource struct {
	// Name of the ConfigMap. Exactly one of configMap and secret is required.
	ConfigMap string `json:"configMap,omitempty" schema:"subdomain,optional"`
	// Name of the Secret.
	Secret string `json:"secret,omitempty" schema:"subdomain,optional"`
	// Key in the ConfigMap or Secret. Defaults to the name of the file: that in path, ca.crt for openMetrics.caBundle, or rules for pmie.rules.
	Key string `json:"key,omitempty"`
}

// IsSet reports whether a ConfigMap or a Secret is named.
func (s FileSource) IsSet() bool { return s.ConfigMap != "" || s.Secret != "" }

// Resources are the compute resources of the container.
type Resources struct {
	// Requests by resource: cpu, memory, ephemeral-storage, hugepages-<size> or an extended resource. Absent resources keep
	// their defaults. cpu: 0 requests none.
	Requests corev1.ResourceList `json:"requests,omitempty"`
	// Limits by resource. None by default. A limit cannot be below the request.
	Limits corev1.ResourceList `json:"limits,omitempty"`
}

// Probes are overrides of the container's three probes.
type Probes struct {
	// Delays the other two probes until pmcd has started: systemctl is-active pmcd, every 2 s for up to 2 minutes.
	Startup Probe `json:"startup,omitzero"`
	// Restarts the container when pmcd has stopped: systemctl is-active pmcd, every 10 s.
	Liveness Probe `json:"liveness,omitzero"`
	// Keeps the pod out of its Service until pmcd answers: TCP 44321. If PCP listens on the loopback address only, or on the
	// node's network, where another pmcd may use the port: pminfo on pmcd's local socket.
	Readiness Probe `json:"readiness,omitzero"`
}

// Probe overrides individual fields of a probe. A field that you set replaces the default. A handler (exec, httpGet, tcpSocket
// or grpc) replaces the default handler, unless it probes a service that the pod does not run. A port is a number or one of the
// container's port names, pmcd and pmproxy. The path /metrics of pmproxy is refused without names, because it returns 1.2 MB in
// 2.5 s: probe /metrics?names=kernel.all.load, which fails when pmcd is down. If PCP listens on the loopback address only, the
// kubelet cannot reach its ports, so only exec works.
type Probe struct {
	// Removes the probe. Cannot be combined with other fields.
	Disabled bool `json:"disabled,omitempty"`
	// The fields of core/v1 Probe.
	corev1.Probe
}

// VolumeType says what holds a service's data.
type VolumeType string

const (
	// VolumePersistentVolumeClaim is an existing claim of the pod's namespace.
	VolumePersistentVolumeClaim VolumeType = "PersistentVolumeClaim"
	// VolumeHostPath is a folder of the node.
	VolumeHostPath VolumeType = "HostPath"
	// VolumeEphemeral is a claim made for the pod and deleted with it.
	VolumeEphemeral VolumeType = "Ephemeral"
	// VolumeEmptyDir lives as long as the pod.
	VolumeEmptyDir VolumeType = "EmptyDir"
	// VolumeNone mounts nothing: the data lives in the container's own layer.
	VolumeNone VolumeType = "None"
)

// Persistence defines where PCP's data is stored.
type Persistence struct {
	// The archives of pmlogger: /var/log/pcp/pmlogger.
	PMLogger Archives `json:"pmlogger"`
	// The data of pmproxy: /var/log/pcp/pmproxy.
	PMProxy Volume `json:"pmproxy"`
	// Adds an init container that changes the owner of the volumes to PCP's user. Images older than PCP 6.2.2 need it; newer
	// ones do it at boot. It fails on NFS with root squash. Requires a PersistentVolumeClaim, HostPath or Ephemeral volume.
	FixOwnership bool `json:"fixOwnership"`
}

// Archives are what pmlogger writes. They do not fill their volume: pmlogger starts a new archive when the values in the current one reach
// a tenth of the limit, and the oldest archives are removed before it does. The remaining ones stay readable. The descriptions of the values
// are counted up to 10 seconds late, so they may grow by up to 10 % of the volume in that time: 130 kB a second on the smallest volume,
// 13Mi. At an interval of 1 s, a monitored node writes about 40 kB a second in all.
type Archives struct {
	Volume
	// Seconds between two samples, from 1 to 3600, of all metrics whose pmlogconf group sets no interval of its own. A monitored node with
	// 2 CPUs and 100 processes writes about 456 MB a day at 10 s, and 169 MB at 60 s. Archives older than a day are compressed.
	Interval int32 `json:"interval"`
	// Days after which archives are removed, from 1 to 3650.
	Retention int32 `json:"retention"`
	// Limit of all archives together, from 10Mi to 80 % of size. Defaults to 80 % of size. It is never more than 80 % of the space that the
	// file system has for archives, and exactly that if neither size nor maxSize is set: set maxSize if others use the same disk. If a
	// claim is shared by the pods of a DaemonSet, it is the limit of each of them.
	MaxSize *resource.Quantity `json:"maxSize,omitempty"`
}

// Volume holds the data of one service.
type Volume struct {
	// What holds the data. PersistentVolumeClaim: an existing claim. HostPath: a folder on the node. Ephemeral: a claim that is
	// created and deleted with the pod. EmptyDir: a folder that is deleted with the pod. None: the container's own layer. The
	// pods of a DaemonSet cannot share a claim, with one exception: pmlogger's claim, if it is ReadWriteMany and
	// hostMonitoring.hostNetwork gives each pod its node's name, so each has its own folder of archives.
	Type VolumeType `json:"type"`
	// PersistentVolumeClaim: name of the claim. The claim must exist, and the two services need different claims. Defaults to
	// pcp-pmlogger or pcp-pmproxy.
	ClaimName string `json:"claimName,omitempty" schema:"subdomain,optional"`
	// HostPath: absolute path of the folder on the node. It is created if absent, and PCP will own it, so it cannot be a system
	// folder or within the other service's folder. Defaults to /var/lib/pcp-injector/pmlogger or …/pmproxy.
	Path string `json:"path,omitempty" schema:"path,optional"`
	// PersistentVolumeClaim and Ephemeral: access mode of the claim: ReadWriteOnce, ReadWriteOncePod or ReadWriteMany. Defaults
	// to ReadWriteOnce.
	AccessMode corev1.PersistentVolumeAccessMode `json:"accessMode,omitempty"`
	// PersistentVolumeClaim and Ephemeral: storage class of the claim. Defaults to the cluster's default class.
	StorageClassName string `json:"storageClassName,omitempty" schema:"subdomain,optional"`
	// PersistentVolumeClaim: size of the claim, if it is known; the chart creates a claim of 1Gi by default. Ephemeral: size of the
	// claim; defaults to 1Gi. EmptyDir: size limit of the folder; none by default.
	Size *resource.Quantity `json:"size,omitempty"`
}

// PMIE configures pmie, which evaluates rules over metrics. The rules of pmieconf(1) that the image switches on write to the
// container's journal. All of it needs pmie among the services.
type PMIE struct {
	// Rules of your own, in the language of pmie(1), which a second pmie evaluates. They can run commands, as PCP's user. In them,
	// $webhook is the URL of the webhook: shell 1 min "pmie_webhook '$webhook|high load|%h|%v'". The key defaults to rules. The
	// ConfigMap or Secret need not exist. Changed rules need a new pod.
	Rules FileSource `json:"rules,omitzero"`
	// Names of pmieconf's rules or groups of rules to switch on, e.g. memory.swap_low, in addition to those that the image
	// switches on, such as cpu.load_average and filesys.filling. The container's log says which names the image does not have.
	StockRules []string `json:"stockRules,omitempty" schema:"stockRule,unique"`
	// Whom pmieconf's rules call, with a POST request whose body is JSON, at most once in 10 minutes for each rule. Needs curl in
	// the image.
	Webhook Webhook `json:"webhook,omitzero"`
}

// Webhook is a URL that pmie calls.
type Webhook struct {
	// http or https URL of letters, digits and . _ ~ : / ? = @ , + - characters. pmie passes it to a shell, so no other
	// characters are possible. Exactly one of url and secret is required.
	URL string `json:"url,omitempty"`
	// Name of a Secret in the target's namespace that contains the URL. It need not exist: pmie then calls nobody.
	Secret string `json:"secret,omitempty" schema:"subdomain,optional"`
	// Key in the Secret. Defaults to url.
	Key string `json:"key,omitempty"`
}

// IsSet reports whether pmie calls anybody.
func (w Webhook) IsSet() bool { return w.URL != "" || w.Secret != "" }

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
	// Archives the metrics of all sources, with a pmlogconf group. Takes effect if pmlogger runs.
	Archive bool `json:"archive"`
	// Seconds between two samples of a source in the archives, from 1 to 3600, for all sources that have no interval of their own.
	Interval int32 `json:"interval"`
	// Shorter intervals of single sources in seconds, by name, e.g. {app: 1}: of endpoints, and of sources that the Secret has or
	// that pods define. From 1 to interval, because pmlogger archives all sources at that interval, and these in between. The agent
	// asks the exporter anew for each sample. An exporter that takes longer than its interval delays all others, up to the agent's
	// limit of 2 s. Needs archive.
	Intervals map[string]int32 `json:"intervals,omitempty"`
	// Certificates (PEM) of CAs that the agent trusts in addition to the image's, for https sources with a private CA. The
	// ConfigMap or Secret need not exist. A changed CA needs a new pod.
	CABundle FileSource `json:"caBundle,omitzero"`
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
	// http, https or file URL of the exporter, e.g. http://localhost:9100/metrics. https with a private CA needs caBundle,
	// because the agent otherwise trusts only the image's CAs.
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

// Push also sends what pmlogger archives to another pmproxy. A second pmlogger samples the same metrics, so the pod's own archives are
// complete even if nobody answers there. Data that could not be sent is not sent later.
type Push struct {
	// Address of a pmproxy that accepts archives (container.acceptArchives), e.g. http://collector.monitoring.svc:44322. The
	// image needs PCP 7.0.3 or later: an older one pushes nothing, and the container's log says so. The connection is neither
	// encrypted nor authenticated. Needs pmlogger among the services.
	URL string `json:"url,omitempty"`
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
	// authentication, so they listen on the node's loopback address only, unless container.listen is AllAddresses. All containers
	// of the pod get the node's network: anyone who may run something in one of them, or forward a port to the pod, reaches all
	// that listens on the node's loopback address. The guard then requires the verb exec. Needs enabled.
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
	// OverrideIntervals allows pcp.io/openmetrics-intervals.
	OverrideIntervals Override = "openmetrics-intervals"
)

// AllOverrides lists every override. None may ever set image, command, privileges, host paths or claims.
var AllOverrides = []Override{OverrideServices, OverrideDomainAgents, OverrideOpenMetrics, OverrideIntervals}

// Overrides defines which annotations a pod can use.
type Overrides struct {
	// Any of services (pcp.io/services), domain-agents (pcp.io/domain-agents), openmetrics (openmetrics.pcp.io/<name>) and
	// openmetrics-intervals (pcp.io/openmetrics-intervals). A pod with an annotation that is not listed is rejected.
	Allow []Override `json:"allow" schema:"unique"`
}
