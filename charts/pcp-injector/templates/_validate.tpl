{{- /* What pkg/config would refuse in the configuration, said before it is installed: the injector would not start with it. What is
       left to it: the amounts of container.resources, container.probes, the valueFrom of container.env, and the grammar of URLs and regular expressions. */}}
{{- define "pcp-injector.validate" -}}
{{- range list "target" "container" "hostMonitoring" "persistence" "openMetrics" "pod" }}
{{- include (printf "pcp-injector.validate.%s" .) $ }}
{{- end }}
{{- end }}

{{- /* One line: (list "key" value "what is allowed, and what to do"). A value that may hold a secret is left out. */}}
{{- define "pcp-injector.refuse" }}
{{ index . 0 }}: {{ index . 1 | toJson }}: {{ index . 2 }}
{{- end }}

{{- /* (list "key" value rule), where rule is label or subdomain; an empty name is the caller's business. */}}
{{- define "pcp-injector.validate.name" -}}
{{- $label := "[a-z0-9]([-a-z0-9]*[a-z0-9])?" }}
{{- $isLabel := eq (index . 2) "label" }}
{{- $max := ternary 63 253 $isLabel }}
{{- if or (gt (len (index . 1)) $max) (not (regexMatch (ternary (printf "^%s$" $label) (printf "^%s([.]%s)*$" $label $label) $isLabel) (index . 1))) }}
{{- $dot := $isLabel | ternary "" " and ." }}
{{- include "pcp-injector.refuse" (list (index . 0) (index . 1) (printf "must be a name of up to %d lower-case letters, digits, -%s, with a letter or digit at both ends: rename it" $max $dot)) }}
{{- end }}
{{- end }}

{{- define "pcp-injector.validate.duplicates" -}}
{{- if ne (index . 1 | len) (index . 1 | uniq | len) }}
{{- include "pcp-injector.refuse" (list (index . 0) (index . 1) "names something twice: remove one") }}
{{- end }}
{{- end }}

{{- define "pcp-injector.validate.path" -}}
{{- if or (not (regexMatch "^/[A-Za-z0-9._/-]*$" (last .))) (ne (last .) (clean (last .))) }}
{{- include "pcp-injector.refuse" (list (first .) (last .) "must be an absolute path of letters, digits and . _ - /, without .., . or a needless /") }}
{{- end }}
{{- end }}

{{- define "pcp-injector.validate.target" -}}
{{- $kinds := list "CronJob" "DaemonSet" "Deployment" "Job" "Pod" "ReplicaSet" "ReplicationController" "StatefulSet" }}
{{- with (include "pcp-injector.config" . | fromYaml).target }}
{{- $target := . }}
{{- include "pcp-injector.validate.name" (list "config.target.namespace" .namespace "label") }}
{{- include "pcp-injector.validate.name" (list "config.target.name" .name (eq .kind "StatefulSet" | ternary "label" "subdomain")) }}
{{- if and (eq .kind "CronJob") (gt (len .name) 52) }}
{{- include "pcp-injector.refuse" (list "config.target.name" .name "must be no more than 52 characters for a CronJob, whose Jobs are called after it: rename it") }}
{{- else if and (eq .kind "Deployment") (gt (len .name) 241) }}
{{- include "pcp-injector.refuse" (list "config.target.name" .name "must be no more than 241 characters for a Deployment, whose ReplicaSets are called after it: rename it") }}
{{- end }}
{{- $meant := "" }}
{{- range $kinds }}
{{- if eq (lower .) (lower $target.kind) }}
{{- $meant = . }}
{{- end }}
{{- end }}
{{- if and $meant (ne $meant .kind) }}
{{- include "pcp-injector.refuse" (list "config.target.kind" .kind (printf "must be written %s" $meant)) }}
{{- else if not (regexMatch "^[A-Z][A-Za-z0-9]{0,62}$" .kind) }}
{{- include "pcp-injector.refuse" (list "config.target.kind" .kind (printf "must be the kind of a workload: one of %s, or a custom kind with config.target.trustedCreators" (join ", " $kinds))) }}
{{- else if and (not $meant) (not .trustedCreators) }}
{{- include "pcp-injector.refuse" (list "config.target.trustedCreators" list (printf "kind %q is not one of %s: name the user of the controller that creates its pods, system:serviceaccount:<namespace>:<name>" .kind (join ", " $kinds))) }}
{{- end }}
{{- range $n, $user := .trustedCreators }}
{{- $key := printf "config.target.trustedCreators[%d]" $n }}
{{- if or (not $user) (ne $user (trim $user)) }}
{{- include "pcp-injector.refuse" (list $key $user "must be a user name without white space around it") }}
{{- else if and (hasPrefix "system:serviceaccount:" $user) (not (regexMatch "^system:serviceaccount:[a-z0-9-]+:[a-z0-9.-]+$" $user)) }}
{{- include "pcp-injector.refuse" (list $key $user "must be system:serviceaccount:<namespace>:<name>") }}
{{- end }}
{{- end }}
{{- include "pcp-injector.validate.duplicates" (list "config.target.trustedCreators" (.trustedCreators | default list)) }}
{{- end }}
{{- end }}

