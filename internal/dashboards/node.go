package main

import (
	"fmt"
	"strings"
)

// Parts of the queries about a node. PCP's names are in https://man7.org/linux/man-pages/man1/pmdalinux.1.html and pmdaproc(1), with
// underscores instead of dots. Its units are those that pminfo -d shows.
const (
	onNode = `job="$job",instance="$node"`
	cpus   = `scalar(max(hinv_ncpu{` + onNode + `}))`
	// memory is in Kbyte, like mem.util; hinv.physmem is in Mbyte.
	memory = `scalar(max(hinv_physmem{` + onNode + `})) * 1024`
	// interfaces are those of the node or the pod, without those of other pods.
	interfaces = `instname!~"lo|veth.*|cali.*|lxc.*"`
)

// gauge is a metric's value, for each instance or, if it has none, as a whole.
func gauge(metric, by string) string {
	return fmt.Sprintf("max%s (%s{%s})", grouping(by), metric, onNode)
}

// rate is a counter's rate. selector chooses instances.
func rate(metric, by string, selector ...string) string {
	return fmt.Sprintf("sum%s (rate(%s{%s}[$__rate_interval]))", grouping(by), metric, strings.Join(append([]string{onNode}, selector...), ","))
}

func grouping(by string) string {
	if by == "" {
		return ""
	}
	return " by (" + by + ")"
}

// perPod turns a metric of control groups into one of the ten pods with the highest values, by their UIDs, which the paths of both of
// kubelet's drivers contain. kube-state-metrics knows the pods' names; without it, the UIDs have to do.
func perPod(value func(selector string) string) string {
	const (
		pods = `instname=~".*pod[-_0-9a-f]{36}([.]slice)?"`
		uid  = `"uid", "$1-$2-$3-$4-$5", "instname", ".*pod(.{8}).(.{4}).(.{4}).(.{4}).(.{12})([.]slice)?"`
	)
	perUID := fmt.Sprintf(`sum by (uid) (label_replace(%s, %s))`, value(onNode+","+pods), uid)
	const names = `max by (uid, namespace, pod) (kube_pod_info)`
	return fmt.Sprintf(`topk(10, %[1]s * on (uid) group_left (namespace, pod) %[2]s or on (uid) label_replace(%[1]s, "pod", "$1", "uid", "(.*)"))`, perUID, names)
}

func podRate(metric string) string {
	return perPod(func(selector string) string { return fmt.Sprintf("rate(%s{%s}[$__rate_interval])", metric, selector) })
}

func podGauge(metric string) string {
	return perPod(func(selector string) string { return fmt.Sprintf("%s{%s}", metric, selector) })
}

// cpuShare is a mode's share of all CPUs' time, which is in milliseconds.
func cpuShare(mode string) string { return rate("kernel_all_cpu_"+mode, "") + " / 1000 / " + cpus }

// stalled is the share of the time in which tasks waited, which is in microseconds.
func stalled(resource string) string {
	return rate("kernel_all_pressure_"+resource+"_total", "") + " / 1e6"
}

const podLegend = "{{namespace}} {{pod}}"

func node() board {
	return board{
		uid: "pcp-node", title: "PCP / Node", source: sourcePrometheus, refresh: "30s", from: "now-1h", charts: []string{chartInjector, chartPCP},
		description: "A node as PCP sees it, through pmproxy and Prometheus. The node's disks and file systems need host monitoring, its interfaces the node's network.",
		variables: []variable{
			{"job", "Job", `label_values(kernel_all_load, job)`},
			{"node", "Node", `label_values(kernel_all_load{job="$job"}, instance)`},
		},
		rows: []row{
			{"Overview", nodeOverview()},
			{"CPU", nodeCPU()},
			{"Pressure", nodePressure()},
			{"Memory", nodeMemory()},
			{"Disks and file systems", nodeDisks()},
			{"Network", nodeNetwork()},
			{"Pods", nodePods()},
			{"PCP", nodePCP()},
		},
	}
}

