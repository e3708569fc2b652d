package admission

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// PodSecurity evaluates the level that a namespace's labels enforce, and says what it forbids about a pod; nothing if it allows the pod.
func PodSecurity(labels map[string]string, pod *corev1.Pod) (level, forbidden string, err error) {
	enforced, err := EnforcedLevel(labels)
	if err != nil {
		return "", "", err
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return "", "", fmt.Errorf("the checks cannot be made: %w", err)
	}
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(enforced, &pod.ObjectMeta, &pod.Spec))
	if !result.Allowed {
		forbidden = result.ForbiddenDetail()
	}
	return enforced.String(), forbidden, nil
}

// EnforcedLevel is that of Pod Security in a namespace's labels.
func EnforcedLevel(labels map[string]string) (api.LevelVersion, error) {
	privileged := api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}
	levels, problems := api.PolicyToEvaluate(labels, api.Policy{Enforce: privileged, Warn: privileged, Audit: privileged})
	if len(problems) > 0 {
		return levels.Enforce, fmt.Errorf("its labels are not valid: %w", problems.ToAggregate())
	}
	return levels.Enforce, nil
}
