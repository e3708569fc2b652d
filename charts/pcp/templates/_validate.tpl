{{- /* Refuses values that could not work, all at once: the key, its value, what is allowed, what to do. The schema checks types and finds typos. */}}
{{- define "pcp.validate" -}}
{{- $problems := list }}
{{- range list "workload" "services" "host" "data" "perNode" "sources" "files" "pmie" "push" "exposure" "pod" "extras" "probes" }}
{{- $problems = concat $problems (include (printf "pcp.validate.%s" .) $ | splitList "\n" | compact) }}
{{- end }}
{{- if $problems }}
{{- printf "\n\nThese values cannot work:\n  %s\n" (join "\n  " $problems) | fail }}
{{- end }}
{{- end }}

{{- /* One line: (list "key" value "what is allowed, and what to do"). A value that may hold a secret is omitted. */}}
{{- define "pcp.refuse" }}
{{ index . 0 }}: {{ index . 1 | toJson }}: {{ index . 2 }}
{{- end }}

{{- define "pcp.validate.workload" -}}
{{- if ne (toString .Values.replicaCount) "1" }}
{{- include "pcp.refuse" (list "replicaCount" .Values.replicaCount "must be 1, since PCP monitors the system and a second instance only duplicates its data: for one instance on every node, set node.mode=perNode") }}
{{- end }}
{{- if lt (int .Values.terminationGracePeriodSeconds) 30 }}
{{- include "pcp.refuse" (list "terminationGracePeriodSeconds" .Values.terminationGracePeriodSeconds "must be 30 or more: PCP needs up to 13 s to stop while agents install") }}
{{- end }}
{{- end }}

{{- define "pcp.validate.services" -}}
{{- /* As config.CheckReceiver of the injector. A digest shows no version. */}}
{{- $version := .Values.image.digest | empty | ternary (.Values.image.tag | toString | trimPrefix "v") "" }}
{{- if and (or .Values.acceptArchives .Values.acceptWrites) (regexMatch `^[0-9]{1,4}\.[0-9]{1,4}([.+_-].*)?$` $version) }}
{{- $major := splitList "." $version | first | int }}
{{- $minor := regexFind `^[0-9]+` (regexReplaceAll `^[0-9]+\.` $version "") | int }}
{{- if and (or (lt $major 7) (and (eq $major 7) (lt $minor 2))) (or .Values.acceptArchives (ge $major 7)) }}
{{- include "pcp.refuse" (list (.Values.acceptArchives | ternary "acceptArchives" "acceptWrites") true (lt $major 7 | ternary (printf "needs PCP 7.2.0 or later: PCP %s cannot accept archives: set a newer image.tag" $version)
  (printf "needs PCP 7.2.0 or later: in PCP %s, whoever pushes archives can write outside pmproxy's folder: set a newer image.tag" $version))) }}
{{- end }}
{{- end }}
{{- with .Values.env }}
{{- $services := splitList "," .PCP_SERVICES }}
{{- range $services }}
{{- if not (has . (list "pmcd" "pmie" "pmlogger" "pmproxy")) }}
{{- include "pcp.refuse" (list "env.PCP_SERVICES" . "must be one or more of pmcd, pmie, pmlogger and pmproxy, separated by commas without spaces") }}
{{- end }}
{{- end }}
{{- if ne (len $services) (len (uniq $services)) }}
{{- include "pcp.refuse" (list "env.PCP_SERVICES" .PCP_SERVICES "names a service twice: remove one") }}
{{- end }}
{{- if not (has "pmcd" $services) }}
{{- range without $services "pmproxy" }}
{{- if has . (list "pmie" "pmlogger") }}
{{- include "pcp.refuse" (list "env.PCP_SERVICES" . "needs pmcd, which the image masks unless it is listed: add pmcd") }}
{{- end }}
{{- end }}
{{- if .PCP_DOMAIN_AGENTS }}
{{- include "pcp.refuse" (list "env.PCP_DOMAIN_AGENTS" .PCP_DOMAIN_AGENTS "agents are started by pmcd: add pmcd to env.PCP_SERVICES, or remove them") }}
{{- end }}
{{- end }}
{{- if not (regexMatch "^([a-z0-9_]+(,[a-z0-9_]+)*)?$" .PCP_DOMAIN_AGENTS) }}
{{- include "pcp.refuse" (list "env.PCP_DOMAIN_AGENTS" .PCP_DOMAIN_AGENTS "must be names of agents, lower-case letters, digits and _, separated by commas without spaces") }}
{{- end }}
{{- $servers := splitList "," .KEY_SERVERS }}
{{- range $servers }}
{{- $port := splitList ":" . | last | atoi }}
{{- if or (gt $port 65535) (not (regexMatch "^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\\[[0-9a-fA-F:.]+\\]):[1-9][0-9]{0,4}$" .)) }}
{{- include "pcp.refuse" (list "env.KEY_SERVERS" . "must be host:port, separated by commas without spaces; for none keep the default, localhost:6379") }}
{{- end }}
{{- end }}
{{- if ne (len $servers) (len (uniq $servers)) }}
{{- include "pcp.refuse" (list "env.KEY_SERVERS" .KEY_SERVERS "names a server twice: remove one") }}
{{- end }}
{{- end }}
{{- end }}

