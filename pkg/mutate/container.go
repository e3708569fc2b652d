package mutate

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// container builds the PCP container. It never sets a command, because the image's entrypoint reads the environment
// (https://github.com/performancecopilot/pcp/tree/main/build/containers/pcp).
func (i *Injector) container(s *settings) *corev1.Container {
	c := &corev1.Container{
		Name:            ContainerName,
		Image:           i.cfg.Container.Image,
		ImagePullPolicy: i.cfg.Container.ImagePullPolicy,
		Args:            i.args(s),
		Ports:           ports(s),
		Env:             i.env(s),
		Resources:       i.resources(s),
		VolumeMounts:    i.volumeMounts(s),
		SecurityContext: rootContext(),
	}
	// Stated in full, because the pod's own security context may say otherwise.
	c.SecurityContext.Privileged = new(true)
	c.SecurityContext.ReadOnlyRootFilesystem = new(false)
	c.SecurityContext.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}
	c.StartupProbe, c.LivenessProbe, c.ReadinessProbe = i.probes(s)
	if s.native {
		c.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
	}
	return c
}

func rootContext() *corev1.SecurityContext {
	return &corev1.SecurityContext{RunAsUser: new(int64(0)), RunAsGroup: new(int64(0)), RunAsNonRoot: new(false)}
}

func ports(s *settings) []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	if s.runs(config.ServicePMCD) {
		ports = append(ports, corev1.ContainerPort{Name: PortNamePMCD, ContainerPort: PortPMCD, Protocol: corev1.ProtocolTCP})
	}
	if s.runs(config.ServicePMProxy) {
		ports = append(ports, corev1.ContainerPort{Name: PortNamePMProxy, ContainerPort: PortPMProxy, Protocol: corev1.ProtocolTCP})
	}
	return ports
}

func (i *Injector) env(s *settings) []corev1.EnvVar {
	env := []corev1.EnvVar{
		// Without it, systemd takes the container for the machine itself, and switches off the host's swap when it stops.
		{Name: "container", Value: "oci"},
		{Name: "PCP_SERVICES", Value: join(s.services)},
		{Name: "KEY_SERVERS", Value: strings.Join(i.cfg.Container.KeyServers, ",")},
	}
	if agents := i.agents(s); len(agents) > 0 {
		env = append(env, corev1.EnvVar{Name: "PCP_DOMAIN_AGENTS", Value: join(agents)})
	}
	if i.cfg.HostMonitoring.Enabled {
		env = append(env, corev1.EnvVar{Name: "HOST_MOUNT", Value: i.cfg.HostMonitoring.MountPath})
	}
	if files := i.cfg.Container.Files; len(files) > 0 {
		env = append(env, corev1.EnvVar{Name: "PCP_FILES", Value: pathsOf(files)})
	}
	if intervals := i.intervals(s); len(intervals) > 0 {
		env = append(env, corev1.EnvVar{Name: "PCP_OPENMETRICS_INTERVALS", Value: strings.Join(intervals, " ")})
	}
	if i.pushes(s) {
		env = append(env, corev1.EnvVar{Name: "PCP_PUSH_URL", Value: i.cfg.Push.URL})
	}
	if i.hasStockRules(s) {
		env = append(env, corev1.EnvVar{Name: "PCP_PMIE_STOCK_RULES", Value: strings.Join(i.cfg.PMIE.StockRules, " ")})
	}
	if i.callsWebhook(s) {
		env = append(env, webhookVariable(i.cfg.PMIE.Webhook))
	}
	if s.runs(config.ServicePMLogger) {
		env = append(env, i.archivesEnv()...)
	}
	return append(env, i.cfg.Container.Env...)
}

func webhookVariable(w config.Webhook) corev1.EnvVar {
	variable := corev1.EnvVar{Name: "PCP_PMIE_WEBHOOK", Value: w.URL}
	if w.Secret != "" {
		variable.ValueFrom = &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: w.Secret}, Key: w.Key, Optional: new(true),
		}}
	}
	return variable
}

// archivesEnv is what the step archives.sh reads.
func (i *Injector) archivesEnv() []corev1.EnvVar {
	archives := &i.cfg.Persistence.PMLogger
	env := []corev1.EnvVar{
		{Name: "PMLOGGER_INTERVAL", Value: strconv.Itoa(int(archives.Interval))},
		{Name: "ARCHIVES_DAYS", Value: strconv.Itoa(int(archives.Retention))},
	}
	if limit := archives.Limit(); limit > 0 {
		env = append(env, corev1.EnvVar{Name: "ARCHIVES_KIB", Value: strconv.FormatInt(limit/1024, 10)})
	}
	if i.cfg.Target.Kind == config.KindDaemonSet && archives.Type == config.VolumePersistentVolumeClaim {
		env = append(env, corev1.EnvVar{Name: "ARCHIVES_SHARED", Value: "true"})
	}
	return env
}

