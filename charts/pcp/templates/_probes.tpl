{{- /* Probes watch one service: pmcd if it runs, otherwise pmproxy. They cannot watch two, because systemctl is-active A B succeeds when either is active. */}}
{{- define "pcp.probes" -}}
{{- range $name := list "startup" "liveness" "readiness" }}
{{- with get $.Values.probes $name }}
{{- if .enabled }}
{{ $name }}Probe:
  {{- if .handler }}
  {{- toYaml .handler | nindent 2 }}
  {{- else }}
  {{- include (ternary "pcp.ready" "pcp.active" (eq $name "readiness")) $ | trim | nindent 2 }}
  {{- end }}
  {{- omit . "enabled" "handler" | toYaml | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "pcp.watched" -}}
{{- ternary "pmcd" "pmproxy" (include "pcp.runs" (list . "pmcd") | eq "true") }}
{{- end }}

{{- define "pcp.active" -}}
exec:
  command: [systemctl, is-active, --quiet, {{ include "pcp.watched" . }}]
{{- end }}

{{- /* On the node's network, another pmcd or pmproxy may hold the port and answer instead, and the kubelet cannot reach the loopback address.
`local:` would fall back to the port. */}}
{{- define "pcp.ready" -}}
{{- $watched := include "pcp.watched" . }}
{{- if not (or .Values.hostNetwork (include "pcp.onLoopback" .)) }}
tcpSocket:
  port: {{ ternary 44321 44322 (eq $watched "pmcd") }}
{{- else if eq $watched "pmcd" }}
exec:
  command: [pminfo, -h, "unix:", -f, pmcd.version]
{{- else }}
{{- include "pcp.active" . }}
{{- end }}
{{- end }}
