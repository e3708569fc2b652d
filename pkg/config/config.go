// Package config is the InjectorConfig: what the administrator decides about the PCP container and who gets it. It reads
// one file, completes it with defaults and validates it. It knows nothing of admission requests.
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

// InjectorConfig is the injector's whole configuration: one versioned file, and the same keys in the Helm chart's values.
// Keys that are absent take their defaults; unknown, duplicate and empty (null) keys are errors. A changed file takes effect
// with a restart: it is never reloaded while pods are admitted.
type InjectorConfig struct {
	// Version of the file's format: config.pcp.io/v1alpha1.
	APIVersion string `json:"apiVersion"`
	// Kind of the file: InjectorConfig.
	Kind string `json:"kind"`
	// The one workload whose pods may get the PCP container.
	Target Target `json:"target"`
	// The PCP container itself.
	Container Container `json:"container"`
	// Where the archives of pmlogger and the data of pmproxy live.
	Persistence Persistence `json:"persistence"`
	// Sources of OpenMetrics (Prometheus) metrics that PCP reads, and whether they are archived.
	OpenMetrics OpenMetrics `json:"openMetrics"`
	// Access to the node: its file system, its processes, its network.
	HostMonitoring HostMonitoring `json:"hostMonitoring"`
	// Gives the pod a host name that stays the same when the pod is replaced. pmlogger writes its archives below a folder
	// of that name: without a stable one, each new pod starts a new folder, and the old ones are never culled. Has no effect
	// on DaemonSets and StatefulSets, and none where the pod names its own host name or uses the node's network.
	StableHostname bool `json:"stableHostname"`
	// What a pod may decide for itself with annotations.
	Overrides Overrides `json:"overrides"`
}

// TargetKind is the kind of the workload that owns the designated pod template, e.g. Deployment. Kinds that Kubernetes
// does not know (custom resources) are allowed with trustedCreators.
type TargetKind string

// The kinds whose controllers are known, so that trustedCreators has a default.
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

