package config

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func (c *Container) validate(path *field.Path) field.ErrorList {
	errs := validateImage(path.Child("image"), c.Image)
	errs = append(errs, oneOf(path.Child("imagePullPolicy"), c.ImagePullPolicy, corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever)...)
	errs = append(errs, oneOf(path.Child("placement"), c.Placement, PlacementAuto, PlacementContainer, PlacementNativeSidecar)...)
	errs = append(errs, oneOf(path.Child("listen"), c.Listen, ListenAuto, ListenAllAddresses, ListenLoopback)...)
	errs = append(errs, c.Resources.validate(path.Child("resources"))...)
	errs = append(errs, c.validateReceiver(path)...)
	errs = append(errs, c.validateServices(path.Child("services"))...)
	errs = append(errs, c.validateAgents(path.Child("domainAgents"))...)
	errs = append(errs, c.validateKeyServers(path.Child("keyServers"))...)
	errs = append(errs, c.validateProbes(path.Child("probes"))...)
	return append(errs, validateEnv(path.Child("env"), c.Env)...)
}

// ImageMoves reports whether the same name may mean another image tomorrow: it has no digest, and no tag other than latest.
func (c *Container) ImageMoves() bool {
	tag, digest := c.imageTag()
	return !digest && (tag == "" || tag == "latest")
}

// imageTag is the tag of the image, which may be empty, and whether there is a digest too.
func (c *Container) imageTag() (tag string, digest bool) {
	name := c.Image[strings.LastIndexByte(c.Image, '/')+1:] // before it, a colon separates the registry's port
	name, _, digest = strings.Cut(name, "@")
	_, tag, _ = strings.Cut(name, ":")
	return tag, digest
}

// release is how a version of PCP begins, or the tag of an image of it. 7 alone moves to the newest release of its own.
var release = regexp.MustCompile(`^v?(\d{1,4})\.(\d{1,4})([.+_-].*)?$`)

// CheckReceiver finds that pmproxy of this version must not accept archives, although the configuration lets it. Until 7.2.0, whoever pushes
// chooses the folder, by the host name in an archive's label. What shows no version is not refused.
func (c *Container) CheckReceiver(version string) error {
	parts := release.FindStringSubmatch(version)
	if parts == nil || !c.AcceptArchives && !c.AcceptWrites {
		return nil
	}
	major, _ := strconv.Atoi(parts[1]) // four digits at most
	minor, _ := strconv.Atoi(parts[2])
	writesOnly := !c.AcceptArchives && major < 7 // without /logger
	switch {
	case major > 7 || major == 7 && minor >= 2 || writesOnly:
		return nil
	case major < 7:
		return fmt.Errorf("needs PCP 7.2.0 or later: PCP %s cannot accept archives", version)
	}
	return fmt.Errorf("needs PCP 7.2.0 or later: in PCP %s, whoever pushes archives can write outside pmproxy's folder", version)
}

