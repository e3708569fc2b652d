package mutate

import (
	"slices"
	"strings"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// shape is what of a pod changes the container itself.
type shape struct {
	// native: PCP is an init container that restarts.
	native bool
	// hostNetwork: the pod uses, or will use, the node's network.
	hostNetwork bool
	// onLoopback: PCP listens on the loopback address alone.
	onLoopback bool
	// podResources: the pod as a whole has resources, which containers share.
	podResources bool
}

func (i *Injector) shapeOf(pod *Pod) shape {
	hostNetwork := isTrue(pod.Spec.HostNetwork) || i.wantsHostNetwork()
	return shape{
		native:       i.isNative(pod),
		hostNetwork:  hostNetwork,
		onLoopback:   i.cfg.Container.Listen.OnLoopback(hostNetwork),
		podResources: pod.Spec.Resources != nil && len(pod.Spec.Resources.Requests)+len(pod.Spec.Resources.Limits) > 0,
	}
}

func (i *Injector) isNative(pod *Pod) bool {
	switch i.cfg.Container.Placement {
	case config.PlacementNativeSidecar:
		return true
	case config.PlacementContainer:
		return false
	case config.PlacementAuto:
	}
	return !restartsAlways(pod)
}

func restartsAlways(pod *Pod) bool {
	return pod.Spec.RestartPolicy == "" || pod.Spec.RestartPolicy == "Always"
}

func (i *Injector) wantsHostNetwork() bool {
	return i.cfg.HostMonitoring.Enabled && i.cfg.HostMonitoring.HostNetwork
}

// needsHostname tells whether the archives' folder would change with every pod. With the node's network the host name is
// the node's, and the controller of a StatefulSet names its pods' hosts itself.
func (i *Injector) needsHostname(pod *Pod, s shape) bool {
	named := pod.Spec.HostnameOverride != nil || (pod.Spec.Hostname != nil && *pod.Spec.Hostname != "")
	if named || s.hostNetwork || i.cfg.Target.Kind == config.KindStatefulSet {
		return false
	}
	return i.cfg.Target.Kind != config.KindPod || pod.Metadata.Name == ""
}

// setsHostname: the pods of a DaemonSet must not share one.
func (i *Injector) setsHostname(pod *Pod, s shape) bool {
	return i.cfg.StableHostname && i.cfg.Target.Kind != config.KindDaemonSet && i.needsHostname(pod, s)
}

// hostnameFor makes a host name, which has no dots and at most 63 characters, of the target's name.
func hostnameFor(name string) string {
	name = strings.ReplaceAll(name, ".", "-")
	return strings.TrimRight(name[:min(len(name), 63)], "-")
}

func isTrue(value *bool) bool { return value != nil && *value }

func indexOf(containers []Container, name string) int {
	return slices.IndexFunc(containers, func(c Container) bool { return c.Name == name })
}