// Target designates the one node-monitor pod template. PCP monitors the system: a second instance only duplicates data.
type Target struct {
	// Namespace of the workload. It opts in with the label pcp.io/injection=enabled.
	Namespace string `json:"namespace" schema:"label"`
	// Kind of the workload: Pod, Deployment, ReplicaSet, ReplicationController, StatefulSet, DaemonSet, Job, CronJob, or the
	// kind of a custom resource whose controller creates the pods itself.
	Kind TargetKind `json:"kind" schema:"kind"`
	// Name of the workload, of up to 241 characters for a Deployment and 52 for a CronJob: what lies between them and their pods bears
	// their name and a suffix.
	Name string `json:"name" schema:"subdomain"`
	// User names that may create the workload's pods, i.e. its controller: ownerReferences can be forged by whoever may
	// create pods, the user of the request cannot. Defaults to the service account of the kind's controller in kube-system,
	// e.g. system:serviceaccount:kube-system:replicaset-controller for a Deployment. Empty for kind Pod, where it means
	// anyone who may create that pod. Required for custom kinds.
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

// The ports on which PCP's services listen. pmproxy also binds PortPMProxyTLS; PortPMLogger is that of the primary pmlogger for pmlc(1)
// (https://github.com/performancecopilot/pcp/blob/main/src/pmlogger/src/ports.c).
const (
	PortPMCD       = 44321
	PortPMProxy    = 44322
	PortPMProxyTLS = 44323
	PortPMLogger   = 4330
)

// Services are all that the image knows, in the order in which the image lists them.
var Services = []Service{ServicePMCD, ServicePMIE, ServicePMLogger, ServicePMProxy}

// Listen says on which addresses pmcd and pmproxy listen.
type Listen string

const (
	// ListenAuto is Loopback with the node's network, and AllAddresses elsewhere.
	ListenAuto Listen = "Auto"
	// ListenAllAddresses is all addresses of the network that the pod uses: the pod's own, or the node's.
	ListenAllAddresses Listen = "AllAddresses"
	// ListenLoopback is the loopback address alone.
	ListenLoopback Listen = "Loopback"
)

// OnLoopback tells whether pmcd and pmproxy listen on the loopback address alone, in a pod that uses the node's network or not.
func (l Listen) OnLoopback(hostNetwork bool) bool {
	return l == ListenLoopback || l == ListenAuto && hostNetwork
}

// Container is the PCP container. It is always privileged and runs as root: systemd is its PID 1. Its command is never
// set, since the image's entrypoint is what reads the environment.
type Container struct {
	// Image with the contract of PCP's own build/containers/pcp. With a tag and a digest the digest wins.
	Image string `json:"image"`
	// When the image is pulled.
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy"`
	// Where in the pod the container goes: among its containers, or as a native sidecar (an init container with restartPolicy
	// Always), which lets a Job complete. Auto is a native sidecar where the pod's restartPolicy is not Always.
	Placement Placement `json:"placement"`
	// Compute resources. Do not limit the CPU: with a limit of 100m agents were still missing after 43 s.
	Resources Resources `json:"resources"`
	// PCP_SERVICES: which of PCP's services run. Ports and probes follow. pmie and pmlogger need pmcd.
	Services []Service `json:"services" schema:"unique,nonempty"`
	// PCP_DOMAIN_AGENTS: metric agents (PMDAs) to install beside the image's own, by name: lower-case letters, digits and _.
	// openmetrics is added where openMetrics is enabled. They need pmcd. trace and statsd, which listen for others, cause a warning.
	DomainAgents []string `json:"domainAgents" schema:"agent,unique"`
	// On which addresses pmcd and pmproxy, which know no authentication, listen. AllAddresses: those of the pod, which a
	// NetworkPolicy guards; with the node's network, where none applies, they are the node's. Loopback: the loopback address
	// alone; the way in is kubectl port-forward, or kubectl exec. Auto is Loopback with the node's network, be it of
	// hostMonitoring.hostNetwork or of the pod itself, and AllAddresses elsewhere. pmlogger's control port is always on the
	// loopback address.
	Listen Listen `json:"listen"`
	// Lets clients of pmproxy write: whole archives through /logger (PCP 7), which fill its volume, and values of metrics
	// through /pmapi/store. Without it pmproxy only reads. Takes effect where pmproxy runs.
	AcceptWrites bool `json:"acceptWrites"`
	// KEY_SERVERS: host:port of the key servers (Valkey or Redis) in which pmproxy indexes time series. Without one, live
	// metrics work, and /series and /search do not answer.
	KeyServers []string `json:"keyServers" schema:"hostPort,unique,nonempty"`
	// Overrides of the probes, which by default follow the services.
	Probes Probes `json:"probes"`
	// Extra environment variables, as in core/v1. systemd hides them from PCP's services: only the image's entrypoint sees
	// them. PCP_SERVICES, PCP_DOMAIN_AGENTS, KEY_SERVERS, HOST_MOUNT and container are set by the injector.
	Env []corev1.EnvVar `json:"env,omitempty"`
}

// Resources are the compute resources of the container.
type Resources struct {
	// Reserved amounts, by resource: cpu, memory, ephemeral-storage, hugepages-<size> or an extended resource. Those that are
	// absent keep their defaults; cpu: 0 reserves none.
	Requests corev1.ResourceList `json:"requests,omitempty"`
	// Upper bounds, by resource; none by default. Not below the request.
	Limits corev1.ResourceList `json:"limits,omitempty"`
}

// Probes are overrides of the container's three probes.
type Probes struct {
	// Holds the other two back until pmcd has started: systemctl is-active pmcd, every 2 s for up to 2 minutes.
	Startup Probe `json:"startup,omitzero"`
	// Restarts the container when pmcd has stopped: systemctl is-active pmcd, every 10 s.
	Liveness Probe `json:"liveness,omitzero"`
	// Keeps the pod out of its Service until pmcd answers: TCP 44321, or pminfo on pmcd's local socket where PCP listens on the
	// loopback address alone, or with the node's network, where another pmcd may hold the port.
	Readiness Probe `json:"readiness,omitzero"`
}

// Probe overrides single fields of a probe: a field that is set replaces the default's, and a handler (exec, httpGet,
// tcpSocket or grpc) replaces the default handler, unless it asks a service that a pod has left out. A port is a number or
// one of the container's port names, pmcd and pmproxy. The path /metrics of pmproxy is refused without names, since it
// returns 1.2 MB in 2.5 s: probe /metrics?names=kernel.all.load, which fails when pmcd is down. Where PCP listens on the
// loopback address alone, kubelet's probes do not reach its ports: only exec does.
type Probe struct {
	// Removes the probe; not together with other fields.
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

// Persistence says where PCP's data lives.
type Persistence struct {
	// The archives of pmlogger: /var/log/pcp/pmlogger.
	PMLogger Volume `json:"pmlogger"`
	// The data of pmproxy: /var/log/pcp/pmproxy.
	PMProxy Volume `json:"pmproxy"`
	// Adds an init container that gives the volumes to PCP's user. Needed for images older than PCP 6.2.2; newer ones do it at
	// boot. Fails on NFS with root squash. Not without a PersistentVolumeClaim, HostPath or Ephemeral volume.
	FixOwnership bool `json:"fixOwnership"`
}

// Volume is what holds the data of one service.
type Volume struct {
	// What holds the data: an existing claim, a folder of the node, a claim made for the pod and deleted with it, a folder
	// that lives as long as the pod, or only the container's own layer. The pods of a DaemonSet cannot share a claim; pmlogger's
	// alone can, if it is ReadWriteMany and hostMonitoring.hostNetwork gives each pod its node's name, which is that of its
	// folder in the archives.
	Type VolumeType `json:"type"`
	// PersistentVolumeClaim: name of the claim, which has to exist; not the same for both services. Defaults to pcp-pmlogger
	// or pcp-pmproxy.
	ClaimName string `json:"claimName,omitempty" schema:"subdomain,optional"`
	// HostPath: absolute path of the folder on the node, which PCP will own; created when absent. Not a folder of the system,
	// and not within the other service's. Defaults to /var/lib/pcp-injector/pmlogger or …/pmproxy.
	Path string `json:"path,omitempty" schema:"path,optional"`
	// PersistentVolumeClaim and Ephemeral: access mode of the claim: ReadWriteOnce, ReadWriteOncePod or ReadWriteMany.
	// Defaults to ReadWriteOnce.
	AccessMode corev1.PersistentVolumeAccessMode `json:"accessMode,omitempty"`
	// PersistentVolumeClaim and Ephemeral: storage class of the claim. Defaults to the cluster's default class.
	StorageClassName string `json:"storageClassName,omitempty" schema:"subdomain,optional"`
	// Size: of the claim (PersistentVolumeClaim, Ephemeral; defaults to 1Gi) or the limit of the folder (EmptyDir; none by
	// default). pmlogger writes about 290 MB a day before compression and keeps 14 days: with host monitoring, less than 10Gi
	// causes a warning.
	Size *resource.Quantity `json:"size,omitempty"`
}
