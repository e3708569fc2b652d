package mutate

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// probes follow the services: what does not run is not probed. They watch one service, since systemctl is-active A B
// succeeds when either is active: pmcd where it runs, else the first of the others.
func (i *Injector) probes(w *wish) (startup, liveness, readiness *corev1.Probe) {
	watched := w.services[0]
	for _, service := range []config.Service{config.ServicePMProxy, config.ServicePMCD} {
		if w.runs(service) {
			watched = service
		}
	}
	active := corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"systemctl", "is-active", "--quiet", string(watched)}}}
	overrides := i.cfg.Container.Probes
	startup = w.override(overrides.Startup, corev1.Probe{ProbeHandler: active, PeriodSeconds: 2, TimeoutSeconds: 5, FailureThreshold: 60})
	liveness = w.override(overrides.Liveness, corev1.Probe{ProbeHandler: active, PeriodSeconds: 10, TimeoutSeconds: 5, FailureThreshold: 3})
	readiness = w.override(overrides.Readiness, corev1.Probe{ProbeHandler: ready(watched, active, w.shape), PeriodSeconds: 10, TimeoutSeconds: 5, FailureThreshold: 3})
	return startup, liveness, readiness
}

// ready asks the service's port, where the kubelet reaches it and nobody else can hold it: with the node's network another pmcd
// or pmproxy may answer in our stead. Elsewhere pmcd is asked on its own socket: unix:, since local: falls back to the port
// (https://man7.org/linux/man-pages/man1/pcpintro.1.html).
func ready(watched config.Service, active corev1.ProbeHandler, s shape) corev1.ProbeHandler {
	open := !s.hostNetwork && !s.onLoopback
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

// override puts the fields that the administrator set in place of the default's. A handler that asks a service which the
// pod has left out, or which the kubelet does not reach, does not count: the container would never become ready.
func (w *wish) override(o config.Probe, probe corev1.Probe) *corev1.Probe {
	if o.Disabled {
		return nil
	}
	if o.ProbeHandler != (corev1.ProbeHandler{}) && w.answers(o.ProbeHandler) {
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

// answers tells whether the kubelet reaches the service whose port a handler asks.
func (w *wish) answers(h corev1.ProbeHandler) bool {
	service, asks := config.AskedService(h)
	return !asks || w.runs(service) && !w.onLoopback
}
