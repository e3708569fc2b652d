package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// environment is a lookup in a fixed environment.
func environment(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, found := variables[name]
		return value, found
	}
}

func TestOptionsDefaults(t *testing.T) {
	t.Parallel()
	opts, err := parseOptions([]string{"--config", "c.yaml", "--cert-dir", "/certs"}, environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{opts.listen.String(), opts.healthListen.String(), opts.metricsListen.String(), opts.logLevel.value, opts.logFormat.value}
	if want := ":10250 :8081 :8080 info json"; strings.Join(got, " ") != want {
		t.Errorf("defaults are %v, want %s", got, want)
	}
	if opts.drainTime() != 5*time.Second || opts.level() != slog.LevelInfo {
		t.Errorf("drain is %v and level %v", opts.drainTime(), opts.level())
	}
}

func TestOptionsFromFlagsAndEnvironment(t *testing.T) {
	t.Parallel()
	variables := map[string]string{
		"PCP_INJECTOR_CONFIG":         "env.yaml",
		"PCP_INJECTOR_CERT_DIR":       "/env",
		"PCP_INJECTOR_LISTEN":         "127.0.0.1:1",
		"PCP_INJECTOR_HEALTH_LISTEN":  "[::1]:2",
		"PCP_INJECTOR_METRICS_LISTEN": ":3",
		"PCP_INJECTOR_DRAIN":          "0",
		"PCP_INJECTOR_LOG_LEVEL":      "debug",
		"PCP_INJECTOR_LOG_FORMAT":     "text",
		// These are set by Kubernetes for a Service called pcp-injector, and are no options.
		"PCP_INJECTOR_PORT":         "tcp://10.0.0.1:443",
		"PCP_INJECTOR_SERVICE_HOST": "10.0.0.1",
		"PCP_INJECTOR_VERSION":      "true",
	}
	opts, err := parseOptions([]string{"--config=flag.yaml", "--drain", "7"}, environment(variables))
	if err != nil {
		t.Fatal(err)
	}
	if opts.config != "flag.yaml" || opts.drain != 7 {
		t.Errorf("config is %q and drain %d, want the flags to win", opts.config, opts.drain)
	}
	if opts.certDir != "/env" || opts.listen.host != "127.0.0.1" || opts.listen.port != 1 || opts.healthListen.host != "::1" {
		t.Errorf("options are %+v, want the environment's", opts)
	}
	if opts.level() != slog.LevelDebug || opts.logFormat.value != "text" || opts.version {
		t.Errorf("options are %+v, want the environment's", opts)
	}
}

func TestOptionsErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args      []string
		variables map[string]string
		want      string
	}{
		"nothing":       {want: "--config (or PCP_INJECTOR_CONFIG) is required: the file with the InjectorConfig; --cert-dir"},
		"unknown flag":  {args: []string{"--configs=x"}, want: "unknown flag: --configs"},
		"left over":     {args: []string{"--config", "c", "d"}, want: `unexpected argument "d": only flags are allowed`},
		"address":       {args: []string{"--listen", "10250"}, want: `"--listen" flag: must be "host:port" or ":port" with a port from 1 to 65535`},
		"port 0":        {args: []string{"--listen", ":0"}, want: "with a port from 1 to 65535"},
		"port by name":  {args: []string{"--listen", ":https"}, want: "with a port from 1 to 65535"},
		"port too high": {args: []string{"--health-listen", ":65536"}, want: "with a port from 1 to 65535"},
		"drain":         {args: []string{"--drain", "5s"}, want: "must be a whole number of seconds from 0 to 300"},
		"drain too far": {args: []string{"--drain", "301"}, want: "from 0 to 300"},
		"level":         {args: []string{"--log-level", "trace"}, want: "must be one of debug, info, warn, error"},
		"format":        {args: []string{"--log-format", "xml"}, want: "must be one of json, text"},
		"environment": {
			variables: map[string]string{"PCP_INJECTOR_DRAIN": "soon", "PCP_INJECTOR_LOG_LEVEL": "loud"},
			want:      "environment variable PCP_INJECTOR_LOG_LEVEL: invalid argument \"loud\"",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseOptions(test.args, environment(test.variables))
			var usage *usageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error is %v, want a usage error with %q", err, test.want)
			}
			var stderr bytes.Buffer
			if code := exitCode(err, &stderr); code != exitUsage || strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("exit code is %d after %q, want 2 after one line", code, stderr.String())
			}
		})
	}
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ flag, want string }{
		{"--help", "--metrics-listen ADDR"},
		{"-h", "PCP_INJECTOR_LOG_LEVEL"},
		{"--version", "pcp-injector "},
	} {
		var stdout, stderr bytes.Buffer
		if err := run(t.Context(), []string{test.flag}, &stdout, &stderr); err != nil || stderr.Len() > 0 {
			t.Errorf("%s: error is %v, stderr %q", test.flag, err, stderr.String())
		}
		if !strings.Contains(stdout.String(), test.want) {
			t.Errorf("%s prints %q, want %q in it", test.flag, stdout.String(), test.want)
		}
	}
}

// TestCheck: pipelines find every mistake of a configuration without a certificate, and without serving.
func TestCheck(t *testing.T) {
	t.Parallel()
	var stdout bytes.Buffer
	if err := run(t.Context(), []string{"--check", "--config", writeConfig(t)}, &stdout, io.Discard); err != nil || !strings.Contains(stdout.String(), "is valid: configuration ") {
		t.Errorf("prints %q and returns %v for a valid configuration", stdout.String(), err)
	}
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	writeFile(t, broken, "apiVersion: config.pcp.io/v1alpha1\nkind: InjectorConfig\ncontainer: {keyServers: [\"a..b:6379\"]}\nstableHostname: true\nhostMonitoring: {hostNetwork: true}\n")
	var stderr bytes.Buffer
	err := run(t.Context(), []string{"--check", "--config", broken}, io.Discard, io.Discard)
	if code := exitCode(err, &stderr); code != exitFailure {
		t.Errorf("exit code is %d for a broken configuration, want %d", code, exitFailure)
	}
	for _, want := range []string{broken + ":3: container.keyServers[0]: Invalid value: \"a..b:6379\"", broken + ":5: hostMonitoring.hostNetwork"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("prints %q, want %q in it", stderr.String(), want)
		}
	}
	if err := run(t.Context(), []string{"--check"}, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "--config") {
		t.Errorf("error without --config is %v, want one that names it", err)
	}
}

func TestDescribeBuild(t *testing.T) {
	t.Parallel()
	info := &debug.BuildInfo{
		Main:     debug.Module{Version: "v1.0.0"},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}},
	}
	for _, test := range []struct {
		linked string
		info   *debug.BuildInfo
		want   build
	}{
		{"v2.0.0", info, build{"v2.0.0", "abc"}},
		{"", info, build{"v1.0.0", "abc"}},
		{"", &debug.BuildInfo{}, build{"(devel)", "unknown"}},
	} {
		if got := describeBuild(test.linked, test.info); got != test.want {
			t.Errorf("build is %+v, want %+v", got, test.want)
		}
	}
}