{{- define "pcp-injector.validate.container" -}}
{{- $config := include "pcp-injector.config" . | fromYaml }}
{{- with $config.container }}
{{- $services := .services }}
{{- if not (regexMatch "^([A-Za-z0-9.-]+(:[0-9]+)?/|[[][0-9a-fA-F:]+[]](:[0-9]+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@[a-z0-9]+:[0-9a-f]{32,})?$" .image) }}
{{- include "pcp-injector.refuse" (list "config.container.image" .image "must be an image reference, lower-case but for its host and tag, e.g. quay.io/performancecopilot/pcp:latest: correct it, or remove the key for the default") }}
{{- end }}
{{- if not $services }}
{{- include "pcp-injector.refuse" (list "config.container.services" list "must name at least one of pmcd, pmie, pmlogger and pmproxy: remove the key for all") }}
{{- end }}
{{- range $services }}
{{- if not (has . (list "pmcd" "pmie" "pmlogger" "pmproxy")) }}
{{- include "pcp-injector.refuse" (list "config.container.services" . "must be one of pmcd, pmie, pmlogger and pmproxy") }}
{{- else if and (has . (list "pmie" "pmlogger")) (not (has "pmcd" $services)) }}
{{- include "pcp-injector.refuse" (list "config.container.services" . "needs pmcd, which the image masks unless it is listed: add pmcd") }}
{{- end }}
{{- end }}
{{- range $n, $agent := .domainAgents }}
{{- if not (regexMatch "^[a-z0-9_]+$" $agent) }}
{{- include "pcp-injector.refuse" (list (printf "config.container.domainAgents[%d]" $n) $agent "must be the name of an agent: lower-case letters, digits and _") }}
{{- end }}
{{- end }}
{{- if and .domainAgents (not (has "pmcd" $services)) }}
{{- include "pcp-injector.refuse" (list "config.container.domainAgents" .domainAgents "agents are started by pmcd: add pmcd to config.container.services, or remove them") }}
{{- end }}
{{- if not .keyServers }}
{{- include "pcp-injector.refuse" (list "config.container.keyServers" list "must name at least one host:port: remove the key for the default, localhost:6379") }}
{{- end }}
{{- range $n, $server := .keyServers }}
{{- $port := splitList ":" $server | last | atoi }}
{{- if or (gt $port 65535) (not (regexMatch "^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\\[[0-9a-fA-F:.]+\\]):[1-9][0-9]{0,4}$" $server)) }}
{{- include "pcp-injector.refuse" (list (printf "config.container.keyServers[%d]" $n) $server "must be host:port, e.g. localhost:6379") }}
{{- end }}
{{- end }}
{{- $names := list }}
{{- range $n, $variable := .env }}
{{- $name := $variable.name | default "" }}
{{- $names = append $names $name }}
{{- if not (regexMatch "^[-._a-zA-Z][-._a-zA-Z0-9]*$" $name) }}
{{- include "pcp-injector.refuse" (list (printf "config.container.env[%d].name" $n) $name "must be the name of a variable: letters, digits, _, - and ., and no digit first") }}
{{- else if has $name (list "PCP_SERVICES" "PCP_DOMAIN_AGENTS" "KEY_SERVERS" "HOST_MOUNT" "container") }}
{{- include "pcp-injector.refuse" (list (printf "config.container.env[%d].name" $n) $name "is set by the injector: use config.container.services, domainAgents and keyServers, and config.hostMonitoring; container is always oci") }}
{{- end }}
{{- end }}
{{- include "pcp-injector.validate.duplicates" (list "config.container.env" $names) }}
{{- include "pcp-injector.validate.duplicates" (list "config.container.services" ($services | default list)) }}
{{- include "pcp-injector.validate.duplicates" (list "config.container.domainAgents" (.domainAgents | default list)) }}
{{- include "pcp-injector.validate.duplicates" (list "config.container.keyServers" (.keyServers | default list)) }}
{{- end }}
{{- include "pcp-injector.validate.duplicates" (list "config.overrides.allow" ($config.overrides.allow | default list)) }}
{{- end }}

