package mutate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// checkPorts: the containers of a pod share one network, so PCP's ports must be free. So must their names, by which Services find them.
func checkPorts(pod *Pod, services []config.Service) field.ErrorList {
	var problems field.ErrorList
	taken := portsOf(services)
	eachPort(pod, func(port placedPort) {
		if isFull(problems) {
			return
		}
		if isTCP(port.Port) && slices.Contains(taken, port.ContainerPort) {
			problems = append(problems, portTaken(port.path().Child("containerPort"), port.ContainerPort))
		}
		if isTCP(port.Port) && port.HostPort != port.ContainerPort && slices.Contains(taken, port.HostPort) {
			problems = append(problems, portTaken(port.path().Child("hostPort"), port.HostPort))
		}
		if port.Name == PortNamePMCD || port.Name == PortNamePMProxy {
			problems = append(problems, field.Invalid(port.path().Child("name"), port.Name, "Services would use this port instead of PCP's: rename the port"))
		}
	})
	return problems
}

func portTaken(path *field.Path, port int64) *field.Error {
	return field.Invalid(path, port, fmt.Sprintf("pmcd and pmproxy bind TCP ports %d to %d: move the container's port, or leave the service out with %s",
		PortPMCD, PortPMProxyTLS, AnnotationServices))
}

// checkHostNetwork finds what the API server or the kubelet would refuse once the injector gives the pod the node's
// network (https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/apis/core/validation/validation.go).
func (i *Injector) checkHostNetwork(pod *Pod) field.ErrorList {
	if !i.wantsHostNetwork() || isTrue(pod.Spec.HostNetwork) {
		return nil
	}
	problems := checkHostPorts(pod)
	if pod.Spec.HostnameOverride != nil {
		problems = append(problems, field.Invalid(specPath.Child("hostnameOverride"), *pod.Spec.HostnameOverride,
			"cannot be set with hostMonitoring.hostNetwork, where the host name is the node's: remove hostnameOverride"))
	}
	if security := pod.Spec.SecurityContext; security != nil {
		for n, sysctl := range security.Sysctls {
			if strings.HasPrefix(sysctl.Name, "net.") || strings.HasPrefix(sysctl.Name, "net/") {
				problems = append(problems, field.Invalid(specPath.Child("securityContext", "sysctls").Index(n).Child("name"), sysctl.Name,
					"cannot be set with hostMonitoring.hostNetwork, where the network is the node's: remove the sysctl"))
			}
		}
	}
	return problems
}

// checkExposure: only the administrator may open PCP on the node's network, where no NetworkPolicy applies.
func (i *Injector) checkExposure(pod *Pod) field.ErrorList {
	if !isTrue(pod.Spec.HostNetwork) || i.wantsHostNetwork() || i.cfg.Container.Listen.OnLoopback(true) {
		return nil
	}
	return field.ErrorList{field.Invalid(specPath.Child("hostNetwork"), true, fmt.Sprintf("pmcd and pmproxy, which have no authentication, would listen on the node's addresses (container.listen is %s), "+
		"where no NetworkPolicy applies: remove hostNetwork, or ask the administrator to set container.listen to %s, or hostMonitoring.hostNetwork to true", i.cfg.Container.Listen, config.ListenAuto))}
}

func checkHostPorts(pod *Pod) field.ErrorList {
	var problems field.ErrorList
	seen := map[Port]bool{}
	eachPort(pod, func(port placedPort) {
		if isFull(problems) {
			return
		}
		if port.HostPort != 0 && port.HostPort != port.ContainerPort {
			problems = append(problems, field.Invalid(port.path().Child("hostPort"), port.HostPort,
				fmt.Sprintf("must equal containerPort %d with hostMonitoring.hostNetwork, where ports are the node's: remove hostPort", port.ContainerPort)))
		}
		key := Port{ContainerPort: port.ContainerPort, Protocol: cmp.Or(port.Protocol, "TCP")}
		if seen[key] {
			problems = append(problems, field.Duplicate(port.path().Child("containerPort"), port.ContainerPort))
		}
		seen[key] = true
	})
	return problems
}