{{- define "pcp.validate.host" -}}
{{- $mount := .Values.hostMonitoring.mountPath }}
{{- with .Values.hostMonitoring }}
{{- include "pcp.validate.path" (list "hostMonitoring.hostPath" .hostPath) }}
{{- include "pcp.validate.path" (list "hostMonitoring.mountPath" .mountPath) }}
{{- if regexMatch "^/(bin|boot|dev|etc|lib|lib64|proc|run|sbin|sys|tmp|usr|var)?(/|$)" .mountPath }}
{{- include "pcp.refuse" (list "hostMonitoring.mountPath" .mountPath "would hide files that PCP needs: use a separate folder, e.g. /host") }}
{{- end }}
{{- if and .processDetails (not .enabled) }}
{{- include "pcp.refuse" (list "hostMonitoring.processDetails" true "without the node's files, PCP sees only the pod's processes: set hostMonitoring.enabled=true too") }}
{{- end }}
{{- end }}
{{- with .Values.env.HOST_MOUNT }}
{{- if not $.Values.hostMonitoring.enabled }}
{{- include "pcp.refuse" (list "env.HOST_MOUNT" . "nothing is mounted there, so PCP would monitor nothing: set hostMonitoring.enabled=true too, or remove it") }}
{{- else if ne . $mount }}
{{- include "pcp.refuse" (list "env.HOST_MOUNT" . (printf "must be hostMonitoring.mountPath, %s: set that, or remove env.HOST_MOUNT" $mount)) }}
{{- end }}
{{- end }}
{{- if and .Values.hostNetwork (not .Values.hostMonitoring.enabled) }}
{{- include "pcp.refuse" (list "hostNetwork" true "without the node's files PCP has no use for the node's network: set hostMonitoring.enabled=true too") }}
{{- end }}
{{- end }}

{{- define "pcp.validate.path" -}}
{{- if or (not (regexMatch "^/[A-Za-z0-9._/-]*$" (last .))) (ne (last .) (clean (last .))) }}
{{- include "pcp.refuse" (list (first .) (last .) "must be an absolute path of letters, digits and . _ - /, without .., . or a redundant /") }}
{{- end }}
{{- end }}

{{- define "pcp.validate.data" -}}
{{- with .Values.persistence }}
{{- range $service := list "pmlogger" "pmproxy" }}
{{- $volume := get $.Values.persistence $service }}
{{- include "pcp.validate.path" (list (printf "persistence.%s.mountPath" $service) $volume.mountPath) }}
{{- range $key := list "existingClaim" "hostPath" }}
{{- if and (get $volume $key) (not $volume.enabled) }}
{{- include "pcp.refuse" (list (printf "persistence.%s.%s" $service $key) (get $volume $key) (printf "is not used: set persistence.%s.enabled=true, or remove it" $service)) }}
{{- end }}
{{- end }}
{{- if $volume.hostPath }}
{{- include "pcp.validate.nodeFolder" (list (printf "persistence.%s.hostPath" $service) $volume.hostPath) }}
{{- if $volume.existingClaim }}
{{- include "pcp.refuse" (list (printf "persistence.%s.hostPath" $service) $volume.hostPath "must not be used together with existingClaim: remove one") }}
{{- end }}
{{- end }}
{{- end }}
{{- $logger := include "pcp.claimName" (list $ "pmlogger") }}
{{- if and .pmlogger.enabled .pmproxy.enabled (eq $logger (include "pcp.claimName" (list $ "pmproxy"))) }}
{{- include "pcp.refuse" (list "persistence.pmproxy.existingClaim" $logger "is also the claim of persistence.pmlogger: each needs its own") }}
{{- end }}
{{- $paths := list (printf "%s/" .pmlogger.mountPath) (printf "%s/" .pmproxy.mountPath) }}
{{- if or (hasPrefix (first $paths) (last $paths)) (hasPrefix (last $paths) (first $paths)) }}
{{- include "pcp.refuse" (list "persistence.pmproxy.mountPath" .pmproxy.mountPath (printf "must be neither inside nor above persistence.pmlogger.mountPath, %s" .pmlogger.mountPath)) }}
{{- end }}
{{- $folders := list (include "pcp.nodeFolder" (list $ "pmlogger")) (include "pcp.nodeFolder" (list $ "pmproxy")) | compact }}
{{- if eq (len $folders) 2 }}
{{- if or (hasPrefix (printf "%s/" (first $folders)) (printf "%s/" (last $folders))) (hasPrefix (printf "%s/" (last $folders)) (printf "%s/" (first $folders))) }}
{{- include "pcp.refuse" (list "persistence.pmproxy.hostPath" (last $folders) (printf "must be neither inside nor above the folder of pmlogger, %s" (first $folders))) }}
{{- end }}
{{- end }}
{{- include "pcp.validate.limit" $ }}
{{- if and .fixOwnership (not .pmlogger.enabled) (not .pmproxy.enabled) }}
{{- include "pcp.refuse" (list "persistence.fixOwnership" true "has nothing to do: enable persistence.pmlogger or persistence.pmproxy, or remove it") }}
{{- end }}
{{- end }}
{{- end }}