func (c *Container) validateReceiver(path *field.Path) field.ErrorList {
	tag, _ := c.imageTag()
	err := c.CheckReceiver(tag)
	switch {
	case err == nil:
		return nil
	case c.AcceptArchives:
		return field.ErrorList{field.Invalid(path.Child("acceptArchives"), true, err.Error()+": state a newer container.image")}
	}
	return field.ErrorList{field.Invalid(path.Child("acceptWrites"), true, err.Error()+": state a newer container.image")}
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

// CheckServices finds what is wrong with a list of services. Pods may set one by annotation, too.
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

// runs reports whether a service is among those that run.
func (c *Container) runs(service Service) bool {
	return slices.Contains(c.Services, service)
}

var agentName = regexp.MustCompile(`^[a-z0-9_]+$`)

// CheckDomainAgents finds what is wrong with names of agents. Pods may add some by annotation, too.
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
		errs = append(errs, field.Forbidden(path, "pmcd starts the agents: add pmcd to container.services, or remove them"))
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

// isHostPort is strict, because the image writes the text into pmproxy's configuration file as it is.
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

// reservedEnv are the variables that the injector sets, and what to use instead.
var reservedEnv = map[string]string{
	"PCP_SERVICES":              "use container.services",
	"PCP_DOMAIN_AGENTS":         "use container.domainAgents",
	"KEY_SERVERS":               "use container.keyServers",
	"HOST_MOUNT":                "use hostMonitoring, because PCP monitors nothing without the mount",
	"PCP_FILES":                 "use container.files",
	"PCP_OPENMETRICS_INTERVALS": "use openMetrics.intervals",
	"PCP_PUSH_URL":              "use push.url",
	"PCP_PMIE_STOCK_RULES":      "use pmie.stockRules",
	"PCP_PMIE_WEBHOOK":          "use pmie.webhook",
	"PMLOGGER_INTERVAL":         "use persistence.pmlogger.interval",
	"ARCHIVES_KIB":              "use persistence.pmlogger.maxSize",
	"ARCHIVES_DAYS":             "use persistence.pmlogger.retention",
	"ARCHIVES_SHARED":           "it follows from persistence.pmlogger.type and target.kind",
	"container":                 "it is always oci, because otherwise systemd uses the node's swap and loop devices",
}

func validateEnv(path *field.Path, env []corev1.EnvVar) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	for n, variable := range env {
		item := path.Index(n)
		errs = append(errs, checkName(item.Child("name"), variable.Name, validation.IsEnvVarName)...)
		if remedy, reserved := reservedEnv[variable.Name]; reserved {
			errs = append(errs, field.Invalid(item.Child("name"), variable.Name, "is set by the injector: "+remedy))
		}
		if seen[variable.Name] {
			errs = append(errs, field.Duplicate(item.Child("name"), variable.Name))
		}
		seen[variable.Name] = true
		errs = append(errs, validateValueFrom(item, variable)...)
	}
	return errs
}

// envField matches the fields that the API server accepts (https://kubernetes.io/docs/concepts/workloads/pods/downward-api/), except labels
// and annotations that others may change in a running pod: the container reads them again when it restarts. The guard's live-pod keeps
// those of PCP as they are.
var envField = regexp.MustCompile(`^(metadata\.(name|namespace|uid|annotations\['(openmetrics\.)?pcp\.io/[^']+'\])|spec\.(nodeName|serviceAccountName)|status\.(hostIPs?|podIPs?))$`)

func validateValueFrom(path *field.Path, variable corev1.EnvVar) field.ErrorList {
	from := variable.ValueFrom
	if from == nil {
		return nil
	}
	if variable.Value != "" {
		return field.ErrorList{field.Forbidden(path.Child("valueFrom"), "must not be used together with value")}
	}
	given, missing := 0, ""
	if ref := from.FieldRef; ref != nil {
		given, missing = given+1, cmp.Or(missing, require("fieldRef.fieldPath", ref.FieldPath))
	}
	if ref := from.ResourceFieldRef; ref != nil {
		given, missing = given+1, cmp.Or(missing, require("resourceFieldRef.resource", ref.Resource))
	}
	if ref := from.ConfigMapKeyRef; ref != nil {
		given, missing = given+1, cmp.Or(missing, require("configMapKeyRef.name", ref.Name), require("configMapKeyRef.key", ref.Key))
	}
	if ref := from.SecretKeyRef; ref != nil {
		given, missing = given+1, cmp.Or(missing, require("secretKeyRef.name", ref.Name), require("secretKeyRef.key", ref.Key))
	}
	if ref := from.FieldRef; ref != nil && ref.FieldPath != "" && !envField.MatchString(ref.FieldPath) {
		return field.ErrorList{field.Invalid(path.Child("valueFrom", "fieldRef", "fieldPath"), ref.FieldPath,
			"must be a field that nobody can change in a running pod: metadata.name, metadata.namespace, metadata.uid, metadata.annotations['<key>'] with a key under pcp.io/ or openmetrics.pcp.io/, spec.nodeName, spec.serviceAccountName, status.hostIP, status.hostIPs, status.podIP or status.podIPs; write other labels and annotations out as value")}
	}
	switch {
	case from.FileKeyRef != nil:
		return field.ErrorList{field.Forbidden(path.Child("valueFrom", "fileKeyRef"), "needs a volume of the pod, which the configuration cannot define")}
	case given != 1:
		return field.ErrorList{field.Invalid(path.Child("valueFrom"), field.OmitValueType{},
			"must have one of fieldRef, resourceFieldRef, configMapKeyRef and secretKeyRef")}
	case missing != "":
		return field.ErrorList{field.Required(path.Child("valueFrom", missing), "must not be empty")}
	}
	return nil
}

