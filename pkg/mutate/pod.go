package mutate

import "encoding/json"

// Pod is the small view of a pod (or pod template) that decisions need. Decode it with case-sensitive keys, as the API server does, e.g.
// with encoding/json/v2 or sigs.k8s.io/json. The rest of the pod is never read, and so never lost.
type Pod struct {
	Metadata Metadata `json:"metadata"`
	Spec     Spec     `json:"spec"`
}

// Metadata of a pod.
type Metadata struct {
	Name            string            `json:"name"`
	GenerateName    string            `json:"generateName"`
	Labels          map[string]string `json:"labels"`
	Annotations     map[string]string `json:"annotations"`
	OwnerReferences []OwnerReference  `json:"ownerReferences"`
}

// OwnerReference of a pod.
type OwnerReference struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Controller bool   `json:"controller"`
}

// Spec of a pod. Pointers distinguish absent from false, because Uninject restores what the pod's author wrote.
type Spec struct {
	Containers                    []Container       `json:"containers"`
	InitContainers                []Container       `json:"initContainers"`
	EphemeralContainers           []Container       `json:"ephemeralContainers"`
	Volumes                       []Named           `json:"volumes"`
	NodeSelector                  map[string]string `json:"nodeSelector"`
	OS                            *Named            `json:"os"`
	RestartPolicy                 string            `json:"restartPolicy"`
	DNSPolicy                     *string           `json:"dnsPolicy"`
	Hostname                      *string           `json:"hostname"`
	HostnameOverride              *string           `json:"hostnameOverride"`
	HostNetwork                   *bool             `json:"hostNetwork"`
	HostPID                       bool              `json:"hostPID"`
	ShareProcessNamespace         bool              `json:"shareProcessNamespace"`
	HostUsers                     *bool             `json:"hostUsers"`
	TerminationGracePeriodSeconds *int64            `json:"terminationGracePeriodSeconds"`
	Resources                     *PodResources     `json:"resources"`
	SecurityContext               *SecurityContext  `json:"securityContext"`
}

// SecurityContext of a pod.
type SecurityContext struct {
	Sysctls        []Named   `json:"sysctls"`
	WindowsOptions *struct{} `json:"windowsOptions"`
}

// Named is an object of which only the name matters.
type Named struct {
	Name string `json:"name"`
}

// Container of a pod.
type Container struct {
	Name          string    `json:"name"`
	Ports         []Port    `json:"ports"`
	Resources     Resources `json:"resources"`
	RestartPolicy string    `json:"restartPolicy"`
	// VolumeMounts and VolumeDevices by the names of their volumes.
	VolumeMounts  []Named `json:"volumeMounts"`
	VolumeDevices []Named `json:"volumeDevices"`
}

// Port of a container.
type Port struct {
	Name          string `json:"name"`
	ContainerPort int64  `json:"containerPort"`
	HostPort      int64  `json:"hostPort"`
	Protocol      string `json:"protocol"`
}

// Resources of a container that decide its quality of service.
type Resources struct {
	Requests Amounts `json:"requests"`
	Limits   Amounts `json:"limits"`
}

// Amounts are quantities as written; nil where absent.
type Amounts struct {
	CPU    json.RawMessage `json:"cpu"`
	Memory json.RawMessage `json:"memory"`
}

// PodResources are those of the pod as a whole, of any name.
type PodResources struct {
	Requests map[string]json.RawMessage `json:"requests"`
	Limits   map[string]json.RawMessage `json:"limits"`
}
