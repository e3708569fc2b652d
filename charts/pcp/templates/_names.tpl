{{- define "pcp.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The full name is that of the Service and of the pod's host too: a letter first, no dots, at most 63 characters. */}}
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

{{- /* With an object's own: list of the root and a map. The chart's win over them, and they over commonLabels. */}}
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

{{- /* Where a service's data lives: (list $ "pmlogger"). */}}
{{- define "pcp.claimName" -}}
{{- $service := last . }}
{{- with first . }}
{{- get (get .Values.persistence $service) "existingClaim" | default (printf "%s-%s" (include "pcp.fullname" .) $service) }}
{{- end }}
{{- end }}

{{- define "pcp.nodePath" -}}
{{- .Values.node.hostPath | default (printf "/var/lib/pcp-node/%s/%s" .Release.Namespace (include "pcp.fullname" .)) }}
{{- end }}

{{- /* The folder of the node that a service's data is in, or nothing: (list $ "pmlogger"). */}}
{{- define "pcp.nodeFolder" -}}
{{- $service := last . }}
{{- with get (first .).Values.persistence $service }}
{{- if and .enabled (or .hostPath (include "pcp.isPerNode" (first $))) }}
{{- .hostPath | default (printf "%s/%s" (include "pcp.nodePath" (first $)) $service) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The pod of helm test is none of the Service's. */}}
{{- define "pcp.testLabels" -}}
app.kubernetes.io/name: {{ include "pcp.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}
