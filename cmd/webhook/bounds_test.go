package main

import (
	"bytes"
	"io"
	"net/http"
	runtimemetrics "runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestBounds: a value larger than the limit is denied, and the answer names the limit.
func TestBounds(t *testing.T) {
	t.Parallel()
	list := func(element string, count int) string {
		return "[" + strings.Repeat(element+",", count-1) + element + "]"
	}
	entries := func(count int) string {
		var text strings.Builder
		for n := range count {
			text.WriteString(`"` + string(rune('a'+n%26)) + strings.Repeat("k", n/26) + `":"",`)
		}
		return "{" + text.String() + `"last":""}`
	}
	tests := map[string]struct{ object, want string }{
		"containers":       {`{"spec":{"containers":` + list("{}", 129) + `}}`, `field "request.object.spec.containers" is too large: must have at most 128 elements`},
		"null containers":  {`{"spec":{"containers":` + list("null", 129) + `}}`, "at most 128 elements"},
		"init containers":  {`{"spec":{"initContainers":` + list("{}", 129) + `}}`, `"request.object.spec.initContainers" is too large: must have at most 128`},
		"ports":            {`{"spec":{"containers":[{},{"ports":` + list("{}", 257) + `}]}}`, `"request.object.spec.containers.1.ports" is too large: must have at most 256`},
		"volumes":          {`{"spec":{"volumes":` + list("{}", 1025) + `}}`, "at most 1024"},
		"sysctls":          {`{"spec":{"securityContext":{"sysctls":` + list("{}", 1025) + `}}}`, "at most 1024"},
		"owners":           {`{"metadata":{"ownerReferences":` + list("{}", 65) + `}}`, "at most 64"},
		"annotations":      {`{"metadata":{"annotations":` + entries(4096) + `}}`, `"request.object.metadata.annotations" is too large: must have at most 4096 entries`},
		"pod resources":    {`{"spec":{"resources":{"limits":` + entries(4096) + `}}}`, "at most 4096 entries"},
		"long annotation":  {`{"metadata":{"annotations":{"a":"` + strings.Repeat("a", 256<<10+1) + `"}}}`, "at most 262144 bytes"},
		"long key":         {`{"metadata":{"labels":{"` + strings.Repeat("a", 4097) + `":""}}}`, "at most 4096 bytes"},
		"long name":        {`{"metadata":{"name":"` + strings.Repeat("a", 70<<10) + `"}}`, `"request.object.metadata.name" is too large: must have at most 4096 bytes`},
		"long host name":   {`{"spec":{"hostname":"` + strings.Repeat("a", 70<<10) + `"}}`, "at most 4096 bytes"},
		"long amount":      {`{"spec":{"containers":[{"resources":{"limits":{"cpu":"` + strings.Repeat("1", 256) + `"}}}]}}`, "at most 256 bytes"},
		"amount of a list": {`{"spec":{"containers":[{"resources":{"limits":{"cpu":` + list("1", 200) + `}}}]}}`, "at most 256 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response := decodeResponse(t, post(stubHandler(untouched, io.Discard), []byte(edit("{}", test.object))))
			if response.Allowed || response.Result.Code != http.StatusBadRequest {
				t.Errorf("response is %+v, want a denial", response)
			}
			if !strings.Contains(response.Result.Message, test.want) {
				t.Errorf("message is %q, want %q in it", response.Result.Message, test.want)
			}
		})
	}
}

// TestWithinBounds: a pod at the limits is decided about.
func TestWithinBounds(t *testing.T) {
	t.Parallel()
	ports := strings.Repeat("{},", 255) + "{}"
	containers := strings.Repeat(`{"ports":[`+ports+`]},`, 127) + "{}"
	object := `{"metadata":{"annotations":{"a":"` + strings.Repeat("a", 250<<10) + `"}},"spec":{"containers":[` + containers + `],"initContainers":[` + containers + `],` +
		`"unknown":"` + strings.Repeat("a", 5<<20) + `"}}`
	response := decodeResponse(t, post(stubHandler(untouched, io.Discard), []byte(edit("{}", object))))
	if !response.Allowed {
		t.Errorf("response is %+v, want it allowed", response)
	}
}

