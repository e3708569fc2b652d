{{- define "pcp.volumes" -}}
{{- include "pcp.ownVolumes" . }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "pcp.ownVolumes" -}}
{{- range $service := list "pmlogger" "pmproxy" }}
{{- if include "pcp.runs" (list $ $service) }}
- name: pcp-{{ $service }}
  {{- include "pcp.dataSource" (list $ $service) | trim | nindent 2 }}
{{- end }}
{{- end }}
{{- /* Mounted even if it is empty, because it hides the image's stock sources, which would read ports of the node. */}}
{{- if include "pcp.readsOpenMetrics" . }}
- name: pcp-openmetrics
  projected:
    defaultMode: 0444
    sources:
      {{- include "pcp.configMapFiles" (list . "openmetrics") | nindent 6 }}
      {{- with .Values.openMetrics.secretName }}
      - secret:
          name: {{ . | quote }}
          optional: true
      {{- end }}
{{- end }}
{{- if include "pcp.archivesOpenMetrics" . }}
- name: pcp-pmlogconf
  projected:
    defaultMode: 0444
    sources:
      {{- include "pcp.annotationFile" (list "openmetrics" "pcp.io/pmlogconf-openmetrics") | nindent 6 }}
      {{- include "pcp.configMapFiles" (list . "pmlogconf") | nindent 6 }}
{{- end }}
{{- with include "pcp.fileSources" . | trim }}
- name: pcp-files
  projected:
    defaultMode: 0444
    sources:
      {{- . | nindent 6 }}
{{- end }}
{{- if .Values.hostMonitoring.enabled }}
- name: pcp-host
  hostPath:
    path: {{ .Values.hostMonitoring.hostPath | quote }}
    type: Directory
{{- end }}
{{- end }}

{{- define "pcp.dataSource" -}}
{{- $service := last . }}
{{- with first . }}
{{- if not (get .Values.persistence $service).enabled }}
emptyDir: {}
{{- else if include "pcp.nodeFolder" (list . $service) }}
hostPath:
  path: {{ include "pcp.nodeFolder" (list . $service) | quote }}
  type: DirectoryOrCreate
{{- else }}
persistentVolumeClaim:
  claimName: {{ include "pcp.claimName" (list . $service) | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Optional, so the pod never waits for a ConfigMap, and a later one is picked up. */}}
{{- define "pcp.configMapFiles" -}}
- configMap:
    name: {{ include "pcp.fullname" (first .) }}-{{ last . }}
    optional: true
{{- end }}

{{- define "pcp.annotationFile" -}}
- downwardAPI:
    items:
      - path: {{ first . | quote }}
        fieldRef:
          apiVersion: v1
          fieldPath: metadata.annotations['{{ last . }}']
{{- end }}

{{- define "pcp.dataMounts" -}}
{{- range $service := list "pmlogger" "pmproxy" }}
{{- if include "pcp.runs" (list $ $service) }}
- name: pcp-{{ $service }}
  mountPath: {{ (get $.Values.persistence $service).mountPath | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "pcp.volumeMounts" -}}
{{- include "pcp.ownMounts" . }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "pcp.ownMounts" -}}
{{- include "pcp.dataMounts" . }}
{{- if include "pcp.readsOpenMetrics" . }}
- name: pcp-openmetrics
  mountPath: /var/lib/pcp/pmdas/openmetrics/config.d
  readOnly: true
{{- end }}
{{- if include "pcp.archivesOpenMetrics" . }}
- name: pcp-pmlogconf
  mountPath: /var/lib/pcp/config/pmlogconf/openmetrics
  readOnly: true
{{- end }}
{{- if include "pcp.fileSources" . | trim }}
- name: pcp-files
  mountPath: /var/lib/pcp-files
  readOnly: true
{{- end }}
{{- if .Values.hostMonitoring.enabled }}
- name: pcp-host
  mountPath: {{ .Values.hostMonitoring.mountPath | quote }}
  readOnly: true
  mountPropagation: HostToContainer
{{- end }}
{{- end }}

{{- /* The administrator's files, the CAs for the agent openmetrics and the rules for pmie, each at its own path in one volume, from which the steps take them. */}}
{{- define "pcp.fileSources" -}}
{{- range .Values.files }}
{{- include "pcp.fileSource" (merge (dict "key" (.key | default (base .path)) "mode" (.mode | default 0444)) .) }}
{{- end }}
{{- if include "pcp.trustsMore" . }}
{{- include "pcp.fileSource" (merge (dict "path" "/ca.crt" "mode" 0444) .Values.openMetrics.caBundle (dict "key" "ca.crt")) }}
{{- end }}
{{- if include "pcp.hasRules" . }}
{{- include "pcp.fileSource" (merge (dict "path" "/pmie.rules" "mode" 0444) .Values.pmie.rules (dict "key" "rules")) }}
{{- end }}
{{- end }}

{{- define "pcp.fileSource" }}
- {{ ternary "secret" "configMap" (hasKey . "secret") }}:
    name: {{ .secret | default .configMap | quote }}
    optional: true
    items:
      - key: {{ .key | quote }}
        path: {{ trimPrefix "/" .path | quote }}
        mode: {{ int .mode }}
{{- end }}
