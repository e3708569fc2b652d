package parity

// refusal is a mistake, and the key of the chart's values that its message must name.
type refusal struct {
	key string
	settings
}

// refusals are mistakes that both refuse.
var refusals = []refusal{
	{"imge", settings{"unknown key", `imge: {tag: x}`, `imge: x`}},
	{"env.PCP_SERVICES", settings{"unknown service", `env: {PCP_SERVICES: "pmcd,sshd"}`, `container: {services: [pmcd, sshd]}`}},
	{"env.PCP_SERVICES", settings{"service named twice", `env: {PCP_SERVICES: "pmcd,pmcd"}`, `container: {services: [pmcd, pmcd]}`}},
	{"env.PCP_SERVICES", settings{"no service", `env: {PCP_SERVICES: ""}`, `container: {services: []}`}},
	{"env.PCP_SERVICES", settings{"pmlogger without pmcd", `env: {PCP_SERVICES: "pmlogger,pmproxy"}`, `container: {services: [pmlogger, pmproxy]}`}},
	{"env.PCP_SERVICES", settings{"pmie without pmcd", `env: {PCP_SERVICES: "pmie"}`, `container: {services: [pmie]}`}},
	{"acceptArchives", settings{"archives for an old PCP", `{acceptArchives: true, image: {tag: 7.1.5}}`, `container: {acceptArchives: true, image: "a/pcp:7.1.5"}`}},
	{"acceptWrites", settings{"writes to an old PCP 7", `{acceptWrites: true, image: {tag: 7.0.3-1}}`, `container: {acceptWrites: true, image: "a/pcp:7.0.3-1"}`}},
	{"extraEnv[0].name", settings{"a variable of the chart", `extraEnv: [{name: PCP_FILES, value: a}]`, `container: {env: [{name: PCP_FILES, value: a}]}`}},
	{"extraEnv[1].name", settings{"a variable twice", `extraEnv: [{name: A}, {name: A}]`, `container: {env: [{name: A}, {name: A}]}`}},
	{"persistence.pmlogger.hostPath", settings{"the node's own folder", `persistence: {pmlogger: {hostPath: /etc}}`, `persistence: {pmlogger: {type: HostPath, path: /etc}}`}},
	{"persistence.pmlogger.hostPath", settings{
		"a folder of the node's agents", `persistence: {pmlogger: {hostPath: /var/lib/etcd}}`, `persistence: {pmlogger: {type: HostPath, path: /var/lib/etcd}}`,
	}},
	{"persistence.pmproxy.hostPath", settings{
		"a folder in one of the node's agents", `persistence: {pmproxy: {hostPath: /var/lib/rancher/pcp}}`, `persistence: {pmproxy: {type: HostPath, path: /var/lib/rancher/pcp}}`,
	}},
	{"persistence.pmproxy.hostPath", settings{
		"one folder in the other", `persistence: {pmlogger: {hostPath: /data}, pmproxy: {hostPath: /data/pmproxy}}`,
		`persistence: {pmlogger: {type: HostPath, path: /data}, pmproxy: {type: HostPath, path: /data/pmproxy}}`,
	}},
	{"probes.liveness.handler", settings{
		"a probe of metrics without names", `probes: {liveness: {handler: {httpGet: {path: /metrics, port: 44322}}}}`,
		`container: {probes: {liveness: {httpGet: {path: /metrics, port: 44322}}}}`,
	}},
	{"probes.readiness.handler", settings{
		"a probe that does not reach the loopback address", `{listen: Loopback, probes: {readiness: {handler: {tcpSocket: {port: 44321}}}}}`,
		`container: {listen: Loopback, probes: {readiness: {tcpSocket: {port: 44321}}}}`,
	}},
	{"env.PCP_DOMAIN_AGENTS", settings{"agents without pmcd", `env: {PCP_SERVICES: pmproxy, PCP_DOMAIN_AGENTS: bpf}`, `container: {services: [pmproxy], domainAgents: [bpf]}`}},
	{"env.PCP_DOMAIN_AGENTS", settings{"name of an agent", `env: {PCP_DOMAIN_AGENTS: "bpf, nginx"}`, `container: {domainAgents: [bpf, " nginx"]}`}},
	{"env.KEY_SERVERS", settings{"key server without a port", `env: {KEY_SERVERS: valkey}`, `container: {keyServers: [valkey]}`}},
	{"env.KEY_SERVERS", settings{"key server twice", `env: {KEY_SERVERS: "a:1,a:1"}`, `container: {keyServers: ["a:1", "a:1"]}`}},
	{"env.KEY_SERVERS", settings{"port of a key server", `env: {KEY_SERVERS: "a:65536"}`, `container: {keyServers: ["a:65536"]}`}},
	{"persistence.pmlogger.size", settings{"size of nothing", `persistence: {pmlogger: {size: 0Gi}}`, `persistence: {pmlogger: {size: 0Gi}}`}},
	{"persistence.pmlogger.size", settings{"size that fits no archives", `persistence: {pmlogger: {size: 12Mi}}`, `persistence: {pmlogger: {size: 12Mi}}`}},
	{"persistence.pmlogger.maxSize", settings{"limit that fits no archives", `persistence: {pmlogger: {maxSize: 9Mi}}`, `persistence: {pmlogger: {maxSize: 9Mi}}`}},
	{"persistence.pmlogger.maxSize", settings{"limit beyond the volume", `persistence: {pmlogger: {maxSize: 2Gi}}`, `persistence: {pmlogger: {maxSize: 2Gi}}`}},
	{"persistence.pmlogger.interval", settings{"no interval", `persistence: {pmlogger: {interval: 0}}`, `persistence: {pmlogger: {interval: 0}}`}},
	{"persistence.pmlogger.retention", settings{"no retention", `persistence: {pmlogger: {retention: 0}}`, `persistence: {pmlogger: {retention: 0}}`}},
	{"env.KEY_SERVERS", settings{"no key server", `env: {KEY_SERVERS: ""}`, `container: {keyServers: []}`}},
	{"image.pullPolicy", settings{"pull policy", `image: {pullPolicy: Sometimes}`, `container: {imagePullPolicy: Sometimes}`}},
	{"resources.requests.cpu", settings{"quantity", `resources: {requests: {cpu: lots}}`, `container: {resources: {requests: {cpu: lots}}}`}},
	{"hostNetwork", settings{"host network without the host", `hostNetwork: true`, `hostMonitoring: {hostNetwork: true}`}},
	{"hostMonitoring.processDetails", settings{"process details without the host", `hostMonitoring: {processDetails: true}`, `hostMonitoring: {processDetails: true}`}},
	{"hostMonitoring.mountPath", settings{"host mounted over PCP", `hostMonitoring: {mountPath: /var/host}`, `hostMonitoring: {mountPath: /var/host}`}},
	{"hostMonitoring.mountPath", settings{"host mounted over all", `hostMonitoring: {mountPath: /}`, `hostMonitoring: {mountPath: /}`}},
	{"hostMonitoring.hostPath", settings{"path with ..", `hostMonitoring: {hostPath: /a/../b}`, `hostMonitoring: {hostPath: /a/../b}`}},
	{"hostMonitoring.hostPath", settings{"relative path", `hostMonitoring: {hostPath: host}`, `hostMonitoring: {hostPath: host}`}},
	{"persistence.pmlogger.accessMode", settings{"access mode", `persistence: {pmlogger: {accessMode: ReadOnlyMany}}`, `persistence: {pmlogger: {accessMode: ReadOnlyMany}}`}},
	{"persistence.pmproxy.existingClaim", settings{"one claim for both", `persistence: {pmlogger: {existingClaim: pcp-pmproxy}}`, `persistence: {pmlogger: {claimName: pcp-pmproxy}}`}},
	{"persistence.fixOwnership", settings{
		"ownership of nothing",
		`persistence: {fixOwnership: true, pmlogger: {enabled: false}, pmproxy: {enabled: false}}`,
		`persistence: {fixOwnership: true, pmlogger: {type: EmptyDir}, pmproxy: {type: EmptyDir}}`,
	}},
	{"persistence.pmproxy.existingClaim", settings{
		"claims on every node",
		`{node: {mode: perNode}, hostMonitoring: {enabled: true}, hostNetwork: true, persistence: {pmproxy: {existingClaim: proxy}}}`,
		`{target: {namespace: monitoring, kind: DaemonSet, name: pcp}, hostMonitoring: {enabled: true, hostNetwork: true}, persistence: {pmlogger: {type: HostPath}, pmproxy: {claimName: proxy}}}`,
	}},
	{"node.hostPath", settings{
		"folder of the node's system",
		`{node: {mode: perNode, hostPath: /etc/pcp}, hostMonitoring: {enabled: true}, hostNetwork: true}`,
		`persistence: {pmlogger: {type: HostPath, path: /etc/pcp/pmlogger}}`,
	}},
	{"probes.liveness.periodSeconds", settings{"probe without a period", `probes: {liveness: {periodSeconds: -1}}`, `container: {probes: {liveness: {periodSeconds: -1}}}`}},
	{"successThreshold", settings{"liveness twice", `probes: {liveness: {successThreshold: 2}}`, `container: {probes: {liveness: {successThreshold: 2}}}`}},
	{"openMetrics.endpoints.control", settings{"source called control", source("control", `url: "http://a"`), source("control", `url: "http://a"`)}},
	{"openMetrics.endpoints.1a", settings{"source with a digit first", source("1a", `url: "http://a"`), source("1a", `url: "http://a"`)}},
	{"openMetrics.endpoints.a", settings{"source with a slash", source("a/b", `url: "http://a"`), source("a/b", `url: "http://a"`)}},
	{"openMetrics.endpoints." + longName, settings{"source with a long name", source(longName, `url: "http://a"`), source(longName, `url: "http://a"`)}},
	{"openMetrics.endpoints.a.b", settings{
		"sources of one name",
		`openMetrics: {endpoints: {a-b: {url: "http://a"}, a.b: {url: "http://b"}}}`,
		`openMetrics: {endpoints: {a-b: {url: "http://a"}, a.b: {url: "http://b"}}}`,
	}},
	{"openMetrics.endpoints.a", settings{"source without a URL", source("a", `filters: []`), source("a", `filters: []`)}},
	{"openMetrics.endpoints.a.url", settings{"source of another scheme", source("a", `url: "ftp://a/b"`), source("a", `url: "ftp://a/b"`)}},
	{"openMetrics.endpoints.a.url", settings{"URL without a host", source("a", `url: "http:///metrics"`), source("a", `url: "http:///metrics"`)}},
	{"openMetrics.endpoints.a.url", settings{"URL with white space", source("a", `url: "http://a/ b"`), source("a", `url: "http://a/ b"`)}},
	{"openMetrics.endpoints.a.url", settings{"URL of two lines", source("a", `url: "http://a/\nb"`), source("a", `url: "http://a/\nb"`)}},
	{"openMetrics.endpoints.a.url", settings{"URL of a folder", source("a", `url: "file:///run/"`), source("a", `url: "file:///run/"`)}},
	{"openMetrics.endpoints.a.headers", settings{"name of a header", source("a", `url: "http://a", headers: {"a b": c}`), source("a", `url: "http://a", headers: {"a b": c}`)}},
	{"openMetrics.endpoints.a.headers.a", settings{"header of two lines", source("a", `url: "http://a", headers: {a: "b\nc"}`), source("a", `url: "http://a", headers: {a: "b\nc"}`)}},
	{"openMetrics.endpoints.a.headers.a", settings{"one header twice", source("a", `url: "http://a", headers: {A: b, a: b}`), source("a", `url: "http://a", headers: {A: b, a: b}`)}},
	{"openMetrics.endpoints.a.filters[0]", settings{"filter of nothing", source("a", `url: "http://a", filters: [INCLUDE METRIC]`), source("a", `url: "http://a", filters: [INCLUDE METRIC]`)}},
	{"openMetrics.endpoints.a.filters[0]", settings{"filter with a colon", source("a", `url: "http://a", filters: ["INCLUDE METRIC a:b"]`), source("a", `url: "http://a", filters: ["INCLUDE METRIC a:b"]`)}},
	{"openMetrics.endpoints.a.filters[0]", settings{"filter of two lines", source("a", `url: "http://a", filters: ["INCLUDE METRIC a\nb"]`), source("a", `url: "http://a", filters: ["INCLUDE METRIC a\nb"]`)}},
	{"openMetrics.endpoints.a.filters[0]", settings{"optional metric", source("a", `url: "http://a", filters: [OPTIONAL METRIC a]`), source("a", `url: "http://a", filters: [OPTIONAL METRIC a]`)}},
	{"files[0].path", file("file outside of PCP's folders", `{path: /etc/passwd, configMap: a}`)},
	{"files[0].path", file("folder of PCP", `{path: /etc/pcp, configMap: a}`)},
	{"files[0].path", file("file with ..", `{path: /etc/pcp/../passwd, configMap: a}`)},
	{"files.0.path", file("file with white space", `{path: "/etc/pcp/a b", configMap: a}`)},
	{"files.0", file("file without a path", `{configMap: a}`)},
	{"files[0].path", file("file of the image", `{path: /etc/pcp/pmcd/pmcd.conf, configMap: a}`)},
	{"files[0].path", file("proxy's file of the image", `{path: /etc/pcp/pmproxy/pmproxy.conf, configMap: a}`)},
	{"files[0].path", file("pmlogger's control file", `{path: /etc/pcp/pmlogger/control, configMap: a}`)},
	{"files[0].path", file("pmlogger's own control file", `{path: /etc/pcp/pmlogger/control.d/local, configMap: a}`)},
	{"files[0].path", file("folder of control files", `{path: /etc/pcp/pmlogger/control.d, configMap: a}`)},
	{"files[0].path", file("names of metrics", `{path: /var/lib/pcp/pmns/root, configMap: a}`)},
	{"files[0].path", file("temporary file", `{path: /var/lib/pcp/tmp/a, configMap: a}`)},
	{"files[0].path", file("state of agents", `{path: /var/lib/pcp/config/pmda/a, configMap: a}`)},
	{"files[0].path", file("source as a file", `{path: /var/lib/pcp/pmdas/openmetrics/config.d/a.url, configMap: a}`)},
	{"files[0].path", file("stock source as a file", `{path: /etc/pcp/openmetrics/a.url, configMap: a}`)},
	{"files[0].path", file("group as a file", `{path: /var/lib/pcp/config/pmlogconf/openmetrics/a, configMap: a}`)},
	{"files[0].path", file("stock group as a file", `{path: /etc/pcp/pmlogconf/openmetrics/a, configMap: a}`)},
	{"files[1].path", file("file twice", `{path: /etc/pcp/a, configMap: a}, {path: /etc/pcp/a, configMap: b}`)},
	{"files[1].path", file("file in a file", `{path: /etc/pcp/a, configMap: a}, {path: /etc/pcp/a/b, configMap: b}`)},
	{"files[1].path", file("file above a file", `{path: /etc/pcp/a/b, configMap: a}, {path: /etc/pcp/a, configMap: b}`)},
	{"files[0].configMap", file("file from nowhere", `{path: /etc/pcp/a}`)},
	{"files[0].secret", file("file from two objects", `{path: /etc/pcp/a, configMap: a, secret: b}`)},
	{"files.0.configMap", file("name of a ConfigMap", `{path: /etc/pcp/a, configMap: A_B}`)},
	{"files.0.key", file("key with a slash", `{path: /etc/pcp/a, configMap: a, key: a/b}`)},
	{"files[0].mode", file("decimal mode", `{path: /etc/pcp/a, configMap: a, mode: 444}`)},
	{"files[0].mode", file("mode to write", `{path: /etc/pcp/a, configMap: a, mode: 0777}`)},
	{"files[0].mode", file("program that cannot be executed", `{path: /var/lib/pcp/pmdas/nginx/Install, configMap: a}`)},
	{"files[0].path", file("control file of the rules", `{path: /etc/pcp/pmie/control.d/rules, configMap: a}`)},
	{"files[0].path", file("stock rules as a file", `{path: /var/lib/pcp/config/pmie/config.default, configMap: a}`)},
	{"pmie.rules.configMap", same("rules from nowhere", `pmie: {rules: {key: a}}`)},
	{"pmie.rules.secret", same("rules from two objects", `pmie: {rules: {configMap: a, secret: b}}`)},
	{"pmie.stockRules.0", same("name of a stock rule", `pmie: {stockRules: ["a;b"]}`)},
	{"pmie.stockRules", same("stock rule twice", `pmie: {stockRules: [a, a]}`)},
	{"pmie.webhook.url", same("webhook without a URL", `pmie: {webhook: {key: a}}`)},
	{"pmie.webhook.secret", same("webhook twice", `pmie: {webhook: {url: "https://a", secret: b}}`)},
	{"pmie.webhook.key", same("key of a URL", `pmie: {webhook: {url: "https://a", key: b}}`)},
	{"pmie.webhook.url", same("webhook for a shell", `pmie: {webhook: {url: "https://a/$(id)"}}`)},
	{"pmie.webhook.url", same("webhook with two parameters", `pmie: {webhook: {url: "https://a/?b=c&d=e"}}`)},
	{"pmie.webhook.url", same("webhook of another scheme", `pmie: {webhook: {url: "ftp://a"}}`)},
	{"pmie", settings{"rules without pmie", `{env: {PCP_SERVICES: pmcd}, pmie: {stockRules: [a]}}`, `{container: {services: [pmcd]}, pmie: {stockRules: [a]}}`}},
	{"openMetrics.interval", settings{"interval of nothing", `openMetrics: {interval: 0}`, `openMetrics: {interval: 0}`}},
	{"openMetrics.interval", settings{"interval of a day", `openMetrics: {interval: 86400}`, `openMetrics: {interval: 86400}`}},
	{"openMetrics.intervals.a", settings{"interval of a source that is nothing", `openMetrics: {intervals: {a: 0}}`, `openMetrics: {intervals: {a: 0}}`}},
	{"openMetrics.intervals.a", settings{"interval of a source that is longer", `openMetrics: {intervals: {a: 31}}`, `openMetrics: {intervals: {a: 31}}`}},
	{"openMetrics.intervals.a", settings{"interval of a source that is no number", `openMetrics: {intervals: {a: 1s}}`, `openMetrics: {intervals: {a: 1s}}`}},
	{"openMetrics.intervals.1a", settings{"interval of a source without a name", `openMetrics: {intervals: {1a: 1}}`, `openMetrics: {intervals: {1a: 1}}`}},
	{"openMetrics.intervals.control", settings{"interval of the agent itself", `openMetrics: {intervals: {control: 1}}`, `openMetrics: {intervals: {control: 1}}`}},
	{"openMetrics.intervals.a.b", settings{"two intervals of a source", `openMetrics: {intervals: {a-b: 1, a.b: 2}}`, `openMetrics: {intervals: {a-b: 1, a.b: 2}}`}},
	{"openMetrics.intervals", settings{"interval of what is not archived", `openMetrics: {archive: false, intervals: {a: 1}}`, `openMetrics: {archive: false, intervals: {a: 1}}`}},
	{"openMetrics.intervals", settings{"interval of what is not read", `openMetrics: {enabled: false, intervals: {a: 1}}`, `openMetrics: {enabled: false, intervals: {a: 1}}`}},
	{"push.url", settings{"push without a port", `push: {url: "http://collector"}`, `push: {url: "http://collector"}`}},
	{"push.url", settings{"push with TLS", `push: {url: "https://collector:44322"}`, `push: {url: "https://collector:44322"}`}},
	{"push.url", settings{"push with a path", `push: {url: "http://collector:44322/logger"}`, `push: {url: "http://collector:44322/logger"}`}},
	{"push.url", settings{"push with a password", `push: {url: "http://a:b@collector:44322"}`, `push: {url: "http://a:b@collector:44322"}`}},
	{"push.url", settings{"push to a unit of systemd", `push: {url: "http://%n:44322"}`, `push: {url: "http://%n:44322"}`}},
	{"push.url", settings{"push to port 65536", `push: {url: "http://collector:65536"}`, `push: {url: "http://collector:65536"}`}},
	{"push.url", settings{"push of nothing", `{env: {PCP_SERVICES: "pmcd,pmproxy"}, push: {url: "http://collector:44322"}}`, `{container: {services: [pmcd, pmproxy]}, push: {url: "http://collector:44322"}}`}},
	{"openMetrics.caBundle.configMap", settings{"CAs from nowhere", `openMetrics: {caBundle: {key: a}}`, `openMetrics: {caBundle: {key: a}}`}},
	{"openMetrics.caBundle", settings{
		"CAs that nothing reads",
		`openMetrics: {enabled: false, caBundle: {configMap: a}}`,
		`openMetrics: {enabled: false, caBundle: {configMap: a}}`,
	}},
	{"openMetrics.enabled", settings{
		"sources that nothing reads",
		`openMetrics: {enabled: false, endpoints: {a: {url: "http://a"}}}`,
		`openMetrics: {enabled: false, endpoints: {a: {url: "http://a"}}}`,
	}},
}

const longName = "a234567890123456789012345678901234567890123456789012345678901234"

// source is the same in both languages.
func source(name, endpoint string) string {
	return `openMetrics: {endpoints: {"` + name + `": {` + endpoint + `}}}`
}

// file is the same list in both languages.
func file(name, list string) settings {
	return settings{name, `files: [` + list + `]`, `container: {files: [` + list + `]}`}
}

// same is one text in both languages.
func same(name, text string) settings {
	return settings{name, text, text}
}
