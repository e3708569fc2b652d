package main

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// TestEveryFieldIsRead: a pod whose view has a value in each field comes back as it was.
func TestEveryFieldIsRead(t *testing.T) {
	t.Parallel()
	var want mutate.Pod
	fillFields(t, field.NewPath("pod"), reflect.ValueOf(&want).Elem())
	pod, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeReview(bytes.NewBufferString(edit("{}", string(pod))))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*got.Object, want) {
		t.Errorf("the view is\n%+v, want\n%+v", *got.Object, want)
	}
}

func fillFields(t *testing.T, path *field.Path, v reflect.Value) {
	t.Helper()
	if v.Type() == reflect.TypeFor[stdjson.RawMessage]() {
		v.Set(reflect.ValueOf(stdjson.RawMessage(`"1"`)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for n := range v.NumField() {
			fillFields(t, path.Child(v.Type().Field(n).Name), v.Field(n))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillFields(t, path, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for n := range v.Len() {
			fillFields(t, path.Index(n), v.Index(n))
		}
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		fillFields(t, path.Key("key"), value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key"), value)
	case reflect.String:
		v.SetString(path.String())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(42)
	default:
		t.Fatalf("%s is of kind %s, which this test does not know", path, v.Kind())
	}
}

// FuzzPod: the reader sees a pod as the library's own decoder does, and refuses what that refuses.
func FuzzPod(f *testing.F) {
	for _, size := range []string{"5KB", "20KB"} {
		var review struct {
			Request struct {
				Object stdjson.RawMessage `json:"object"`
			} `json:"request"`
		}
		if err := stdjson.Unmarshal(reviewOf(f, size), &review); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(review.Request.Object))
	}
	for _, pod := range []string{
		"{}", "null", "[]", `"pod"`, "{", `{"metadata":null,"spec":null}`, `{"metadata":{"labels":null,"annotations":{"a":"\u0061\ud83d\ude00"}}}`,
		`{"m\u0065tadata":{"name":"a","Name":"b"}}`, "{\"metadata\":{\"name\":\"a\xff\xfe\"}}", `{"metadata":{"ownerReferences":[null,{"controller":true}]}}`,
		`{"spec":{"containers":[{"resources":{"limits":{"cpu":null,"memory":[1]}},"ports":[{"hostPort":-0},{"containerPort":1e3}]}]}}`,
		`{"spec":{"terminationGracePeriodSeconds":9223372036854775808,"hostNetwork":null,"os":{},"securityContext":{"windowsOptions":{"a":1}}}}`,
		`{"spec":{"resources":{"limits":{"a":1},"requests":null},"hostUsers":false,"dnsPolicy":null}} `,
	} {
		f.Add([]byte(pod))
	}
	f.Fuzz(func(t *testing.T, pod []byte) {
		lenientText := jsontext.AllowInvalidUTF8(true)
		if !jsontext.Value(pod).IsValid(lenientText) {
			return // It has duplicate names, which the two may see differently, or is not JSON.
		}
		var want *mutate.Pod
		refused := json.Unmarshal(pod, &want, lenientText)
		got, err := decodeReview(bytes.NewBufferString(edit("{}", string(pod))))
		switch bound := (*boundError)(nil); {
		case errors.As(err, &bound):
		case refused != nil && err == nil:
			t.Errorf("the pod is read as %+v, the library says: %v", got.Object, refused)
		case refused == nil && err != nil && want != nil:
			t.Errorf("the pod is refused: %v, the library reads %+v", err, want)
		case refused == nil && want != nil && !reflect.DeepEqual(got.Object, want):
			t.Errorf("the view is\n%+v, the library's is\n%+v", got.Object, want)
		}
	})
}
