package mutate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// container builds the PCP container. It never sets a command, since the image's entrypoint reads the environment
// (https://github.com/performancecopilot/pcp/tree/main/build/containers/pcp).
func (i *Injector) container(w *wish) *corev1.Container {
	c := &corev1.Container{
		Name:            ContainerName,
		Image:           i.cfg.Container.Image,
		ImagePullPolicy: i.cfg.Container.ImagePullPolicy,
		Args:            i.args(w),
		Ports:           ports(w),
		Env:             i.env(w),
		Resources:       i.resources(w),
		VolumeMounts:    i.volumeMounts(w),
		SecurityContext: rootContext(),
	}
	// Stated in full, since the pod's own security context may say otherwise.
	c.SecurityContext.Privileged = new(true)
	c.SecurityContext.ReadOnlyRootFilesystem = new(false)
	c.SecurityContext.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}
	c.StartupProbe, c.LivenessProbe, c.ReadinessProbe = i.probes(w)
	if w.native {
		c.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
	}
	return c
}

func rootContext() *corev1.SecurityContext {
	return &corev1.SecurityContext{RunAsUser: new(int64(0)), RunAsGroup: new(int64(0)), RunAsNonRoot: new(false)}
}

func ports(w *wish) []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	if w.runs(config.ServicePMCD) {
		ports = append(ports, corev1.ContainerPort{Name: PortNamePMCD, ContainerPort: PortPMCD, Protocol: corev1.ProtocolTCP})
	}
	if w.runs(config.ServicePMProxy) {
		ports = append(ports, corev1.ContainerPort{Name: PortNamePMProxy, ContainerPort: PortPMProxy, Protocol: corev1.ProtocolTCP})
	}
	return ports
}

func (i *Injector) env(w *wish) []corev1.EnvVar {
	env := []corev1.EnvVar{
		// Without it systemd takes the container for the machine itself, and switches the host's swap off when it stops.
		{Name: "container", Value: "oci"},
		{Name: "PCP_SERVICES", Value: join(w.services)},
		{Name: "KEY_SERVERS", Value: strings.Join(i.cfg.Container.KeyServers, ",")},
	}
	if agents := i.agents(w); len(agents) > 0 {
		env = append(env, corev1.EnvVar{Name: "PCP_DOMAIN_AGENTS", Value: join(agents)})
	}
	if i.cfg.HostMonitoring.Enabled {
		env = append(env, corev1.EnvVar{Name: "HOST_MOUNT", Value: i.cfg.HostMonitoring.MountPath})
	}
	return append(env, i.cfg.Container.Env...)
}

// agents names openmetrics itself, since not every image has it on by default.
func (i *Injector) agents(w *wish) []string {
	var agents []string
	for _, agent := range w.agents {
		if !slices.Contains(agents, agent) {
			agents = append(agents, agent)
		}
	}
	if i.readsOpenMetrics(w) && !slices.Contains(agents, "openmetrics") {
		agents = append(agents, "openmetrics")
	}
	return agents
}

// resources are left out where the pod as a whole has some: a container's would have to fit into them.
func (i *Injector) resources(w *wish) corev1.ResourceRequirements {
	if w.podResources {
		return corev1.ResourceRequirements{}
	}
	return corev1.ResourceRequirements{Requests: i.cfg.Container.Resources.Requests, Limits: i.cfg.Container.Resources.Limits}
}

// fixOwnership builds the init container that gives the volumes to PCP's user, by name, since its number differs from
// image to image. It is nil where nothing needs it.
func (i *Injector) fixOwnership(w *wish) *corev1.Container {
	if !i.cfg.Persistence.FixOwnership {
		return nil
	}
	script := `chown pcp:pcp "$@" && chmod 2775 "$@"`
	c := &corev1.Container{
		Name:            InitContainerName,
		Image:           i.cfg.Container.Image,
		ImagePullPolicy: i.cfg.Container.ImagePullPolicy,
		Command:         []string{"/bin/sh", "-c", script, InitContainerName},
		Resources:       i.resources(w),
		SecurityContext: rootContext(),
	}
	for _, d := range i.dataVolumes(w) {
		c.Command = append(c.Command, d.mountPath)
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: d.name, MountPath: d.mountPath})
	}
	if len(c.VolumeMounts) == 0 {
		return nil
	}
	return c
}

func join[T ~string](words []T) string {
	texts := make([]string, len(words))
	for n, word := range words {
		texts[n] = string(word)
	}
	return strings.Join(texts, ",")
}
