package mutate_test

import (
	"bytes"
	"encoding/json"
	randv1 "math/rand"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	kjson "sigs.k8s.io/json"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
	"github.com/performancecopilot/pcp-injector/test/podgen"
)

// propertyConfigs are for a bare pod called node-monitor, whose creator may be anyone.
var propertyConfigs = []string{
	"target: {kind: Pod}",
	"target: {kind: Pod}\nhostMonitoring: {enabled: true, hostNetwork: true, processDetails: true}",
	"target: {kind: Pod}\ncontainer: {placement: NativeSidecar}\npersistence: {fixOwnership: true}",
	"target: {kind: Pod}\nopenMetrics: {discover: true, endpoints: {app: {url: 'http://localhost:1/metrics'}}}\nstableHostname: false",
	"target: {kind: Pod}\nopenMetrics: {discover: true}\ncontainer: {services: [pmproxy]}",
	"target: {kind: Pod}\nopenMetrics: {enabled: false}\npersistence: {pmlogger: {type: EmptyDir}, pmproxy: {type: None}}",
}

// propertyRequest makes any pod the target, for the properties of injection to be tested.
const propertyRequest = "Owner: {Kind: Pod, Name: node-monitor}"

// TestRawSeedsAreInjected: otherwise FuzzRaw would prove little.
func TestRawSeedsAreInjected(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	injected := 0
	for n, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pod := toJSON(t, (&golden{archive: archive}).section("pod"))
		if decide(t, newInjector(t, propertyConfigs[n%len(propertyConfigs)]), pod, propertyRequest).Reason == mutate.ReasonInjected {
			injected++
		}
	}
	if 2*injected < len(files) {
		t.Errorf("only %d of %d seeds are injected", injected, len(files))
	}
}

// FuzzRaw tests any JSON from which the view can be read.
func FuzzRaw(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.txtar"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for n, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		pod := (&golden{archive: txtar.Parse(raw)}).section("pod")
		f.Add(toJSON(f, pod), uint8(n))
	}
	f.Fuzz(func(t *testing.T, raw []byte, choice uint8) {
		var object map[string]any
		if strict, err := kjson.UnmarshalStrict(raw, &object); err != nil || len(strict) > 0 || !utf8.Valid(raw) || object == nil {
			t.Skip("the API server sends objects in valid JSON, each key once")
		}
		var pod mutate.Pod
		if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &pod); err != nil {
			t.Skip("not a pod")
		}
		checkProperties(t, raw, choice)
	})
}

// FuzzGenerated tests pods as apimachinery's fuzzer makes them, and others that an API server accepts, with fields that no API server
// knows.
func FuzzGenerated(f *testing.F) {
	for seed := range int64(200) {
		f.Add(seed, uint8(seed/2)) // Even and odd seeds make different pods: each meets every configuration.
	}
	fill := fuzzer.FuzzerFor(metafuzzer.Funcs, randv1.NewSource(1), serializer.NewCodecFactory(runtime.NewScheme()))
	f.Fuzz(func(t *testing.T, seed int64, choice uint8) {
		r := rand.New(rand.NewPCG(uint64(seed), 0))
		pod := podgen.Valid(r)
		if seed%2 == 0 {
			pod = &corev1.Pod{}
			fill.RandSource(randv1.NewSource(seed)).Fill(pod)
			soothe(pod)
		}
		var object map[string]any
		raw, err := json.Marshal(pod)
		if err == nil {
			err = kjson.UnmarshalCaseSensitivePreserveInts(raw, &object)
		}
		if err != nil {
			t.Fatal(err)
		}
		podgen.Invent(r, object)
		if raw, err = json.Marshal(object); err != nil {
			t.Fatal(err)
		}
		checkProperties(t, raw, choice)
	})
}

