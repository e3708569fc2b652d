{{- /* The PCP container. It never has a command: the image's entrypoint reads the environment. */}}
{{- define "pcp.container" -}}
name: pcp
image: {{ include "pcp.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- /* What the entrypoint runs last: a drop-in takes the image's PROC_ACCESS=1 back. Not mounted from an annotation or a ConfigMap, which can be
changed while the pod lives: it is a unit that runs as root on the node. */}}
{{- if include "pcp.hidesProcesses" . }}
args:
  - /bin/sh
  - -c
  - printf '[Service]\nEnvironment="PROC_ACCESS=0"\n' >/etc/systemd/system/pmcd.service.d/20-proc-access.conf && exec /usr/sbin/init
{{- end }}
ports:
  {{- range include "pcp.ports" . | fromYamlArray }}
  - name: {{ .name }}
    containerPort: {{ .port }}
    protocol: TCP
  {{- end }}
env:
  {{- /* Without it systemd takes the container for the machine itself, and switches the host's swap off when it stops. */}}
  - name: container
    value: oci
  - name: PCP_SERVICES
    value: {{ .Values.env.PCP_SERVICES }}
  - name: KEY_SERVERS
    value: {{ .Values.env.KEY_SERVERS | quote }}
  {{- with include "pcp.agents" . }}
  - name: PCP_DOMAIN_AGENTS
    value: {{ . | quote }}
  {{- end }}
  {{- if .Values.hostMonitoring.enabled }}
  - name: HOST_MOUNT
    value: {{ .Values.hostMonitoring.mountPath }}
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

{{- /* Gives the volumes to PCP's user, by name: its number differs from image to image. */}}
{{- define "pcp.fixOwnership" -}}
{{- $mounts := include "pcp.dataMounts" . | fromYamlArray }}
name: pcp-fix-ownership
image: {{ include "pcp.image" . }}
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