func nodeOverview() []panel {
	return []panel{
		{title: "CPU", unit: "percentunit", width: 4, stat: true, warnAbove: 0.8, alarmAbove: 0.95, queries: []query{{"busy", "1 - " + cpuShare("idle")}}},
		{title: "Load per CPU", unit: "short", width: 4, stat: true, warnAbove: 1, alarmAbove: 2, queries: []query{
			{"1 minute", `max(kernel_all_load{` + onNode + `,instname="1 minute"}) / ` + cpus},
		}},
		{title: "Memory", description: "The part that is not available to programs.", unit: "percentunit", width: 4, stat: true, warnAbove: 0.85, alarmAbove: 0.95, queries: []query{
			{"used", "1 - " + gauge("mem_util_available", "") + " / (" + memory + ")"},
		}},
		{title: "Fullest file system", unit: "percent", width: 4, stat: true, warnAbove: 80, alarmAbove: 90, queries: []query{{"full", gauge("filesys_full", "")}}},
		{title: "Agents that failed", unit: "short", width: 4, stat: true, warnAbove: 1, alarmAbove: 1, queries: []query{{"agents", `sum(pmcd_agent_status{` + onNode + `} != bool 0)`}}},
		{title: "Archives", description: "The number of pmloggers that write archives.", unit: "short", width: 4, stat: true, goodAbove: 1, empty: "pmlogger does not run", queries: []query{
			{"pmloggers", `count(pmcd_pmlogger_port{` + onNode + `,instname!="primary"})`},
		}},
	}
}

func nodeCPU() []panel {
	return []panel{
		{title: "CPU time", description: "The parts of all CPUs' time.", unit: "percentunit", width: 12, stacked: true, queries: []query{
			{"user", cpuShare("user")},
			{"nice", cpuShare("nice")},
			{"system", cpuShare("sys")},
			{"interrupts", cpuShare("intr")},
			{"waiting for I/O", cpuShare("wait_total")},
			{"stolen", cpuShare("steal")},
		}},
		{title: "Load average", unit: "short", width: 12, queries: []query{{"{{instname}}", gauge("kernel_all_load", "instname")}}},
		{title: "Busy per CPU", unit: "percentunit", width: 12, queries: []query{{"{{instname}}", "1 - " + rate("kernel_percpu_cpu_idle", "instname") + " / 1000"}}},
		{title: "Processes", unit: "short", width: 6, queries: []query{{"runnable", gauge("kernel_all_runnable", "")}, {"blocked", gauge("kernel_all_blocked", "")}}},
		{title: "Context switches", unit: "ops", width: 6, queries: []query{{"switches", rate("kernel_all_pswitch", "")}}},
	}
}

func nodePressure() []panel {
	const description = "The part of the time in which some tasks, or all of them (full), waited for it."
	return []panel{
		{title: "CPU pressure", description: description, unit: "percentunit", width: 8, queries: []query{{"some", stalled("cpu_some")}}},
		{title: "Memory pressure", description: description, unit: "percentunit", width: 8, queries: []query{{"some", stalled("memory_some")}, {"full", stalled("memory_full")}}},
		{title: "I/O pressure", description: description, unit: "percentunit", width: 8, queries: []query{{"some", stalled("io_some")}, {"full", stalled("io_full")}}},
	}
}

func nodeMemory() []panel {
	free, buffers, cached, slab := gauge("mem_util_free", ""), gauge("mem_util_bufmem", ""), gauge("mem_util_cached", ""), gauge("mem_util_slab", "")
	return []panel{
		{title: "Memory", unit: "kbytes", width: 12, stacked: true, queries: []query{
			{"programs", memory + " - " + strings.Join([]string{free, buffers, cached, slab}, " - ")},
			{"slab", slab},
			{"buffers", buffers},
			{"cached", cached},
			{"free", free},
		}},
		{title: "Swap", unit: "kbytes", width: 6, queries: []query{{"used", `max(mem_util_swapTotal{` + onNode + `} - mem_util_swapFree{` + onNode + `})`}}},
		{title: "Swapped pages", unit: "ops", width: 6, queries: []query{{"in", rate("swap_pagesin", "")}, {"out", rate("swap_pagesout", "")}}},
	}
}