// agents adds openmetrics, because not every image enables it by default.
func (i *Injector) agents(s *settings) []string {
	var agents []string
	for _, agent := range s.agents {
		if !slices.Contains(agents, agent) {
			agents = append(agents, agent)
		}
	}
	if i.readsOpenMetrics(s) && !slices.Contains(agents, "openmetrics") {
		agents = append(agents, "openmetrics")
	}
	return agents
}

// resources are empty if the pod as a whole has some, because the container's would have to fit into them.
func (i *Injector) resources(s *settings) corev1.ResourceRequirements {
	if s.podResources {
		return corev1.ResourceRequirements{}
	}
	return corev1.ResourceRequirements{Requests: i.cfg.Container.Resources.Requests, Limits: i.cfg.Container.Resources.Limits}
}

// fixOwnership builds the init container that gives the volumes to PCP's user, by name because its number differs between images. It
// returns nil if nothing needs it.
func (i *Injector) fixOwnership(s *settings) *corev1.Container {
	if !i.cfg.Persistence.FixOwnership {
		return nil
	}
	script := `chown pcp:pcp "$@" && chmod 2775 "$@"`
	c := &corev1.Container{
		Name:            InitContainerName,
		Image:           i.cfg.Container.Image,
		ImagePullPolicy: i.cfg.Container.ImagePullPolicy,
		Command:         []string{"/bin/sh", "-c", script, InitContainerName},
		Resources:       i.resources(s),
		SecurityContext: rootContext(),
	}
	for _, d := range i.dataVolumes(s) {
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

// probes watch one service: pmcd if it runs, otherwise pmproxy. They cannot watch two, because systemctl is-active A B succeeds when either
// is active.
func (i *Injector) probes(s *settings) (startup, liveness, readiness *corev1.Probe) {
	watched := s.services[0]
	for _, service := range []config.Service{config.ServicePMProxy, config.ServicePMCD} {
		if s.runs(service) {
			watched = service
		}
	}
	active := corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"systemctl", "is-active", "--quiet", string(watched)}}}
	overrides := i.cfg.Container.Probes
	startup = s.override(overrides.Startup, corev1.Probe{ProbeHandler: active, PeriodSeconds: 2, TimeoutSeconds: 5, FailureThreshold: 60})
	liveness = s.override(overrides.Liveness, corev1.Probe{ProbeHandler: active, PeriodSeconds: 10, TimeoutSeconds: 5, FailureThreshold: 3})
	readiness = s.override(overrides.Readiness, corev1.Probe{ProbeHandler: ready(watched, active, s.variant), PeriodSeconds: 10, TimeoutSeconds: 5, FailureThreshold: 3})
	return startup, liveness, readiness
}

// ready asks the service's port if the kubelet can reach it and nobody else can hold it: on the node's network, another pmcd or pmproxy may
// answer. Otherwise it asks pmcd on its local socket: unix:, because local: falls back to the port
// (https://man7.org/linux/man-pages/man1/pcpintro.1.html).
func ready(watched config.Service, active corev1.ProbeHandler, v variant) corev1.ProbeHandler {
	open := !v.hostNetwork && !v.onLoopback
	switch {
	case watched == config.ServicePMCD && !open:
		return corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"pminfo", "-h", "unix:", "-f", "pmcd.version"}}}
	case watched == config.ServicePMCD:
		return tcp(PortPMCD)
	case watched == config.ServicePMProxy && open:
		return tcp(PortPMProxy)
	}
	return active
}

func tcp(port int32) corev1.ProbeHandler {
	return corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(port)}}
}

// override replaces fields of the default with those that the administrator set. It ignores a handler that asks a service that the pod does
// not run or the kubelet cannot reach, because the container would never become ready.
func (s *settings) override(o config.Probe, probe corev1.Probe) *corev1.Probe {
	if o.Disabled {
		return nil
	}
	if o.ProbeHandler != (corev1.ProbeHandler{}) && s.answers(o.ProbeHandler) {
		probe.ProbeHandler = o.ProbeHandler
	}
	for _, number := range []struct{ field, value *int32 }{
		{&probe.InitialDelaySeconds, &o.InitialDelaySeconds},
		{&probe.TimeoutSeconds, &o.TimeoutSeconds},
		{&probe.PeriodSeconds, &o.PeriodSeconds},
		{&probe.SuccessThreshold, &o.SuccessThreshold},
		{&probe.FailureThreshold, &o.FailureThreshold},
	} {
		if *number.value != 0 {
			*number.field = *number.value
		}
	}
	if o.TerminationGracePeriodSeconds != nil {
		probe.TerminationGracePeriodSeconds = o.TerminationGracePeriodSeconds
	}
	return &probe
}

// answers reports whether the kubelet can reach the service that a handler asks.
func (s *settings) answers(h corev1.ProbeHandler) bool {
	service, asks := config.AskedService(h)
	return !asks || s.runs(service) && !s.onLoopback
}
