// Package check judges an installation: the release, what it looks after, and PCP in the pods. It reads nothing itself, and leaves
// decisions about a single pod to package explain.
package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/performancecopilot/pcp-injector/internal/explain"
	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/internal/verify"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// inspection is what was read, and what explain makes of it.
type inspection struct {
	*snapshot.Installation
	explained *gate.Report
	// version of this program.
	version string
	now     time.Time
}

// Check examines an installation. version is this program's own.
func Check(ctx context.Context, in *snapshot.Installation, version string, now time.Time) ([]*gate.Report, error) {
	explained, err := explain.Explain(ctx, in.Snapshot)
	if err != nil {
		return nil, err
	}
	i := &inspection{in, explained, version, now}
	reports := []*gate.Report{i.release(), i.target()}
	pods, err := i.pods()
	if err != nil {
		return nil, err
	}
	for _, report := range append([]*gate.Report{pods}, i.pcp()...) {
		if report != nil && len(report.Gates) > 0 {
			reports = append(reports, report)
		}
	}
	if rights := i.rights(); len(rights.Gates) > 0 {
		reports = append(reports, rights)
	}
	return reports, nil
}

// release judges the injector itself. What other things depend on comes first.
func (i *inspection) release() *gate.Report {
	report := &gate.Report{Subject: "Injector of namespace " + i.Subject.Namespace}
	if i.Injector != nil {
		release := i.Injector.Release()
		report.Subject = "Injector: " + release.String()
	}
	report.Gates = append(report.Gates, i.webhook())
	if i.Injector != nil {
		report.Gates = append(report.Gates, i.versions(), i.replicas(), i.budget())
		report.Gates = append(report.Gates, i.certificates()...)
	}
	report.Gates = append(report.Gates, i.of("endpoints", "answer", "rules", "conditions", "configuration")...)
	if i.Injector != nil {
		report.Gates = append(report.Gates, i.guard())
	}
	return report
}

// of returns gates of explain.
func (i *inspection) of(names ...string) []gate.Gate {
	var gates []gate.Gate
	for _, name := range names {
		for n := range i.explained.Gates {
			if i.explained.Gates[n].Name == name {
				gates = append(gates, i.explained.Gates[n])
			}
		}
	}
	return gates
}

// webhook is explain's gate, with a warning if two releases look after one namespace.
func (i *inspection) webhook() gate.Gate {
	found := i.of("webhook")[0]
	var rivals []string
	for n := range i.Webhooks.Value {
		webhook := &i.Webhooks.Value[n]
		if snapshot.TargetNamespace(webhook) == i.Subject.Namespace && i.Injector != nil && webhook.Configuration.Name != i.Injector.Webhook.Configuration.Name {
			rivals = append(rivals, webhook.Configuration.Name)
		}
	}
	if found.Result != gate.Passed || len(rivals) == 0 {
		return found
	}
	rival := snapshot.Injector{Webhook: i.Webhooks.Value[slices.IndexFunc(i.Webhooks.Value, func(w snapshot.Webhook) bool { return w.Configuration.Name == rivals[0] })]}
	return warning("webhook", remedy.Uninstall.With(valuesOf(rival.Release())...),
		"%s and %s both look after namespace %s", i.Injector.Webhook.Configuration.Name, rivals[0], i.Subject.Namespace)
}

// target judges what gets PCP, and what its namespace has for it.
func (i *inspection) target() *gate.Report {
	report := &gate.Report{Subject: "Target in namespace " + i.Subject.Namespace}
	if i.Target != nil {
		report.Subject = fmt.Sprintf("Target: %s %s in namespace %s", i.Target.Kind, i.Target.Name, i.Target.Namespace)
	}
	report.Gates = i.of("namespace")
	switch {
	case i.Target == nil && !i.Subject.Stored:
		report.Gates = append(report.Gates, i.of("pod-security")...)
	case i.Target == nil:
		report.Gates = append(report.Gates, i.of("target", "request", "policies", "pod-security", "limits", "quota", "claims", "pod")...)
	case !i.Subject.Stored:
		report.Gates = append(report.Gates, i.absent())
		report.Gates = append(report.Gates, i.of("pod-security", "claims")...)
	default:
		report.Gates = append(report.Gates, i.of("target", "request", "compatibility", "rollout", "policies", "pod-security", "limits", "quota", "claims", "pod")...)
	}
	report.Gates = append(report.Gates, i.clients())
	return report
}

