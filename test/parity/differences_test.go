package parity

import (
	"fmt"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// side of a difference.
type side int

const (
	onlyChart side = iota
	onlyInjector
	both
)

// difference is an intended difference between the pods.
type difference struct {
	path   *regexp.Regexp
	side   side
	reason string
}

// differences are all intended ones. Each must occur in some case.
var differences = []difference{
	{
		regexp.MustCompile(`^metadata\.labels\.(app\.kubernetes\.io/(name|instance|managed-by)|team|tier)$`), onlyChart,
		"the pod's own labels: with the injector, its author writes them",
	},
	{
		regexp.MustCompile(`^metadata\.labels\.pcp\.io/injected$`), onlyInjector,
		"the injector did not make the chart's pod, and the injector's Service and NetworkPolicy must not select it",
	},
	{
		regexp.MustCompile(`^metadata\.annotations\.pcp\.io/(inject|status)$`), onlyInjector,
		"request and answer of an injection",
	},
	{
		regexp.MustCompile(`^metadata\.annotations\.(checksum/openmetrics|example\.org/owner)$`), onlyChart,
		"the pod's own annotations, and the one that renews the pod when sources or pmlogconf groups come or go: a webhook cannot",
	},
	{
		regexp.MustCompile(`^spec\.(serviceAccountName|automountServiceAccountToken|terminationGracePeriodSeconds|priorityClassName)$`), onlyChart,
		"the pod's author decides, and the injector keeps to it: it only warns of a short grace period",
	},
	{
		regexp.MustCompile(`^spec\.(imagePullSecrets|nodeSelector|tolerations|affinity)[.\[]`), onlyChart,
		"where and from where the pod runs is its author's choice",
	},
	{
		regexp.MustCompile(`^spec\.(containers|initContainers)\[0\]\.(volumeMounts\[\d\]\.mountPath|command\[\d\])$`), both,
		"persistence.*.mountPath, for images with other folders: the injector mounts where upstream's image writes",
	},
}

// sightings are the differences that occurred.
type sightings struct {
	cases atomic.Int32
	lock  sync.Mutex
	seen  map[*regexp.Regexp]bool
}

func newSightings() *sightings { return &sightings{seen: map[*regexp.Regexp]bool{}} }

// intended reports whether a path may differ.
func (s *sightings) intended(path string, inChart, inInjector bool) bool {
	where := both
	switch {
	case !inInjector:
		where = onlyChart
	case !inChart:
		where = onlyInjector
	}
	n := slices.IndexFunc(differences, func(d difference) bool { return d.side == where && d.path.MatchString(path) })
	if n < 0 {
		return false
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.seen[differences[n].path] = true
	return true
}

// reportUnused finds differences that no longer occur, unless -run skipped cases.
func (s *sightings) reportUnused(t *testing.T) {
	t.Helper()
	if int(s.cases.Load()) < len(cases) {
		return
	}
	for _, d := range differences {
		if !s.seen[d.path] {
			t.Errorf("no case shows the intended difference %s (%s): remove it", d.path, d.reason)
		}
	}
}

// flatten collects the leaves of a value: every scalar, and every empty list or map.
func flatten(flat map[string]any, path string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, child := range value {
			flatten(flat, join(path, key), child)
		}
		if len(value) == 0 {
			flat[path] = "{}"
		}
	case []any:
		for n, child := range value {
			flatten(flat, fmt.Sprintf("%s[%d]", path, n), child)
		}
		if len(value) == 0 {
			flat[path] = "[]"
		}
	default:
		flat[path] = value
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func text(value any, present bool) string {
	if !present {
		return "nothing"
	}
	return fmt.Sprintf("%#v", value)
}
