package config

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

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

// compare compares a request with its limit.
func (r *Resources) compare(path *field.Path, name corev1.ResourceName) field.ErrorList {
	request := r.Requests[name]
	limit, limited := r.Limits[name]
	switch {
	case limited && request.Cmp(limit) > 0:
		return field.ErrorList{field.Invalid(path, request.String(), "must not be more than the limit, "+limit.String())}
	case !overcommits(name) && (!limited || request.Cmp(limit) != 0):
		return field.ErrorList{field.Invalid(path, request.String(), "cannot be overcommitted: the limit must be the same")}
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

// checkAmount finds the classic mistakes, 100m of memory (a tenth of a byte) among them.
func checkAmount(name corev1.ResourceName, amount resource.Quantity) string {
	switch {
	case amount.Sign() < 0:
		return "must not be negative"
	case name == corev1.ResourceCPU:
		return ""
	case amount.Cmp(*resource.NewQuantity(amount.Value(), amount.Format)) != 0: // Value rounds up
		return "must be a whole number: m is for thousandths, Mi for mebibytes"
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
