{{/* Two policies about objects that PCP uses: one knows the names in the configuration, and one what live pods were created with, because these
use it as long as they run, whatever the configuration names since. A dict: root; name of the policies; resources; configured and live, each CEL
for whether PCP uses the object called name, in the latter case in the pod params; changed, CEL for whether an update matters; why, CEL of a
message up to who may not change it. */}}
{{- define "pcp-injector.used" -}}
{{- $used := . }}
{{- range $live := list false true }}
{{- $policy := print ($live | ternary "live-" "") $used.name }}
---
{{ include "pcp-injector.policy" (list $used.root $policy) }}
spec:
  failurePolicy: Fail
  {{- if $live }}
  paramKind:
    apiVersion: v1
    kind: Pod
  {{- end }}
  matchConstraints:
    matchPolicy: Equivalent
    namespaceSelector:
      {{- include "pcp-injector.targetNamespace" $used.root | nindent 6 }}
    objectSelector: {}
    resourceRules:
      - apiGroups: [""]
        apiVersions: [v1]
        resources: [{{ join ", " $used.resources }}]
        operations: [CREATE, UPDATE, DELETE]
        scope: Namespaced
  matchConditions:
    # The garbage collector edits finalizers and owners, and deletes what the administrator gave an owner.
    - name: not-by-the-collector
      expression: "!(request.userInfo.username in ['system:serviceaccount:kube-system:generic-garbage-collector', 'system:kube-controller-manager'])"
    - name: used-by-pcp
      expression: >-
        [dyn(request.operation == 'DELETE' ? oldObject : object).metadata.name].exists(name, {{ $live | ternary $used.live $used.configured }})
    # With a new owner, the garbage collector would delete it together with that.
    - name: new-or-changed
      expression: >-
        request.operation != 'UPDATE' || {{ $used.changed }} ||
        {{ include "pcp-injector.newOwner" . | nindent 8 | trim }}
  variables:
    # The pods of a namespace that is being deleted end, too.
    - name: endsWithNamespace
      expression: request.operation == 'DELETE' && namespaceObject.metadata.?deletionTimestamp.hasValue()
    - name: name
      expression: "dyn(request.operation == 'DELETE' ? oldObject : object).metadata.name"
  validations:
    - expression: variables.endsWithNamespace || {{ include "pcp-injector.may" "configure" }}
      reason: Forbidden
      message: "metadata.name: PCP uses this: changing it needs the verb configure on injections.pcp.io: ask the administrator"
      messageExpression: >-
        'metadata.name: Forbidden: ' + {{ $used.why }} + ', and user "' + request.userInfo.username + '" may not ' + request.operation.lowerAscii() + ' it: ' +
        {{ include "pcp-injector.needs" "configure" }}
{{ include "pcp-injector.binding" (list $used.root $policy (list "Deny")) }}
  {{- if $live }}
  # The policy is evaluated for each of these pods. Without any, it denies nothing.
  paramRef:
    namespace: {{ (include "pcp-injector.config" $used.root | fromYaml).target.namespace | quote }}
    selector:
      matchLabels:
        pcp.io/injected: "true"
    parameterNotFoundAction: Allow
  {{- end }}
{{- end }}
{{- end }}

{{/* CEL: PCP's own volumes of the pod params. */}}
{{- define "pcp-injector.volumesOfPCP" -}}
dyn(params).spec.?volumes.orValue([]).filter(v, v.name.startsWith('pcp-'))
{{- end }}

{{/* CEL: a list as a literal, which can stand within quotes of YAML. */}}
{{- define "pcp-injector.literal" -}}
{{ . | uniq | toJson | replace "\"" "'" }}
{{- end }}
