package charts_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

// TestExposure: an editor of the target's namespace opens PCP's ports by no Service, by no endpoints, and by no Ingress or route
// of another kind. All others are the editor's to write.
func TestExposure(t *testing.T) {
	t.Parallel()
	r, pod := started(t, "helm", "pcp.ingress.create=true", "pcp.ingress.host=pcp.example.com")
	r.requireServices()
	r.requireEndpoints(pod.Status.PodIP)
	r.requireRoutes()
}

const unauthenticated = `TCP ports 44321 to 44323, pmcd and pmproxy, have no authentication, and user "alice" may not write `

// writes is an attempt to create an object with a spec.
func (r *release) writes(apiVersion, kind, name, rest string) attempt {
	input := fmt.Sprintf("{apiVersion: %s, kind: %s, metadata: {name: editors}, %s}", apiVersion, kind, rest)
	return attempt{name: kind + " for " + name, input: input, arguments: []string{"create", "--namespace", r.target, "-f", "-"}}
}

// requireServices: users can relabel pods and services, so the type of a Service and what it selects today do not matter.
func (r *release) requireServices() {
	r.t.Helper()
	service := func(name, spec string) attempt { return r.writes("v1", "Service", name, "spec: {"+spec+"}") }
	// Newer API servers warn of external addresses, also those who may have them.
	r.requireAttempts(service("an external address", "externalIPs: [192.0.2.1], selector: {app: other}, ports: [{port: 80, targetPort: pmproxy}]").
		as("alice").isDenied("spec.ports: Forbidden: " + unauthenticated))
	for name, spec := range map[string]string{
		"pods with PCP":           `type: NodePort, selector: {pcp.io/injected: "true"}, ports: [{port: 80, targetPort: 44322}]`,
		"a load balancer":         "type: LoadBalancer, selector: {app: node-monitor}, ports: [{port: 44321}]",
		"the cluster":             "selector: {app: other}, ports: [{port: 80, targetPort: 44323}]",
		"a name":                  "clusterIP: None, selector: {app: node-monitor}, ports: [{port: 80, targetPort: pmcd}]",
		"the second of ports":     "selector: {app: web}, ports: [{name: a, port: 80}, {name: b, port: 81, targetPort: 44321}]",
		"endpoints yet to come":   "type: NodePort, ports: [{port: 80, targetPort: 44322}]",
		"pods with another value": `selector: {pcp.io/injected: "true", app: web}, ports: [{port: 44322}]`,
	} {
		r.requireAttempts(service(name, spec).as("alice").isDenied("spec.ports: Forbidden: "+unauthenticated), service(name, spec).as("bob"))
	}
	for name, spec := range map[string]string{
		"another port":     "type: NodePort, selector: {app: node-monitor}, ports: [{name: a, port: 80, targetPort: 8080}, {name: b, port: 44322, targetPort: http}]",
		"another protocol": "selector: {app: node-monitor}, ports: [{port: 44321, protocol: UDP}]",
		"pods without PCP": `type: LoadBalancer, selector: {pcp.io/injected: "false"}, ports: [{port: 44322}]`,
		"no ports":         "clusterIP: None, selector: {app: node-monitor}",
		"another name":     "type: ExternalName, externalName: example.com",
	} {
		r.requireAttempts(service(name, spec).as("alice"))
	}
	const own = "service/node-monitor-pcp"
	patch := func(name, patch string) attempt {
		return r.attempted(name, "patch", own, "--type=merge", "--patch="+patch)
	}
	for name, text := range map[string]string{
		"another type":     `{"spec":{"type":"NodePort"}}`,
		"another selector": `{"spec":{"selector":{"pcp.io/injected":"false","app":"mine"}}}`,
		"no selector":      `{"spec":{"selector":null,"ports":[{"name":"pmproxy","port":80,"targetPort":80},{"name":"pmcd","port":81,"targetPort":81}]}}`,
		"annotations":      `{"metadata":{"annotations":{"tailscale.com/expose":"true"}}}`,
	} {
		r.requireAttempts(patch(name, text).as("alice").isDenied("spec.ports: Forbidden: "+unauthenticated), patch(name, text).as("bob"))
	}
	mustKubectl(r.t, "", "delete", own, "--namespace", r.target, "--as", "alice")
	mine := service("others, in place of PCP's", "selector: {app: web}, ports: [{port: 44322, targetPort: 80}]")
	mine.input = strings.Replace(mine.input, "name: editors", "name: node-monitor-pcp", 1)
	r.requireAttempts(
		mine.as("alice").isDenied(`metadata.name: Forbidden: clients of PCP use this name, and user "alice" may not write`),
		mine.as("bob"),
	)
}