{{- define "pcp.validate.limit" -}}
{{- $limit := include "pcp.archivesLimit" . | int64 }}
{{- with .Values.persistence.pmlogger }}
{{- $claim := include "pcp.ownsArchivesClaim" $ }}
{{- if and .maxSize (lt $limit 10485760) }}
{{- include "pcp.refuse" (list "persistence.pmlogger.maxSize" .maxSize "must be 10Mi or more") }}
{{- else if and .maxSize $claim (gt $limit (include "pcp.archivesShare" . | int64)) }}
{{- include "pcp.refuse" (list "persistence.pmlogger.maxSize" .maxSize (printf "must not be more than 80 %% of persistence.pmlogger.size, which is %s: the archives would fill the volume" .size)) }}
{{- else if and $claim (not .maxSize) (lt $limit 10485760) }}
{{- include "pcp.refuse" (list "persistence.pmlogger.size" .size "must be 13Mi or more: archives take up to 80 % of it, and need 10Mi") }}
{{- end }}
{{- end }}
{{- end }}

{{- define "pcp.validate.perNode" -}}
{{- if not (include "pcp.isPerNode" .) }}
{{- with .Values.node.hostPath }}
{{- include "pcp.refuse" (list "node.hostPath" . "is not used: set node.mode=perNode, or remove it") }}
{{- end }}
{{- else }}
{{- $path := include "pcp.nodePath" . }}
{{- include "pcp.validate.nodeFolder" (list "node.hostPath" $path) }}
{{- range $service := list "pmlogger" "pmproxy" }}
{{- range $key, $default := dict "existingClaim" "" "storageClass" "" "accessMode" "ReadWriteOnce" }}
{{- $value := get (get $.Values.persistence $service) $key }}
{{- if ne $value $default }}
{{- include "pcp.refuse" (list (printf "persistence.%s.%s" $service $key) $value "applies to a claim, which pods on different nodes cannot share: with node.mode=perNode the data is in node.hostPath, so remove it") }}
{{- end }}
{{- end }}
{{- end }}
{{- if and (not .Values.hostNetwork) .Values.persistence.pmlogger.enabled (include "pcp.runs" (list . "pmlogger")) }}
{{- include "pcp.refuse" (list "node.mode" "perNode" "the archives' folder is named after the pod's host name, so every new pod would start a new folder, and old ones would never be deleted: set hostNetwork=true, or persistence.pmlogger.enabled=false") }}
{{- end }}
{{- if .Values.ingress.enabled }}
{{- include "pcp.refuse" (list "ingress.enabled" true "would lead to a random node with node.mode=perNode: remove it") }}
{{- end }}
{{- end }}
{{- end }}

