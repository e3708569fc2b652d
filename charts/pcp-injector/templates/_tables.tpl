{{/* Generated from pkg/config and pkg/mutate by internal/chartschema: run go generate ./... */}}

{{- define "pcp-injector.kinds" -}}
- group: ""
  kind: Pod
  resource: pods
  scales: false
  spec: ""
- controller: deployment-controller
  group: apps
  kind: Deployment
  owned: replicasets
  resource: deployments
  scales: true
  spec: spec
- controller: replicaset-controller
  group: apps
  kind: ReplicaSet
  resource: replicasets
  scales: true
  spec: spec
- controller: statefulset-controller
  group: apps
  kind: StatefulSet
  resource: statefulsets
  scales: true
  spec: spec
- controller: daemon-set-controller
  group: apps
  kind: DaemonSet
  resource: daemonsets
  scales: false
  spec: spec
- controller: job-controller
  group: batch
  kind: Job
  resource: jobs
  scales: false
  spec: spec
- controller: cronjob-controller
  group: batch
  kind: CronJob
  owned: jobs
  resource: cronjobs
  scales: false
  spec: spec.jobTemplate.spec
- controller: replication-controller
  group: ""
  kind: ReplicationController
  resource: replicationcontrollers
  scales: true
  spec: spec
{{- end }}

{{- define "pcp-injector.annotations" -}}
author:
- pcp.io/inject
- pcp.io/services
- pcp.io/domain-agents
- pcp.io/openmetrics-intervals
injector:
- pcp.io/status
- pcp.io/pmlogconf-openmetrics
{{- end }}

{{- define "pcp-injector.ports" -}}
pmcd: 44321
pmlogger: 4330
pmproxy: 44322
pmproxyTLS: 44323
{{- end }}

{{- define "pcp-injector.names" -}}
containers:
- pcp
- pcp-fix-ownership
ports:
- pmcd
- pmproxy
volumePrefix: pcp-
{{- end }}