// requireEndpoints: a Service leads wherever its endpoints are, and kube-proxy does not ask who wrote them. The roles edit and
// admin do not allow that.
func (r *release) requireEndpoints(address string) {
	r.t.Helper()
	r.allowTo(`{apiGroups: ["", discovery.k8s.io], resources: [endpoints, endpointslices], verbs: ["*"]}`, "alice", "bob")
	slice := func(name, ports string) attempt {
		return r.writes("discovery.k8s.io/v1", "EndpointSlice", name, "addressType: IPv4, endpoints: [{addresses: ["+address+"]}], ports: ["+ports+"]")
	}
	endpoints := r.writes("v1", "Endpoints", "PCP", "subsets: [{addresses: [{ip: "+address+"}], ports: [{port: 44322}]}]")
	for name, ports := range map[string]string{"PCP": "{port: 80, name: a}, {port: 44323, name: b}", "all ports": "{protocol: TCP}"} {
		r.requireAttempts(
			slice(name, ports).as("alice").isDenied("ports: Forbidden: "+unauthenticated+"EndpointSlice that lead to them: "+lacks("configure")),
			slice(name, ports).as("bob"),
		)
	}
	r.requireAttempts(
		endpoints.as("alice").isDenied("ports: Forbidden: "+unauthenticated+"Endpoints that lead to them: "+lacks("configure")),
		slice("another port", "{port: 80}").as("alice"),
		slice("another protocol", "{port: 44322, protocol: UDP}").as("alice"),
	)
	mustKubectl(r.t, slice("", "{port: 44322}").input, "create", "--namespace", r.target, "-f", "-")
	r.requireAttempts(r.attempted("the Service of an EndpointSlice", "label", "endpointslice/editors", "kubernetes.io/service-name=mine").as("alice").
		isDenied("ports: Forbidden: " + unauthenticated))
}

// allowTo gives users of the target's namespace further rights there.
func (r *release) allowTo(rules string, users ...string) {
	r.t.Helper()
	for _, user := range users {
		role := fmt.Sprintf("%s-%x", user, sha256.Sum256([]byte(rules)))
		mustKubectl(r.t, fmt.Sprintf(`
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: %[1]s}, rules: [%[2]s]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: %[1]s},
 roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %[1]s},
 subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %[3]s}]}
`, role, rules, user), "apply", "--namespace", r.target, "-f", "-")
	}
}