{{- /* A folder on the node that PCP will own: (list "key" path). pkg/config/validate_persistence.go has the same folders. */}}
{{- define "pcp.validate.nodeFolder" -}}
{{- include "pcp.validate.path" . }}
{{- if or (regexMatch "^/(bin|boot|dev|etc|lib|lib64|proc|run|sbin|sys|tmp|usr)?(/|$)" (last .)) (has (last .) (list "/home" "/mnt" "/opt" "/root" "/srv" "/var" "/var/lib" "/var/log")) (regexMatch "^/var/lib/(containerd|containers|cni|docker|etcd|kubelet|rancher)(/|$)" (last .)) }}
{{- include "pcp.refuse" (list (first .) (last .) "must not be owned by PCP: use a separate folder, e.g. /var/lib/pcp-node") }}
{{- end }}
{{- end }}

{{- define "pcp.validate.sources" -}}
{{- $known := dict }}
{{- with .Values.openMetrics }}
{{- range $name, $endpoint := .endpoints }}
{{- $key := printf "openMetrics.endpoints.%s" $name }}
{{- $clean := include "pcp.sourceName" $name }}
{{- if not (regexMatch "^[A-Za-z][A-Za-z0-9_]{0,62}$" $clean) }}
{{- include "pcp.refuse" (list $key $name "must start with a letter and consist of up to 63 letters, digits, _, - and .: it becomes part of the metrics' names") }}
{{- else if eq $clean "control" }}
{{- include "pcp.refuse" (list $key $name "is reserved for the agent's own metrics: choose another name") }}
{{- else if hasKey $known $clean }}
{{- include "pcp.refuse" (list $key $name (printf "collides with %q, because the agent calls both %q: rename one" (get $known $clean) $clean)) }}
{{- end }}
{{- $_ := set $known $clean $name }}
{{- include "pcp.validate.source" (list $key $endpoint) }}
{{- end }}
{{- include "pcp.validate.intervals" $ }}
{{- if and .endpoints (not .enabled) }}
{{- include "pcp.refuse" (list "openMetrics.enabled" false "nothing reads openMetrics.endpoints without it: set it to true, or remove them") }}
{{- end }}
{{- range $name, $group := .pmlogconfGroups }}
{{- if not (hasPrefix "#pmlogconf-setup 2.0\n" $group) }}
{{- include "pcp.refuse" (list (printf "openMetrics.pmlogconfGroups.%s" $name) (trunc 40 $group) "must start with the line #pmlogconf-setup 2.0, see pmlogconf(1)") }}
{{- end }}
{{- end }}
{{- if and .pmlogconfGroups (not (include "pcp.archivesOpenMetrics" $)) }}
{{- include "pcp.refuse" (list "openMetrics.pmlogconfGroups" (keys .pmlogconfGroups | sortAlpha) "nothing reads them: they need openMetrics.enabled, openMetrics.archive and pmlogger in env.PCP_SERVICES") }}
{{- end }}
{{- end }}
{{- end }}

{{- define "pcp.validate.intervals" -}}
{{- with .Values.openMetrics }}
{{- $most := .interval }}
{{- $known := dict }}
{{- range $name, $seconds := .intervals }}
{{- $key := printf "openMetrics.intervals.%s" $name }}
{{- $clean := include "pcp.sourceName" $name }}
{{- if not (regexMatch "^[A-Za-z][A-Za-z0-9_]{0,62}$" $clean) }}
{{- include "pcp.refuse" (list $key $seconds "must be of a source, whose name starts with a letter and consists of up to 63 letters, digits, _, - and .") }}
{{- else if eq $clean "control" }}
{{- include "pcp.refuse" (list $key $seconds "control is reserved for the agent's own metrics: remove it") }}
{{- else if or (lt (int $seconds) 1) (gt (int $seconds) (int $most)) }}
{{- include "pcp.refuse" (list $key $seconds (printf "must be from 1 to openMetrics.interval, %d seconds, at which pmlogger archives all sources" (int $most))) }}
{{- else if hasKey $known $clean }}
{{- include "pcp.refuse" (list $key $seconds (printf "is of the same source as %q, because the agent calls both %q: remove one" (get $known $clean) $clean)) }}
{{- end }}
{{- $_ := set $known $clean $name }}
{{- end }}
{{- if and .intervals (not (and .enabled .archive)) }}
{{- include "pcp.refuse" (list "openMetrics.intervals" .intervals "needs openMetrics.enabled and openMetrics.archive: otherwise no source is archived") }}
{{- end }}
{{- end }}
{{- end }}

