package mutate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

var specPath = field.NewPath("spec")

// incompatibilities returns all reasons why PCP could not work in this pod.
func (i *Injector) incompatibilities(pod *Pod, s *settings) field.ErrorList {
	return slices.Concat(
		checkContainers(pod),
		checkProcessNamespace(pod),
		checkWindows(pod),
		i.checkUserNamespace(pod),
		i.checkPlacement(pod, s.native),
		checkContainerNames(pod),
		checkVolumeNames(pod),
		checkVolumeUse(pod),
		checkPorts(pod, s.services),
		i.checkHostNetwork(pod),
		i.checkExposure(pod),
	)
}

func checkContainers(pod *Pod) field.ErrorList {
	if len(pod.Spec.Containers) > 0 {
		return nil
	}
	return field.ErrorList{field.Required(specPath.Child("containers"), "a pod must have at least one container of its own")}
}

// checkProcessNamespace: systemd must be PID 1 of its container, or it exits at once.
func checkProcessNamespace(pod *Pod) field.ErrorList {
	var problems field.ErrorList
	if pod.Spec.HostPID {
		problems = append(problems, field.Invalid(specPath.Child("hostPID"), true,
			"systemd, which runs PCP, would not be PID 1 and would exit: remove hostPID; PCP sees host processes with hostMonitoring.enabled"))
	}
	if pod.Spec.ShareProcessNamespace {
		problems = append(problems, field.Invalid(specPath.Child("shareProcessNamespace"), true,
			"systemd, which runs PCP, would not be PID 1 and would exit: remove shareProcessNamespace"))
	}
	return problems
}

func checkWindows(pod *Pod) field.ErrorList {
	const detail = "PCP's container runs on Linux only: inject it into a Linux pod"
	var problems field.ErrorList
	if os := pod.Spec.OS; os != nil && os.Name != "linux" {
		problems = append(problems, field.Invalid(specPath.Child("os", "name"), os.Name, detail))
	}
	if os := pod.Spec.NodeSelector["kubernetes.io/os"]; os != "" && os != "linux" {
		problems = append(problems, field.Invalid(specPath.Child("nodeSelector").Key("kubernetes.io/os"), os, detail))
	}
	if security := pod.Spec.SecurityContext; security != nil && security.WindowsOptions != nil {
		problems = append(problems, field.Forbidden(specPath.Child("securityContext", "windowsOptions"), detail))
	}
	return problems
}

// checkUserNamespace: in a user namespace, a privileged container does not reach the node.
func (i *Injector) checkUserNamespace(pod *Pod) field.ErrorList {
	if pod.Spec.HostUsers == nil || *pod.Spec.HostUsers || !i.cfg.HostMonitoring.Enabled {
		return nil
	}
	return field.ErrorList{field.Invalid(specPath.Child("hostUsers"), false,
		"hostMonitoring cannot see the node from a user namespace: remove hostUsers, or ask the administrator to disable hostMonitoring")}
}

func (i *Injector) checkPlacement(pod *Pod, native bool) field.ErrorList {
	if restartsAlways(pod) || native {
		return nil
	}
	return field.ErrorList{field.Invalid(specPath.Child("restartPolicy"), pod.Spec.RestartPolicy,
		fmt.Sprintf("PCP never exits, so the pod would never complete: use Always, or ask the administrator to set container.placement to %s or %s instead of %s",
			config.PlacementAuto, config.PlacementNativeSidecar, i.cfg.Container.Placement))}
}

func checkContainerNames(pod *Pod) field.ErrorList {
	var problems field.ErrorList
	eachContainer(pod, func(list string, n int, c *Container) {
		if !isFull(problems) && slices.Contains(OwnContainers, c.Name) {
			problems = append(problems, field.Invalid(specPath.Child(list).Index(n).Child("name"), c.Name, "the name is reserved for the injector: rename the container"))
		}
	})
	return problems
}

func checkVolumeNames(pod *Pod) field.ErrorList {
	var problems field.ErrorList
	for n, volume := range pod.Spec.Volumes {
		if !isFull(problems) && strings.HasPrefix(volume.Name, VolumePrefix) {
			problems = append(problems, field.Invalid(specPath.Child("volumes").Index(n).Child("name"), volume.Name,
				fmt.Sprintf("the prefix %q is reserved for the injector's volumes: rename the volume", VolumePrefix)))
		}
	}
	return problems
}

// checkVolumeUse: the injector's volumes hold PCP's data and the node's files, which the injector opens to its own containers alone.
func checkVolumeUse(pod *Pod) field.ErrorList {
	var problems field.ErrorList
	eachContainer(pod, func(list string, n int, c *Container) {
		if slices.Contains(OwnContainers, c.Name) && list != "ephemeralContainers" {
			return
		}
		for key, names := range map[string][]Named{"volumeMounts": c.VolumeMounts, "volumeDevices": c.VolumeDevices} {
			for at, volume := range names {
				if !isFull(problems) && strings.HasPrefix(volume.Name, VolumePrefix) {
					problems = append(problems, field.Invalid(specPath.Child(list).Index(n).Child(key).Index(at).Child("name"), volume.Name,
						fmt.Sprintf("volumes with the prefix %q are the injector's, and only its own containers may use them: remove it", VolumePrefix)))
				}
			}
		}
	})
	return problems
}

// eachContainer visits containers of all kinds, with the name of their list and their index.
func eachContainer(pod *Pod, visit func(list string, n int, c *Container)) {
	for n := range pod.Spec.Containers {
		visit("containers", n, &pod.Spec.Containers[n])
	}
	for n := range pod.Spec.InitContainers {
		visit("initContainers", n, &pod.Spec.InitContainers[n])
	}
	for n := range pod.Spec.EphemeralContainers {
		visit("ephemeralContainers", n, &pod.Spec.EphemeralContainers[n])
	}
}

// placedPort is a port and its place in the pod.
type placedPort struct {
	Port
	list          string
	container, at int
}

func (p placedPort) path() *field.Path {
	return specPath.Child(p.list).Index(p.container).Child("ports").Index(p.at)
}

// eachPort visits the ports of the containers that run beside PCP. Init containers end before it, unless they restart.
func eachPort(pod *Pod, visit func(placedPort)) {
	eachContainer(pod, func(list string, n int, c *Container) {
		if list == "initContainers" && c.RestartPolicy != "Always" {
			return
		}
		for at, port := range c.Ports {
			visit(placedPort{port, list, n, at})
		}
	})
}

// portsOf are the ports that PCP binds for the services. pmproxy also serves TLS, on a second port.
func portsOf(services []config.Service) []int64 {
	var ports []int64
	if slices.Contains(services, config.ServicePMCD) {
		ports = append(ports, PortPMCD)
	}
	if slices.Contains(services, config.ServicePMProxy) {
		ports = append(ports, PortPMProxy, PortPMProxyTLS)
	}
	return ports
}

// Anyone who may create pods can send millions of mistakes, so what is read and what is reported has limits.
const (
	// maxProblems is more than anybody reads.
	maxProblems = 50
	// maxAnnotations is the API server's own limit in bytes, which it checks only after admission
	// (https://github.com/kubernetes/apimachinery/blob/v0.37.2/pkg/api/validation/objectmeta.go, TotalAnnotationSizeLimitB).
	maxAnnotations = 256 << 10
	// maxStatus is several times what the longest status of an injector takes. A longer one is not read.
	maxStatus = 32 << 10
	// maxSteps is the work on what the author of one pod wrote: some 100 KiB of regular expressions, or far more of anything else.
	maxSteps = 2 << 20
	// maxList limits annotations that are lists of names, and maxSource one OpenMetrics source, both in bytes.
	maxList   = 4 << 10
	maxSource = 16 << 10
)

func checkAnnotationSize(pod *Pod) *field.Error {
	total := 0
	for key, value := range pod.Metadata.Annotations {
		total += len(key) + len(value)
	}
	if total <= maxAnnotations {
		return nil
	}
	return field.TooLong(field.NewPath("metadata", "annotations"), "", maxAnnotations)
}

// tooLong returns the problem of an annotation that exceeds the limit, or nil.
func tooLong(key, value string, limit int) *field.Error {
	if len(value) <= limit {
		return nil
	}
	return field.TooLong(annotationPath(key), "", limit)
}

// summarize sorts problems by their text, because annotations come from a map, and cuts what nobody would read.
func summarize(problems field.ErrorList) field.ErrorList {
	type entry struct {
		problem *field.Error
		text    string
	}
	list := make([]entry, len(problems))
	for n, problem := range problems {
		list[n] = entry{problem, problem.Error()}
	}
	slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(a.text, b.text) })
	result := make(field.ErrorList, 0, min(len(list), maxProblems+1))
	for n := range list[:min(len(list), maxProblems)] {
		result = append(result, list[n].problem)
	}
	if len(list) > maxProblems {
		result = append(result, field.Invalid(field.NewPath("pod"), field.OmitValueType{}, fmt.Sprintf("has more than %d problems: correct these first", maxProblems)))
	}
	return result
}

// isFull reports whether to stop looking for more problems of one kind.
func isFull(problems field.ErrorList) bool { return len(problems) > maxProblems }
