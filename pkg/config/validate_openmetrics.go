package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func (o *OpenMetrics) validate(path *field.Path) field.ErrorList {
	errs := checkOptionalName(path.Child("pmlogconfConfigMapName"), o.PmlogconfConfigMapName, validation.IsDNS1123Subdomain)
	errs = append(errs, checkOptionalName(path.Child("secretName"), o.SecretName, validation.IsDNS1123Subdomain)...)
	if !o.Enabled {
		errs = append(errs, checkOptionalName(path.Child("configMapName"), o.ConfigMapName, validation.IsDNS1123Subdomain)...)
		return append(errs, o.validateDisabled(path)...)
	}
	errs = append(errs, checkName(path.Child("configMapName"), o.ConfigMapName, validation.IsDNS1123Subdomain)...)
	if o.ConfigMapName != "" && o.ConfigMapName == o.PmlogconfConfigMapName {
		errs = append(errs, field.Invalid(path.Child("pmlogconfConfigMapName"), o.PmlogconfConfigMapName,
			"is openMetrics.configMapName too: they need one each"))
	}
	return append(errs, validateEndpoints(path.Child("endpoints"), o.Endpoints)...)
}

func (o *OpenMetrics) validateDisabled(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(o.Endpoints) > 0 {
		errs = append(errs, field.Forbidden(path.Child("endpoints"), "needs openMetrics.enabled: nothing reads them without it"))
	}
	if o.Discover {
		errs = append(errs, field.Forbidden(path.Child("discover"), "needs openMetrics.enabled: nothing reads the sources without it"))
	}
	return errs
}

func validateEndpoints(path *field.Path, endpoints map[string]Endpoint) field.ErrorList {
	var errs field.ErrorList
	first := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(endpoints)) {
		item := path.Key(name)
		errs = append(errs, endpoints[name].validate(item)...)
		clean, err := SourceName(name)
		if err != nil {
			errs = append(errs, field.Invalid(item, name, err.Error()))
			continue
		}
		if other, taken := first[clean]; taken {
			errs = append(errs, field.Invalid(item, name, fmt.Sprintf("is the same as %q to the agent, which knows both as %q: rename one", other, clean)))
			continue
		}
		first[clean] = name
	}
	return errs
}

// validate checks one endpoint. Its errors never show the value of a header, nor what of a URL may be secret.
func (e Endpoint) validate(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if err := checkURL(e.URL, Administrator); err != nil && e.URL == "" {
		errs = append(errs, field.Required(path.Child("url"), err.Error()))
	} else if err != nil {
		errs = append(errs, field.Invalid(path.Child("url"), redactURL(e.URL), err.Error()))
	}
	first := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		item := path.Child("headers").Key(name)
		if err := checkHeader(name, e.Headers[name]); err != nil {
			errs = append(errs, field.Invalid(item, field.OmitValueType{}, err.Error()))
		}
		if other, taken := first[strings.ToLower(name)]; taken {
			errs = append(errs, field.Invalid(item, field.OmitValueType{}, fmt.Sprintf("is the same header as %q: remove one", other)))
		}
		first[strings.ToLower(name)] = name
	}
	for n, filter := range e.Filters {
		if err := checkFilterText(filter); err != nil {
			errs = append(errs, field.Invalid(path.Child("filters").Index(n), filter, err.Error()))
		}
	}
	return errs
}