{{- /* URLs and headers may hold secrets, so the messages never repeat them. */}}
{{- define "pcp.validate.source" -}}
{{- $key := first . }}
{{- with last . }}
{{- if not (regexMatch "^(https?://([^\\s/?#@]*@)?[^\\s/?#@]+([/?#][^\\s]*)?|file:///[^\\s]*[^\\s/])$" .url) }}
{{ $key }}.url: must be an http, https or file URL without white space, e.g. http://localhost:9100/metrics or file:///run/metrics.prom
{{- end }}
{{- $seen := dict }}
{{- range $name, $value := .headers }}
{{- if not (regexMatch "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" $name) }}
{{ $key }}.headers.{{ $name | squote }}: the name must consist of letters, digits and !#$%&'*+.^_`|~-
{{- end }}
{{- if not (regexMatch "^[\\t -~]*$" $value) }}
{{ $key }}.headers.{{ $name }}: the value must be printable ASCII on one line
{{- end }}
{{- if hasKey $seen (lower $name) }}
{{ $key }}.headers.{{ $name }}: is the same header as {{ get $seen (lower $name) }}: remove one
{{- end }}
{{- $_ := set $seen (lower $name) $name }}
{{- end }}
{{- range $n, $filter := .filters }}
{{- if not (regexMatch "^[ \\t]*((INCLUDE|EXCLUDE)[ \\t]+(METRIC|LABEL)|OPTIONAL[ \\t]+LABEL)[ \\t]+[^:\\pC]+$" $filter) }}
{{- include "pcp.refuse" (list (printf "%s.filters[%d]" $key $n) $filter "must be INCLUDE or EXCLUDE, METRIC or LABEL, and a regular expression, or OPTIONAL LABEL and one; the expression cannot contain a colon, where the agent cuts it off: write . instead") }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Files and folders of PCP that files cannot use, and what to do instead. pkg/config/validate_files.go has the same list. */}}
{{- define "pcp.takenPaths" -}}
{{- $taken := dict "/etc/pcp/pmcd/pmcd.conf" "the image and the chart write it: use env.PCP_DOMAIN_AGENTS and acceptWrites"
  "/etc/pcp/pmproxy/pmproxy.conf" "the image and the chart write it: use env.KEY_SERVERS and acceptWrites"
  "/etc/pcp/pmlogger/control" "it starts the pmlogger that persistence.pmlogger describes: use another file in /etc/pcp/pmlogger/control.d"
  "/etc/pcp/pmlogger/control.d/local" "it starts the pmlogger that persistence.pmlogger describes: use another file in /etc/pcp/pmlogger/control.d"
  "/etc/pcp/pmie/control.d/rules" "it starts the pmie of pmie.rules: use that, or another file in /etc/pcp/pmie/control.d"
  "/var/lib/pcp/config/pmie/config.default" "pmieconf writes it: use pmie.stockRules and pmie.webhook"
  "/var/lib/pcp/config/pmda" "PCP's agents write there: use an agent's folder in /etc/pcp"
  "/var/lib/pcp/pmns" "PCP writes the names of all metrics there: an agent's are in the agent's own folder in /var/lib/pcp/pmdas"
  "/var/lib/pcp/tmp" "PCP writes its temporary files there: use another folder" }}
{{- if .Values.openMetrics.enabled }}
{{- range $folder := list "/etc/pcp/openmetrics" "/var/lib/pcp/pmdas/openmetrics/config.d" }}
{{- $_ := set $taken $folder "the sources are in a volume: use openMetrics.endpoints or openMetrics.secretName" }}
{{- end }}
{{- range $folder := list "/etc/pcp/pmlogconf/openmetrics" "/var/lib/pcp/config/pmlogconf/openmetrics" }}
{{- $_ := set $taken $folder "the groups are in a volume: use openMetrics.pmlogconfGroups" }}
{{- end }}
{{- range $folder := list "/etc/pcp/pmlogconf/exporters" "/var/lib/pcp/config/pmlogconf/exporters" }}
{{- $_ := set $taken $folder "the groups of single sources are there: use openMetrics.intervals" }}
{{- end }}
{{- end }}
{{- range $service := list "pmlogger" "pmproxy" }}
{{- $_ := set $taken (get $.Values.persistence $service).mountPath (printf "persistence.%s.mountPath has a volume there: use another folder" $service) }}
{{- end }}
{{- toYaml $taken }}
{{- end }}