// soothe removes from a random pod what is nearly always refused, for other properties to be tested.
func soothe(pod *corev1.Pod) {
	pod.Annotations = map[string]string{mutate.AnnotationInject: "true"}
	pod.Name, pod.OwnerReferences = "node-monitor", nil
	delete(pod.Labels, mutate.LabelInjected)
	pod.Spec.HostPID, pod.Spec.ShareProcessNamespace, pod.Spec.OS, pod.Spec.HostUsers = false, nil, nil, nil
	if pod.Spec.SecurityContext != nil {
		pod.Spec.SecurityContext.WindowsOptions = nil
	}
	if len(pod.Spec.Containers) == 0 {
		pod.Spec.Containers = []corev1.Container{{Name: "app"}}
	}
}

func checkProperties(t *testing.T, raw []byte, choice uint8) {
	t.Helper()
	injector := newInjector(t, propertyConfigs[int(choice)%len(propertyConfigs)])
	decision := decide(t, injector, raw, propertyRequest)
	for _, op := range decision.Patch {
		checkOperation(t, op.Operation, op.Path)
	}
	patched := apply(t, raw, decision.Patch)
	checkLaws(t, injector, raw, patched, &decision, propertyRequest)
	if decision.Reason.Allowed() {
		checkSurvives(t, "", decode(t, raw), decode(t, patched))
	}
}

var (
	ownPlaces = []string{
		"/metadata/labels", "/metadata/labels/pcp.io~1injected", "/metadata/annotations/pcp.io~1status",
		"/metadata/annotations/pcp.io~1pmlogconf-openmetrics", "/metadata/annotations/pcp.io~1pmcd-proc-access",
		"/metadata/annotations/cluster-autoscaler.kubernetes.io~1safe-to-evict-local-volumes",
		"/spec/containers/-", "/spec/initContainers", "/spec/initContainers/-", "/spec/volumes", "/spec/volumes/-",
	}
	podFields = []string{"/spec/hostNetwork", "/spec/dnsPolicy", "/spec/hostname"}
)

func checkOperation(t *testing.T, op, path string) {
	t.Helper()
	owned := slices.Contains(ownPlaces, path) || strings.HasPrefix(path, "/metadata/annotations/openmetrics.pcp.io~1")
	named := slices.Contains(podFields, path)
	allowed := named && (op == "add" || op == "replace") || owned && op == "add"
	if !allowed {
		t.Errorf("the patch touches what is not the injector's: %s %s", op, path)
	}
}

// checkSurvives: everything is still in its place and unchanged, except for the named pod-level fields.
func checkSurvives(t *testing.T, path string, before, after any) {
	t.Helper()
	if slices.Contains(podFields, path) || path == "/metadata/annotations/"+mutate.AnnotationStatus {
		return
	}
	switch old := before.(type) {
	case map[string]any:
		now, ok := after.(map[string]any)
		if !ok {
			t.Errorf("%s was an object, is %v", path, after)
			return
		}
		for key, value := range old {
			checkSurvives(t, path+"/"+key, value, now[key])
		}
	case []any:
		now, ok := after.([]any)
		if !ok || len(now) < len(old) {
			t.Errorf("%s was a list of %d, is %v", path, len(old), after)
			return
		}
		for n, value := range old {
			checkSurvives(t, path+"/-", value, now[n])
		}
	case nil:
	default:
		if !reflect.DeepEqual(before, after) {
			t.Errorf("%s was %v, is %v", path, before, after)
		}
	}
}

func decode(t *testing.T, raw []byte) any {
	t.Helper()
	var object any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		t.Fatal(err)
	}
	return object
}

// normalized drops the nulls of fields that the injector may fill, because null is absent to Kubernetes, and the status, because an earlier
// one is not restored.
func normalized(object any) any {
	pod, _ := object.(map[string]any)
	metadata, _ := pod["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	delete(annotations, mutate.AnnotationStatus)
	for section, fields := range map[string][]string{
		"metadata": {"labels"},
		"spec":     {"initContainers", "volumes", "hostNetwork", "dnsPolicy", "hostname"},
	} {
		part, _ := pod[section].(map[string]any)
		for _, name := range fields {
			if value, present := part[name]; present && value == nil {
				delete(part, name)
			}
		}
	}
	return object
}
