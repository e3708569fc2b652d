{{- /* What will work, but badly, or lets others see: for NOTES. */}}
{{- define "pcp.advice" -}}
{{- $monitored := .Values.hostMonitoring.enabled }}
{{- with .Values.persistence.pmlogger }}
{{- if include "pcp.runs" (list $ "pmlogger") }}
{{- if not .enabled }}
- persistence.pmlogger.enabled is false: the archives are lost with the pod.
{{- else if and $monitored (not (include "pcp.isPerNode" $)) (not .existingClaim) (regexMatch "^([0-9]{1,4}(\\.[0-9]*)?[KMk]i?|[0-9](\\.[0-9]*)?Gi?)$" .size) }}
- persistence.pmlogger.size is {{ .size }}: the archives of a monitored node need about 10Gi. When the volume is full, pmlogger stops and the pod stays ready.
{{- end }}
{{- end }}
{{- end }}
{{- range $service := list "pmlogger" "pmproxy" }}
{{- $path := (get $.Values.persistence $service).mountPath }}
{{- if ne $path (printf "/var/log/pcp/%s" $service) }}
- persistence.{{ $service }}.mountPath is {{ $path }}: upstream's image writes to /var/log/pcp/{{ $service }}, and nothing there is kept.
{{- end }}
{{- end }}
- The container is privileged: where Pod Security is enforced, namespace {{ .Release.Namespace }} needs the label pod-security.kubernetes.io/enforce=privileged.
{{- if include "pcp.isPerNode" . }}
- The archives stay on each node, in {{ include "pcp.nodePath" . }}, also after an uninstall.
{{- end }}
{{- if include "pcp.onLoopback" . }}
- pmcd and pmproxy listen on the {{ ternary "node's " "" .Values.hostNetwork }}loopback address alone: the way in is kubectl port-forward, or kubectl exec. For others, set listen=AllAddresses.
{{- else if .Values.hostNetwork }}
- listen is {{ .Values.listen }}: pmcd and pmproxy listen on the node's addresses without authentication, and no NetworkPolicy applies there: guard ports 44321 to 44323.
{{- else if not .Values.networkPolicy.enabled }}
- pmcd and pmproxy know no authentication, and networkPolicy.enabled is false: whoever reaches the pod reads all its metrics.
{{- else if .Values.networkPolicy.from }}
- Only those in networkPolicy.from reach ports 44321 and 44322, where the cluster's network enforces NetworkPolicies.
{{- else }}
- Nobody reaches ports 44321 and 44322, where the cluster's network enforces NetworkPolicies: name PCP's clients in networkPolicy.from.
{{- end }}
{{- if and .Values.acceptWrites (include "pcp.runs" (list . "pmproxy")) }}
- acceptWrites lets whoever reaches port 44322 store values of metrics and, from PCP 7 on, whole archives, until the volume is full.
{{- end }}
{{- if or .Values.ingress.enabled (ne .Values.service.type "ClusterIP") }}
- PCP is reachable from outside the cluster and knows no authentication: let only those in who may read everything.
{{- end }}
{{- if .Values.hostMonitoring.processDetails }}
- hostMonitoring.processDetails lets whoever reaches ports 44321 and 44322 read the environment of every process, secrets included.
{{- end }}
{{- if dig "limits" "cpu" "" (.Values.resources | default dict) }}
- resources.limits.cpu is set: PCP's agents may start late or never, leave it out.
{{- end }}
{{- end }}
