package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// Dashboard is what tests look at of one of Grafana's.
type Dashboard struct {
	Templating struct {
		List []struct {
			Name, Type string
			Query      string
		}
	}
	Panels []struct {
		Targets []struct{ Expr string }
	}
}

// ReadDashboard reads a file. One without queries is an error.
func ReadDashboard(file string) (*Dashboard, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	d := &Dashboard{}
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(d.Expressions()) == 0 {
		return nil, fmt.Errorf("%s: has no queries", file)
	}
	return d, nil
}

// Expressions are the queries of all panels.
func (d *Dashboard) Expressions() (all []string) {
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}

// Ask asks Prometheus as Grafana does for the given values of the variables. The error has every query without an answer, or with one that is
// not a number, and every variable for which Prometheus does not know exactly the given value. Queries that contain any of without are left out.
func (d *Dashboard) Ask(ctx context.Context, server *Server, variables map[string]string, without ...string) error {
	replace := []string{"$__rate_interval", "1m", "$__range", "5m"}
	for name, value := range variables {
		replace = append(replace, "$"+name, value)
	}
	fill := strings.NewReplacer(replace...).Replace
	var problems []error
	for _, variable := range d.Templating.List {
		if variable.Type == "query" {
			problems = append(problems, server.requireValues(ctx, fill(variable.Query), variables[variable.Name]))
		}
	}
	for _, expression := range d.Expressions() {
		if !containsAny(expression, without) {
			problems = append(problems, server.requireAnswer(ctx, fill(expression)))
		}
	}
	return errors.Join(problems...)
}

func containsAny(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

func (s *Server) requireAnswer(ctx context.Context, expression string) error {
	var answer struct {
		Data struct {
			Result []struct{ Value []any }
		}
	}
	if err := s.get(ctx, "/api/v1/query?query="+url.QueryEscape(expression), &answer); err != nil {
		return fmt.Errorf("%s: %w", expression, err)
	}
	if len(answer.Data.Result) == 0 {
		return fmt.Errorf("%s: has no answer", expression)
	}
	for _, series := range answer.Data.Result {
		if len(series.Value) != 2 || series.Value[1] == "NaN" {
			return fmt.Errorf("%s: the answer is %v", expression, answer.Data.Result)
		}
	}
	return nil
}

// labelValues is a query of a variable. Grafana asks Prometheus for the values of the label in the series that match.
var labelValues = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)

func (s *Server) requireValues(ctx context.Context, query, want string) error {
	parts := labelValues.FindStringSubmatch(query)
	if parts == nil {
		return fmt.Errorf("%s: is not understood", query)
	}
	var answer struct{ Data []string }
	if err := s.get(ctx, "/api/v1/label/"+parts[2]+"/values?match[]="+url.QueryEscape(parts[1]), &answer); err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	if len(answer.Data) != 1 || answer.Data[0] != want {
		return fmt.Errorf("%s: the answer is %q, want %q", query, answer.Data, want)
	}
	return nil
}
