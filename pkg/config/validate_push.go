package config

import (
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// pushURL allows no character with a special meaning in a systemd unit, because the step push.sh writes the URL into one.
var pushURL = regexp.MustCompile(`^http://[A-Za-z0-9.:\[\]-]+$`)

func (c *InjectorConfig) validatePush(path *field.Path) field.ErrorList {
	url := c.Push.URL
	if url == "" {
		return nil
	}
	var errs field.ErrorList
	if !pushURL.MatchString(url) || !isHostPort(strings.TrimPrefix(url, "http://")) {
		errs = append(errs, field.Invalid(path.Child("url"), redactURL(url), "must be http://<host>:<port> of a pmproxy, without a path, e.g. http://collector.monitoring.svc:44322"))
	}
	if !c.Container.runs(ServicePMLogger) {
		errs = append(errs, field.Forbidden(path.Child("url"), "needs pmlogger: add it to container.services, or remove this"))
	}
	return errs
}
