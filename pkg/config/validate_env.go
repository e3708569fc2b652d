package config

import (
	"cmp"
	"regexp"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// reservedEnv are the variables that the image's contract knows, and what sets them.
var reservedEnv = map[string]string{
	"PCP_SERVICES":      "use container.services",
	"PCP_DOMAIN_AGENTS": "use container.domainAgents",
	"KEY_SERVERS":       "use container.keyServers",
	"HOST_MOUNT":        "use hostMonitoring, since it monitors nothing without the mount",
	"container":         "it is always oci, without which systemd takes the node's swap and loop devices for its own",
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

// envField matches what the API server takes (https://kubernetes.io/docs/concepts/workloads/pods/downward-api/).
var envField = regexp.MustCompile(`^(metadata\.(name|namespace|uid|(labels|annotations)\['[^']+'\])|spec\.(nodeName|serviceAccountName)|status\.(hostIPs?|podIPs?))$`)

func validateValueFrom(path *field.Path, variable corev1.EnvVar) field.ErrorList {
	source := variable.ValueFrom
	if source == nil {
		return nil
	}
	if variable.Value != "" {
		return field.ErrorList{field.Forbidden(path.Child("valueFrom"), "must not be used together with value")}
	}
	given, missing := 0, ""
	if ref := source.FieldRef; ref != nil {
		given, missing = given+1, cmp.Or(missing, require("fieldRef.fieldPath", ref.FieldPath))
	}
	if ref := source.ResourceFieldRef; ref != nil {
		given, missing = given+1, cmp.Or(missing, require("resourceFieldRef.resource", ref.Resource))
	}
	if ref := source.ConfigMapKeyRef; ref != nil {
		given, missing = given+1, cmp.Or(missing, require("configMapKeyRef.name", ref.Name), require("configMapKeyRef.key", ref.Key))
	}
	if ref := source.SecretKeyRef; ref != nil {
		given, missing = given+1, cmp.Or(missing, require("secretKeyRef.name", ref.Name), require("secretKeyRef.key", ref.Key))
	}
	if ref := source.FieldRef; ref != nil && ref.FieldPath != "" && !envField.MatchString(ref.FieldPath) {
		return field.ErrorList{field.Invalid(path.Child("valueFrom", "fieldRef", "fieldPath"), ref.FieldPath,
			"must be a field that environment variables can have: metadata.name, metadata.namespace, metadata.uid, metadata.labels['<key>'], metadata.annotations['<key>'], spec.nodeName, spec.serviceAccountName, status.hostIP, status.hostIPs, status.podIP or status.podIPs")}
	}
	switch {
	case source.FileKeyRef != nil:
		return field.ErrorList{field.Forbidden(path.Child("valueFrom", "fileKeyRef"), "needs a volume of the pod, which the configuration does not know")}
	case given != 1:
		return field.ErrorList{field.Invalid(path.Child("valueFrom"), field.OmitValueType{},
			"must have one of fieldRef, resourceFieldRef, configMapKeyRef and secretKeyRef")}
	case missing != "":
		return field.ErrorList{field.Required(path.Child("valueFrom", missing), "must not be empty")}
	}
	return nil
}

// require is the key where its value is empty.
func require(key, value string) string {
	if value == "" {
		return key
	}
	return ""
}
