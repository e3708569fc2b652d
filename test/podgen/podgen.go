// Package podgen makes random pods for property tests: pods that a real API server accepts, and fields that no API server knows.
package podgen

import (
	"fmt"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Valid makes a pod that asks for PCP and that the API server accepts, except a few whose ports clash. PCP cannot work in some of them.
func Valid(r *rand.Rand) *corev1.Pod {
	pod := &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Name:        "node-monitor",
			Annotations: map[string]string{"pcp.io/inject": "true"},
		},
	}
	if chance(r, 2) {
		pod.Labels = map[string]string{"app": "node-monitor", "example.com/a.b": "c"}
	}
	if chance(r, 3) {
		pod.Annotations["openmetrics.pcp.io/my-app"] = "http://localhost:9100/metrics\n"
	}
	if chance(r, 4) {
		pod.Annotations["pcp.io/services"] = []string{"pmcd", "pmcd,pmproxy", "pmcd,pmlogger", "pmproxy"}[r.IntN(4)]
	}
	if chance(r, 4) {
		pod.Annotations["prometheus.io/scrape"], pod.Annotations["prometheus.io/port"] = "true", pick(r, "8080", "44322", "many")
	}
	addVolumes(r, pod)
	for n := range 1 + r.Int32N(3) {
		pod.Spec.Containers = append(pod.Spec.Containers, container(r, pod, fmt.Sprintf("app-%d", n), 8080+10*n))
	}
	for n := range r.Int32N(3) {
		c := container(r, pod, fmt.Sprintf("init-%d", n), 9080+10*n)
		c.LivenessProbe, c.ReadinessProbe = nil, nil
		if chance(r, 3) {
			c.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
		}
		pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
	}
	podFields(r, pod)
	return pod
}

func chance(r *rand.Rand, oneIn int) bool { return r.IntN(oneIn) == 0 }

func pick[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

func addVolumes(r *rand.Rand, pod *corev1.Pod) {
	sources := []corev1.VolumeSource{
		{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}},
		{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}},
		{Secret: &corev1.SecretVolumeSource{SecretName: "token"}},
		{HostPath: &corev1.HostPathVolumeSource{Path: "/proc"}},
		{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}},
		{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels"}}}}},
	}
	for n := range r.IntN(4) {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: fmt.Sprintf("volume-%d", n), VolumeSource: pick(r, sources...)})
	}
	if chance(r, 20) {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "pcp-mine", VolumeSource: sources[0]})
	}
}

func container(r *rand.Rand, pod *corev1.Pod, name string, port int32) corev1.Container {
	c := corev1.Container{Name: name, Image: "registry.example.com/" + name + ":v1"}
	if chance(r, 2) {
		c.Ports = []corev1.ContainerPort{{Name: pick(r, "http", "metrics", "app-metrics"), ContainerPort: port}}
	}
	if chance(r, 6) {
		c.Ports = append(c.Ports, corev1.ContainerPort{Name: "shared", ContainerPort: 7000, HostPort: pick(r, 0, 7000+r.Int32N(2))})
	}
	if chance(r, 20) {
		c.Ports = append(c.Ports, corev1.ContainerPort{Name: "busy", ContainerPort: 44320 + r.Int32N(5)})
	}
	if chance(r, 3) {
		c.Env = []corev1.EnvVar{{Name: "PASSWORD", Value: "s3cret"}, {Name: "NODE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"}}}}
	}
	for n, v := range pod.Spec.Volumes {
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: v.Name, MountPath: fmt.Sprintf("/mnt/%d", n), ReadOnly: true})
	}
	if chance(r, 2) {
		c.LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(port)}}}
		c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"true"}}}}
	}
	c.Resources = resources(r)
	if chance(r, 3) {
		c.SecurityContext = &corev1.SecurityContext{RunAsNonRoot: new(true), RunAsUser: new(int64(1000)), AllowPrivilegeEscalation: new(false)}
	}
	return c
}

func resources(r *rand.Rand) corev1.ResourceRequirements {
	small := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("64Mi")}
	switch r.IntN(4) {
	case 0:
		return corev1.ResourceRequirements{Requests: small}
	case 1:
		return corev1.ResourceRequirements{Requests: small, Limits: small}
	case 2:
		return corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}}
	}
	return corev1.ResourceRequirements{}
}

func podFields(r *rand.Rand, pod *corev1.Pod) {
	spec := &pod.Spec
	spec.RestartPolicy = pick(r, "", corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever)
	spec.DNSPolicy = pick(r, "", corev1.DNSClusterFirst, corev1.DNSDefault)
	spec.HostNetwork = chance(r, 8)
	spec.HostPID = chance(r, 20)
	spec.HostIPC = chance(r, 20)
	if chance(r, 20) && !spec.HostPID {
		spec.ShareProcessNamespace = new(true)
	}
	if chance(r, 4) {
		spec.Hostname, spec.Subdomain = "monitor", "nodes"
	}
	if chance(r, 4) {
		spec.TerminationGracePeriodSeconds = new(int64(r.IntN(60)))
	}
	if chance(r, 4) {
		spec.OS = &corev1.PodOS{Name: corev1.Linux}
	}
	if chance(r, 3) {
		spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: new(true), RunAsUser: new(int64(1000)), FSGroup: new(int64(2000)), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
	}
	if chance(r, 10) && !spec.HostNetwork {
		spec.SecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: "0"}}}
	}
	if chance(r, 10) {
		spec.SetHostnameAsFQDN = new(true)
	}
	if chance(r, 3) {
		spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	}
	if chance(r, 6) {
		spec.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("8Gi")}}
	}
	spec.EnableServiceLinks = new(chance(r, 2))
}