func nodeDisks() []panel {
	latency := func(kind string) string {
		// An idle disk has a latency of 0, not of 0 / 0.
		return fmt.Sprintf("%s / clamp_min(%s, 1e-9)", rate("disk_dev_"+kind+"_rawactive", "instname"), rate("disk_dev_"+kind, "instname"))
	}
	return []panel{
		{title: "Disk throughput", unit: "KiBs", width: 12, queries: []query{
			{"{{instname}} read", rate("disk_dev_read_bytes", "instname")}, {"{{instname}} written", rate("disk_dev_write_bytes", "instname")},
		}},
		{title: "Disk operations", unit: "iops", width: 12, queries: []query{
			{"{{instname}} reads", rate("disk_dev_read", "instname")}, {"{{instname}} writes", rate("disk_dev_write", "instname")},
		}},
		{title: "Disk utilization", unit: "percentunit", width: 6, queries: []query{{"{{instname}}", rate("disk_dev_avactive", "instname") + " / 1000"}}},
		{title: "Disk latency", unit: "ms", width: 6, queries: []query{{"{{instname}} read", latency("read")}, {"{{instname}} write", latency("write")}}},
		{title: "File systems", unit: "percent", width: 6, queries: []query{{"{{instname}}", gauge("filesys_full", "instname")}}},
		{title: "Used inodes", unit: "percentunit", width: 6, queries: []query{
			{"{{instname}}", `max by (instname) (filesys_usedfiles{` + onNode + `} / (filesys_maxfiles{` + onNode + `} > 0))`},
		}},
	}
}

func nodeNetwork() []panel {
	return []panel{
		{title: "Network throughput", description: "Sent bytes are below zero.", unit: "Bps", width: 12, queries: []query{
			{"{{instname}} received", rate("network_interface_in_bytes", "instname", interfaces)}, {"{{instname}} sent", "-" + rate("network_interface_out_bytes", "instname", interfaces)},
		}},
		{title: "Packets", unit: "pps", width: 6, queries: []query{
			{"{{instname}} received", rate("network_interface_in_packets", "instname", interfaces)}, {"{{instname}} sent", rate("network_interface_out_packets", "instname", interfaces)},
		}},
		{title: "Errors and dropped packets", unit: "pps", width: 6, queries: []query{
			{"{{instname}} errors", rate("network_interface_total_errors", "instname", interfaces)}, {"{{instname}} dropped", rate("network_interface_total_drops", "instname", interfaces)},
		}},
	}
}

func nodePods() []panel {
	const needs = "The ten pods that have most. Needs control groups of version 2 and, for the node's pods, host monitoring. Pods have names where Prometheus has kube_pod_info of kube-state-metrics."
	return []panel{
		{title: "CPUs per pod", description: needs, unit: "short", width: 8, queries: []query{{podLegend, podRate("cgroup_cpu_stat_usage") + " / 1e6"}}},
		{title: "CPU pressure per pod", description: needs, unit: "percentunit", width: 8, queries: []query{{podLegend, podRate("cgroup_pressure_cpu_some_total") + " / 1e6"}}},
		{title: "Memory per pod", description: needs, unit: "bytes", width: 8, queries: []query{{podLegend, podGauge("cgroup_memory_current")}}},
	}
}

func nodePCP() []panel {
	return []panel{
		{title: "Status of agents", description: "0 means that an agent works.", unit: "short", width: 6, queries: []query{{"{{instname}}", gauge("pmcd_agent_status", "instname")}}},
		{title: "pmcd", unit: "short", width: 6, queries: []query{{"clients", gauge("pmcd_numclients", "")}, {"CPUs", rate("pmcd_cputime_total", "") + " / 1000"}}},
		{title: "pmie", description: "Rules, and evaluations per second that were true.", unit: "short", width: 6, queries: []query{
			{"rules", `sum(pmcd_pmie_numrules{` + onNode + `})`}, {"true per second", rate("pmcd_pmie_eval_true", "")},
		}},
		{title: "Scrapes", unit: "s", width: 6, queries: []query{{"duration", gauge("scrape_duration_seconds", "")}}},
	}
}
