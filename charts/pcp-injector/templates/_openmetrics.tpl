{{/* An OpenMetrics source and its key, as in Endpoint.File and SourceName of pkg/config. internal/chartschema compares them. */}}
{{- define "pcp-injector.source" -}}
{{ .url }}
{{ range $name, $value := .headers }}HEADER: {{ $name }}: {{ $value }}
{{ end }}{{ range .filters }}FILTER: {{ . }}
{{ end }}
{{- end }}

{{- define "pcp-injector.sourceName" -}}
{{ . | replace "-" "_" | replace "." "_" }}
{{- end }}
