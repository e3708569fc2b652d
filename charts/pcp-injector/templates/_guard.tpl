{{/* The target's row in the table of kinds, as JSON. Empty for a Pod, which has no template, and for custom kinds. Between a Deployment or CronJob
and its pods is another object, which only its controller may create. */}}
{{- define "pcp-injector.targetKind" -}}
{{- $target := (include "pcp-injector.config" . | fromYaml).target.kind }}
{{- $row := dict }}
{{- range include "pcp-injector.kinds" . | fromYamlArray }}
{{- if and .spec (eq .kind $target) }}
{{- $row = . }}
{{- end }}
{{- end }}
{{- toJson $row }}
{{- end }}

{{/* Metadata of a policy and its binding: list of the root and the policy's name. The name contains the target's namespace, and what guards
live pods is kept, because PCP runs on in existing pods when the release is removed or its target moves. */}}
{{- define "pcp-injector.policyMetadata" -}}
{{- $root := index . 0 -}}
metadata:
  name: {{ include "pcp-injector.policyName" . }}
  labels:
    {{- include "pcp-injector.labels" $root | nindent 4 }}
    pcp.io/target-namespace: {{ (include "pcp-injector.config" $root | fromYaml).target.namespace | quote }}
  {{- if has (index . 1) (list "adoption" "claims" "endpoints" "exec" "files" "live-claims" "live-files" "live-pod" "network" "node-network" "pod-binding" "route" "service") }}
  annotations:
    {{- include "pcp-injector.kept" . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* Annotations of what Helm and Argo CD leave when it is no longer part of the release, until the administrator deletes it. */}}
{{- define "pcp-injector.kept" -}}
helm.sh/resource-policy: keep
argocd.argoproj.io/sync-options: Prune=false,Delete=false
{{- end }}

{{- define "pcp-injector.policyName" -}}
{{- $root := index . 0 -}}
{{ include "pcp-injector.clusterName" $root }}.{{ (include "pcp-injector.config" $root | fromYaml).target.namespace }}.{{ index . 1 }}
{{- end }}

