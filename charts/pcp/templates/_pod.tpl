{{- /* The pod. Its parts equal, field for field, what the injector adds for the same settings; test/parity compares them. */}}
{{- define "pcp.podTemplate" -}}
metadata:
  labels:
    {{- $own := include "pcp.labels" . | fromYaml }}
    {{- merge (omit $own "helm.sh/chart") .Values.podLabels | toYaml | nindent 4 }}
  {{- with include "pcp.podAnnotations" . | trim }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
spec:
  {{- if .Values.hostNetwork }}
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  {{- else if not (include "pcp.isPerNode" .) }}
  {{- /* pmlogger writes to a folder of this name, so the name must outlive the pod. */}}
  hostname: {{ include "pcp.fullname" . | quote }}
  {{- end }}
  serviceAccountName: {{ include "pcp.serviceAccountName" . | quote }}
  automountServiceAccountToken: {{ .Values.serviceAccount.automount }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  {{- range $key := list "imagePullSecrets" "nodeSelector" "tolerations" "affinity" }}
  {{- with get $.Values $key }}
  {{ $key }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- if and .Values.persistence.fixOwnership (include "pcp.dataMounts" .) }}
  initContainers:
    - {{ include "pcp.fixOwnership" . | nindent 6 | trim }}
  {{- end }}
  containers:
    - {{ include "pcp.container" . | nindent 6 | trim }}
  {{- with include "pcp.volumes" . | trim }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
{{- end }}

{{- /* Files that travel in the pod, and checksums of what takes effect only in a new pod: the agent never forgets a source that is removed, and
pmlogger reads its groups when it starts. */}}
{{- define "pcp.podAnnotations" -}}
{{- with .Values.podAnnotations }}
{{- toYaml . }}
{{- end }}
{{- /* Cluster Autoscaler need not spare the view of the node; other volumes hold data. */}}
{{- $evictable := "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes" }}
{{- if and .Values.hostMonitoring.enabled (not (hasKey (.Values.podAnnotations | default dict) $evictable)) }}
{{ $evictable }}: pcp-host
{{- end }}
{{- if include "pcp.archivesOpenMetrics" . }}
pcp.io/pmlogconf-openmetrics: "#pmlogconf-setup 2.0\nident\tOpenMetrics\nforce\tinclude\ndelta\t{{ int .Values.openMetrics.interval }} seconds\n\tpmcd.numagents\n\topenmetrics\n"
{{- end }}
{{- with .Values.openMetrics }}
{{- if or .endpoints .pmlogconfGroups }}
checksum/openmetrics: {{ list (keys .endpoints | sortAlpha) .pmlogconfGroups | toJson | sha256sum | quote }}
{{- end }}
{{- end }}
{{- end }}