// requireRoutes: the NetworkPolicy may admit an Ingress controller, so it would lead anyone to PCP.
func (r *release) requireRoutes() {
	r.t.Helper()
	for plural, kind := range map[string][2]string{
		"httproutes":      {"gateway.networking.k8s.io", "HTTPRoute"},
		"tcproutes":       {"gateway.networking.k8s.io", "TCPRoute"},
		"referencegrants": {"gateway.networking.k8s.io", "ReferenceGrant"},
		"routes":          {"route.openshift.io", "Route"},
	} {
		r.define(kind[0], kind[1], plural)
	}
	r.allowTo(`{apiGroups: [gateway.networking.k8s.io, route.openshift.io], resources: ["*"], verbs: ["*"]}`, "alice", "bob")
	const gateway, openShift, path = "gateway.networking.k8s.io/v1", "route.openshift.io/v1", "path: /, pathType: Prefix, backend: "
	ingress := func(name, spec string) attempt {
		return r.writes("networking.k8s.io/v1", "Ingress", name, "spec: {"+spec+"}")
	}
	paths := func(backends string) string { return "rules: [{http: {paths: [{" + path + backends + "}]}}]" }
	for _, route := range []attempt{
		ingress("PCP's Service", paths("{service: {name: node-monitor-pcp, port: {number: 80}}}")),
		ingress("all", "defaultBackend: {service: {name: node-monitor-pcp, port: {name: pmproxy}}}"),
		ingress("PCP's port", paths("{service: {name: other, port: {number: 44322}}}")),
		ingress("PCP's port by name", paths("{service: {name: other, port: {name: pmproxy}}}")),
		r.writes(gateway, "HTTPRoute", "PCP's Service", "spec: {rules: [{}, {backendRefs: [{name: node-monitor-pcp, port: 80}]}]}"),
		r.writes(gateway, "TCPRoute", "PCP's port", "spec: {rules: [{backendRefs: [{name: other, port: 44321}]}]}"),
		r.writes(gateway, "ReferenceGrant", "all Services", "spec: {from: [], to: [{group: '', kind: Service}]}"),
		r.writes(gateway, "ReferenceGrant", "PCP's Service", "spec: {from: [], to: [{group: '', kind: Service, name: node-monitor-pcp}]}"),
		r.writes(openShift, "Route", "PCP's Service", "spec: {to: {kind: Service, name: node-monitor-pcp}}"),
		r.writes(openShift, "Route", "a part", "spec: {to: {kind: Service, name: other}, alternateBackends: [{kind: Service, name: node-monitor-pcp}]}"),
		r.writes(openShift, "Route", "PCP's port", "spec: {to: {kind: Service, name: other}, port: {targetPort: 44322}}"),
		r.attempted("host of the chart's Ingress", "patch", "ingress/node-monitor-pcp", "--type=json", `--patch=[{"op":"remove","path":"/spec/rules/0/host"}]`),
		r.attempted("backend of the chart's Ingress", "patch", "ingress/node-monitor-pcp", "--type=merge",
			`--patch={"spec":{"rules":[],"defaultBackend":{"service":{"name":"other","port":{"number":80}}}}}`),
		r.attempted("authentication of the chart's Ingress", "annotate", "ingress/node-monitor-pcp", "nginx.ingress.kubernetes.io/auth-type="),
	} {
		r.requireAttempts(route.as("alice").isDenied(`leads to pmcd or pmproxy, which have no authentication, and user "alice" may not write it: `), route.as("bob"))
	}
	r.requireAttempts(
		ingress("another Service", paths("{service: {name: web, port: {number: 80}}}")+", defaultBackend: {service: {name: web, port: {name: http}}}").as("alice"),
		ingress("no Service", paths("{resource: {apiGroup: example.com, kind: Bucket, name: node-monitor-pcp}}")).as("alice"),
		ingress("no rules", "rules: [{host: example.com}], defaultBackend: {service: {name: web, port: {number: 80}}}").as("alice"),
		r.writes(gateway, "HTTPRoute", "another Service", "spec: {rules: [{}, {backendRefs: [{name: web, port: 80}]}]}").as("alice"),
		r.writes(gateway, "HTTPRoute", "nothing", "spec: {hostnames: []}").as("alice"),
		r.writes(gateway, "ReferenceGrant", "another Service", "spec: {from: [], to: [{group: '', kind: Service, name: web}, {group: '', kind: Secret}]}").as("alice"),
		r.writes(openShift, "Route", "another Service", "spec: {to: {kind: Service, name: web}, port: {targetPort: http}}").as("alice"),
		r.attempted("label of the chart's Ingress", "label", "ingress/node-monitor-pcp", "team=a").as("alice"),
	)
}

// define makes the API server know a kind that clusters may have, without its schema.
func (r *release) define(group, kind, plural string) {
	r.t.Helper()
	definition := plural + "." + group
	mustKubectl(r.t, fmt.Sprintf(`
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition,
 metadata: {name: %s, annotations: {api-approved.kubernetes.io: "unapproved, for a test"}},
 spec: {group: %s, scope: Namespaced, names: {kind: %s, plural: %s, singular: %s}, versions: [{name: v1, served: true, storage: true,
 schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}}}}]}}
`, definition, group, kind, plural, plural[:len(plural)-1]), "apply", "-f", "-")
	mustKubectl(r.t, "", "wait", "--for=condition=Established", "crd/"+definition, "--timeout=30s")
}
