{{- define "pcp.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The Service and the pod's host also have this name, so it starts with a letter, and has no dots and at most 63 characters. */}}
{{- define "pcp.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- regexReplaceAll "^[0-9]" (.Values.fullnameOverride | default $full | replace "." "-") "pcp-${0}" | trunc 63 | trimAll "-" }}
{{- end }}

{{- /* The headless Service's name. */}}
{{- define "pcp.nodesName" -}}
{{ include "pcp.fullname" . | trunc 57 | trimSuffix "-" }}-nodes
{{- end }}

{{- define "pcp.selectorLabels" -}}
app.kubernetes.io/name: {{ include "pcp.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "pcp.labels" -}}
{{- include "pcp.labelsAnd" (list . dict) }}
{{- end }}

{{- /* Labels with an object's own: list of the root and a map. The chart's take precedence over the object's, and these over commonLabels. */}}
{{- define "pcp.labelsAnd" -}}
{{- $further := last . }}
{{- with first . }}
{{- $own := include "pcp.selectorLabels" . | fromYaml }}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") }}
{{- $_ := set $own "app.kubernetes.io/managed-by" .Release.Service }}
{{- merge $own $further .Values.commonLabels | toYaml }}
{{- end }}
{{- end }}

{{- define "pcp.serviceAccountName" -}}
{{- default (ternary (include "pcp.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- define "pcp.image" -}}
{{- with .Values.image }}
{{- .digest | empty | ternary (printf "%s:%s" .repository .tag) (printf "%s@%s" .repository .digest) }}
{{- end }}
{{- end }}

{{- /* The claim that holds a service's data: (list $ "pmlogger"). */}}
{{- define "pcp.claimName" -}}
{{- $service := last . }}
{{- with first . }}
{{- get (get .Values.persistence $service) "existingClaim" | default (printf "%s-%s" (include "pcp.fullname" .) $service) }}
{{- end }}
{{- end }}

{{- define "pcp.nodePath" -}}
{{- .Values.node.hostPath | default (printf "/var/lib/pcp-node/%s/%s" .Release.Namespace (include "pcp.fullname" .)) }}
{{- end }}

{{- /* The folder on the node that holds a service's data, or nothing: (list $ "pmlogger"). */}}
{{- define "pcp.nodeFolder" -}}
{{- $service := last . }}
{{- with get (first .).Values.persistence $service }}
{{- if and .enabled (or .hostPath (include "pcp.isPerNode" (first $))) }}
{{- .hostPath | default (printf "%s/%s" (include "pcp.nodePath" (first $)) $service) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The Service must not select the pod of helm test. */}}
{{- define "pcp.testLabels" -}}
app.kubernetes.io/name: {{ include "pcp.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}
