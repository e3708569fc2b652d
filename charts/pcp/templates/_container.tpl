{{- /* The PCP container. It never has a command, because the image's entrypoint reads the environment. */}}
{{- define "pcp.container" -}}
name: pcp
image: {{ include "pcp.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
  - /bin/sh
  - -c
  - |
    {{- include "pcp.script" . | nindent 4 }}
ports:
  {{- range include "pcp.ports" . | fromYamlArray }}
  - name: {{ .name | quote }}
    containerPort: {{ .port }}
    protocol: TCP
  {{- end }}
env:
  {{- /* Without it, systemd takes the container for the machine itself, and switches off the host's swap when it stops. */}}
  - name: container
    value: oci
  - name: PCP_SERVICES
    value: {{ .Values.env.PCP_SERVICES | quote }}
  - name: KEY_SERVERS
    value: {{ .Values.env.KEY_SERVERS | quote }}
  {{- with include "pcp.agents" . }}
  - name: PCP_DOMAIN_AGENTS
    value: {{ . | quote }}
  {{- end }}
  {{- if .Values.hostMonitoring.enabled }}
  - name: HOST_MOUNT
    value: {{ .Values.hostMonitoring.mountPath | quote }}
  {{- end }}
  {{- with .Values.files }}
  - name: PCP_FILES
    value: {{ include "pcp.filePaths" . | quote }}
  {{- end }}
  {{- with include "pcp.intervals" . }}
  - name: PCP_OPENMETRICS_INTERVALS
    value: {{ . | quote }}
  {{- end }}
  {{- if include "pcp.pushes" . }}
  - name: PCP_PUSH_URL
    value: {{ .Values.push.url | quote }}
  {{- end }}
  {{- if include "pcp.hasStockRules" . }}
  - name: PCP_PMIE_STOCK_RULES
    value: {{ join " " .Values.pmie.stockRules | quote }}
  {{- end }}
  {{- if include "pcp.callsWebhook" . }}
  {{- with .Values.pmie.webhook }}
  - name: PCP_PMIE_WEBHOOK
    {{- if .secret }}
    valueFrom:
      secretKeyRef:
        name: {{ .secret | quote }}
        key: {{ .key | default "url" | quote }}
        optional: true
    {{- else }}
    value: {{ .url | quote }}
    {{- end }}
  {{- end }}
  {{- end }}
  {{- if include "pcp.runs" (list . "pmlogger") }}
  - name: PMLOGGER_INTERVAL
    value: {{ .Values.persistence.pmlogger.interval | int | quote }}
  - name: ARCHIVES_DAYS
    value: {{ .Values.persistence.pmlogger.retention | int | quote }}
  {{- with include "pcp.archivesLimit" . }}
  - name: ARCHIVES_KIB
    value: {{ div (int64 .) 1024 | quote }}
  {{- end }}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  privileged: true
  readOnlyRootFilesystem: false
  appArmorProfile:
    type: Unconfined
  {{- include "pcp.root" . | nindent 2 }}
{{- include "pcp.probes" . }}
{{- with include "pcp.volumeMounts" . | trim }}
volumeMounts:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "pcp.root" -}}
runAsUser: 0
runAsGroup: 0
runAsNonRoot: false
{{- end }}

{{- /* Gives the volumes to PCP's user, by name because its number differs between images. */}}
{{- define "pcp.fixOwnership" -}}
{{- $mounts := include "pcp.dataMounts" . | fromYamlArray }}
name: pcp-fix-ownership
image: {{ include "pcp.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
command:
  - /bin/sh
  - -c
  - chown pcp:pcp "$@" && chmod 2775 "$@"
  - pcp-fix-ownership
  {{- range $mounts }}
  - {{ .mountPath }}
  {{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- include "pcp.root" . | nindent 2 }}
volumeMounts:
  {{- toYaml $mounts | nindent 2 }}
{{- end }}

{{- /* The entrypoint runs these steps last, instead of /usr/sbin/init alone. Each says why. They are copies of the injector's. Because they run as
root on the node, they are neither mounted from an annotation or a ConfigMap, which can change while the pod lives, nor filled in. */}}
{{- define "pcp.script" -}}
set -eu
{{ .Files.Get "files/steps/sysctls.sh" -}}
{{ .Files.Get "files/steps/sys.sh" -}}
{{ .Files.Get "files/steps/devices.sh" -}}
{{ if include "pcp.needsNoDisks" . }}{{ .Files.Get "files/steps/disks.sh" }}{{ end -}}
{{ if include "pcp.hidesProcesses" . }}{{ .Files.Get "files/steps/process-details.sh" }}{{ end -}}
{{ if include "pcp.runs" (list . "pmcd") }}{{ .Files.Get "files/steps/agents.sh" }}{{ end -}}
{{ if .Values.files }}{{ .Files.Get "files/steps/files.sh" }}{{ end -}}
{{ if include "pcp.trustsMore" . }}{{ .Files.Get "files/steps/openmetrics-ca.sh" }}{{ end -}}
{{ if include "pcp.callsWebhook" . }}{{ .Files.Get "files/steps/pmie-webhook.sh" }}{{ end -}}
{{ if include "pcp.hasStockRules" . }}{{ .Files.Get "files/steps/pmie-stock-rules.sh" }}{{ end -}}
{{ if include "pcp.hasRules" . }}{{ .Files.Get "files/steps/pmie-rules.sh" }}{{ end -}}
{{ if include "pcp.readsHostGroups" . }}{{ .Files.Get "files/steps/control-groups.sh" }}{{ end -}}
{{ if include "pcp.onLoopback" . }}{{ .Files.Get "files/steps/listen-on-loopback.sh" }}{{ end -}}
{{ if include "pcp.runs" (list . "pmlogger") }}{{ .Files.Get "files/steps/pmlogger-port.sh" }}{{ .Files.Get "files/steps/archives.sh" }}{{ end -}}
{{ if include "pcp.archivesOpenMetrics" . }}{{ .Files.Get "files/steps/openmetrics-sources.sh" }}{{ end -}}
{{ if include "pcp.intervals" . }}{{ .Files.Get "files/steps/openmetrics-intervals.sh" }}{{ end -}}
{{ if include "pcp.pushes" . }}{{ .Files.Get "files/steps/push.sh" }}{{ end -}}
{{ if include "pcp.takesArchives" . }}{{ .Files.Get "files/steps/received.sh" }}{{ end -}}
{{ if and (include "pcp.runs" (list . "pmproxy")) (not (include "pcp.takesArchives" .)) }}{{ .Files.Get "files/steps/no-archives.sh" }}{{ end -}}
{{ if and (include "pcp.refusesWrites" .) (include "pcp.runs" (list . "pmcd")) }}{{ .Files.Get "files/steps/no-stores.sh" }}{{ end -}}
{{ .Files.Get "files/steps/cgroup-namespace.sh" -}}
exec /usr/sbin/init
{{- end }}
