package config

import (
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func (c *Container) validateProbes(path *field.Path) field.ErrorList {
	errs := c.validateProbe(path.Child("startup"), &c.Probes.Startup)
	errs = append(errs, c.validateProbe(path.Child("liveness"), &c.Probes.Liveness)...)
	errs = append(errs, c.validateProbe(path.Child("readiness"), &c.Probes.Readiness)...)
	errs = append(errs, onlyOneSuccess(path.Child("startup"), &c.Probes.Startup)...)
	errs = append(errs, onlyOneSuccess(path.Child("liveness"), &c.Probes.Liveness)...)
	if c.Probes.Readiness.TerminationGracePeriodSeconds != nil {
		errs = append(errs, field.Forbidden(path.Child("readiness", "terminationGracePeriodSeconds"),
			"a readiness probe terminates nothing: set it on startup or liveness"))
	}
	return errs
}

// validateReach refuses probes of ports on the loopback address alone, which the kubelet cannot reach.
func (c *InjectorConfig) validateReach(path *field.Path) field.ErrorList {
	if !c.Container.Listen.OnLoopback(c.HostMonitoring.Enabled && c.HostMonitoring.HostNetwork) {
		return nil
	}
	probes := &c.Container.Probes
	var errs field.ErrorList
	for _, probe := range []struct {
		name    string
		handler corev1.ProbeHandler
	}{{"startup", probes.Startup.ProbeHandler}, {"liveness", probes.Liveness.ProbeHandler}, {"readiness", probes.Readiness.ProbeHandler}} {
		if service, asks := AskedService(probe.handler); asks {
			errs = append(errs, field.Forbidden(path.Child(probe.name), fmt.Sprintf("uses the port of %s, which is on the loopback address only, where the kubelet's "+
				"probes cannot reach it: use exec, remove it, or set container.listen to %s", service, ListenAllAddresses)))
		}
	}
	return errs
}

// AskedService returns the service whose port a probe asks, if it is one of PCP's.
func AskedService(handler corev1.ProbeHandler) (service Service, asks bool) {
	var port intstr.IntOrString
	switch {
	case handler.HTTPGet != nil:
		port = handler.HTTPGet.Port
	case handler.TCPSocket != nil:
		port = handler.TCPSocket.Port
	case handler.GRPC != nil:
		port = intstr.FromInt32(handler.GRPC.Port)
	}
	switch port.String() {
	case string(ServicePMCD), strconv.Itoa(PortPMCD):
		return ServicePMCD, true
	case string(ServicePMProxy), strconv.Itoa(PortPMProxy), strconv.Itoa(PortPMProxyTLS):
		return ServicePMProxy, true
	}
	return "", false
}

// onlyOneSuccess is Kubernetes' rule for startup and liveness probes.
func onlyOneSuccess(path *field.Path, probe *Probe) field.ErrorList {
	if probe.SuccessThreshold <= 1 {
		return nil
	}
	return field.ErrorList{field.Invalid(path.Child("successThreshold"), probe.SuccessThreshold, "must be 1: only readiness can need more")}
}

func (c *Container) validateProbe(path *field.Path, probe *Probe) field.ErrorList {
	if probe.Disabled && !reflect.ValueOf(probe.Probe).IsZero() {
		return field.ErrorList{field.Forbidden(path.Child("disabled"), "must not be used together with other fields of the probe")}
	}
	errs := validateTimings(path, &probe.Probe)
	return append(errs, c.validateHandler(path, &probe.ProbeHandler)...)
}

func validateTimings(path *field.Path, probe *corev1.Probe) field.ErrorList {
	var errs field.ErrorList
	for _, timing := range []struct {
		key   string
		value int32
	}{
		{"initialDelaySeconds", probe.InitialDelaySeconds},
		{"timeoutSeconds", probe.TimeoutSeconds},
		{"periodSeconds", probe.PeriodSeconds},
		{"successThreshold", probe.SuccessThreshold},
		{"failureThreshold", probe.FailureThreshold},
	} {
		if timing.value < 0 {
			errs = append(errs, field.Invalid(path.Child(timing.key), timing.value, "must not be negative"))
		}
	}
	if grace := probe.TerminationGracePeriodSeconds; grace != nil && *grace < 1 {
		errs = append(errs, field.Invalid(path.Child("terminationGracePeriodSeconds"), *grace, "must be at least 1"))
	}
	return errs
}

func (c *Container) validateHandler(path *field.Path, handler *corev1.ProbeHandler) field.ErrorList {
	var errs field.ErrorList
	var given []string
	if handler.Exec != nil {
		given = append(given, "exec")
		errs = append(errs, validateCommand(path.Child("exec", "command"), handler.Exec.Command)...)
	}
	if handler.HTTPGet != nil {
		given = append(given, "httpGet")
		errs = append(errs, c.validateHTTPGet(path.Child("httpGet"), handler.HTTPGet)...)
	}
	if handler.TCPSocket != nil {
		given = append(given, "tcpSocket")
		errs = append(errs, c.validatePort(path.Child("tcpSocket", "port"), handler.TCPSocket.Port)...)
	}
	if handler.GRPC != nil {
		given = append(given, "grpc")
		errs = append(errs, c.validatePort(path.Child("grpc", "port"), intstr.FromInt32(handler.GRPC.Port))...)
	}
	if len(given) > 1 {
		errs = append(errs, field.Forbidden(path, "has more than one handler: keep one of "+strings.Join(given, ", ")))
	}
	return errs
}

func validateCommand(path *field.Path, command []string) field.ErrorList {
	if len(command) == 0 || command[0] == "" {
		return field.ErrorList{field.Required(path, "must be a command and its arguments, e.g. [systemctl, is-active, pmcd]")}
	}
	return nil
}

func (c *Container) validateHTTPGet(path *field.Path, get *corev1.HTTPGetAction) field.ErrorList {
	errs := c.validatePort(path.Child("port"), get.Port)
	if get.Scheme != "" {
		errs = append(errs, oneOf(path.Child("scheme"), get.Scheme, corev1.URISchemeHTTP, corev1.URISchemeHTTPS)...)
	}
	// Without names, pmproxy answers with all metrics: 1.2 MB that take 2.5 s to make.
	target, err := url.Parse(get.Path)
	switch {
	case err != nil || get.Path != "" && !strings.HasPrefix(get.Path, "/"):
		errs = append(errs, field.Invalid(path.Child("path"), get.Path, "must be a path that starts with /"))
	case strings.TrimRight(target.Path, "/") == "/metrics" && target.Query().Get("names") == "":
		errs = append(errs, field.Invalid(path.Child("path"), get.Path,
			"returns every metric, which takes seconds: use /metrics?names=kernel.all.load"))
	}
	for n, header := range get.HTTPHeaders {
		if err := checkHeader(header.Name, header.Value); err != nil {
			errs = append(errs, field.Invalid(path.Child("httpHeaders").Index(n), field.OmitValueType{}, err.Error()))
		}
	}
	return errs
}

// validatePort refuses the ports of services that do not run.
func (c *Container) validatePort(path *field.Path, port intstr.IntOrString) field.ErrorList {
	owner := Service(port.StrVal)
	if port.Type == intstr.Int {
		owner = map[int32]Service{PortPMCD: ServicePMCD, PortPMProxy: ServicePMProxy}[port.IntVal]
		if len(validation.IsValidPortNum(int(port.IntVal))) > 0 {
			return field.ErrorList{field.Invalid(path, port.IntVal, "must be between 1 and 65535")}
		}
	} else if owner != ServicePMCD && owner != ServicePMProxy {
		return field.ErrorList{field.NotSupported(path, port.StrVal, []Service{ServicePMCD, ServicePMProxy})}
	}
	if owner != "" && !c.runs(owner) {
		return field.ErrorList{field.Invalid(path, port.String(), fmt.Sprintf("is the port of %s, which container.services does not run", owner))}
	}
	return nil
}
