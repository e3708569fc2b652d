package config

import (
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func (c *Container) validate(path *field.Path) field.ErrorList {
	errs := validateImage(path.Child("image"), c.Image)
	errs = append(errs, oneOf(path.Child("imagePullPolicy"), c.ImagePullPolicy, corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever)...)
	errs = append(errs, oneOf(path.Child("placement"), c.Placement, PlacementAuto, PlacementContainer, PlacementNativeSidecar)...)
	errs = append(errs, oneOf(path.Child("listen"), c.Listen, ListenAuto, ListenAllAddresses, ListenLoopback)...)
	errs = append(errs, c.Resources.validate(path.Child("resources"))...)
	errs = append(errs, c.validateServices(path.Child("services"))...)
	errs = append(errs, c.validateAgents(path.Child("domainAgents"))...)
	errs = append(errs, c.validateKeyServers(path.Child("keyServers"))...)
	errs = append(errs, c.validateProbes(path.Child("probes"))...)
	return append(errs, validateEnv(path.Child("env"), c.Env)...)
}

func validateImage(path *field.Path, image string) field.ErrorList {
	if image == "" {
		return field.ErrorList{field.Required(path, "must be an image reference, e.g. "+DefaultImage)}
	}
	if _, err := reference.ParseNormalizedNamed(image); err != nil {
		return field.ErrorList{field.Invalid(path, image, "must be an image reference, e.g. "+DefaultImage+": "+err.Error())}
	}
	return nil
}

// CheckServices finds what is wrong with a choice of services, which pods may also make by annotation.
func CheckServices(path *field.Path, services []Service) field.ErrorList {
	if len(services) == 0 {
		return field.ErrorList{field.Required(path, "must name at least one of pmcd, pmie, pmlogger and pmproxy")}
	}
	errs := eachOneOf(path, services, Services)
	for _, service := range []Service{ServicePMIE, ServicePMLogger} {
		if n := slices.Index(services, service); n >= 0 && !slices.Contains(services, ServicePMCD) {
			errs = append(errs, field.Invalid(path.Index(n), service, "needs pmcd, which the image masks unless it is listed: add pmcd"))
		}
	}
	return errs
}

func (c *Container) validateServices(path *field.Path) field.ErrorList {
	return CheckServices(path, c.Services)
}

// runs tells whether a service is among those that run.
func (c *Container) runs(service Service) bool {
	return slices.Contains(c.Services, service)
}

var agentName = regexp.MustCompile(`^[a-z0-9_]+$`)

// CheckDomainAgents finds what is wrong with names of agents, which pods may also give by annotation.
func CheckDomainAgents(path *field.Path, agents []string) field.ErrorList {
	var errs field.ErrorList
	for n, agent := range agents {
		if !agentName.MatchString(agent) {
			errs = append(errs, field.Invalid(path.Index(n), agent, "must be the name of an agent: lower-case letters, digits and _"))
		}
	}
	return append(errs, duplicates(path, agents)...)
}

func (c *Container) validateAgents(path *field.Path) field.ErrorList {
	errs := CheckDomainAgents(path, c.DomainAgents)
	if len(c.DomainAgents) > 0 && !c.runs(ServicePMCD) {
		errs = append(errs, field.Forbidden(path, "agents are started by pmcd: add pmcd to container.services, or remove them"))
	}
	return errs
}

func (c *Container) validateKeyServers(path *field.Path) field.ErrorList {
	if len(c.KeyServers) == 0 {
		return field.ErrorList{field.Required(path, "must name at least one host:port: remove the key for the default, localhost:6379")}
	}
	var errs field.ErrorList
	for n, server := range c.KeyServers {
		if !isHostPort(server) {
			errs = append(errs, field.Invalid(path.Index(n), server, "must be host:port, e.g. localhost:6379"))
		}
	}
	return append(errs, duplicates(path, c.KeyServers)...)
}

// isHostPort is strict, since the image writes the text into pmproxy's configuration file as it stands.
func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	number, err := strconv.Atoi(port)
	if err != nil || strconv.Itoa(number) != port || len(validation.IsValidPortNum(number)) > 0 {
		return false
	}
	_, err = netip.ParseAddr(host)
	return err == nil || len(validation.IsDNS1123Subdomain(host)) == 0
}