{{- define "pcp.validate.files" -}}
{{- $taken := include "pcp.takenPaths" . | fromYaml }}
{{- range $n, $file := .Values.files }}
{{- $key := printf "files[%d]" $n }}
{{- $path := printf "%s.path" $key }}
{{- include "pcp.validate.path" (list $path .path) }}
{{- if not (regexMatch "^(/etc|/var/lib)/pcp/" .path) }}
{{- include "pcp.refuse" (list $path .path "must be below /etc/pcp or /var/lib/pcp") }}
{{- end }}
{{- range $other, $remedy := $taken }}
{{- if hasPrefix (printf "%s/" $other) (printf "%s/" $file.path) }}
{{- include "pcp.refuse" (list $path $file.path $remedy) }}
{{- else if hasPrefix (printf "%s/" $file.path) $other }}
{{- include "pcp.refuse" (list $path $file.path "must be a file: it is a folder of PCP") }}
{{- end }}
{{- end }}
{{- range $other := slice $.Values.files 0 $n }}
{{- if or (hasPrefix (printf "%s/" .path) (printf "%s/" $file.path)) (hasPrefix (printf "%s/" $file.path) .path) }}
{{- include "pcp.refuse" (list $path $file.path (printf "must be neither the same as, nor inside or above another file's path, %s" .path)) }}
{{- end }}
{{- end }}
{{- include "pcp.validate.fileSource" (list $key .) }}
{{- $mode := .mode | default 0444 | int }}
{{- if not (has $mode (list 0444 0400 0555 0500)) }}
{{- include "pcp.refuse" (list (printf "%s.mode" $key) (printf "0%o" $mode) "must be 0444, 0400, 0555 or 0500") }}
{{- else if and (has $mode (list 0444 0400)) (regexMatch "^/var/lib/pcp/pmdas/[^/]+/(Install|Remove|Upgrade|pmda[A-Za-z0-9_]+([.](perl|pl|py|python|sh))?)$" .path) }}
{{- include "pcp.refuse" (list (printf "%s.mode" $key) (printf "0%o" $mode) (printf "%s is a program of an agent, which could not be executed: use 0555" (base .path))) }}
{{- end }}
{{- end }}
{{- with .Values.openMetrics.caBundle }}
{{- include "pcp.validate.fileSource" (list "openMetrics.caBundle" .) }}
{{- if not $.Values.openMetrics.enabled }}
{{- include "pcp.refuse" (list "openMetrics.caBundle" . "nothing reads it without openMetrics.enabled: set it to true, or remove it") }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Anyone who knows the URL of a webhook may call it, so the messages do not repeat it. */}}
{{- define "pcp.validate.pmie" -}}
{{- with .Values.pmie }}
{{- with .rules }}
{{- include "pcp.validate.fileSource" (list "pmie.rules" .) }}
{{- end }}
{{- with .webhook }}
{{- if not (or .url .secret) }}
{{- include "pcp.refuse" (list "pmie.webhook.url" "" "must be an http or https URL, or set secret to the name of a Secret that contains it") }}
{{- else if and .url .secret }}
{{- include "pcp.refuse" (list "pmie.webhook.secret" .secret "must not be used together with url: remove one") }}
{{- else if and .url .key }}
{{- include "pcp.refuse" (list "pmie.webhook.key" .key "is the key of a Secret: remove it, or url") }}
{{- else if and .url (not (regexMatch "^https?://[A-Za-z0-9._~:/?=@,+-]+$" .url)) }}
pmie.webhook.url: must be an http or https URL of letters, digits and . _ ~ : / ? = @ , + - because pmie passes it to a shell
{{- end }}
{{- end }}
{{- if and (or .rules .stockRules .webhook) (not (include "pcp.runs" (list $ "pmie"))) }}
{{- include "pcp.refuse" (list "pmie" (keys . | sortAlpha) "needs pmie: add it to env.PCP_SERVICES, or remove rules, stockRules and webhook") }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Exactly one of a ConfigMap and a Secret: (list "key" value). */}}
{{- define "pcp.validate.fileSource" -}}
{{- with last . }}
{{- if and .configMap .secret }}
{{- include "pcp.refuse" (list (printf "%s.secret" (first $)) .secret "must not be used together with configMap: remove one") }}
{{- else if not (or .configMap .secret) }}
{{- include "pcp.refuse" (list (printf "%s.configMap" (first $)) "" "must name a ConfigMap, or set secret to the name of a Secret") }}
{{- end }}
{{- end }}
{{- end }}

