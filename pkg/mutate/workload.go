package mutate

import (
	"cmp"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// Workload is what of a workload, beside its pod template, decides whether PCP works in it.
type Workload struct {
	Kind     string
	Replicas *int64
	// Strategy is the type of a Deployment's strategy or of another workload's updateStrategy, empty where absent.
	Strategy string
	// Parallelism of a Job, or of a CronJob's.
	Parallelism *int64
	// ConcurrencyPolicy of a CronJob, empty where absent.
	ConcurrencyPolicy string
}

// WorkloadWarnings advises on a workload whose template is injected: too many replicas, or a strategy that starts the new
// pod beside the old one, which holds the claim. A pod alone does not tell either.
func (i *Injector) WorkloadWarnings(w Workload) []Warning {
	var warnings []Warning
	if w.Replicas != nil && *w.Replicas > 1 {
		warnings = append(warnings, newWarning(warnReplicas, "spec.replicas is %d: PCP monitors the system, a second instance only duplicates data and writes the same files, use 1", *w.Replicas))
	}
	if w.Parallelism != nil && *w.Parallelism > 1 {
		warnings = append(warnings, newWarning(warnReplicas, "spec.parallelism is %d: PCP monitors the system, pods that run together write the same files, use 1", *w.Parallelism))
	}
	if w.Kind == string(config.KindCronJob) && w.ConcurrencyPolicy != "Forbid" {
		warnings = append(warnings, newWarning(warnReplicas, "spec.concurrencyPolicy is %s: pods of two Jobs that run together write the same files, use Forbid", cmp.Or(w.ConcurrencyPolicy, "Allow by default")))
	}
	surges := w.Kind == string(config.KindDeployment) && w.Strategy != "Recreate"
	if surges && (lasts(i.cfg.Persistence.PMLogger) || lasts(i.cfg.Persistence.PMProxy)) {
		warnings = append(warnings, newWarning(warnStrategy, "spec.strategy.type is %s: the new pod starts while the old one holds the volume, use Recreate", cmp.Or(w.Strategy, "RollingUpdate by default")))
	}
	return warnings
}

// lasts tells whether the volume outlives the pod, so that two pods may meet on it.
func lasts(v config.Volume) bool {
	return v.Type == config.VolumePersistentVolumeClaim || v.Type == config.VolumeHostPath
}