{{- define "pcp-injector.validate.hostMonitoring" -}}
{{- with (include "pcp-injector.config" . | fromYaml).hostMonitoring }}
{{- include "pcp-injector.validate.path" (list "config.hostMonitoring.hostPath" .hostPath) }}
{{- include "pcp-injector.validate.path" (list "config.hostMonitoring.mountPath" .mountPath) }}
{{- if regexMatch "^/(bin|boot|dev|etc|lib|lib64|proc|run|sbin|sys|tmp|usr|var)?(/|$)" .mountPath }}
{{- include "pcp-injector.refuse" (list "config.hostMonitoring.mountPath" .mountPath "would hide files that PCP needs: use a folder of its own, e.g. /host") }}
{{- end }}
{{- if and .hostNetwork (not .enabled) }}
{{- include "pcp-injector.refuse" (list "config.hostMonitoring.hostNetwork" true "without the node's files PCP has no use for the node's network: set config.hostMonitoring.enabled=true too") }}
{{- end }}
{{- if and .processDetails (not .enabled) }}
{{- include "pcp-injector.refuse" (list "config.hostMonitoring.processDetails" true "without the node's files no processes but the pod's are seen: set config.hostMonitoring.enabled=true too") }}
{{- end }}
{{- end }}
{{- end }}

