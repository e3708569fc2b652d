package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"sigs.k8s.io/yaml"
)

const charts = "../../charts"

func TestMain(m *testing.M) {
	runtime := cog.NewRuntime()
	runtime.RegisterPanelcfgVariant(timeseries.VariantConfig())
	runtime.RegisterPanelcfgVariant(stat.VariantConfig())
	runtime.RegisterDataqueryVariant(prometheus.VariantConfig())
	os.Exit(m.Run())
}

// TestUpToDate fails if go generate was forgotten, or an old dashboard was left behind.
func TestUpToDate(t *testing.T) {
	t.Parallel()
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(charts, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is out of date: run go generate ./... (error: %v)", name, err)
		}
	}
	for _, name := range shipped(t) {
		if _, known := files[strings.TrimPrefix(name, charts+"/")]; !known {
			t.Errorf("%s is not generated any more: remove it", name)
		}
	}
}

// shipped are the dashboards of both charts.
func shipped(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(charts + "/*/files/dashboards/*.json")
	if err != nil || len(found) < 4 {
		t.Fatalf("found the dashboards %q (error: %v)", found, err)
	}
	return found
}

// TestSchema: Grafana's own types know every key of the dashboards, except those of grafana-pcp's queries, and accept every value. Grafana
// itself does not load them here.
func TestSchema(t *testing.T) {
	t.Parallel()
	for _, name := range shipped(t) {
		t.Run(filepath.Base(filepath.Dir(filepath.Dir(filepath.Dir(name))))+"/"+filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := readStrictly(text); err != nil {
				t.Error(err)
			}
			var read dashboard.Dashboard //nolint:staticcheck // As generated: see board.build.
			if err := json.Unmarshal(text, &read); err != nil {
				t.Fatal(err)
			}
			if err := read.Validate(); err != nil {
				t.Error(err)
			}
			for _, problem := range problems(t, text) {
				t.Error(problem)
			}
		})
	}
}

// TestSchemaFinds: TestSchema's checks find mistakes.
func TestSchemaFinds(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(charts + "/pcp/files/dashboards/pcp-node.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"uid":        {`"uid": "pcp-node"`, `"uid": "pcp-node-0123456789012345678901234567890123456789"`},
		"id":         {`"id": 2,`, `"id": 3,`},
		"width":      {`"w": 12`, `"w": 13`},
		"variable":   {`$node`, `$nod`},
		"datasource": {`"uid": "${datasource}"`, `"uid": "P1809F7CD0C75ACF3"`},
	} {
		changed := bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(text, changed) || len(problems(t, changed)) == 0 {
			t.Errorf("%s: no problem is found in a dashboard that has one", name)
		}
	}
	unknown := bytes.Replace(text, []byte(`"fillOpacity"`), []byte(`"fillOpacitiy"`), 1)
	if err := readStrictly(unknown); err == nil || !strings.Contains(err.Error(), "fillOpacitiy") {
		t.Errorf("reading an unknown key gives the error %v", err)
	}
}

// readStrictly returns the keys that Grafana's types do not know. The library's list of errors is not nil even if it is empty.
func readStrictly(text []byte) error {
	err := dashboard.NewDashboard().UnmarshalJSONStrict(text)
	var list cog.BuildErrors
	if errors.As(err, &list) && len(list) == 0 {
		return nil
	}
	return err
}

// read is what problems examines.
type read struct {
	UID        string `json:"uid"`
	Templating struct {
		List []struct {
			Name, Type string
			Query      any
			Datasource *source
		}
	}
	Panels []struct {
		ID         int
		Title      string
		Type       string
		GridPos    struct{ X, Y, W, H int }
		Datasource *source
		Targets    []struct {
			RefID      string `json:"refId"`
			Expr       string
			Datasource *source
		}
	}
}

type source struct{ Type, UID string }

// builtIn are the variables of Grafana itself, and of grafana-pcp's legends, and the groups of label_replace.
var (
	variableName = regexp.MustCompile(`\$\{?(\w+)\}?`)
	builtIn      = regexp.MustCompile(`^(__rate_interval|__range|\d+)$`)
)

