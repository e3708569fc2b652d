package charts_test

import (
	"fmt"
	"strings"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
)

// found is a gate as the plugin writes it for machines: with its remedy in words.
type found struct {
	gate.Gate

	Remedy *remedy.Text `json:"remedy"`
}

// findings are a report as the plugin writes it for machines.
type findings struct {
	Subject string
	Gates   []found
}

// report is what the package gate knows of it: all but the remedies, since only the plugin makes those.
func (f *findings) report() *gate.Report {
	report := &gate.Report{Subject: f.Subject}
	for n := range f.Gates {
		report.Gates = append(report.Gates, f.Gates[n].Gate)
	}
	return report
}

func (f *findings) Result() gate.Result { return f.report().Result() }

// First is the first gate with the result; nil if none has it.
func (f *findings) First(result gate.Result) *found {
	for n := range f.Gates {
		if f.Gates[n].Result == result {
			return &f.Gates[n]
		}
	}
	return nil
}

func text(f *findings) string {
	var text strings.Builder
	_ = f.report().Write(&text, gate.Style{})
	for n := range f.Gates {
		if remedy := f.Gates[n].Remedy; remedy != nil {
			fmt.Fprintf(&text, "%s: %s: %q %q\n", remedy.Name, remedy.Advice, remedy.Commands, remedy.Notes)
		}
	}
	return text.String()
}
