{{/* What the API calls the kinds that Kubernetes knows, and where their pod template is. Empty for custom kinds. Of a
Deployment and a CronJob the pods belong to something in between, which only its controller may create. */}}
{{- define "pcp-injector.targetKind" -}}
{{- $template := "dyn(object).spec.template" }}
{{- $kinds := dict
  "Deployment" (dict "group" "apps" "resource" "deployments" "template" $template "scales" true "owned" "replicasets" "creator" "deployment-controller")
  "ReplicaSet" (dict "group" "apps" "resource" "replicasets" "template" $template "scales" true)
  "ReplicationController" (dict "group" "" "resource" "replicationcontrollers" "template" $template "scales" true)
  "StatefulSet" (dict "group" "apps" "resource" "statefulsets" "template" $template "scales" true)
  "DaemonSet" (dict "group" "apps" "resource" "daemonsets" "template" $template)
  "Job" (dict "group" "batch" "resource" "jobs" "template" $template)
  "CronJob" (dict "group" "batch" "resource" "cronjobs" "template" "dyn(object).spec.jobTemplate.spec.template" "owned" "jobs" "creator" "cronjob-controller")
}}
{{- get $kinds (include "pcp-injector.config" . | fromYaml).target.kind | default dict | toJson }}
{{- end }}

{{/* Head of a policy: list of the root and the policy's name. */}}
{{- define "pcp-injector.policy" -}}
{{- $root := index . 0 -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ include "pcp-injector.clusterName" $root }}.{{ index . 1 }}
  labels:
    {{- include "pcp-injector.labels" $root | nindent 4 }}
{{- end }}

{{/* Its binding: list of the root, the policy's name and the actions. */}}
{{- define "pcp-injector.binding" -}}
{{- $root := index . 0 -}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ include "pcp-injector.clusterName" $root }}.{{ index . 1 }}
  labels:
    {{- include "pcp-injector.labels" $root | nindent 4 }}
spec:
  policyName: {{ include "pcp-injector.clusterName" $root }}.{{ index . 1 }}
  validationActions: {{ index . 2 | toJson }}
{{- end }}

{{/* The only namespace in which the release may deny anything: the target's, whether it has opted in or not. What is forged
or asked for before it opts in would have its effect after, and pods live on when it opts out. */}}
{{- define "pcp-injector.targetNamespace" -}}
matchLabels:
  kubernetes.io/metadata.name: {{ (include "pcp-injector.config" . | fromYaml).target.namespace | quote }}
{{- end }}

{{/* Rules for everything that has a pod template. */}}
{{- define "pcp-injector.workloadRules" -}}
- apiGroups: [apps]
  apiVersions: [v1]
  resources: [deployments, replicasets, statefulsets, daemonsets]
  operations: [CREATE, UPDATE]
  scope: Namespaced
- apiGroups: [batch]
  apiVersions: [v1]
  resources: [jobs, cronjobs]
  operations: [CREATE, UPDATE]
  scope: Namespaced
- apiGroups: [""]
  apiVersions: [v1]
  resources: [replicationcontrollers]
  operations: [CREATE, UPDATE]
  scope: Namespaced
- apiGroups: [""]
  apiVersions: [v1]
  resources: [pods]
  operations: [CREATE]
  scope: Namespaced
{{- end }}

{{/* CEL: the pod template of any workload, or the pod itself; of object or oldObject. */}}
{{- define "pcp-injector.templateOf" -}}
request.kind.kind == 'Pod' ? dyn({{ . }}) : request.kind.kind == 'CronJob' ? dyn({{ . }}).spec.jobTemplate.spec.template : dyn({{ . }}).spec.?template.orValue(dyn({}))
{{- end }}

{{/* CEL: whether a template asks for PCP, as the webhook's matchConditions see it. */}}
{{- define "pcp-injector.asks" -}}
{{ . }}.?metadata.?annotations[?'pcp.io/inject'].orValue('false') != 'false'
{{- end }}

{{/* CEL: users that create pods and what is between them and their workload: Kubernetes' controllers, and trustedCreators. */}}
{{- define "pcp-injector.controllers" -}}
{{- $users := list "system:kube-controller-manager" }}
{{- range list "deployment" "replicaset" "statefulset" "daemon-set" "cronjob" "job" "replication" }}
{{- $users = append $users (printf "system:serviceaccount:kube-system:%s-controller" .) }}
{{- end }}
{{- (include "pcp-injector.config" . | fromYaml).target.trustedCreators | default list | concat $users | uniq | toJson }}
{{- end }}
