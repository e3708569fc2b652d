package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Validate finds everything that is wrong with a completed configuration.
func (c *InjectorConfig) Validate() field.ErrorList {
	var errs field.ErrorList
	errs = append(errs, oneOf(field.NewPath("apiVersion"), c.APIVersion, APIVersion)...)
	errs = append(errs, oneOf(field.NewPath("kind"), c.Kind, Kind)...)
	errs = append(errs, c.Target.validate(field.NewPath("target"))...)
	errs = append(errs, c.Container.validate(field.NewPath("container"))...)
	errs = append(errs, c.validateFiles(field.NewPath("container", "files"))...)
	errs = append(errs, c.validateReach(field.NewPath("container", "probes"))...)
	errs = append(errs, c.validatePersistence(field.NewPath("persistence"))...)
	errs = append(errs, c.validatePMIE(field.NewPath("pmie"))...)
	errs = append(errs, c.OpenMetrics.validate(field.NewPath("openMetrics"))...)
	errs = append(errs, c.validatePush(field.NewPath("push"))...)
	errs = append(errs, c.HostMonitoring.validate(field.NewPath("hostMonitoring"))...)
	errs = append(errs, eachOneOf(field.NewPath("overrides", "allow"), c.Overrides.Allow, AllOverrides)...)
	return errs
}

var kindPattern = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,62}$`)

func (t *Target) validate(path *field.Path) field.ErrorList {
	errs := checkName(path.Child("namespace"), t.Namespace, validation.IsDNS1123Label)
	errs = append(errs, t.validateKind(path)...)
	errs = append(errs, checkName(path.Child("name"), t.Name, t.nameRule())...)
	return append(errs, t.validateCreators(path.Child("trustedCreators"))...)
}

func (t *Target) validateKind(path *field.Path) field.ErrorList {
	if !kindPattern.MatchString(string(t.Kind)) {
		return field.ErrorList{field.Invalid(path.Child("kind"), t.Kind, "must be the kind of a workload, e.g. "+KindNames())}
	}
	if KnownKind(t.Kind) != nil || len(t.TrustedCreators) > 0 {
		return nil
	}
	detail := fmt.Sprintf("kind %q is not one of %s: list the user name of the controller that creates its pods", t.Kind, KindNames())
	return field.ErrorList{field.Required(path.Child("trustedCreators"), detail)}
}

// nameRule is the rule for names of the workload's kind.
func (t *Target) nameRule() func(string) []string {
	if known := KnownKind(t.Kind); known != nil && known.nameRule != nil {
		return known.nameRule
	}
	return validation.IsDNS1123Subdomain
}

var serviceAccount = regexp.MustCompile(`^system:serviceaccount:[a-z0-9-]+:[a-z0-9.-]+$`)

func (t *Target) validateCreators(path *field.Path) field.ErrorList {
	errs := duplicates(path, t.TrustedCreators)
	for n, user := range t.TrustedCreators {
		switch {
		case user == "" || strings.TrimSpace(user) != user:
			errs = append(errs, field.Invalid(path.Index(n), user, "must be a user name without white space around it"))
		case strings.HasPrefix(user, "system:serviceaccount:") && !serviceAccount.MatchString(user):
			errs = append(errs, field.Invalid(path.Index(n), user, "must be system:serviceaccount:<namespace>:<name>"))
		}
	}
	return errs
}

// checkName checks a required name against a rule of apimachinery.
func checkName(path *field.Path, name string, rule func(string) []string) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, "must not be empty")}
	}
	return checkOptionalName(path, name, rule)
}

func checkOptionalName(path *field.Path, name string, rule func(string) []string) field.ErrorList {
	if name == "" {
		return nil
	}
	var errs field.ErrorList
	for _, detail := range rule(name) {
		errs = append(errs, field.Invalid(path, name, detail))
	}
	return errs
}

func oneOf[T ~string](path *field.Path, value T, allowed ...T) field.ErrorList {
	if slices.Contains(allowed, value) {
		return nil
	}
	return field.ErrorList{field.NotSupported(path, value, allowed)}
}

// eachOneOf checks a list of allowed values without duplicates.
func eachOneOf[T ~string](path *field.Path, values, allowed []T) field.ErrorList {
	var errs field.ErrorList
	for n, value := range values {
		errs = append(errs, oneOf(path.Index(n), value, allowed...)...)
	}
	return append(errs, duplicates(path, values)...)
}

func duplicates[T ~string](path *field.Path, values []T) field.ErrorList {
	var errs field.ErrorList
	seen := map[T]bool{}
	for n, value := range values {
		if seen[value] {
			errs = append(errs, field.Duplicate(path.Index(n), value))
		}
		seen[value] = true
	}
	return errs
}