// TestLongUID: the answer would repeat it.
func TestLongUID(t *testing.T) {
	t.Parallel()
	recorder := post(stubHandler(untouched, io.Discard), []byte(edit("u-1", strings.Repeat("u", 257))))
	if recorder.Code != http.StatusBadRequest || !strings.Contains(recorder.Body.String(), "request.uid has 257 bytes: must have at most 256") {
		t.Errorf("answer is %d %s", recorder.Code, recorder.Body)
	}
}

// TestOverloaded: a request that finds no slot gets a time to try again, and is counted.
func TestOverloaded(t *testing.T) {
	t.Parallel()
	h := stubHandler(untouched, io.Discard)
	h.intake.large = newSlots(1, 0)
	if err := h.intake.large.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	large := []byte(edit("{}", `{"unknown":"`+strings.Repeat("a", ordinaryBody)+`"}`))
	recorder := post(h, large)
	if recorder.Code != http.StatusTooManyRequests || recorder.Header().Get("Retry-After") != "1" {
		t.Errorf("answer is %d with Retry-After %q", recorder.Code, recorder.Header().Get("Retry-After"))
	}
	if response := decodeResponse(t, post(h, []byte(goodReview))); !response.Allowed {
		t.Errorf("an ordinary body is refused meanwhile: %+v", response)
	}
	h.intake.large.free()
	if response := decodeResponse(t, post(h, large)); !response.Allowed {
		t.Errorf("a large body is refused although there is a place: %+v", response)
	}
}

// TestSlotsWait: a request waits for a slot that becomes free, but only for a while.
func TestSlotsWait(t *testing.T) {
	t.Parallel()
	s := newSlots(1, 1)
	if err := s.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := make(chan error)
	go func() { second <- s.take(t.Context()) }()
	for s.waiting.Load() == 0 {
		<-time.After(time.Millisecond)
	}
	if err := s.take(t.Context()); err == nil {
		t.Error("the line has no end")
	}
	s.free()
	if err := <-second; err != nil {
		t.Errorf("the first in the line got no place: %v", err)
	}
	if err := s.take(t.Context()); err == nil {
		t.Error("a place is given twice")
	}
}

