package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// envPrefix starts the environment variable of every flag. Kubernetes itself sets PCP_INJECTOR_PORT and PCP_INJECTOR_SERVICE_* for a
// Service called pcp-injector, so no flag may be called port or service-*.
const envPrefix = "PCP_INJECTOR_"

// usageError is a mistake on the command line or in the environment.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// options are the values of the command line and the environment.
type options struct {
	config        string
	certDir       string
	clientCA      string
	listen        address
	healthListen  address
	metricsListen address
	drain         seconds
	logLevel      choice
	logFormat     choice
	check         bool
	version       bool
	help          bool
	// usage is the text of --help.
	usage string
}

func defaultOptions() *options {
	return &options{
		listen:        address{port: 10250},
		healthListen:  address{port: 8081},
		metricsListen: address{port: 8080},
		drain:         5,
		logLevel:      choice{value: "info", allowed: []string{"debug", "info", "warn", "error"}},
		logFormat:     choice{value: "json", allowed: []string{"json", "text"}},
	}
}

// parseOptions reads the command line, completes it from the environment and validates the result.
func parseOptions(args []string, lookupEnv func(string) (string, bool)) (*options, error) {
	opts := defaultOptions()
	flags := opts.flags()
	err := flags.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		opts.help = true
	} else if err != nil {
		return nil, &usageError{err}
	}
	if opts.help || opts.version {
		return opts, nil
	}
	if flags.NArg() > 0 {
		return nil, &usageError{fmt.Errorf("unexpected argument %q: only flags are allowed", flags.Arg(0))}
	}
	if err := complete(flags, lookupEnv); err != nil {
		return nil, &usageError{err}
	}
	if err := opts.validate(); err != nil {
		return nil, &usageError{err}
	}
	return opts, nil
}

func (o *options) flags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("pcp-injector", pflag.ContinueOnError)
	flags.SortFlags = false
	flags.StringVar(&o.config, "config", "", "the `FILE` with the InjectorConfig (required)")
	flags.StringVar(&o.certDir, "cert-dir", "", "the `DIR` with tls.crt and tls.key, reloaded when they change (required)")
	flags.StringVar(&o.clientCA, "client-ca", "", "the `FILE` with CA certificates, reloaded when it changes; only clients with a certificate that one of them has\n"+
		"signed get an answer; without it, everyone who can connect does")
	flags.Var(&o.listen, "listen", "where admission requests are served, with TLS")
	flags.Var(&o.healthListen, "health-listen", "where /healthz and /readyz are served")
	flags.Var(&o.metricsListen, "metrics-listen", "where /metrics is served")
	flags.Var(&o.drain, "drain", "how long to keep serving after SIGTERM, although not ready, until all API servers have noticed")
	flags.Var(&o.logLevel, "log-level", "least severe level to log: "+o.logLevel.list())
	flags.Var(&o.logFormat, "log-format", "format of the log: "+o.logFormat.list())
	flags.BoolVar(&o.check, "check", false, "check the configuration, report all errors, and exit")
	flags.BoolVar(&o.version, "version", false, "print the version and exit")
	o.usage = "pcp-injector serves the admission webhook that adds Performance Co-Pilot to the pods of one workload.\n\nFlags:\n" +
		flags.FlagUsages() + "\nEnvironment variables can set all flags except --check and --version, e.g. PCP_INJECTOR_LOG_LEVEL for --log-level.\n" +
		"A flag takes precedence over its variable.\n"
	flags.Usage = func() {}
	return flags
}

// complete takes flags that the command line does not set from the environment.
func complete(flags *pflag.FlagSet, lookupEnv func(string) (string, bool)) error {
	var problems []error
	flags.VisitAll(func(flag *pflag.Flag) {
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		value, found := lookupEnv(name)
		if !found || flag.Changed || flag.Name == "check" || flag.Name == "version" {
			return
		}
		if err := flags.Set(flag.Name, value); err != nil {
			problems = append(problems, fmt.Errorf("environment variable %s: %w", name, err))
		}
	})
	return joinLine(problems)
}

func (o *options) validate() error {
	var problems []error
	if o.config == "" {
		problems = append(problems, errors.New("--config (or PCP_INJECTOR_CONFIG) is required: the file with the InjectorConfig"))
	}
	if o.certDir == "" && !o.check {
		problems = append(problems, errors.New("--cert-dir (or PCP_INJECTOR_CERT_DIR) is required: the folder with tls.crt and tls.key"))
	}
	return joinLine(problems)
}

// joinLine reports all problems in one line; errors.Join would use one line for each.
func joinLine(problems []error) error {
	if len(problems) == 0 {
		return nil
	}
	texts := make([]string, len(problems))
	for n, problem := range problems {
		texts[n] = problem.Error()
	}
	return errors.New(strings.Join(texts, "; "))
}

func (o *options) drainTime() time.Duration { return time.Duration(o.drain) * time.Second }

// level cannot fail, because its choice is validated already.
func (o *options) level() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel.value)); err != nil {
		return slog.LevelInfo
	}
	return level
}
