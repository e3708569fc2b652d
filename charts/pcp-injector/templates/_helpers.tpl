{{/* Names leave room for suffixes: a Service's name has at most 63 characters, no dots, and starts with a letter. */}}
{{- define "pcp-injector.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 53 | trimSuffix "-" }}
{{- end }}

{{- define "pcp-injector.fullname" -}}
{{- $name := include "pcp-injector.name" . }}
{{- $default := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- include "pcp-injector.serviceName" (.Values.fullnameOverride | default $default) | trunc 53 | trimSuffix "-" }}
{{- end }}

{{- define "pcp-injector.serviceName" -}}
{{- regexReplaceAll "^[0-9]" (. | replace "." "-") "pcp-${0}" }}
{{- end }}

{{/* The name of cluster-scoped objects, which differs between releases. */}}
{{- define "pcp-injector.clusterName" -}}
{{ include "pcp-injector.fullname" . }}.{{ .Release.Namespace }}
{{- end }}

{{- define "pcp-injector.serverName" -}}
{{ include "pcp-injector.fullname" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "pcp-injector.tlsSecret" -}}
{{- if eq .Values.certificates.mode "secret" }}{{ .Values.certificates.secret.name }}{{ else if eq .Values.certificates.mode "helm" }}{{ include "pcp-injector.fullname" . }}-helm-tls{{ else }}{{ include "pcp-injector.fullname" . }}-tls{{ end }}
{{- end }}

{{- define "pcp-injector.image" -}}
{{- with .Values.image }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}{{ end }}
{{- end }}

{{- define "pcp-injector.selectorLabels" -}}
app.kubernetes.io/name: {{ include "pcp-injector.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "pcp-injector.labels" -}}
{{- include "pcp-injector.labelsAnd" (list . dict) }}
{{- end }}

{{/* Labels with an object's own: list of the root and a map. The chart's take precedence over the object's, and these over commonLabels. */}}
{{- define "pcp-injector.labelsAnd" -}}
{{- $further := index . 1 }}
{{- with index . 0 }}
{{- $labels := include "pcp-injector.selectorLabels" . | fromYaml }}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") }}
{{- $_ := set $labels "app.kubernetes.io/version" (.Values.image.tag | default .Chart.AppVersion | replace "+" "_" | trunc 63 | trimAll "._-") }}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .Release.Service }}
{{- $_ := set $labels "app.kubernetes.io/part-of" "pcp" }}
{{- merge $labels $further .Values.commonLabels | toYaml }}
{{- end }}
{{- end }}

{{/* The InjectorConfig as the injector will complete it, for everything that the chart derives from it. Read it with fromYaml. */}}
{{- define "pcp-injector.config" -}}
{{- $defaults := .Files.Get "files/defaults.yaml" | fromYaml }}
{{- toYaml (mustMergeOverwrite $defaults.config (include "pcp-injector.stated" . | fromYaml)) }}
{{- end }}

{{/* The configuration as written in the values, plus the sizes of the claims that the chart creates; those of other claims are not known. */}}
{{- define "pcp-injector.stated" -}}
{{- $stated := .Values.config | default dict | deepCopy }}
{{- if .Values.pcp.claims.create }}
{{- $defaults := (.Files.Get "files/defaults.yaml" | fromYaml).config.persistence }}
{{- range $service := list "pmlogger" "pmproxy" }}
{{- $volume := dig "persistence" $service dict $stated | default dict }}
{{- if eq ($volume.type | default (get $defaults $service).type) "PersistentVolumeClaim" }}
{{- $stated = merge $stated (dict "persistence" (dict $service (dict "size" "1Gi"))) }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml $stated }}
{{- end }}

{{/* The configuration's file. */}}
{{- define "pcp-injector.file" -}}
{{- merge (dict "apiVersion" "config.pcp.io/v1alpha1" "kind" "InjectorConfig") (include "pcp-injector.stated" . | fromYaml) | toYaml }}
{{- end }}

{{- define "pcp-injector.target" -}}
{{- $target := (include "pcp-injector.config" . | fromYaml).target -}}
{{ $target.kind }} {{ $target.name }} in namespace {{ $target.namespace }}
{{- end }}

{{/* The name of the injected pods' Service and of what goes with it. */}}
{{- define "pcp-injector.pcpName" -}}
{{ include "pcp-injector.serviceName" (include "pcp-injector.config" . | fromYaml).target.name | trunc 59 | trimSuffix "-" }}-pcp
{{- end }}

{{/* The headless Service's name. */}}
{{- define "pcp-injector.nodesName" -}}
{{ include "pcp-injector.pcpName" . | trunc 57 | trimSuffix "-" }}-nodes
{{- end }}

{{/* Whether pmcd and pmproxy listen on the loopback address alone. The chart cannot see a pod that chooses the node's network itself. */}}
{{- define "pcp-injector.onLoopback" -}}
{{- $config := include "pcp-injector.config" . | fromYaml }}
{{- $listen := $config.container.listen }}
{{- if or (eq $listen "Loopback") (and (eq $listen "Auto") $config.hostMonitoring.hostNetwork) }}true{{ end }}
{{- end }}

{{- define "pcp-injector.pcpPorts" -}}
{{- $services := (include "pcp-injector.config" . | fromYaml).container.services }}
{{- $ports := include "pcp-injector.ports" . | fromYaml }}
{{- if has "pmcd" $services }}
- {name: pmcd, port: {{ $ports.pmcd }}}
{{- end }}
{{- if has "pmproxy" $services }}
- {name: pmproxy, port: {{ $ports.pmproxy }}}
{{- end }}
{{- end }}
