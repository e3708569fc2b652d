{{- /* Whether something holds: "true" or nothing. */}}

{{- /* A service runs: (list $ "pmcd"). */}}
{{- define "pcp.runs" -}}
{{- if has (last .) (splitList "," (first .).Values.env.PCP_SERVICES) }}true{{ end }}
{{- end }}

{{- define "pcp.isPerNode" -}}
{{- if eq .Values.node.mode "perNode" }}true{{ end }}
{{- end }}

{{- /* The image sets PROC_ACCESS=1, with which any client could read the environment of every process. */}}
{{- define "pcp.hidesProcesses" -}}
{{- if not .Values.hostMonitoring.processDetails }}{{ include "pcp.runs" (list . "pmcd") }}{{ end }}
{{- end }}

{{- /* pmcd's agent proc reads the node's control groups below HOST_MOUNT. */}}
{{- define "pcp.readsHostGroups" -}}
{{- if .Values.hostMonitoring.enabled }}{{ include "pcp.runs" (list . "pmcd") }}{{ end }}
{{- end }}

{{- /* Another pmproxy also gets what is archived. */}}
{{- define "pcp.pushes" -}}
{{- if .Values.push.url }}{{ include "pcp.runs" (list . "pmlogger") }}{{ end }}
{{- end }}

{{- /* pmproxy writes what others push. */}}
{{- define "pcp.takesArchives" -}}
{{- if or .Values.acceptArchives .Values.acceptWrites }}{{ include "pcp.runs" (list . "pmproxy") }}{{ end }}
{{- end }}

{{- /* pmproxy must not store values. */}}
{{- define "pcp.refusesWrites" -}}
{{- if not .Values.acceptWrites }}{{ include "pcp.runs" (list . "pmproxy") }}{{ end }}
{{- end }}

{{- /* pmcd and pmproxy listen on the loopback address alone. */}}
{{- define "pcp.onLoopback" -}}
{{- if or (eq .Values.listen "Loopback") (and (eq .Values.listen "Auto") .Values.hostNetwork) }}true{{ end }}
{{- end }}

{{- define "pcp.archivesOpenMetrics" -}}
{{- if and (include "pcp.readsOpenMetrics" .) .Values.openMetrics.archive }}{{ include "pcp.runs" (list . "pmlogger") }}{{ end }}
{{- end }}

{{- /* The intervals of single sources, in the form that the step openmetrics-intervals.sh reads. */}}
{{- define "pcp.intervals" -}}
{{- if include "pcp.archivesOpenMetrics" . }}
{{- $intervals := dict }}
{{- range $name, $seconds := .Values.openMetrics.intervals }}
{{- $_ := set $intervals (include "pcp.sourceName" $name) $seconds }}
{{- end }}
{{- $words := list }}
{{- range $name, $seconds := $intervals }}
{{- $words = append $words (printf "%s=%d" $name (int $seconds)) }}
{{- end }}
{{- join " " $words }}
{{- end }}
{{- end }}

{{- /* PCP_DOMAIN_AGENTS. openmetrics is added, because not every image enables it by default. */}}
{{- define "pcp.agents" -}}
{{- $agents := splitList "," .Values.env.PCP_DOMAIN_AGENTS | compact }}
{{- if include "pcp.readsOpenMetrics" . }}{{ $agents = append $agents "openmetrics" }}{{ end }}
{{- $agents | uniq | join "," }}
{{- end }}

{{- /* Only the agents smart and farm ask disks for their health. */}}
{{- define "pcp.needsNoDisks" -}}
{{- $agents := splitList "," .Values.env.PCP_DOMAIN_AGENTS }}
{{- if not (or (has "smart" $agents) (has "farm" $agents)) }}true{{ end }}
{{- end }}