{{- define "pcp.validate.push" -}}
{{- with .Values.push.url }}
{{- $port := splitList ":" . | last | atoi }}
{{- if or (gt $port 65535) (not (regexMatch "^http://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\\[[0-9a-fA-F:.]+\\]):[1-9][0-9]{0,4}$" .)) }}
push.url: must be http://<host>:<port> of a pmproxy, without a path, e.g. http://collector.monitoring.svc:44322
{{- end }}
{{- if not (include "pcp.runs" (list $ "pmlogger")) }}
push.url: needs pmlogger: add it to env.PCP_SERVICES, or remove this
{{- end }}
{{- end }}
{{- end }}

{{- define "pcp.validate.exposure" -}}
{{- with .Values.service.ports }}
{{- if eq (int .pmcd) (int .pmproxy) }}
{{- include "pcp.refuse" (list "service.ports.pmproxy" .pmproxy "is also the port of pmcd: each needs its own") }}
{{- end }}
{{- end }}
{{- if and .Values.service.headless (not (include "pcp.isPerNode" .)) }}
{{- include "pcp.refuse" (list "service.headless" true "needs node.mode perNode: otherwise there is one instance, to which the Service leads") }}
{{- end }}
{{- if include "pcp.onLoopback" . }}
{{- $why := printf "pmcd and pmproxy listen on the loopback address only (listen is %s): set listen=AllAddresses" .Values.listen }}
{{- if .Values.ingress.enabled }}
{{- include "pcp.refuse" (list "ingress.enabled" true (printf "has no effect, because %s, or remove it" $why)) }}
{{- end }}
{{- if .Values.podMonitor.enabled }}
{{- include "pcp.refuse" (list "podMonitor.enabled" true (printf "has no effect, because %s, or remove it" $why)) }}
{{- end }}
{{- if .Values.service.headless }}
{{- include "pcp.refuse" (list "service.headless" true (printf "has no effect, because %s, or remove it" $why)) }}
{{- end }}
{{- if ne .Values.service.type "ClusterIP" }}
{{- include "pcp.refuse" (list "service.type" .Values.service.type (printf "has no effect, because %s, or remove it" $why)) }}
{{- end }}
{{- if .Values.networkPolicy.from }}
{{- include "pcp.refuse" (list "networkPolicy.from" .Values.networkPolicy.from (printf "has no effect, because %s, or remove it" $why)) }}
{{- end }}
{{- end }}
{{- if and .Values.podMonitor.enabled (not (include "pcp.runs" (list . "pmproxy"))) }}
{{- include "pcp.refuse" (list "podMonitor.enabled" true "reads from pmproxy, which does not run: add pmproxy to env.PCP_SERVICES") }}
{{- end }}
{{- if and .Values.prometheusRule.enabled (not .Values.podMonitor.enabled) }}
{{- include "pcp.refuse" (list "prometheusRule.enabled" true "alerts on what the PodMonitor's scrapes say: set podMonitor.enabled=true too") }}
{{- end }}
{{- if .Values.ingress.enabled }}
{{- if not (include "pcp.runs" (list . "pmproxy")) }}
{{- include "pcp.refuse" (list "ingress.enabled" true "leads to pmproxy, which does not run: add pmproxy to env.PCP_SERVICES") }}
{{- end }}
{{- if not .Values.service.enabled }}
{{- include "pcp.refuse" (list "ingress.enabled" true "leads to the Service: set service.enabled=true too") }}
{{- end }}
{{- if not .Values.ingress.hosts }}
{{- include "pcp.refuse" (list "ingress.hosts" .Values.ingress.hosts "must have at least one host, e.g. [{host: pcp.example.org, paths: [{path: /, pathType: Prefix}]}]") }}
{{- end }}
{{- end }}
{{- end }}

