package config

import (
	"regexp"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var (
	// stockRule is the name of a rule or of a group, see pmieconf(5).
	stockRule = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$`)
	// webhookURL allows no character with a special meaning to pmie, awk or the shell, because pmie_webhook hands the URL to all three
	// (https://github.com/performancecopilot/pcp/blob/main/src/pmie/pmie_webhook.sh). The step pmie-webhook.sh checks the URL of a Secret.
	webhookURL = regexp.MustCompile(`^https?://[A-Za-z0-9._~:/?=@,+-]+$`)
)

func (c *InjectorConfig) validatePMIE(path *field.Path) field.ErrorList {
	p := &c.PMIE
	var errs field.ErrorList
	if p.Rules != (FileSource{}) {
		errs = append(errs, p.Rules.validate(path.Child("rules"))...)
	}
	for n, name := range p.StockRules {
		if !stockRule.MatchString(name) {
			errs = append(errs, field.Invalid(path.Child("stockRules").Index(n), name, "must be the name of a rule of pmieconf, e.g. memory.swap_low"))
		}
	}
	errs = append(errs, duplicates(path.Child("stockRules"), p.StockRules)...)
	if p.Webhook != (Webhook{}) {
		errs = append(errs, p.Webhook.validate(path.Child("webhook"))...)
	}
	if (p.Rules != (FileSource{}) || len(p.StockRules) > 0 || p.Webhook != (Webhook{})) && !c.Container.runs(ServicePMIE) {
		errs = append(errs, field.Forbidden(path, "needs pmie: add it to container.services, or remove this"))
	}
	return errs
}

func (w Webhook) validate(path *field.Path) field.ErrorList {
	errs := checkOptionalName(path.Child("secret"), w.Secret, validation.IsDNS1123Subdomain)
	errs = append(errs, checkOptionalName(path.Child("key"), w.Key, validation.IsConfigMapKey)...)
	switch {
	case !w.IsSet():
		errs = append(errs, field.Required(path.Child("url"), "must be an http or https URL, or set secret to the name of a Secret that contains it"))
	case w.URL != "" && w.Secret != "":
		errs = append(errs, field.Forbidden(path.Child("secret"), "must not be used together with url: remove one"))
	case w.URL != "" && w.Key != "":
		errs = append(errs, field.Forbidden(path.Child("key"), "is the key of a Secret: remove it, or url"))
	case w.URL != "" && !webhookURL.MatchString(w.URL): // Anyone who knows the URL may call it, so the message does not show it.
		errs = append(errs, field.Invalid(path.Child("url"), field.OmitValueType{}, "must be an http or https URL of letters, digits and . _ ~ : / ? = @ , + - because pmie passes it to a shell"))
	}
	return errs
}
