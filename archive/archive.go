package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
)

// Archive is one archive, or several of one host that follow each other. It must not be used by several goroutines at once.
type Archive struct {
	parts   []*part
	damaged error
}

// Part is one of the archives that an Archive consists of.
type Part struct {
	Files
	Label
	// End is the time of the last record.
	End time.Time
}

// Instance of a domain: a number, and the name that people know it by.
type Instance struct {
	ID   int32
	Name string
}

// HostsError is the error of a folder with archives of more than one host.
type HostsError struct {
	Folder string
	Hosts  []string
}

func (e *HostsError) Error() string {
	return fmt.Sprintf("%s has archives of %d hosts (%s): name one archive", e.Folder, len(e.Hosts), strings.Join(e.Hosts, ", "))
}

// Open opens the archives at a path, see [Find]: a folder's archives must be of one host. It fails if none can be read; where some can,
// Samples reports the others' damage.
func Open(fsys fs.FS, name string) (*Archive, error) {
	found, err := Find(fsys, name)
	if err != nil {
		return nil, err
	}
	return OpenFiles(found...)
}

// OpenFiles opens archives that [Find] has found, as one. They must be of one host.
func OpenFiles(found ...Files) (*Archive, error) {
	a := &Archive{}
	hosts := map[string]bool{}
	for _, files := range found {
		p, err := openPart(files)
		if err != nil {
			a.damage(err)
			continue
		}
		a.parts = append(a.parts, p)
		hosts[p.label.Host] = true
	}
	if len(hosts) > 1 {
		a.Close()
		return nil, &HostsError{found[0].Name, slices.Sorted(maps.Keys(hosts))}
	}
	if len(a.parts) == 0 {
		if a.damaged == nil {
			a.damaged = ErrNone
		}
		return nil, a.damaged
	}
	slices.SortStableFunc(a.parts, func(a, b *part) int { return a.label.Start.Compare(b.label.Start) })
	return a, nil
}

// damage keeps the first error.
func (a *Archive) damage(err error) {
	if a.damaged == nil {
		a.damaged = err
	}
}

// Close ends the use of the archive's files.
func (a *Archive) Close() {
	for _, p := range a.parts {
		p.close()
	}
}

// Host that the values are of.
func (a *Archive) Host() string { return a.parts[0].label.Host }

// Label of the first of the archives.
func (a *Archive) Label() Label { return a.parts[0].label }

// Start is when the recording began.
func (a *Archive) Start() time.Time { return a.parts[0].label.Start }

// End is the time of the last record.
func (a *Archive) End() (time.Time, error) {
	last, damage := never, error(nil)
	for _, p := range a.parts {
		end, err := p.end()
		last = max(last, end)
		damage = errors.Join(damage, err)
	}
	return last.time(), damage
}

// Parts are the archives that are read as one, in the order of their times. The error is the first damage; the parts are valid then, too.
func (a *Archive) Parts() ([]Part, error) {
	out := make([]Part, 0, len(a.parts))
	damage := a.damaged
	for _, p := range a.parts {
		end, err := p.end()
		if damage == nil {
			damage = err
		}
		out = append(out, Part{p.files, p.label, end.time()})
	}
	return out, damage
}

// Metrics are all metrics with a name that begins with a prefix up to a dot, or all, sorted by name. The error is of metadata that cannot
// be read; what can be read of it is there then, too.
func (a *Archive) Metrics(prefix string) ([]*Metric, error) {
	found := map[string]*Metric{}
	damage := a.damaged
	for _, p := range slices.Backward(a.parts) {
		p.load(forever)
		if damage == nil {
			damage = p.metaErr
		}
		for name, metric := range p.meta.byName {
			if found[name] == nil && below(name, prefix) {
				found[name] = metric
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b *Metric) int { return strings.Compare(a.Name, b.Name) }), damage
}

func below(name, prefix string) bool {
	rest, is := strings.CutPrefix(name, prefix)
	return is && (prefix == "" || rest == "" || rest[0] == '.')
}

// Metric describes a metric as the newest of the archives that has it does. It is nil if none has it.
func (a *Archive) Metric(name string) *Metric {
	for _, p := range slices.Backward(a.parts) {
		p.load(forever)
		if metric := p.meta.byName[name]; metric != nil {
			return metric
		}
	}
	return nil
}

// holding calls a function for the archives that have a metric, the newest first, until it returns true.
func (a *Archive) holding(metric *Metric, visit func(*part, *Metric) bool) {
	for _, p := range slices.Backward(a.parts) {
		p.load(forever)
		if own := p.meta.byName[metric.Name]; own != nil && visit(p, own) {
			return
		}
	}
}

// Help is what a metric means, in a line and in full; each is empty if the archive does not say it.
func (a *Archive) Help(metric *Metric) (line, full string) {
	a.holding(metric, func(p *part, own *Metric) bool {
		line = p.meta.help[helpSubject{uint32(own.ID), false, true}]
		full = p.meta.help[helpSubject{uint32(own.ID), true, true}]
		return line != "" || full != ""
	})
	return line, full
}

// Labels are those of an instance of a metric at a time, from the host's to its own; NoInstance leaves out its own.
func (a *Archive) Labels(metric *Metric, instance int32, at time.Time) (out map[string]string, err error) {
	a.holding(metric, func(p *part, own *Metric) bool {
		out, err = p.meta.labelsOf(own, instance, stampOf(at))
		return p.start() <= stampOf(at)
	})
	return out, err
}

// Instances are all that a metric ever had, with the name that each had last.
func (a *Archive) Instances(metric *Metric) []Instance {
	all := map[int32]Instance{}
	a.holding(metric, func(p *part, own *Metric) bool {
		if known := p.meta.domains[own.Domain]; known != nil {
			for _, instance := range known.everything() {
				if _, newer := all[instance.ID]; !newer {
					all[instance.ID] = instance
				}
			}
		}
		return false
	})
	return slices.SortedFunc(maps.Values(all), func(a, b Instance) int { return int(a.ID) - int(b.ID) })
}