{{- define "pcp-injector.validate.persistence" -}}
{{- $config := include "pcp-injector.config" . | fromYaml }}
{{- $given := (.Values.config | default dict).persistence | default dict }}
{{- $host := $config.hostMonitoring }}
{{- $claim := "PersistentVolumeClaim" }}
{{- $types := list }}
{{- $paths := list }}
{{- $claims := list }}
{{- range $service := list "pmlogger" "pmproxy" }}
{{- $key := printf "config.persistence.%s" $service }}
{{- $volume := get $config.persistence $service }}
{{- $own := get $given $service | default dict }}
{{- $type := $volume.type }}
{{- $types = append $types $type }}
{{- $claims = $volume.claimName | default (printf "pcp-%s" $service) | append $claims }}
{{- range $field, $for := dict "claimName" (list $claim) "path" (list "HostPath") "accessMode" (list $claim "Ephemeral") "storageClassName" (list $claim "Ephemeral") "size" (list $claim "Ephemeral" "EmptyDir") }}
{{- if and (get $own $field) (not (has $type $for)) }}
{{- include "pcp-injector.refuse" (list (printf "%s.%s" $key $field) (get $own $field) (printf "is not for type %s: remove it, or set type to %s" $type (join " or " $for))) }}
{{- end }}
{{- end }}
{{- range $field := list "claimName" "storageClassName" }}
{{- with get $own $field }}
{{- include "pcp-injector.validate.name" (list (printf "%s.%s" $key $field) . "subdomain") }}
{{- end }}
{{- end }}
{{- if and (hasKey $own "size") (regexMatch "^(-.*|[+]?0*[.]?0*([numkKMGTPE].*|e.*)?)$" (toString $own.size)) }}
{{- include "pcp-injector.refuse" (list (printf "%s.size" $key) $own.size "must be more than 0") }}
{{- end }}
{{- $path := $own.path | default (printf "/var/lib/pcp-injector/%s" $service) }}
{{- $paths = append $paths (printf "%s/" $path) }}
{{- if eq $type "HostPath" }}
{{- include "pcp-injector.validate.path" (list (printf "%s.path" $key) $path) }}
{{- if or (regexMatch "^/(bin|boot|dev|etc|lib|lib64|proc|run|sbin|sys|tmp|usr|var/lib/(containerd|containers|cni|docker|etcd|kubelet|rancher))?(/|$)" $path) (has $path (list "/home" "/mnt" "/opt" "/root" "/srv" "/var" "/var/lib" "/var/log")) }}
{{- include "pcp-injector.refuse" (list (printf "%s.path" $key) $path "is not PCP's to own: use a folder of its own, e.g. /var/lib/pcp-injector/data") }}
{{- end }}
{{- end }}
{{- if and (eq $config.target.kind "DaemonSet") (eq $type $claim) }}
{{- if ne $volume.accessMode "ReadWriteMany" }}
{{- include "pcp-injector.refuse" (list (printf "%s.type" $key) $type (printf "the pods of a DaemonSet cannot share a claim that is %s: use HostPath, Ephemeral or EmptyDir" $volume.accessMode)) }}
{{- else if eq $service "pmproxy" }}
{{- include "pcp-injector.refuse" (list (printf "%s.type" $key) $type "the pods of a DaemonSet would write the same files: use HostPath, Ephemeral or EmptyDir") }}
{{- else if not (and $host.enabled $host.hostNetwork) }}
{{- include "pcp-injector.refuse" (list (printf "%s.type" $key) $type "the pods of a DaemonSet have no lasting host names to tell their archives apart: use HostPath or Ephemeral, or config.hostMonitoring.hostNetwork") }}
{{- end }}
{{- end }}
{{- end }}
{{- if eq (first $types) (last $types) }}
{{- if and (eq (last $types) $claim) (eq (first $claims) (last $claims)) }}
{{- include "pcp-injector.refuse" (list "config.persistence.pmproxy.claimName" (last $claims) "is the claim of config.persistence.pmlogger too: they need one each") }}
{{- end }}
{{- if and (eq (last $types) "HostPath") (or (hasPrefix (first $paths) (last $paths)) (hasPrefix (last $paths) (first $paths))) }}
{{- include "pcp-injector.refuse" (list "config.persistence.pmproxy.path" (last $paths | trimSuffix "/") (printf "must be apart from the path of config.persistence.pmlogger, %s" (first $paths | trimSuffix "/"))) }}
{{- end }}
{{- end }}
{{- if and $config.persistence.fixOwnership (not (without $types "EmptyDir" "None")) }}
{{- include "pcp-injector.refuse" (list "config.persistence.fixOwnership" true "has nothing to do, as no volume is a PersistentVolumeClaim, a HostPath or Ephemeral: remove it") }}
{{- end }}
{{- end }}

