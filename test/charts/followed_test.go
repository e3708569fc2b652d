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
var notFollowed = map[string]string{}

// requireFollowed fails if all tests have run, and some remedy has not.
func requireFollowed() error {
	for _, name := range []string{"test.run", "test.skip"} {
		if flag.Lookup(name).Value.String() != "" {
			return nil
		}
	}
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
