package main

// Queries of grafana-pcp use PCP's own names. It turns counters into rates, and counters of time into shares of the time:
// https://grafana-pcp.readthedocs.io/en/latest/datasources/authoring.html

func vector() board {
	return board{
		uid: "pcp-vector-node", title: "PCP / Node, live (grafana-pcp Vector)", source: sourceVector, refresh: "5s", from: "now-5m", charts: []string{chartInjector, chartPCP},
		description: "A node as PCP sees it now, from the pmproxy of the data source. Needs the plugin grafana-pcp 5.3 or later.",
		rows:        livingRows(""),
	}
}

func valkey() board {
	return board{
		uid: "pcp-valkey-node", title: "PCP / Node, archives (grafana-pcp Valkey)", source: sourceValkey, refresh: "1m", from: "now-6h", charts: []string{chartInjector, chartPCP},
		description: "A node as PCP's archives have it, from pmproxy and its key server. Needs the plugin grafana-pcp 5.3 or later.",
		variables:   []variable{{"host", "Host", "label_values(hostname)"}},
		rows:        livingRows(`{hostname == "$host"}`),
	}
}

// livingRows show metrics that pmlogger archives by default. of selects a host if there are several.
func livingRows(of string) []row {
	const instance, metric = "$instance", "$metric"
	one := func(title, unit string, width uint32, legend string, metrics ...string) panel {
		p := panel{title: title, unit: unit, width: width}
		for _, m := range metrics {
			p.queries = append(p.queries, query{legend, m + of})
		}
		return p
	}
	cpu := one("CPU time", "short", 12, metric, "kernel.all.cpu.user", "kernel.all.cpu.nice", "kernel.all.cpu.sys", "kernel.all.cpu.intr", "kernel.all.cpu.wait.total", "kernel.all.cpu.steal")
	cpu.description, cpu.stacked = "In CPUs.", true
	memory := one("Memory", "kbytes", 12, metric, "mem.util.free", "mem.util.bufmem", "mem.util.cached", "mem.util.slab", "mem.util.available")
	return []row{
		{"CPU", []panel{
			cpu, one("Load average", "short", 12, instance, "kernel.all.load"),
			one("CPU time per CPU, user", "percentunit", 12, instance, "kernel.percpu.cpu.user"), one("CPU time per CPU, system", "percentunit", 12, instance, "kernel.percpu.cpu.sys"),
			one("Processes", "short", 12, metric, "kernel.all.runnable", "kernel.all.blocked"), one("Context switches", "ops", 12, metric, "kernel.all.pswitch"),
		}},
		{"Pressure", []panel{
			one("CPU pressure, some", "percent", 8, instance, "kernel.all.pressure.cpu.some.avg"), one("Memory pressure, some", "percent", 8, instance, "kernel.all.pressure.memory.some.avg"),
			one("I/O pressure, some", "percent", 8, instance, "kernel.all.pressure.io.some.avg"),
		}},
		{"Memory", []panel{memory, one("Swapped pages", "ops", 12, metric, "swap.pagesin", "swap.pagesout")}},
		{"Disks and file systems", []panel{
			one("Disk throughput", "KiBs", 12, "$metric $instance", "disk.dev.read_bytes", "disk.dev.write_bytes"), one("Disk operations", "iops", 12, "$metric $instance", "disk.dev.read", "disk.dev.write"),
			one("Disk utilization", "percentunit", 12, instance, "disk.dev.avactive"), one("File systems", "percent", 12, instance, "filesys.full"),
		}},
		{"Network", []panel{
			one("Network throughput", "Bps", 12, "$metric $instance", "network.interface.in.bytes", "network.interface.out.bytes"),
			one("Errors and dropped packets", "pps", 12, "$metric $instance", "network.interface.total.errors", "network.interface.total.drops"),
		}},
	}
}
