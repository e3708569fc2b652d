package main

const ofInjector = `job="$job",namespace=~"$namespace"`

func perSecond(metric, by, selector string) string {
	return "sum" + grouping(by) + " (rate(" + metric + "{" + ofInjector + selector + "}[$__rate_interval]))"
}

func quantile(q string) string {
	return "histogram_quantile(" + q + ", " + perSecond("pcp_injector_admission_duration_seconds_bucket", "le", "") + ")"
}

func inRange(result string) string {
	return `sum(increase(pcp_injector_admissions_total{` + ofInjector + `,result="` + result + `"}[$__range]))`
}

func injector() board {
	return board{
		uid: "pcp-injector", title: "PCP / Injector", source: sourcePrometheus, refresh: "30s", from: "now-6h", charts: []string{chartInjector},
		description: "The webhook that adds PCP to pods: what it decides, how fast, and whether it will go on.",
		variables: []variable{
			{"job", "Job", `label_values(pcp_injector_build_info, job)`},
			{"namespace", "Namespace", `label_values(pcp_injector_build_info{job="$job"}, namespace)`},
		},
		rows: []row{{"Overview", injectorOverview()}, {"Admissions", injectorAdmissions()}, {"Connections", injectorConnections()}, {"Process", injectorProcess()}},
	}
}

func injectorOverview() []panel {
	return []panel{
		{title: "Replicas", unit: "short", width: 4, stat: true, goodAbove: 1, empty: "no replica answers", queries: []query{{"replicas", `count(pcp_injector_build_info{` + ofInjector + `})`}}},
		{title: "Certificate expires in", unit: "s", width: 4, stat: true, goodAbove: 14 * 86400, queries: []query{
			{"remaining", `min(pcp_injector_certificate_expiry_timestamp_seconds{` + ofInjector + `}) - time()`},
		}},
		{title: "Injected", description: "In the dashboard's time range.", unit: "short", width: 4, stat: true, queries: []query{{"injected", inRange("injected")}}},
		{title: "Rejected", description: "In the dashboard's time range.", unit: "short", width: 4, stat: true, warnAbove: 1, alarmAbove: 1, queries: []query{{"rejected", inRange("rejected")}}},
		{title: "Errors", description: "In the dashboard's time range.", unit: "short", width: 4, stat: true, warnAbove: 1, alarmAbove: 1, queries: []query{{"errors", inRange("error")}}},
		{title: "Configurations in use", description: "More than one while replicas roll.", unit: "short", width: 4, stat: true, warnAbove: 2, alarmAbove: 2, queries: []query{
			{"configurations", `count(count by (hash) (pcp_injector_config_info{` + ofInjector + `}))`},
		}},
	}
}

func injectorAdmissions() []panel {
	return []panel{
		{title: "Admissions by result", unit: "reqps", width: 8, stacked: true, queries: []query{{"{{result}}", perSecond("pcp_injector_admissions_total", "result", "")}}},
		{title: "Rejections and errors by reason", unit: "reqps", width: 8, queries: []query{
			{"{{result}}: {{reason}}", perSecond("pcp_injector_admissions_total", "result, reason", `,result=~"rejected|error"`)},
		}},
		{title: "Latency", description: "From the arrival of a request until its answer is sent.", unit: "s", width: 8, queries: []query{
			{"50%", quantile("0.5")}, {"90%", quantile("0.9")}, {"99%", quantile("0.99")},
		}},
	}
}

func injectorConnections() []panel {
	return []panel{
		{title: "Open connections", unit: "short", width: 8, queries: []query{{"{{listener}}", `sum by (listener) (pcp_injector_connections{` + ofInjector + `})`}}},
		{title: "Shed connections", description: "Closed because there were too many.", unit: "cps", width: 8, queries: []query{{"{{listener}}", perSecond("pcp_injector_connections_shed_total", "listener", "")}}},
		{title: "Admissions per replica", unit: "reqps", width: 8, queries: []query{{"{{instance}}", perSecond("pcp_injector_admissions_total", "instance", "")}}},
	}
}

func injectorProcess() []panel {
	return []panel{
		{title: "Memory", unit: "bytes", width: 6, queries: []query{{"{{instance}}", `sum by (instance) (process_resident_memory_bytes{` + ofInjector + `})`}}},
		{title: "CPUs", unit: "short", width: 6, queries: []query{{"{{instance}}", perSecond("process_cpu_seconds_total", "instance", "")}}},
		{title: "Configuration", description: "Replicas by the hash of their configuration, which pcp.io/status has too.", unit: "short", width: 6, stacked: true, queries: []query{
			{"{{hash}}", `count by (hash) (pcp_injector_config_info{` + ofInjector + `})`},
		}},
		{title: "Version", unit: "short", width: 6, stacked: true, queries: []query{{"{{version}}", `count by (version) (pcp_injector_build_info{` + ofInjector + `})`}}},
	}
}
