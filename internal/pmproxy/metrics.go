package pmproxy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The metrics to read. All of them exist by default.
const (
	metricVersion = "pmcd.version"
	metricAgents  = "pmcd.agent.status"
	metricLogger  = "pmcd.pmlogger.archive"
	// metricSources has an instance for each source, and one for the agent itself.
	metricSources   = "openmetrics.control.status"
	instanceControl = "control"
)

// State is what PCP in a pod reports about itself.
type State struct {
	// Version of PCP, such as 7.2.2.
	Version string
	// Agents of pmcd, sorted by name.
	Agents []Agent
	// Archive that the primary pmlogger writes, as a path without its suffix; empty if none runs.
	Archive string
	// Sources of OpenMetrics, sorted by name. There are none if the agent does not run, or has just started.
	Sources []Source
}

// Agent is a PMDA.
type Agent struct {
	Name string
	// Status is 0 for an agent that works, see pmdaInit(3) and pmcd.agent.status.
	Status int
}

// Source is an OpenMetrics source, as the agent found it when it last fetched from it: at most 10 seconds ago if anybody asks.
type Source struct {
	Name   string `json:"name"`
	Result Result `json:"result"`
	// Problem is what the agent says about a source that it cannot reach.
	Problem string `json:"problem,omitempty"`
}

// Result says whether a source answers.
type Result string

// The results.
const (
	Reachable   Result = "reachable"
	Unreachable Result = "unreachable"
	// Untried is a source from which the agent has not fetched yet.
	Untried Result = "untried"
)

// State asks for everything at once.
func (c *Client) State(ctx context.Context) (*State, error) {
	values, err := c.fetch(ctx, metricVersion, metricAgents, metricLogger, metricSources)
	if err != nil {
		return nil, err
	}
	state := &State{Archive: values[metricLogger][primaryLogger]}
	for _, version := range values[metricVersion] {
		state.Version = version
	}
	if state.Version == "" {
		return nil, errors.New("pmproxy does not know pmcd's version: pmcd does not run, or has just started")
	}
	if state.Agents, err = c.agents(ctx, values[metricAgents]); err != nil {
		return nil, err
	}
	state.Sources, err = c.sources(ctx, values[metricSources])
	return state, err
}

// primaryLogger is the instance of the pmlogger that archives the pod itself.
const primaryLogger = 0

func (c *Client) agents(ctx context.Context, values map[int]string) ([]Agent, error) {
	names, err := c.instances(ctx, metricAgents, values)
	if err != nil {
		return nil, err
	}
	agents := make([]Agent, 0, len(values))
	for number, value := range values {
		name := cmp.Or(names[number], strconv.Itoa(number))
		status, err := strconv.Atoi(value)
		if err != nil {
			return nil, fmt.Errorf("%s of %s is %q, which is no number", metricAgents, name, value)
		}
		agents = append(agents, Agent{name, status})
	}
	slices.SortFunc(agents, func(a, b Agent) int { return cmp.Compare(a.Name, b.Name) })
	return agents, nil
}

func (c *Client) sources(ctx context.Context, values map[int]string) ([]Source, error) {
	names, err := c.instances(ctx, metricSources, values)
	if err != nil {
		return nil, err
	}
	var sources []Source
	for number, value := range values {
		if name := names[number]; name != instanceControl {
			sources = append(sources, source(cmp.Or(name, strconv.Itoa(number)), value))
		}
	}
	slices.SortFunc(sources, func(a, b Source) int { return cmp.Compare(a.Name, b.Name) })
	return sources, nil
}

// source interprets the agent's words, see stats_status in
// https://github.com/performancecopilot/pcp/blob/main/src/pmdas/openmetrics/pmdaopenmetrics.python.
func source(name, status string) Source {
	switch status {
	case "success":
		return Source{Name: name, Result: Reachable}
	case "unknown", "none":
		return Source{Name: name, Result: Untried}
	}
	problem := status
	if _, after, found := strings.Cut(status, ".url: "); found {
		problem = after
	}
	if at := pythons.FindString(problem); at != "" {
		problem = at
	}
	return Source{Name: name, Result: Unreachable, Problem: problem}
}

// pythons is the part that matters of a message of Python's library: HTTPConnectionPool(…): … (Caused by NewConnectionError("…: Failed to
// …")).
var pythons = regexp.MustCompile(`Failed to (establish a new connection: [^'"]+|resolve '[^']*' \([^)]*\))`)

// fetch reads metrics' values by their instances. It omits a metric that does not exist. One without instances has its value at -1.
func (c *Client) fetch(ctx context.Context, metrics ...string) (map[string]map[int]string, error) {
	var answer struct {
		Values []struct {
			Name      string
			Instances []struct {
				Instance *int
				Value    json.RawMessage
			}
		}
	}
	if err := c.get(ctx, "/pmapi/fetch", url.Values{"names": {strings.Join(metrics, ",")}}, &answer); err != nil {
		return nil, err
	}
	values := map[string]map[int]string{}
	for _, metric := range answer.Values {
		values[metric.Name] = map[int]string{}
		for _, item := range metric.Instances {
			number := -1
			if item.Instance != nil {
				number = *item.Instance
			}
			values[metric.Name][number] = text(item.Value)
		}
	}
	return values, nil
}

// text is a value as PCP would print it. pmproxy sends numbers as numbers, or as strings.
func text(value json.RawMessage) string {
	var said string
	if json.Unmarshal(value, &said) == nil {
		return said
	}
	return string(value)
}

// instances are the names of a metric's instances by their numbers. It does not ask if there are no values to name.
func (c *Client) instances(ctx context.Context, metric string, values map[int]string) (map[int]string, error) {
	names := map[int]string{}
	if len(values) == 0 {
		return names, nil
	}
	var answer struct {
		Instances []struct {
			Instance int
			Name     string
		}
	}
	if err := c.get(ctx, "/pmapi/indom", url.Values{"name": {metric}}, &answer); err != nil {
		return nil, err
	}
	for _, item := range answer.Instances {
		names[item.Instance] = item.Name
	}
	return names, nil
}

// Failed are the names of agents that do not work.
func (s *State) Failed() []string {
	var failed []string
	for _, agent := range s.Agents {
		if agent.Status != 0 {
			failed = append(failed, agent.Name)
		}
	}
	return failed
}