{{/* Head of a policy: list of the root and the policy's name. */}}
{{- define "pcp-injector.policy" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
{{ include "pcp-injector.policyMetadata" . }}
{{- end }}

{{/* Its binding: list of the root, the policy's name and the actions. */}}
{{- define "pcp-injector.binding" -}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
{{ include "pcp-injector.policyMetadata" . }}
spec:
  policyName: {{ include "pcp-injector.policyName" . }}
  validationActions: {{ index . 2 | toJson }}
{{- end }}

{{/* The only namespace in which the release may deny anything: the target's, whether it has opted in or not. What is forged or asked for before
it opts in would take effect afterwards, and pods live on after it opts out. */}}
{{- define "pcp-injector.targetNamespace" -}}
matchLabels:
  kubernetes.io/metadata.name: {{ (include "pcp-injector.config" . | fromYaml).target.namespace | quote }}
{{- end }}

{{/* Rules for everything that has a pod template, and for pods when they are created. */}}
{{- define "pcp-injector.workloadRules" -}}
{{ include "pcp-injector.templateRules" (list . "CREATE, UPDATE") }}
- apiGroups: [""]
  apiVersions: [v1]
  resources: [pods]
  operations: [CREATE]
  scope: Namespaced
{{- end }}

{{/* Rules for everything that has a pod template: list of the root and the operations. */}}
{{- define "pcp-injector.templateRules" -}}
{{- $operations := index . 1 }}
{{- $groups := list }}
{{- $resources := dict }}
{{- range include "pcp-injector.kinds" (index . 0) | fromYamlArray }}
{{- if .spec }}
{{- $groups = append $groups .group | uniq }}
{{- $_ := set $resources .group (append (get $resources .group | default list) .resource) }}
{{- end }}
{{- end }}
{{- range $n, $group := $groups }}
{{- if $n }}
{{ end -}}
- apiGroups: [{{ $group | default "\"\"" }}]
  apiVersions: [v1]
  resources: [{{ get $resources $group | join ", " }}]
  operations: [{{ $operations }}]
  scope: Namespaced
{{- end }}
{{- end }}

{{/* CEL: the pod template of any workload, or the pod itself; of object or oldObject. */}}
{{- define "pcp-injector.templateOf" -}}
{{- $object := . }}
{{- range include "pcp-injector.kinds" . | fromYamlArray }}
{{- if not .spec }}
{{- printf "request.kind.kind == '%s' ? dyn(%s) : " .kind $object }}
{{- else if ne .spec "spec" }}
{{- printf "request.kind.kind == '%s' ? dyn(%s).%s.template : " .kind $object .spec }}
{{- end }}
{{- end }}
{{- printf "dyn(%s).spec.?template.orValue(dyn({}))" $object }}
{{- end }}

{{/* CEL: the path of that template for messages, with a dot at the end; empty for a pod. */}}
{{- define "pcp-injector.templatePath" -}}
{{- range include "pcp-injector.kinds" . | fromYamlArray }}
{{- if not .spec }}
{{- printf "request.kind.kind == '%s' ? '' : " .kind }}
{{- else if ne .spec "spec" }}
{{- printf "request.kind.kind == '%s' ? '%s.template.' : " .kind .spec }}
{{- end }}
{{- end }}
{{- print "'spec.template.'" }}
{{- end }}

{{/* CEL: whether a template asks for PCP, as the webhook's matchConditions see it. */}}
{{- define "pcp-injector.asks" -}}
{{ . }}.?metadata.?annotations[?'pcp.io/inject'].orValue('false') != 'false'
{{- end }}

{{/* CEL: users that create pods and the objects between them and their workload: Kubernetes' controllers, and trustedCreators. */}}
{{- define "pcp-injector.controllers" -}}
{{- $users := list "system:kube-controller-manager" }}
{{- range include "pcp-injector.kinds" . | fromYamlArray }}
{{- if .controller }}
{{- $users = append $users (printf "system:serviceaccount:kube-system:%s" .controller) }}
{{- end }}
{{- end }}
{{- (include "pcp-injector.config" . | fromYaml).target.trustedCreators | default list | concat $users | uniq | toJson }}
{{- end }}

{{/* CEL: users that change metadata on the cluster's behalf: those that create pods, and the garbage collector, which takes owners away. */}}
{{- define "pcp-injector.keepers" -}}
{{- append (include "pcp-injector.controllers" . | fromJsonArray) "system:serviceaccount:kube-system:generic-garbage-collector" | toJson | replace "\"" "'" }}
{{- end }}

{{/* CEL: whether the user has a verb on injections.pcp.io. Only RBAC knows this resource; it need not exist. */}}
{{- define "pcp-injector.may" -}}
authorizer.group('pcp.io').resource('injections').namespace(request.namespace).check('{{ . }}').allowed()
{{- end }}

{{/* CEL: the end of a message about a missing verb. */}}
{{- define "pcp-injector.needs" -}}
'that needs the verb "{{ . }}" on "injections" in API group "pcp.io"; ask the administrator'
{{- end }}

{{/* CEL: the names of PCP's own containers. */}}
{{- define "pcp-injector.ownContainers" -}}
{{ (include "pcp-injector.names" . | fromYaml).containers | toJson | replace "\"" "'" }}
{{- end }}

{{/* CEL: all containers of a pod or a template. */}}
{{- define "pcp-injector.containersOf" -}}
({{ . }}.?spec.?containers.orValue([]) + {{ . }}.?spec.?initContainers.orValue([]))
{{- end }}

{{/* CEL: the names of PCP's ports. */}}
{{- define "pcp-injector.portNames" -}}
{{ (include "pcp-injector.names" . | fromYaml).ports | toJson | replace "\"" "'" }}
{{- end }}

{{/* CEL: whether a port, as a number or a name, is one of PCP's: list of the root and the port. */}}
{{- define "pcp-injector.isPCPPort" -}}
{{- $ports := include "pcp-injector.ports" (index . 0) | fromYaml }}
{{- $names := include "pcp-injector.portNames" (index . 0) }}
{{- with index . 1 -}}
(type({{ . }}) == string ? {{ . }} in {{ $names }} : {{ . }} >= {{ $ports.pmcd }} && {{ . }} <= {{ $ports.pmproxyTLS }})
{{- end }}
{{- end }}

{{/* CEL: the names of the chart's Services for PCP. */}}
{{- define "pcp-injector.ownServices" -}}
{{- $names := list }}
{{- if .Values.pcp.service.create }}
{{- $names = append $names (include "pcp-injector.pcpName" .) }}
{{- end }}
{{- if .Values.pcp.service.headless }}
{{- $names = append $names (include "pcp-injector.nodesName" .) }}
{{- end }}
{{- $names | toJson | replace "\"" "'" }}
{{- end }}

{{/* CEL: whether a ReplicaSet (Job) is named like those of the target Deployment (CronJob): list of the root and the object. The controller makes
the name, and no request changes it. Empty for other kinds. */}}
{{- define "pcp-injector.isNamedLikeTheTargets" -}}
{{- $target := (include "pcp-injector.config" (index . 0) | fromYaml).target }}
{{- $object := index . 1 }}
{{- $prefix := printf "%s-" $target.name }}
{{- if eq $target.kind "Deployment" }}
{{- printf "%s.metadata.name == '%s' + %s.spec.?template.?metadata.?labels[?'pod-template-hash'].orValue('')" $object $prefix $object }}
{{- else if eq $target.kind "CronJob" }}
{{- printf "%s.metadata.name.startsWith('%s') && %s.metadata.name.substring(%d).matches('^[0-9]+$')" $object $prefix $object (len $prefix) }}
{{- end }}
{{- end }}

{{/* CEL: whether a live pod has PCP. The label alone is not enough: it could have been removed before the guard was there. */}}
{{- define "pcp-injector.isInjected" -}}
({{ . }}.?metadata.?labels[?'pcp.io/injected'].orValue('') == 'true' ||
{{ include "pcp-injector.containersOf" . }}.exists(c, c.name == 'pcp' && c.?securityContext.?privileged.orValue(false)))
{{- end }}

{{/* CEL: whether an update gives an object an owner that it had not, with which the garbage collector would delete it. */}}
{{- define "pcp-injector.newOwner" -}}
dyn(object).metadata.?ownerReferences.orValue([]).exists(r, !dyn(oldObject).metadata.?ownerReferences.orValue([])
.exists(o, o.uid == r.uid && o.kind == r.kind && o.name == r.name))
{{- end }}