{{- /* The bytes that archives may take: persistence.pmlogger.maxSize, or 80 % of the chart's own claim. Empty if only the file system limits them. */}}
{{- define "pcp.archivesLimit" -}}
{{- with .Values.persistence.pmlogger }}
{{- if .maxSize }}
{{- include "pcp.bytes" .maxSize }}
{{- else if include "pcp.ownsArchivesClaim" $ }}
{{- include "pcp.archivesShare" . }}
{{- end }}
{{- end }}
{{- end }}

{{- /* 80 % of a claim: the rest is for the archive that is being written beyond the limit, for compression and for logs. */}}
{{- define "pcp.archivesShare" -}}
{{- mul (div (include "pcp.bytes" .size | int64) 10) 8 }}
{{- end }}

{{- define "pcp.ownsArchivesClaim" -}}
{{- with .Values.persistence.pmlogger }}
{{- if and .enabled (not .existingClaim) (not .hostPath) (not (include "pcp.isPerNode" $)) }}true{{ end }}
{{- end }}
{{- end }}

{{- /* A quantity in bytes. */}}
{{- define "pcp.bytes" -}}
{{- $number := regexFind "^[0-9.]+" . }}
{{- $factor := get (dict "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "Pi" 1125899906842624 "Ei" 1152921504606846976) (trimPrefix $number .) }}
{{- mulf (float64 $number) (default 1 $factor) | ceil | int64 }}
{{- end }}

{{- /* About how many bytes pmlogger writes in a day on a monitored node with 2 CPUs and 100 processes, as in pkg/mutate. */}}
{{- define "pcp.bytesPerDay" -}}
{{- add 112000000 (div 3440000000 (int64 .Values.persistence.pmlogger.interval)) }}
{{- end }}

{{- /* The agent's name for an OpenMetrics source. */}}
{{- define "pcp.sourceName" -}}
{{- regexReplaceAll "[-.]" . "_" }}
{{- end }}

{{- /* The ports of the services that run, for a Service or a NetworkPolicy. */}}
{{- define "pcp.ports" -}}
{{- if include "pcp.runs" (list . "pmcd") }}
- name: pmcd
  port: 44321
{{- end }}
{{- if include "pcp.runs" (list . "pmproxy") }}
- name: pmproxy
  port: 44322
{{- end }}
{{- end }}

{{- /* The .url file of a source: the URL on line 1, then headers and filters. Each line ends with a line feed. */}}
{{- define "pcp.sourceFile" -}}
{{ .url }}
{{ range $name, $value := .headers -}}
HEADER: {{ $name }}: {{ $value }}
{{ end -}}
{{ range .filters -}}
FILTER: {{ . }}
{{ end -}}
{{- end }}

{{- /* pmcd starts the agent. */}}
{{- define "pcp.readsOpenMetrics" -}}
{{- if .Values.openMetrics.enabled }}{{ include "pcp.runs" (list . "pmcd") }}{{ end }}
{{- end }}

{{- /* The agent also trusts the administrator's CAs. */}}
{{- define "pcp.trustsMore" -}}
{{- with .Values.openMetrics.caBundle }}
{{- if or .configMap .secret }}{{ include "pcp.readsOpenMetrics" $ }}{{ end }}
{{- end }}
{{- end }}

{{- define "pcp.filePaths" -}}
{{- $paths := list }}
{{- range . }}{{ $paths = append $paths .path }}{{ end }}
{{- join " " $paths }}
{{- end }}

{{- /* pmie calls the administrator's webhook, has additional stock rules, has the administrator's rules. */}}
{{- define "pcp.callsWebhook" -}}
{{- with .Values.pmie.webhook }}
{{- if or .url .secret }}{{ include "pcp.runs" (list $ "pmie") }}{{ end }}
{{- end }}
{{- end }}

{{- define "pcp.hasStockRules" -}}
{{- if .Values.pmie.stockRules }}{{ include "pcp.runs" (list . "pmie") }}{{ end }}
{{- end }}

{{- define "pcp.hasRules" -}}
{{- with .Values.pmie.rules }}
{{- if or .configMap .secret }}{{ include "pcp.runs" (list $ "pmie") }}{{ end }}
{{- end }}
{{- end }}
