package check

import (
	"fmt"
	"hash/fnv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

// rights are the rights that the user lacks.
func (i *inspection) rights() *gate.Report {
	user := i.User.Value.Username
	report := &gate.Report{Subject: "Rights of " + user}
	if user == "" {
		report.Subject = "Your rights"
	}
	for _, right := range i.Missing() {
		report.Gates = append(report.Gates, gate.Gate{
			Name: "right", Result: gate.Unknown, Evidence: "you may not " + right.String(),
			Remedy: grant(&right, user),
		})
	}
	return report
}

// grant grants a right. Its role has its own name, so one right of a user does not get in the way of another.
func grant(right *snapshot.Right, user string) *remedy.Remedy {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(user + strings.Join(right.Verbs, ",")))
	role := fmt.Sprintf("pcp-check-%s-%08x", strings.NewReplacer("/", "-", ".", "-").Replace(right.Resource), hash.Sum32())
	resource := right.Resource
	if right.Group != "" {
		resource += "." + right.Group
	}
	values := []remedy.Value{
		remedy.Role.Is(role), remedy.Verbs.Is(strings.Join(right.Verbs, ",")), remedy.Resource.Is(resource), remedy.InNamespace.Is(right.Namespace), remedy.User.Is(user),
	}
	switch {
	case right.Group == injections.Group:
		return remedy.GrantOwnVerb.With(values...)
	case right.Namespace == "":
		return remedy.GrantInCluster.With(values...)
	default:
		return remedy.GrantInNamespace.With(values...)
	}
}

// injections is the resource of the guard's own verbs.
var injections = schema.GroupResource{Group: "pcp.io", Resource: "injections"}
