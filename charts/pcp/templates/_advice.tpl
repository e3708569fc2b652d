{{- /* For NOTES: what will work badly, and what others can see. */}}
{{- define "pcp.advice" -}}
{{- $monitored := .Values.hostMonitoring.enabled }}
{{- with .Values.persistence.pmlogger }}
{{- if include "pcp.runs" (list $ "pmlogger") }}
{{- if not .enabled }}
- persistence.pmlogger.enabled is false: the archives are lost with the pod.
{{- else if and $monitored (include "pcp.archivesLimit" $) }}
{{- $days := divf (include "pcp.archivesLimit" $ | float64) (include "pcp.bytesPerDay" $ | float64) }}
{{- $days = addf $days (mulf 3 (maxf 0 (subf $days 1))) }}
{{- if lt $days (float64 .retention) }}
- About {{ printf "%.1f" $days }} days of archives fit at persistence.pmlogger.interval {{ .interval }} with host monitoring, fewer than the {{ .retention }} of retention: older ones are removed. Raise size or maxSize.
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- range $service := list "pmlogger" "pmproxy" }}
{{- $path := (get $.Values.persistence $service).mountPath }}
{{- if ne $path (printf "/var/log/pcp/%s" $service) }}
- persistence.{{ $service }}.mountPath is {{ $path }}: upstream's image writes to /var/log/pcp/{{ $service }}, and this data is not kept.
{{- end }}
{{- end }}
{{- if and (eq .Values.image.tag "latest") (not .Values.image.digest) }}
- image.tag is latest, which moves, so pods that start later may run another PCP: set image.digest, or the tag of a release.
{{- end }}
- The container is privileged: where Pod Security is enforced, namespace {{ .Release.Namespace }} needs the label pod-security.kubernetes.io/enforce=privileged.
{{- with include "pcp.nodeFolder" (list . "pmlogger") }}
- {{ ternary "Each node keeps its" "The node keeps the" (include "pcp.isPerNode" $ | eq "true") }} archives in {{ . }}, even after you uninstall the release.
{{- end }}
{{- if include "pcp.onLoopback" . }}
- pmcd and pmproxy listen on the {{ ternary "node's " "" .Values.hostNetwork }}loopback address only: use kubectl port-forward or kubectl exec. For other clients, set listen=AllAddresses.
{{- else if .Values.hostNetwork }}
- listen is {{ .Values.listen }}: pmcd and pmproxy listen on the node's addresses without authentication, and no NetworkPolicy applies there: protect ports 44321 to 44323.
{{- else if not .Values.networkPolicy.enabled }}
- pmcd and pmproxy have no authentication, and networkPolicy.enabled is false: anyone who can connect to the pod can read all its metrics.
{{- else if .Values.networkPolicy.from }}
- If the cluster's network enforces NetworkPolicies, only the peers in networkPolicy.from can connect to ports 44321 and 44322.
{{- else }}
- If the cluster's network enforces NetworkPolicies, nothing can connect to ports 44321 and 44322: list PCP's clients in networkPolicy.from.
{{- end }}
{{- if and .Values.acceptArchives (include "pcp.runs" (list . "pmproxy")) }}
- acceptArchives lets anyone who can connect to port 44322 write archives, from PCP 7 on, for which the oldest are removed.
{{- end }}
{{- if and .Values.acceptWrites (include "pcp.runs" (list . "pmproxy")) }}
- acceptWrites lets anyone who can connect to port 44322 store metric values and, from PCP 7 on, whole archives, for which the oldest are removed.
{{- end }}
{{- if or .Values.ingress.enabled (ne .Values.service.type "ClusterIP") }}
- PCP is reachable from outside the cluster and has no authentication: admit only clients that may read everything.
{{- end }}
{{- if .Values.hostMonitoring.processDetails }}
- hostMonitoring.processDetails lets anyone who can connect to ports 44321 and 44322 read the environment of every process, including secrets.
{{- end }}
{{- if dig "limits" "cpu" "" (.Values.resources | default dict) }}
- resources.limits.cpu is set: PCP's agents may start late or never: remove it.
{{- end }}
{{- end }}