// hostileBodies are those that people have thought of. The fuzzer thinks of more.
func hostileBodies() map[string][]byte {
	const size = 6<<20 + 400<<10
	fill := func(object, part string) []byte {
		before, after, _ := strings.Cut(edit("{}", object), "FILL")
		count := (size - len(before) - len(after)) / len(part)
		return []byte(before + strings.TrimSuffix(strings.Repeat(part, count), ",") + after)
	}
	inject := `{"metadata":{"annotations":{"pcp.io/inject":"true"}},"spec":`
	distinct := func(start, end string) []byte {
		var text bytes.Buffer
		before, after, _ := strings.Cut(edit("{}", start+"FILL"+end), "FILL")
		text.WriteString(before)
		for n := 0; text.Len() < size; n++ {
			text.WriteString(`"` + strings.Map(func(r rune) rune { return 'a' + r - '0' }, strconv.Itoa(n)) + `":"",`)
		}
		text.WriteString(`"last":""` + after)
		return text.Bytes()
	}
	return map[string][]byte{
		"containers":            fill(inject+`{"containers":[FILL]}}`, "{},"),
		"null containers":       fill(inject+`{"containers":[FILL]}}`, "null,"),
		"ports":                 fill(inject+`{"containers":[{"ports":[FILL]}]}}`, "{},"),
		"ports of containers":   fill(inject+`{"containers":[FILL]}}`, `{"ports":[`+strings.Repeat("{},", 255)+`{}]},`),
		"ports again and again": fill(inject+`{"containers":[{FILL"name":"a"}]}}`, `"ports":[`+strings.Repeat("{},", 255)+`{}],`),
		"lists again and again": fill(inject+`{FILL"containers":[]}}`, `"containers":[`+strings.Repeat("{},", 127)+`{}],`),
		"volumes":               fill(inject+`{"volumes":[FILL]}}`, "{},"),
		"owners":                fill(`{"metadata":{"ownerReferences":[FILL]}}`, "{},"),
		"annotations":           distinct(`{"metadata":{"annotations":{`, `}}}`),
		"labels":                distinct(`{"metadata":{"labels":{`, `}}}`),
		"node selector":         distinct(inject+`{"nodeSelector":{`, `}}}`),
		"unknown members":       distinct(inject+`{"x":{`, `}}}`),
		"long annotation":       fill(`{"metadata":{"annotations":{"pcp.io/inject":"FILL"}}}`, "aaaaaaaa"),
		"long escapes":          fill(`{"metadata":{"annotations":{"pcp.io/inject":"FILL"}}}`, `\u0001`),
		"invalid UTF-8":         fill(`{"metadata":{"annotations":{"pcp.io/inject":"FILL"}}}`, "\xff\xfe"),
		"long names":            fill(inject+`{"containers":[FILL]}}`, `{"name":"`+strings.Repeat("n", 50000)+`"},`),
		"long restart policy":   fill(inject+`{"restartPolicy":"FILL"}}`, "a"),
		"same key again":        fill(`{"metadata":{"annotations":{FILL"last":""}}}`, `"a":"",`),
		"nested arrays":         fill(inject+`{"x":FILL}}`, "["),
		"nested objects":        fill(inject+`{"x":FILL}}`, `{"a":`),
		"nested objects closed": fill(inject+`{"x":[FILL]}}`, strings.Repeat(`{"a":`, 9000)+"1"+strings.Repeat("}", 9000)+","),
		"small exponents":       fill(inject+`{"containers":[FILL]}}`, `{"resources":{"limits":{"cpu":1e-999999999},"requests":{"cpu":"1e-999999998"}}},`),
		"large exponents":       fill(inject+`{"containers":[FILL]}}`, `{"resources":{"limits":{"memory":"1e999999999"},"requests":{"memory":1e999999998}}},`),
		"long number":           fill(inject+`{"terminationGracePeriodSeconds":FILL}}`, "1"),
		"long amount":           fill(inject+`{"containers":[{"resources":{"limits":{"cpu":FILL}}}]}}`, "1"),
		"amount of nested":      fill(inject+`{"resources":{"limits":{"cpu":[FILL]}}}}`, "{},"),
		"long uid":              []byte(edit("u-1", strings.Repeat("\xff", size))),
		"long kind":             []byte(edit(`"kind":"Pod"`, `"kind":"`+strings.Repeat("\xff", size)+`"`)),
		"long user":             fillReview(`"userInfo":{"username":"`+strings.Repeat("u", size)+`"},`, `"namespace"`),
		"objects again":         fillReview(strings.Repeat(`"object":{"metadata":{"labels":{"a":"b"}}},`, size/44), `"namespace"`),
		"requests again":        []byte(strings.Replace(goodReview, `"request"`, strings.Repeat(`"request":{"object":{}},`, size/24)+`"request"`, 1)),
		"white space":           []byte(strings.Repeat(" ", size) + goodReview),
		"commas":                bytes.Repeat([]byte(","), size),
		"zeros":                 make([]byte, size),
	}
}

// fillReview puts text before a member of the request.
func fillReview(text, member string) []byte {
	return []byte(strings.Replace(goodReview, member, text+member, 1))
}

// FuzzAllocations: whatever a body contains, reading it, deciding and answering allocate a few times its length plus a constant at most.
func FuzzAllocations(f *testing.F) {
	for _, size := range []string{"5KB", "20KB"} {
		f.Add(reviewOf(f, size))
	}
	f.Add([]byte(goodReview))
	for _, body := range hostileBodies() {
		// The limits are reached long before.
		f.Add(body[:min(len(body), 128<<10)])
	}
	h := newTestHandler(f)
	f.Fuzz(func(t *testing.T, body []byte) { checkAllocations(t, h, body) })
}

// TestHostileAllocations: the same for the worst bodies in full.
func TestHostileAllocations(t *testing.T) {
	h := newTestHandler(t)
	for name, body := range hostileBodies() {
		t.Run(name, func(t *testing.T) { checkAllocations(t, h, body) })
	}
}

func checkAllocations(t *testing.T, h http.Handler, body []byte) {
	t.Helper()
	const constant, multiple = 4 << 20, 6
	before := allocated()
	send(h, body)
	if grown := allocated() - before; grown > constant+multiple*uint64(len(body)) {
		t.Errorf("a body of %d bytes takes %d, want at most %d and %d times its length", len(body), grown, constant, multiple)
	}
}

// allocated is what this process has allocated so far.
func allocated() uint64 {
	sample := []runtimemetrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	runtimemetrics.Read(sample)
	return sample[0].Value.Uint64()
}