{{- define "pcp-injector.validate.openMetrics" -}}
{{- with (include "pcp-injector.config" . | fromYaml).openMetrics }}
{{- range $name, $endpoint := .endpoints }}
{{- $key := printf "config.openMetrics.endpoints.%s" $name }}
{{- $clean := include "pcp-injector.sourceName" $name }}
{{- if not (regexMatch "^[A-Za-z][A-Za-z0-9_]{0,62}$" $clean) }}
{{- include "pcp-injector.refuse" (list $key $name "must start with a letter and consist of up to 63 letters, digits, _, - and .: it becomes part of the metrics' names, rename it") }}
{{- else if eq $clean "control" }}
{{- include "pcp-injector.refuse" (list $key $name "is reserved for the agent's own metrics: choose another name") }}
{{- end }}
{{- include "pcp-injector.validate.source" (list $key $endpoint) }}
{{- end }}
{{- if and .endpoints (not .enabled) }}
{{- include "pcp-injector.refuse" (list "config.openMetrics.enabled" false "nothing reads config.openMetrics.endpoints without it: set it to true, or remove them") }}
{{- end }}
{{- if and .discover (not .enabled) }}
{{- include "pcp-injector.refuse" (list "config.openMetrics.discover" true "nothing reads the sources without config.openMetrics.enabled: set that to true, or remove it") }}
{{- end }}
{{- if and .enabled (not .configMapName) }}
{{- include "pcp-injector.refuse" (list "config.openMetrics.configMapName" "" "must be the name of a ConfigMap, which need not exist: remove the key for the default, or set config.openMetrics.enabled=false") }}
{{- else if and .enabled (eq .configMapName .pmlogconfConfigMapName) }}
{{- include "pcp-injector.refuse" (list "config.openMetrics.pmlogconfConfigMapName" .configMapName "is config.openMetrics.configMapName too: they need one each") }}
{{- end }}
{{- range $field, $name := pick . "configMapName" "pmlogconfConfigMapName" "secretName" }}
{{- with $name }}
{{- include "pcp-injector.validate.name" (list (printf "config.openMetrics.%s" $field) . "subdomain") }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* URLs and headers may hold secrets: the messages never repeat them. */}}
{{- define "pcp-injector.validate.source" -}}
{{- $key := first . }}
{{- $source := last . }}
{{- if not (regexMatch "^(https?://([^\\s/?#@]*@)?[^\\s/?#@:][^\\s/?#@]*([/?#][^\\s]*)?|file:///[^\\s]*[^\\s/])$" ($source.url | default "")) }}
{{ $key }}.url: must be an http, https or file URL without white space, e.g. http://localhost:9100/metrics or file:///run/metrics.prom
{{- end }}
{{- $seen := dict }}
{{- range $name, $value := $source.headers }}
{{- if not (regexMatch "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" $name) }}
{{ $key }}.headers.{{ $name | toJson }}: the name must consist of letters, digits and !#$%&'*+.^_`|~-
{{- end }}
{{- if not (regexMatch "^[\\t -~]*$" $value) }}
{{ $key }}.headers.{{ $name }}: the value must be printable ASCII on one line
{{- end }}
{{- if hasKey $seen (lower $name) }}
{{ $key }}.headers.{{ $name }}: is the same header as {{ get $seen (lower $name) }}: remove one
{{- end }}
{{- $_ := set $seen (lower $name) $name }}
{{- end }}
{{- range $n, $filter := $source.filters }}
{{- if not (regexMatch "^[ \\t]*((INCLUDE|EXCLUDE)[ \\t]+(METRIC|LABEL)|OPTIONAL[ \\t]+LABEL)[ \\t]+[^:\\pC]+$" $filter) }}
{{- include "pcp-injector.refuse" (list (printf "%s.filters[%d]" $key $n) $filter "must be INCLUDE or EXCLUDE, METRIC or LABEL, and a regular expression, or OPTIONAL LABEL and one; the expression cannot contain a colon, where the agent cuts it off: write . instead") }}
{{- end }}
{{- end }}
{{- end }}

{{- define "pcp-injector.validate.pod" -}}
{{- range $map := list "podAnnotations" "podLabels" }}
{{- range $key, $_ := get $.Values $map }}
{{- if regexMatch "^([a-z-]+[.])?pcp[.]io/" $key }}
{{- include "pcp-injector.refuse" (list $map $key "belongs to the pods that get PCP, which the webhook's are not: remove it, and annotate the pod template of the target") }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