{{- define "pcp.validate.pod" -}}
{{- range $map := list "podAnnotations" "podLabels" }}
{{- range $key, $value := get $.Values $map }}
{{- if regexMatch "^([a-z-]+\\.)?pcp\\.io/" $key }}
{{- include "pcp.refuse" (list $map $key "is for the injector, which would add a second PCP: remove it, and use this chart's values instead") }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Refuses to set twice what this chart sets, and to hide what PCP and systemd need. */}}
{{- define "pcp.validate.extras" -}}
{{- $reserved := dict "PCP_SERVICES" "env.PCP_SERVICES" "PCP_DOMAIN_AGENTS" "env.PCP_DOMAIN_AGENTS" "KEY_SERVERS" "env.KEY_SERVERS" "HOST_MOUNT" "hostMonitoring" "PCP_FILES" "files"
  "PCP_PMIE_STOCK_RULES" "pmie.stockRules" "PCP_PMIE_WEBHOOK" "pmie.webhook" "PMLOGGER_INTERVAL" "persistence.pmlogger.interval" "ARCHIVES_KIB" "persistence.pmlogger.maxSize"
  "ARCHIVES_DAYS" "persistence.pmlogger.retention" "PCP_OPENMETRICS_INTERVALS" "openMetrics.intervals" "PCP_PUSH_URL" "push.url" }}
{{- $seen := list }}
{{- range $n, $variable := .Values.extraEnv }}
{{- $key := printf "extraEnv[%d].name" $n }}
{{- with get $reserved .name }}
{{- include "pcp.refuse" (list $key $variable.name (printf "is set by the chart: use %s" .)) }}
{{- end }}
{{- if has .name (list "container" "ARCHIVES_SHARED") }}
{{- include "pcp.refuse" (list $key .name "is set by the chart: remove it") }}
{{- end }}
{{- if has .name $seen }}
{{- include "pcp.refuse" (list $key .name "is there twice: remove one") }}
{{- end }}
{{- $seen = append $seen .name }}
{{- end }}
{{- $names := list }}
{{- range $n, $volume := .Values.extraVolumes }}
{{- if hasPrefix "pcp-" .name }}
{{- include "pcp.refuse" (list (printf "extraVolumes[%d].name" $n) .name "is a name of the chart's own volumes: choose one that does not begin with pcp-") }}
{{- end }}
{{- if has .name $names }}
{{- include "pcp.refuse" (list (printf "extraVolumes[%d].name" $n) .name "is there twice: rename one") }}
{{- end }}
{{- $names = append $names .name }}
{{- end }}
{{- range $n, $mount := .Values.extraVolumeMounts }}
{{- if not (has .name $names) }}
{{- include "pcp.refuse" (list (printf "extraVolumeMounts[%d].name" $n) .name "must be the name of one of extraVolumes") }}
{{- end }}
{{- include "pcp.validate.mount" (list $ (printf "extraVolumeMounts[%d].mountPath" $n) .mountPath) }}
{{- end }}
{{- end }}

{{- /* (list $ "key" path) */}}
{{- define "pcp.validate.mount" -}}
{{- $key := index . 1 }}
{{- $path := last . }}
{{- include "pcp.validate.path" (list $key $path) }}
{{- if regexMatch "^/(bin|boot|dev|etc|lib|lib64|proc|run|sbin|sys|tmp|usr|var|etc/pcp|etc/systemd|var/lib|var/log|var/lib/pcp|var/log/pcp)?$" $path }}
{{- include "pcp.refuse" (list $key $path "would hide files that PCP needs: use a separate folder, or one below it") }}
{{- else if regexMatch "^/(dev|proc|run|sys|tmp|usr/bin|usr/sbin|usr/lib/systemd|etc/systemd)/" $path }}
{{- include "pcp.refuse" (list $key $path "is below a folder that systemd needs as it is: use a separate folder, e.g. /data") }}
{{- else }}
{{- $taken := include "pcp.takenPaths" (first .) | fromYaml }}
{{- range include "pcp.ownMounts" (first .) | fromYamlArray }}
{{- $_ := set $taken .mountPath (get $taken .mountPath | default (printf "the chart mounts the volume %s there: use another folder" .name)) }}
{{- end }}
{{- range $other, $remedy := $taken }}
{{- if or (hasPrefix (printf "%s/" $other) (printf "%s/" $path)) (hasPrefix (printf "%s/" $path) (printf "%s/" $other)) }}
{{- include "pcp.refuse" (list $key $path (printf "%s: %s" $other $remedy)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* A handler that the kubelet cannot use, or that costs PCP too much, would restart the container for nothing. */}}
{{- define "pcp.validate.probes" -}}
{{- range $name, $probe := .Values.probes }}
{{- $key := printf "probes.%s.handler" $name }}
{{- with $probe.handler }}
{{- if and (include "pcp.onLoopback" $) (not .exec) }}
{{- include "pcp.refuse" (list $key (keys . | first) "does not reach PCP, which listens on the loopback address only: use exec") }}
{{- end }}
{{- with .httpGet }}
{{- if eq (.path | default "/") "/metrics" }}
{{- include "pcp.refuse" (list (printf "%s.httpGet.path" $key) .path "returns 1.2 MB in 2.5 s: use /metrics?names=kernel.all.load") }}
{{- end }}
{{- end }}
{{- if not $probe.enabled }}
{{- include "pcp.refuse" (list $key (keys . | first) (printf "is not used: set probes.%s.enabled=true, or remove it" $name)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