// absent says why the target was not examined.
func (i *inspection) absent() gate.Gate {
	target := i.Target
	switch {
	case errors.Is(i.Workload.Err, snapshot.ErrNoKind):
		return failed("target", remedy.InstallKind.With(), "the cluster knows no kind %s", target.Kind)
	case errors.Is(i.Workload.Err, snapshot.ErrNoTemplate):
		return i.withoutTemplate()
	case i.Workload.Missing():
		return failed("target", remedy.CreateTarget.With(i.here()), "%s %s does not exist in namespace %s", target.Kind, target.Name, target.Namespace)
	case i.Workload.Unseen() != "":
		return unknown("target", "%s", i.Workload.Unseen())
	default:
		return unknown("target", "unknown, because it could not be read: %v", i.Workload.Err)
	}
}

// withoutTemplate judges a custom target by its pods, because only its controller knows where their annotations come from.
func (i *inspection) withoutTemplate() gate.Gate {
	target := mutate.Owner{Kind: string(i.Target.Kind), Name: i.Target.Name}
	for n := range i.Live.Value.Pods {
		if pod := &i.Live.Value.Pods[n]; pod.Owner() == target {
			return passed("target", "%s is there, and its pod %s has PCP", target, pod.Pod.GetName())
		}
	}
	return unknown("target", "%s is there; whether it asks for PCP is unknown, because %v in spec.template, and no pod with PCP", target, snapshot.ErrNoTemplate)
}

// pods compares every pod with PCP with what it should be.
func (i *inspection) pods() (*gate.Report, error) {
	report := &gate.Report{Subject: "Pods with PCP in namespace " + i.Subject.Namespace}
	live := i.Live.Value
	switch {
	case i.Live.Err != nil:
		report.Gates = []gate.Gate{unknown("pods", "%s", i.Live.Unseen())}
	case live.Config == nil:
		for n := range live.Pods {
			report.Gates = append(report.Gates, unknown("pod", "%s: unknown, because the configuration is not", live.Pods[n].Pod.GetName()))
		}
	default:
		verified, err := verify.Report(live, i.version)
		if err != nil {
			return nil, err
		}
		for _, found := range verified.Gates {
			found.Name, found.Evidence = "pod", found.Name+" is "+found.Evidence
			report.Gates = append(report.Gates, found)
		}
	}
	return report, nil
}

func passed(name, format string, arguments ...any) gate.Gate {
	return gate.Gate{Name: name, Result: gate.Passed, Evidence: fmt.Sprintf(format, arguments...)}
}

func failed(name string, does *remedy.Remedy, format string, arguments ...any) gate.Gate {
	return gate.Gate{Name: name, Result: gate.Failed, Evidence: fmt.Sprintf(format, arguments...), Remedy: does}
}

func warning(name string, does *remedy.Remedy, format string, arguments ...any) gate.Gate {
	return gate.Gate{Name: name, Result: gate.Warning, Evidence: fmt.Sprintf(format, arguments...), Remedy: does}
}

func unknown(name, format string, arguments ...any) gate.Gate {
	return gate.Gate{Name: name, Result: gate.Unknown, Evidence: fmt.Sprintf(format, arguments...)}
}

// valuesOf are the slots of every remedy of a release.
func valuesOf(release snapshot.Release) []remedy.Value {
	return []remedy.Value{remedy.ReleaseName.Is(release.Name), remedy.InNamespace.Is(release.Namespace)}
}

// ofRelease are those of the injector's release, and others.
func (i *inspection) ofRelease(others ...remedy.Value) []remedy.Value {
	return append(valuesOf(i.Injector.Release()), others...)
}

// here is the target's namespace.
func (i *inspection) here() remedy.Value { return remedy.InNamespace.Is(i.Subject.Namespace) }
