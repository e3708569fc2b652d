package check

import (
	"fmt"
	"hash/fnv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

// rights are the rights that the user lacks.
func (i *inspection) rights() *gate.Report {
	user := i.User.Value.Username
	report := &gate.Report{Subject: "Rights of " + user}
	if user == "" {
		user, report.Subject = "USER", "Your rights"
	} else {
		user = gate.Quote(user)
	}
	for _, right := range i.Missing() {
		report.Gates = append(report.Gates, gate.Gate{
			Name: "right", Result: gate.Unknown, Evidence: "you may not " + right.String(),
			Remedy: do("Have the administrator grant it, or run this command", grant(&right, user)...),
		})
	}
	return report
}

// grant returns the commands that grant a right. Its role has its own name, so one right of a user does not get in the way of another.
func grant(right *snapshot.Right, user string) []string {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(user + strings.Join(right.Verbs, ",")))
	name := fmt.Sprintf("pcp-check-%s-%08x", strings.NewReplacer("/", "-", ".", "-").Replace(right.Resource), hash.Sum32())
	kind, scope := "clusterrole", ""
	if right.Namespace != "" {
		kind, scope = "role", "--namespace "+right.Namespace+" "
	}
	resource := right.Resource
	if right.Group != "" {
		resource += "." + right.Group
	}
	role := fmt.Sprintf("kubectl %screate %s %s --verb=%s --resource=%s", scope, kind, name, strings.Join(right.Verbs, ","), resource)
	if right.Group == injections.Group {
		// Not "kubectl create role", because that requires a resource that exists, and only RBAC knows this one.
		role = fmt.Sprintf("echo '{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: %s}, rules: [{apiGroups: [%s], resources: [%s], verbs: [%s]}]}' | kubectl %sapply -f -",
			name, right.Group, right.Resource, strings.Join(right.Verbs, ", "), scope)
	}
	return []string{role, fmt.Sprintf("kubectl %screate %sbinding %s --%s=%s --user=%s", scope, kind, name, kind, name, user)}
}

// injections is the resource of the guard's own verbs.
var injections = schema.GroupResource{Group: "pcp.io", Resource: "injections"}
