package parity

// settings are the same in two languages: the chart's values and the injector's configuration.
type settings struct {
	name, values, config string
}

var cases = []settings{
	{"defaults", ``, ``},
	{
		"another variable",
		`extraEnv: [{name: TZ, value: UTC}]`,
		`container: {env: [{name: TZ, value: UTC}]}`,
	},
	{
		"archives in a folder of the node",
		`persistence: {pmlogger: {hostPath: /data/pmlogger}}`,
		`persistence: {pmlogger: {type: HostPath, path: /data/pmlogger}}`,
	},
	{
		"another handler of a probe",
		`probes: {liveness: {handler: {exec: {command: ["true"]}}}}`,
		`container: {probes: {liveness: {exec: {command: ["true"]}}}}`,
	},
	{
		"sources from a Secret",
		`openMetrics: {secretName: tokens}`,
		`openMetrics: {secretName: tokens}`,
	},
	{
		"one service",
		`env: {PCP_SERVICES: pmcd}`,
		`container: {services: [pmcd]}`,
	},
	{
		"one service that needs no owner",
		`{env: {PCP_SERVICES: pmcd}, persistence: {fixOwnership: true}}`,
		`{container: {services: [pmcd]}, persistence: {fixOwnership: true}}`,
	},
	{
		"services without pmcd",
		`env: {PCP_SERVICES: pmproxy}`,
		`container: {services: [pmproxy]}`,
	},
	{
		"services without pmproxy, in another order",
		`env: {PCP_SERVICES: "pmlogger,pmcd"}`,
		`container: {services: [pmlogger, pmcd]}`,
	},
	{
		"services without pmlogger",
		`env: {PCP_SERVICES: "pmcd,pmie,pmproxy"}`,
		`container: {services: [pmcd, pmie, pmproxy]}`,
	},
	{
		"agents",
		`env: {PCP_DOMAIN_AGENTS: "bpf,nginx"}`,
		`container: {domainAgents: [bpf, nginx]}`,
	},
	{
		"agents, openmetrics among them",
		`env: {PCP_DOMAIN_AGENTS: "openmetrics,bpf"}`,
		`container: {domainAgents: [openmetrics, bpf]}`,
	},
	{
		"an agent that asks disks",
		`env: {PCP_DOMAIN_AGENTS: "bpf,smart"}`,
		`container: {domainAgents: [bpf, smart]}`,
	},
	{
		"another agent that asks disks",
		`env: {PCP_DOMAIN_AGENTS: farm}`,
		`container: {domainAgents: [farm]}`,
	},
	{
		"key servers",
		`env: {KEY_SERVERS: "valkey-0.valkey:6379,[::1]:6380"}`,
		`container: {keyServers: ["valkey-0.valkey:6379", "[::1]:6380"]}`,
	},
	{
		"image by digest",
		`image: {repository: registry.example.org:5000/pcp, tag: 7.2.1, digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", pullPolicy: Always}`,
		`container: {image: "registry.example.org:5000/pcp@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", imagePullPolicy: Always}`,
	},
	{
		"image by tag",
		`image: {tag: 7.2.1}`,
		`container: {image: "ghcr.io/performancecopilot/pcp:7.2.1"}`,
	},
	{
		"resources",
		`resources: {requests: {cpu: 100m}, limits: {memory: 1Gi}}`,
		`container: {resources: {requests: {cpu: 100m}, limits: {memory: 1Gi}}}`,
	},
	{
		"probe timings",
		`probes: {startup: {failureThreshold: 120, initialDelaySeconds: 5}, liveness: {periodSeconds: 30}, readiness: {timeoutSeconds: 9}}`,
		`container: {probes: {startup: {failureThreshold: 120, initialDelaySeconds: 5}, liveness: {periodSeconds: 30}, readiness: {timeoutSeconds: 9}}}`,
	},
	{
		"no probes",
		`probes: {startup: {enabled: false}, liveness: {enabled: false}, readiness: {enabled: false}}`,
		`container: {probes: {startup: {disabled: true}, liveness: {disabled: true}, readiness: {disabled: true}}}`,
	},
	{
		"host monitoring",
		`{hostMonitoring: {enabled: true}, env: {HOST_MOUNT: /host}}`,
		`hostMonitoring: {enabled: true}`,
	},
	{
		"host monitoring elsewhere",
		`hostMonitoring: {enabled: true, hostPath: /mnt/root, mountPath: /node/root}`,
		`hostMonitoring: {enabled: true, hostPath: /mnt/root, mountPath: /node/root}`,
	},
	{
		"host network",
		`{hostMonitoring: {enabled: true}, hostNetwork: true, env: {HOST_MOUNT: /host}}`,
		`hostMonitoring: {enabled: true, hostNetwork: true}`,
	},
	{
		"host network without pmcd",
		`{hostMonitoring: {enabled: true}, hostNetwork: true, env: {PCP_SERVICES: pmproxy}}`,
		`{hostMonitoring: {enabled: true, hostNetwork: true}, container: {services: [pmproxy]}}`,
	},
	{
		"host network, in the open",
		`{hostMonitoring: {enabled: true}, hostNetwork: true, listen: AllAddresses}`,
		`{container: {listen: AllAddresses}, hostMonitoring: {enabled: true, hostNetwork: true}}`,
	},
	{
		"loopback",
		`listen: Loopback`,
		`container: {listen: Loopback}`,
	},
	{
		"loopback without pmcd",
		`{listen: Loopback, env: {PCP_SERVICES: pmproxy}}`,
		`container: {listen: Loopback, services: [pmproxy]}`,
	},
	{
		"writes",
		`acceptWrites: true`,
		`container: {acceptWrites: true}`,
	},
	{
		"process details",
		`hostMonitoring: {enabled: true, processDetails: true}`,
		`hostMonitoring: {enabled: true, processDetails: true}`,
	},
	{
		"claims",
		`persistence: {pmlogger: {size: 20Gi, storageClass: fast, accessMode: ReadWriteOncePod}, pmproxy: {size: 2Gi}}`,
		`persistence: {pmlogger: {size: 20Gi, storageClassName: fast, accessMode: ReadWriteOncePod}, pmproxy: {size: 2Gi}}`,
	},
	{
		"limit of archives",
		`persistence: {pmlogger: {size: 1.5Gi, interval: 60, retention: 30}}`,
		`persistence: {pmlogger: {size: 1.5Gi, interval: 60, retention: 30}}`,
	},
	{
		"limit of archives in decimal units",
		`persistence: {pmlogger: {size: 2G, interval: 1, maxSize: 1.3G}}`,
		`persistence: {pmlogger: {size: 2G, interval: 1, maxSize: 1.3G}}`,
	},
	{
		"existing claims",
		`persistence: {pmlogger: {existingClaim: archives}, pmproxy: {existingClaim: proxy}}`,
		`persistence: {pmlogger: {claimName: archives}, pmproxy: {claimName: proxy}}`,
	},
	{
		"nothing kept",
		`persistence: {pmlogger: {enabled: false}, pmproxy: {enabled: false}}`,
		`persistence: {pmlogger: {type: EmptyDir}, pmproxy: {type: EmptyDir}}`,
	},
	{
		"ownership",
		`persistence: {fixOwnership: true, pmproxy: {enabled: false}}`,
		`persistence: {fixOwnership: true, pmproxy: {type: EmptyDir}}`,
	},
	{
		"mounted elsewhere",
		`persistence: {fixOwnership: true, pmlogger: {mountPath: /data/archives}, pmproxy: {mountPath: /data/proxy}}`,
		`persistence: {fixOwnership: true}`,
	},
	{
		"sources",
		`openMetrics: {endpoints: ` + endpoints + `, pmlogconfGroups: {more: "#pmlogconf-setup 2.0\nident\tMore\n"}}`,
		`openMetrics: {endpoints: ` + endpoints + `}`,
	},
	{
		"intervals of sources",
		`openMetrics: {interval: 60, intervals: {node-exporter: 15, app.b: 1, App: 60}}`,
		`openMetrics: {interval: 60, intervals: {node-exporter: 15, app.b: 1, App: 60}}`,
	},
	{
		"intervals without pmlogger",
		`{env: {PCP_SERVICES: pmcd}, openMetrics: {intervals: {app: 1}}}`,
		`{container: {services: [pmcd]}, openMetrics: {intervals: {app: 1}}}`,
	},
	{
		"push",
		`push: {url: "http://collector.monitoring.svc:44322"}`,
		`push: {url: "http://collector.monitoring.svc:44322"}`,
	},
	{
		"archives of others",
		`acceptArchives: true`,
		`container: {acceptArchives: true}`,
	},
	{
		"sources not archived",
		`openMetrics: {archive: false, endpoints: {app: {url: "http://localhost:8080/metrics"}}}`,
		`openMetrics: {archive: false, endpoints: {app: {url: "http://localhost:8080/metrics"}}}`,
	},
	{
		"no sources",
		`openMetrics: {enabled: false}`,
		`openMetrics: {enabled: false}`,
	},
	{
		"nothing but pmcd",
		`{env: {PCP_SERVICES: pmcd}, openMetrics: {enabled: false}, hostMonitoring: {enabled: true, processDetails: true}}`,
		`{container: {services: [pmcd]}, openMetrics: {enabled: false}, hostMonitoring: {enabled: true, processDetails: true}}`,
	},
	{
		"files",
		`files: ` + files,
		`container: {files: ` + files + `}`,
	},
	{
		"private CA",
		`openMetrics: {caBundle: {configMap: company-ca}}`,
		`openMetrics: {caBundle: {configMap: company-ca}}`,
	},
	{
		"private CA of a Secret, and files",
		`{openMetrics: {caBundle: {secret: company-ca, key: ca.pem}}, files: ` + files + `}`,
		`{openMetrics: {caBundle: {secret: company-ca, key: ca.pem}}, container: {files: ` + files + `}}`,
	},
	{
		"private CA that nothing reads",
		`{openMetrics: {caBundle: {secret: company-ca}}, env: {PCP_SERVICES: pmproxy}}`,
		`{openMetrics: {caBundle: {secret: company-ca}}, container: {services: [pmproxy]}}`,
	},
	{
		"rules, stock rules and a webhook",
		`{pmie: {rules: {configMap: rules}, stockRules: [memory.swap_low, per_disk], webhook: {secret: on-call}}, files: ` + files + `}`,
		`{pmie: {rules: {configMap: rules}, stockRules: [memory.swap_low, per_disk], webhook: {secret: on-call}}, container: {files: ` + files + `}}`,
	},
	{
		"webhook by its URL",
		`pmie: {webhook: {url: "https://alerts.example.com/pcp?team=a"}}`,
		`pmie: {webhook: {url: "https://alerts.example.com/pcp?team=a"}}`,
	},
	{
		"rules of a Secret, which pmie cannot send",
		`pmie: {rules: {secret: rules, key: a.pmie}}`,
		`pmie: {rules: {secret: rules, key: a.pmie}}`,
	},
	{
		"every node",
		`{node: {mode: perNode}, hostMonitoring: {enabled: true}, hostNetwork: true}`,
		`{hostMonitoring: {enabled: true, hostNetwork: true}, persistence: ` + nodeFolders + `}`,
	},
	{
		"every node without the node's network",
		`{node: {mode: perNode, hostPath: /var/lib/pcp-node/monitoring/pcp}, persistence: {fixOwnership: true, pmlogger: {enabled: false}}}`,
		`persistence: {fixOwnership: true, pmlogger: {type: EmptyDir}, pmproxy: {type: HostPath, path: /var/lib/pcp-node/monitoring/pcp/pmproxy}}`,
	},
	{
		"what the pod's author decides",
		`{podLabels: {tier: node}, commonLabels: {team: a}, podAnnotations: {example.org/owner: a}, terminationGracePeriodSeconds: 60, priorityClassName: system-node-critical,
		  nodeSelector: {disk: ssd}, tolerations: [{operator: Exists}], imagePullSecrets: [{name: quay}],
		  affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: Exists}]}]}}}}`,
		``,
	},
}

const (
	endpoints = `{node-exporter: {url: "http://localhost:9100/metrics", filters: ["INCLUDE METRIC node_(cpu|memory)_.*", "EXCLUDE METRIC .*"]},
		batch.a: {url: "https://b.example.org/metrics?format=prometheus&x=\"1\"", headers: {X-Scope-OrgID: "a: #b", Accept: "text/plain"}},
		File_1: {url: "file:///host/run/metrics.prom"}}`
	files = `[{path: /etc/pcp/nginx/nginx.conf, configMap: agents}, {path: /etc/pcp/postgresql/pmdapostgresql.conf, secret: postgresql, key: agent, mode: 0400},
		{path: /var/lib/pcp/pmdas/batch/Install, configMap: batch-agent, mode: 0555}]`
	nodeFolders = `{pmlogger: {type: HostPath, path: /var/lib/pcp-node/monitoring/pcp/pmlogger}, pmproxy: {type: HostPath, path: /var/lib/pcp-node/monitoring/pcp/pmproxy}}`
)
