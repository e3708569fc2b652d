package config

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The modes that the administrator's files can have, of which ModeReadable is the default. Nobody can write to them anyway.
const (
	ModeReadable     int32 = 0o444
	modeRoot         int32 = 0o400
	modeProgram      int32 = 0o555
	modeRootsProgram int32 = 0o500
)

// fileFolders are the folders of PCP that the administrator's files can be in.
var fileFolders = []string{"/etc/pcp/", "/var/lib/pcp/"}

// taken is a file or folder that the administrator's files cannot use, and what to do instead. The chart pcp has the same list.
type taken struct {
	path, remedy string
}

var (
	takenByPCP = []taken{
		{"/etc/pcp/pmcd/pmcd.conf", "the image and the injector write it: use container.domainAgents and container.acceptWrites"},
		{"/etc/pcp/pmproxy/pmproxy.conf", "the image and the injector write it: use container.keyServers and container.acceptWrites"},
		{"/etc/pcp/pmlogger/control", "it starts the pmlogger that persistence.pmlogger describes: use another file in /etc/pcp/pmlogger/control.d"},
		{"/etc/pcp/pmlogger/control.d/local", "it starts the pmlogger that persistence.pmlogger describes: use another file in /etc/pcp/pmlogger/control.d"},
		{"/etc/pcp/pmie/control.d/rules", "it starts the pmie of pmie.rules: use that, or another file in /etc/pcp/pmie/control.d"},
		{"/var/lib/pcp/config/pmie/config.default", "pmieconf writes it: use pmie.stockRules and pmie.webhook"},
		{"/var/lib/pcp/config/pmda", "PCP's agents write there: use an agent's folder in /etc/pcp"},
		{"/var/lib/pcp/pmns", "PCP writes the names of all metrics there: an agent's are in the agent's own folder in /var/lib/pcp/pmdas"},
		{"/var/lib/pcp/tmp", "PCP writes its temporary files there: use another folder"},
	}
	takenByOpenMetrics = []taken{
		{"/etc/pcp/openmetrics", "nothing reads it, because the sources are in a volume: use openMetrics.endpoints, openMetrics.configMapName or openMetrics.secretName"},
		{"/var/lib/pcp/pmdas/openmetrics/config.d", "the sources are in a volume there: use openMetrics.endpoints, openMetrics.configMapName or openMetrics.secretName"},
		{"/etc/pcp/pmlogconf/openmetrics", "nothing reads it, because the groups are in a volume: use openMetrics.pmlogconfConfigMapName"},
		{"/var/lib/pcp/config/pmlogconf/openmetrics", "the groups are in a volume there: use openMetrics.pmlogconfConfigMapName"},
		{"/etc/pcp/pmlogconf/exporters", "the groups of single sources are there: use openMetrics.intervals"},
		{"/var/lib/pcp/config/pmlogconf/exporters", "the groups of single sources are there: use openMetrics.intervals"},
	}
)

// program matches the programs of an agent, which pmcd runs.
var program = regexp.MustCompile(`^/var/lib/pcp/pmdas/[^/]+/(Install|Remove|Upgrade|pmda[A-Za-z0-9_]+(\.(perl|pl|py|python|sh))?)$`)

func (c *InjectorConfig) validateFiles(at *field.Path) field.ErrorList {
	var errs field.ErrorList
	var sound []int
	for n, file := range c.Container.Files {
		item := at.Index(n)
		if problems := c.validateFilePath(item.Child("path"), file.Path); len(problems) > 0 {
			errs = append(errs, problems...)
		} else {
			errs = append(errs, compareFiles(at, n, sound, c.Container.Files)...)
			sound = append(sound, n)
		}
		errs = append(errs, file.validate(item)...)
		errs = append(errs, file.validateMode(item.Child("mode"))...)
	}
	return errs
}

func (c *InjectorConfig) validateFilePath(at *field.Path, text string) field.ErrorList {
	if errs := checkPath(at, text); len(errs) > 0 {
		return errs
	}
	if !slices.ContainsFunc(fileFolders, func(folder string) bool { return strings.HasPrefix(text, folder) }) {
		return field.ErrorList{field.Invalid(at, text, "must be below /etc/pcp or /var/lib/pcp")}
	}
	list := takenByPCP
	if c.OpenMetrics.Enabled {
		list = slices.Concat(takenByPCP, takenByOpenMetrics)
	}
	for _, other := range list {
		switch {
		case isWithin(text, other.path):
			return field.ErrorList{field.Invalid(at, text, other.remedy)}
		case isWithin(other.path, text):
			return field.ErrorList{field.Invalid(at, text, "must be a file: it is a folder of PCP")}
		}
	}
	return nil
}

// compareFiles refuses two files with the same path, and a file where another one needs a folder.
func compareFiles(at *field.Path, n int, others []int, files []File) field.ErrorList {
	path, text := at.Index(n).Child("path"), files[n].Path
	for _, other := range others {
		switch first := files[other].Path; {
		case text == first:
			return field.ErrorList{field.Duplicate(path, text)}
		case isWithin(text, first), isWithin(first, text):
			return field.ErrorList{field.Invalid(path, text, fmt.Sprintf("must be neither inside nor above the path of %s, %s", at.Index(other), first))}
		}
	}
	return nil
}

func (f *File) validateMode(at *field.Path) field.ErrorList {
	modes := []int32{ModeReadable, modeRoot, modeProgram, modeRootsProgram}
	if !slices.Contains(modes, f.Mode) {
		return field.ErrorList{field.Invalid(at, fmt.Sprintf("%#o", f.Mode), "must be 0444, 0400, 0555 or 0500")}
	}
	if f.Mode&0o111 == 0 && program.MatchString(f.Path) {
		return field.ErrorList{field.Invalid(at, fmt.Sprintf("%#o", f.Mode), fmt.Sprintf("%s is a program of an agent, which could not be executed: use 0555", path.Base(f.Path)))}
	}
	return nil
}

func (s FileSource) validate(at *field.Path) field.ErrorList {
	errs := checkOptionalName(at.Child("configMap"), s.ConfigMap, validation.IsDNS1123Subdomain)
	errs = append(errs, checkOptionalName(at.Child("secret"), s.Secret, validation.IsDNS1123Subdomain)...)
	errs = append(errs, checkOptionalName(at.Child("key"), s.Key, validation.IsConfigMapKey)...)
	switch {
	case !s.IsSet():
		errs = append(errs, field.Required(at.Child("configMap"), "must name a ConfigMap, or set secret to the name of a Secret"))
	case s.ConfigMap != "" && s.Secret != "":
		errs = append(errs, field.Forbidden(at.Child("secret"), "must not be used together with configMap: remove one"))
	}
	return errs
}
