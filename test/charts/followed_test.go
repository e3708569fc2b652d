package charts_test

import (
	"flag"
	"fmt"
	"slices"
	"sync"

	"github.com/performancecopilot/pcp-injector/internal/remedy"
)

// followed are the names of the remedies that the tests have followed so far.
var followed struct {
	sync.Mutex

	names []string
}

func recordFollowed(name string) {
	followed.Lock()
	defer followed.Unlock()
	followed.names = append(followed.names, name)
}

// notFollowed are the remedies with commands that no test here follows, and why. The list is closed: with a new remedy comes a test.
var notFollowed = map[string]string{
	"install":                      "TestReadme and TestGettingStarted run this command as the pages have it",
	"uninstall-rival":              "it is helm uninstall, which TestTwoReleases runs for one of two releases",
	"look-at-log":                  withoutKubelet,
	"look-at-pods":                 withoutKubelet,
	"why-not-running":              withoutKubelet,
	"restart-pcp":                  withoutKubelet,
	"restart-agents":               withoutKubelet,
	"restart-logger":               withoutKubelet,
	"list-agents":                  withoutKubelet,
	"heed-policy":                  "it shows a policy, and changes nothing",
	"look-at-issuer":               "it shows an issuer, and changes nothing",
	"look-at-cluster-issuer":       "it shows an issuer, and changes nothing",
	"provide-class":                "it shows storage classes, and changes nothing",
	"look-at-cert-manager":         "it shows pods, and changes nothing",
	"look-at-cert-manager-webhook": "it shows pods, and changes nothing",
	"use-other":                    "it lists releases, and changes nothing",
	"finish-release":               "it shows a release's history, and changes nothing",
	"explain":                      "TestRehearse compares it, and TestExplain runs the verb",
	"explain-file":                 "TestExplainRights runs the verb with a file",
}

const withoutKubelet = "it takes a kubelet, and nothing runs in the pods of a simulated node"

// requireFollowed fails if all tests have run, and some remedy has not.
func requireFollowed() error {
	for _, name := range []string{"test.run", "test.skip"} {
		if flag.Lookup(name).Value.String() != "" {
			return nil
		}
	}
	followed.Lock()
	defer followed.Unlock()
	var problems []string
	for _, template := range remedy.All() {
		done, excused := slices.Contains(followed.names, template.Name()), notFollowed[template.Name()] != ""
		switch {
		case template.Runs() && !done && !excused:
			problems = append(problems, template.Name()+" is followed by no test")
		case excused && (done || !template.Runs()):
			problems = append(problems, template.Name()+" needs no excuse")
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("remedies: %q", problems)
	}
	return nil
}
