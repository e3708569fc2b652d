package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/test/loopback"
	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

// Scrape is one of Prometheus' jobs: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#scrape_config
type Scrape struct {
	Job     string              `json:"job_name"`
	Path    string              `json:"metrics_path"`
	Params  map[string][]string `json:"params,omitempty"`
	Targets []Targets           `json:"static_configs"`
}

// Targets have labels in common.
type Targets struct {
	Addresses []string          `json:"targets"`
	Labels    map[string]string `json:"labels,omitempty"`
}

const (
	scrapeInterval = "3s"
	stopGrace      = 10 * time.Second
	answerLimit    = 20 * time.Second
)

// Server is a running Prometheus.
type Server struct {
	url, log string
	process  *process.Process
	client   http.Client
}

// Start starts a Prometheus that listens on the loopback address and keeps its files in the folder, which is the caller's to remove.
func (p Programs) Start(ctx context.Context, folder string, scrapes []Scrape) (*Server, error) {
	config, err := yaml.Marshal(map[string]any{
		"global": map[string]string{"scrape_interval": scrapeInterval, "scrape_timeout": scrapeInterval}, "scrape_configs": scrapes,
	})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "prometheus.yml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return nil, err
	}
	address, err := loopback.Address(ctx)
	if err != nil {
		return nil, err
	}
	s := &Server{url: "http://" + address, log: filepath.Join(folder, "log"), client: http.Client{Timeout: answerLimit}}
	log, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := process.Command(p.Server, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+address)
	cmd.Stdout, cmd.Stderr = log, log
	s.process, err = process.Start(cmd)
	return s, err
}

// Stop ends it.
func (s *Server) Stop() { s.process.Stop(stopGrace) }

// Log is what it has logged so far.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// get decodes the answer of https://prometheus.io/docs/prometheus/latest/querying/api/.
func (s *Server) get(ctx context.Context, path string, into any) (err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", answer.Status, body)
	}
	return json.Unmarshal(body, into)
}
