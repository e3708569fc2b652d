// Package options reads and writes the launcher's flags. The injector writes them into the args of PCP's container, which nobody can change
// in a live pod, so what decides about protection is here. What upstream's entrypoint reads from the environment, the launcher reads there
// too: see Entrypoint.
package options

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Listen is the addresses on which PCP's services listen.
type Listen string

// The values of --listen.
const (
	AllAddresses Listen = "AllAddresses"
	Loopback     Listen = "Loopback"
)

// Options are the launcher's flags.
type Options struct {
	// For is the version of the injector that wrote the flags.
	For string
	// Listen is where pmcd and pmproxy listen.
	Listen Listen
	// ProcessDetails lets every client of pmcd see what processes hold in their environment.
	ProcessDetails bool
	// AcceptArchives lets pmproxy take archives that others push, AcceptWrites also values (pmstore).
	AcceptArchives, AcceptWrites bool
	Archives                     Archives
	OpenMetrics                  OpenMetrics
	PMIE                         Inference
	// PushURL is a pmproxy that gets what is archived.
	PushURL string
	// Files are the administrator's files, by the path that PCP looks for them at. The volume has each at the same path.
	Files []string
}

// Archives are those of pmlogger.
type Archives struct {
	// Interval between two samples of metrics whose group has no interval of its own.
	Interval time.Duration
	// Days after which an archive is removed.
	Days int
	// Limit of all archives in bytes; 0: 80 % of the space on their file system.
	Limit int64
	// Shared: other hosts' archives are in the same volume, and are none of this launcher's business.
	Shared bool
}

// OpenMetrics are sources of the agent openmetrics.
type OpenMetrics struct {
	// Archive their metrics.
	Archive bool
	// Intervals of sources that are archived more often than the others.
	Intervals []Interval
	// CABundle: the agent trusts the CAs of the volume's file ca.crt too.
	CABundle bool
}

// Interval is that of one source.
type Interval struct {
	Source string
	Period time.Duration
}

// Inference is what pmie evaluates.
type Inference struct {
	// Rules: a second pmie evaluates the volume's file pmie.rules.
	Rules bool
	// StockRules are names of rules that are switched on.
	StockRules []string
	// Webhook: pmie calls the URL of the environment variable PCP_PMIE_WEBHOOK, which may come from a Secret.
	Webhook bool
}

// Parse reads flags. The error is a *UsageError.
func Parse(args []string, version string) (*Options, error) {
	o := &Options{Listen: AllAddresses, Archives: Archives{Interval: defaultInterval, Days: defaultDays}}
	seen := map[string]bool{}
	for _, arg := range args {
		if err := o.set(arg, version, seen); err != nil {
			return nil, &UsageError{err}
		}
	}
	return o, nil
}

// The values without a flag are those of the injector's configuration without a key.
const (
	defaultInterval = 10 * time.Second
	defaultDays     = 14
)

func (o *Options) set(arg, version string, seen map[string]bool) error {
	name, value, hasValue := strings.Cut(arg, "=")
	f := flagOf(name)
	switch {
	case f == nil:
		return o.unknown(arg, version)
	case hasValue == f.toggle():
		return fmt.Errorf("%s: must be %s", arg, f.usage())
	case seen[name] && !f.repeated:
		return fmt.Errorf("%s: is there twice: remove one", arg)
	}
	seen[name] = true
	if err := f.set(o, value); err != nil {
		return fmt.Errorf("%s: %w", arg, err)
	}
	return nil
}

// unknown names both versions: init containers do not run again in a live pod, so a launcher may be older than the injector that wrote its
// flags, or newer.
func (o *Options) unknown(arg, version string) error {
	writer := "an injector of unknown version (--for)"
	if o.For != "" {
		writer = "pcp-injector " + o.For
	}
	return fmt.Errorf("%s: unknown flag, written by %s for pcp-launcher %s: delete the pod, so that a new one gets flags and launcher of one version", arg, writer, version)
}

// Args are the flags that Parse reads as o, those with a default left out. The version comes first, because an error names it.
func (o *Options) Args() []string {
	var args []string
	byDefault, _ := Parse(nil, "")
	for _, f := range flags {
		values, defaults := f.get(o), f.get(byDefault)
		for n, value := range values {
			if n < len(defaults) && value == defaults[n] {
				continue
			}
			if f.toggle() {
				args = append(args, f.name)
			} else {
				args = append(args, f.name+"="+value)
			}
		}
	}
	return args
}

// UsageError is a mistake in the flags.
type UsageError struct{ err error }

func (e *UsageError) Error() string { return e.err.Error() }

func (e *UsageError) Unwrap() error { return e.err }

// IsUsage reports whether an error is a mistake in the flags.
func IsUsage(err error) bool {
	var usage *UsageError
	return errors.As(err, &usage)
}

// Usagef makes a *UsageError.
func Usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }
