package archive_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/performancecopilot/pcp-injector/archive"
)

// examples has an archive that pmlogger of PCP 7.2 recorded for a minute.
const examples = "../examples/archive"

func ExampleArchive_Samples() {
	a, err := archive.Open(os.DirFS(examples), ".")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Close()
	query := archive.Query{Metrics: []string{"kernel.all.cpu.user"}, To: a.Start().Add(5 * time.Second)}
	for sample, err := range archive.Rates(a.Samples(query)) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, set := range sample.Sets {
			for _, value := range set.Values {
				fmt.Printf("%s %s: %.3f CPUs\n", sample.Time.UTC().Format(time.TimeOnly), set.Metric.Name, value.Float64())
			}
		}
	}
	// Output:
	// 01:48:46 kernel.all.cpu.user: 1.770 CPUs
	// 01:48:48 kernel.all.cpu.user: 1.835 CPUs
}

func ExampleArchive_Interpolate() {
	a, err := archive.Open(os.DirFS(examples), ".")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Close()
	query := archive.Query{Metrics: []string{"kernel.all.load"}, From: a.Start().Add(10 * time.Second), To: a.Start().Add(30 * time.Second)}
	for sample, err := range a.Interpolate(query, 10*time.Second) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, set := range sample.Sets {
			fmt.Println(sample.Time.UTC().Format(time.TimeOnly), set.Values[0].Name, set.Values[0])
		}
	}
	// Output:
	// 01:48:54 1 minute 7.54
	// 01:49:04 1 minute 6.38
	// 01:49:14 1 minute 5.86
}

// TestExample: what is committed says nothing of the machine that recorded it, or of its processes.
func TestExample(t *testing.T) {
	t.Parallel()
	a := open(t, os.DirFS(examples), ".")
	if a.Host() != "node-1" {
		t.Errorf("the host is %q", a.Host())
	}
	all, err := a.Metrics("")
	if err != nil || len(all) < 10 {
		t.Errorf("%d metrics, %v", len(all), err)
	}
	var query archive.Query
	for _, metric := range all {
		query.Metrics = append(query.Metrics, metric.Name)
		if strings.HasPrefix(metric.Name, "proc.") {
			t.Errorf("%s tells of processes", metric.Name)
		}
		labels, err := a.Labels(metric, archive.NoInstance, a.Start())
		if err != nil || labels["hostname"] != "node-1" || labels["machineid"] != "localmachine" {
			t.Errorf("the labels of %s are %v, %v", metric.Name, labels, err)
		}
	}
	if samples, err := lines(a.Samples(query)); err != nil || len(samples) < 30 {
		t.Errorf("%d samples, %v", len(samples), err)
	}
	parts, err := a.Parts()
	if err != nil || parts[0].Size > 2<<20 {
		t.Errorf("%d bytes, %v", parts[0].Size, err)
	}
}