// require returns the key if its value is empty.
func require(key, value string) string {
	if value == "" {
		return key
	}
	return ""
}

func (r *Resources) validate(path *field.Path) field.ErrorList {
	errs := validateAmounts(path.Child("requests"), r.Requests)
	errs = append(errs, validateAmounts(path.Child("limits"), r.Limits)...)
	for _, name := range slices.Sorted(maps.Keys(r.Requests)) {
		if !isContainerResource(name) {
			continue
		}
		errs = append(errs, r.compare(path.Child("requests").Key(string(name)), name)...)
	}
	return errs
}

func (r *Resources) compare(path *field.Path, name corev1.ResourceName) field.ErrorList {
	request := r.Requests[name]
	limit, limited := r.Limits[name]
	switch {
	case limited && request.Cmp(limit) > 0:
		return field.ErrorList{field.Invalid(path, request.String(), "must not be more than the limit, "+limit.String())}
	case !overcommits(name) && (!limited || request.Cmp(limit) != 0):
		return field.ErrorList{field.Invalid(path, request.String(), "cannot be overcommitted: must be equal to the limit")}
	}
	return nil
}

func validateAmounts(path *field.Path, amounts corev1.ResourceList) field.ErrorList {
	var errs field.ErrorList
	for _, name := range slices.Sorted(maps.Keys(amounts)) {
		item := path.Key(string(name))
		if !isContainerResource(name) {
			errs = append(errs, field.Invalid(item, string(name),
				"must be cpu, memory, ephemeral-storage, hugepages-<size> or an extended resource such as example.com/device"))
		}
		if detail := checkAmount(name, amounts[name]); detail != "" {
			amount := amounts[name]
			errs = append(errs, field.Invalid(item, amount.String(), detail))
		}
	}
	return errs
}

// checkAmount finds the classic mistakes, including 100m of memory (a tenth of a byte).
func checkAmount(name corev1.ResourceName, amount resource.Quantity) string {
	switch {
	case amount.Sign() < 0:
		return "must not be negative"
	case name == corev1.ResourceCPU:
		return ""
	case amount.Cmp(*resource.NewQuantity(amount.Value(), amount.Format)) != 0: // Value rounds up
		return "must be a whole number: m means thousandths, Mi mebibytes"
	}
	return ""
}

func overcommits(name corev1.ResourceName) bool {
	return name == corev1.ResourceCPU || name == corev1.ResourceMemory || name == corev1.ResourceEphemeralStorage
}

func isContainerResource(name corev1.ResourceName) bool {
	if overcommits(name) {
		return true
	}
	if size, huge := strings.CutPrefix(string(name), corev1.ResourceHugePagesPrefix); huge {
		_, err := resource.ParseQuantity(size)
		return err == nil
	}
	domain, _, extended := strings.Cut(string(name), "/")
	return extended && domain != "kubernetes.io" && !strings.HasSuffix(domain, ".kubernetes.io") &&
		!strings.HasPrefix(string(name), "requests.") && len(validation.IsQualifiedName(string(name))) == 0
}