// problems returns what Grafana's types do not know.
func problems(t *testing.T, text []byte) (found []string) {
	t.Helper()
	var d read
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	report := func(bad bool, words ...string) {
		if bad {
			found = append(found, strings.Join(words, " "))
		}
	}
	report(d.UID == "" || len(d.UID) > 40, "uid", d.UID, "must have 1 to 40 characters")
	if len(d.Templating.List) == 0 || d.Templating.List[0].Type != "datasource" {
		t.Fatal("the first variable is not the data source")
	}
	plugin, _ := d.Templating.List[0].Query.(string)
	names := []string{}
	undefined := func(text string) bool {
		return slices.ContainsFunc(variableName.FindAllStringSubmatch(text, -1), func(found []string) bool {
			return !slices.Contains(names, found[1]) && !builtIn.MatchString(found[1])
		})
	}
	wrong := func(s *source) bool { return s == nil || s.UID != "${datasource}" || s.Type != plugin }
	for n, v := range d.Templating.List {
		if text, _ := v.Query.(string); n > 0 {
			report(undefined(text), "variable", v.Name, "uses one that is not before it:", text)
			report(wrong(v.Datasource), "variable", v.Name, "does not use the chosen data source")
		}
		names = append(names, v.Name)
	}
	ids, cells := map[int]bool{}, map[[2]int]bool{}
	for _, p := range d.Panels {
		report(p.ID == 0 || ids[p.ID], "panel", p.Title, "has no ID of its own")
		ids[p.ID] = true
		report(p.GridPos.W < 1 || p.GridPos.H < 1 || p.GridPos.X+p.GridPos.W > 24, "panel", p.Title, "is outside of the grid's 24 columns")
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				report(cells[cell], "panel", p.Title, "lies on another one")
				cells[cell] = true
			}
		}
		if p.Type == "row" {
			continue
		}
		report(len(p.Targets) == 0 || wrong(p.Datasource), "panel", p.Title, "has no query, or does not use the chosen data source")
		refs := map[string]bool{}
		for _, target := range p.Targets {
			report(target.RefID == "" || refs[target.RefID], "panel", p.Title, "has two queries", target.RefID)
			refs[target.RefID] = true
			report(wrong(target.Datasource), "panel", p.Title, "has a query that does not use the chosen data source")
			report(target.Expr == "" || undefined(target.Expr), "panel", p.Title, "has a query with a variable that is not defined:", target.Expr)
		}
	}
	return found
}

// TestPodMonitorReads: by default, the PodMonitors of both charts read all that the dashboard and the alerts need.
func TestPodMonitorReads(t *testing.T) {
	t.Parallel()
	type monitor struct{ Metrics []string }
	for chart, monitorOf := range map[string]func(*testing.T, []byte) monitor{
		"pcp": func(t *testing.T, text []byte) monitor {
			t.Helper()
			var values struct{ PodMonitor monitor }
			unmarshal(t, text, &values)
			return values.PodMonitor
		},
		"pcp-injector": func(t *testing.T, text []byte) monitor {
			t.Helper()
			var values struct{ PCP struct{ PodMonitor monitor } }
			unmarshal(t, text, &values)
			return values.PCP.PodMonitor
		},
	} {
		t.Run(chart, func(t *testing.T) {
			t.Parallel()
			values, err := os.ReadFile(filepath.Join(charts, chart, "values.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			prefixes := monitorOf(t, values).Metrics
			for _, metric := range metricsOf(t) {
				if !slices.ContainsFunc(prefixes, func(prefix string) bool {
					prefix = strings.ReplaceAll(prefix, ".", "_")
					return metric == prefix || strings.HasPrefix(metric, prefix+"_")
				}) {
					t.Errorf("%s is not below any of %q", metric, prefixes)
				}
			}
		})
	}
}

// metricsOf are PCP's metrics in the dashboard and the alerts.
func metricsOf(t *testing.T) []string {
	t.Helper()
	var found []string
	b := node()
	text := string(alerts)
	for _, r := range b.rows {
		for _, p := range r.panels {
			for _, q := range p.queries {
				text += "\n" + q.expr
			}
		}
	}
	for _, match := range regexp.MustCompile(`\b((kernel|hinv|mem|swap|disk|filesys|network|cgroup|pmcd)_\w+)\{`).FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	if len(found) < 50 {
		t.Fatalf("found only the metrics %q", found)
	}
	return found
}

func unmarshal(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}
