package options

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// flag is one flag: how it is written, and where it goes.
type flag struct {
	name string
	// value names the value in the usage; empty: the flag has none.
	value, help string
	repeated    bool
	set         func(*Options, string) error
	// get returns the values of a flag that is set.
	get func(*Options) []string
}

func (f *flag) toggle() bool { return f.value == "" }

func (f *flag) usage() string {
	if f.toggle() {
		return f.name
	}
	return f.name + "=" + f.value
}

var flags = []flag{
	textFlag("--for", "VERSION", "the injector that wrote these flags", func(o *Options) *string { return &o.For }, anyText),
	textFlag("--listen", "AllAddresses|Loopback", "where pmcd and pmproxy listen", func(o *Options) *Listen { return &o.Listen }, checkListen),
	toggleFlag("--process-details", "let clients see the environment of processes", func(o *Options) *bool { return &o.ProcessDetails }),
	toggleFlag("--accept-archives", "let others push archives to pmproxy", func(o *Options) *bool { return &o.AcceptArchives }),
	toggleFlag("--accept-writes", "let clients of pmproxy write archives and values", func(o *Options) *bool { return &o.AcceptWrites }),
	durationFlag("--archives-interval", "time between two samples", func(o *Options) *time.Duration { return &o.Archives.Interval }),
	numberFlag("--archives-days", "DAYS", "age at which archives are removed", func(o *Options) *int { return &o.Archives.Days }),
	sizeFlag("--archives-limit", "size at which the oldest archives are removed", func(o *Options) *int64 { return &o.Archives.Limit }),
	toggleFlag("--archives-shared", "leave the archives of other hosts alone", func(o *Options) *bool { return &o.Archives.Shared }),
	toggleFlag("--openmetrics-archive", "archive OpenMetrics sources", func(o *Options) *bool { return &o.OpenMetrics.Archive }),
	intervalFlag("--openmetrics-interval", "time between two samples of one source", func(o *Options) *[]Interval { return &o.OpenMetrics.Intervals }),
	toggleFlag("--openmetrics-ca", "trust the CAs of the file ca.crt too", func(o *Options) *bool { return &o.OpenMetrics.CABundle }),
	toggleFlag("--pmie-rules", "evaluate the rules of the file pmie.rules", func(o *Options) *bool { return &o.PMIE.Rules }),
	listFlag("--pmie-stock-rule", "NAME", "switch a rule on", func(o *Options) *[]string { return &o.PMIE.StockRules }, checkRule),
	toggleFlag("--pmie-webhook", "call the URL in PCP_PMIE_WEBHOOK", func(o *Options) *bool { return &o.PMIE.Webhook }),
	textFlag("--push", "URL", "send what is archived to another pmproxy", func(o *Options) *string { return &o.PushURL }, checkURL),
	listFlag("--file", "PATH", "replace a file of PCP's by the administrator's", func(o *Options) *[]string { return &o.Files }, checkPath),
}

func flagOf(name string) *flag {
	for n := range flags {
		if flags[n].name == name {
			return &flags[n]
		}
	}
	return nil
}

// Usage lists the flags.
func Usage() string {
	var text strings.Builder
	for _, f := range flags {
		fmt.Fprintf(&text, "  %-38s %s\n", f.usage(), f.help)
	}
	return text.String()
}

func textFlag[T ~string](name, value, help string, field func(*Options) *T, check func(string) error) flag {
	return flag{
		name: name, value: value, help: help,
		set: func(o *Options, text string) error {
			*field(o) = T(text)
			return check(text)
		},
		get: func(o *Options) []string { return given(*field(o) != "", string(*field(o))) },
	}
}

func toggleFlag(name, help string, field func(*Options) *bool) flag {
	return flag{
		name: name, help: help,
		set: func(o *Options, _ string) error {
			*field(o) = true
			return nil
		},
		get: func(o *Options) []string { return given(*field(o), "") },
	}
}

func durationFlag(name, help string, field func(*Options) *time.Duration) flag {
	return flag{
		name: name, value: "DURATION", help: help,
		set: func(o *Options, text string) (err error) {
			*field(o), err = parsePeriod(text)
			return err
		},
		get: func(o *Options) []string { return given(*field(o) > 0, formatPeriod(*field(o))) },
	}
}

func numberFlag(name, value, help string, field func(*Options) *int) flag {
	return flag{
		name: name, value: value, help: help,
		set: func(o *Options, text string) (err error) {
			*field(o), err = parseDays(text)
			return err
		},
		get: func(o *Options) []string { return given(*field(o) > 0, strconv.Itoa(*field(o))) },
	}
}

func sizeFlag(name, help string, field func(*Options) *int64) flag {
	return flag{
		name: name, value: "SIZE", help: help,
		set: func(o *Options, text string) (err error) {
			*field(o), err = parseSize(text)
			return err
		},
		get: func(o *Options) []string { return given(*field(o) > 0, formatSize(*field(o))) },
	}
}

func listFlag(name, value, help string, field func(*Options) *[]string, check func(string) error) flag {
	return flag{
		name: name, value: value, help: help + " (may be repeated)", repeated: true,
		set: func(o *Options, text string) error {
			*field(o) = append(*field(o), text)
			return check(text)
		},
		get: func(o *Options) []string { return *field(o) },
	}
}

func intervalFlag(name, help string, field func(*Options) *[]Interval) flag {
	return flag{
		name: name, value: "SOURCE=DURATION", help: help + " (may be repeated)", repeated: true,
		set: func(o *Options, text string) error {
			interval, err := parseInterval(text)
			*field(o) = append(*field(o), interval)
			return err
		},
		get: func(o *Options) []string {
			var texts []string
			for _, interval := range *field(o) {
				texts = append(texts, interval.Source+"="+formatPeriod(interval.Period))
			}
			return texts
		},
	}
}

func given(is bool, value string) []string {
	if !is {
		return nil
	}
	return []string{value}
}
