package mutate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// check finds what in a pod keeps PCP from working.
type check func(i *Injector, pod *Pod, w *wish) field.ErrorList

var checks = []check{
	checkContainers, checkProcessNamespace, checkWindows, checkUserNamespace, checkPlacement,
	checkContainerNames, checkVolumeNames, checkPorts, checkHostNetwork,
}

var specPath = field.NewPath("spec")

// incompatibilities are all reasons why PCP could not work in this pod.
func (i *Injector) incompatibilities(pod *Pod, w *wish) field.ErrorList {
	var problems field.ErrorList
	for _, find := range checks {
		problems = append(problems, find(i, pod, w)...)
	}
	return problems
}

func checkContainers(_ *Injector, pod *Pod, _ *wish) field.ErrorList {
	if len(pod.Spec.Containers) > 0 {
		return nil
	}
	return field.ErrorList{field.Required(specPath.Child("containers"), "a pod has at least one container of its own")}
}

// checkProcessNamespace: systemd must be PID 1 of its container, else it exits at once.
func checkProcessNamespace(_ *Injector, pod *Pod, _ *wish) field.ErrorList {
	var problems field.ErrorList
	if pod.Spec.HostPID {
		problems = append(problems, field.Invalid(specPath.Child("hostPID"), true,
			"systemd, which runs PCP, would not be PID 1 and exit at once: remove hostPID; host processes are visible with hostMonitoring.enabled"))
	}
	if pod.Spec.ShareProcessNamespace {
		problems = append(problems, field.Invalid(specPath.Child("shareProcessNamespace"), true,
			"systemd, which runs PCP, would not be PID 1 and exit at once: remove shareProcessNamespace"))
	}
	return problems
}

func checkWindows(_ *Injector, pod *Pod, _ *wish) field.ErrorList {
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

// checkUserNamespace: in a user namespace, privileged does not reach the node.
func checkUserNamespace(i *Injector, pod *Pod, _ *wish) field.ErrorList {
	if pod.Spec.HostUsers == nil || *pod.Spec.HostUsers || !i.cfg.HostMonitoring.Enabled {
		return nil
	}
	return field.ErrorList{field.Invalid(specPath.Child("hostUsers"), false,
		"hostMonitoring cannot see the node from a user namespace: remove hostUsers, or have the administrator disable hostMonitoring")}
}

func checkPlacement(i *Injector, pod *Pod, w *wish) field.ErrorList {
	if restartsAlways(pod) || w.native {
		return nil
	}
	return field.ErrorList{field.Invalid(specPath.Child("restartPolicy"), pod.Spec.RestartPolicy,
		fmt.Sprintf("PCP never exits, so the pod would never complete: use Always, or have the administrator set container.placement to %s or %s instead of %s",
			config.PlacementAuto, config.PlacementNativeSidecar, i.cfg.Container.Placement))}
}

func checkContainerNames(_ *Injector, pod *Pod, _ *wish) field.ErrorList {
	var problems field.ErrorList
	eachContainer(pod, func(list string, n int, c *Container) {
		if !isFull(problems) && (c.Name == ContainerName || c.Name == InitContainerName) {
			problems = append(problems, field.Invalid(specPath.Child(list).Index(n).Child("name"), c.Name, "the name is the injector's: rename the container"))
		}
	})
	return problems
}

func checkVolumeNames(_ *Injector, pod *Pod, _ *wish) field.ErrorList {
	var problems field.ErrorList
	for n, volume := range pod.Spec.Volumes {
		if !isFull(problems) && strings.HasPrefix(volume.Name, VolumePrefix) {
			problems = append(problems, field.Invalid(specPath.Child("volumes").Index(n).Child("name"), volume.Name,
				fmt.Sprintf("the prefix %q is reserved for the injector's volumes: rename the volume", VolumePrefix)))
		}
	}
	return problems
}

// eachContainer visits containers and init containers, with the name of their list and their place in it.
func eachContainer(pod *Pod, visit func(list string, n int, c *Container)) {
	for n := range pod.Spec.Containers {
		visit("containers", n, &pod.Spec.Containers[n])
	}
	for n := range pod.Spec.InitContainers {
		visit("initContainers", n, &pod.Spec.InitContainers[n])
	}
}

// placedPort is a port and where it stands.
type placedPort struct {
	Port
	list          string
	container, at int
}

func (p placedPort) path() *field.Path {
	return specPath.Child(p.list).Index(p.container).Child("ports").Index(p.at)
}

// eachPort visits the ports of the containers that run beside PCP: init containers end before it, unless they restart.
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

// portsOf are the ports that PCP binds for the services: pmproxy also serves TLS on its second one.
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
