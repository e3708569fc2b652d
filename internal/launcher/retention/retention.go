// Package retention keeps archives from filling their volume: it decides which go, and removes them. Only what has a name that PCP gives to
// an archive is ever removed, whoever else writes to the volume.
package retention

import (
	"cmp"
	"slices"
	"time"
)

// Contents is what a folder of archives has.
type Contents struct {
	// Archives, the one that was written last first.
	Archives []Archive
	// Others is the space of all files that are not archives, in bytes.
	Others int64
	// Logs are those that pmlogger writes beside its archives.
	Logs []File
	// Free is the space left on the file system, in bytes.
	Free int64
}

// File is one that takes space.
type File struct {
	Path  string
	Bytes int64
}

// Archive is the files of one archive: YYYYMMDD.HH.MM with .meta, .index, .0 and further volumes, compressed or not.
type Archive struct {
	// Path is that of its files, without their suffixes.
	Path string
	// Written is when one of them was last changed.
	Written time.Time
	Bytes   int64
	Files   []string
}

// Policy is what the administrator allows.
type Policy struct {
	// Limit of all files in bytes; 0: share of the file system.
	Limit int64
	// Age at which archives go; 0: never.
	Age time.Duration
}

const (
	// share of the file system that archives may take, in percent, whatever the limit. The rest is for what is written between two looks.
	share = 80
	// parts that a limit is divided into: no archive may take more than one, because an archive can only be removed as a whole.
	parts = 10
	// minPart is the smallest part: pmlogger writes descriptions of its metrics, about 1 MiB, in each archive.
	minPart = 1 << 20
)

// Archived is the space of all archives, in bytes.
func (c *Contents) Archived() int64 {
	var sum int64
	for n := range c.Archives {
		sum += c.Archives[n].Bytes
	}
	return sum
}

// LimitOf is how many bytes the files may take in all.
func (p Policy) LimitOf(c *Contents) int64 {
	limit := (c.Archived() + c.Others + c.Free) * share / 100
	if p.Limit > 0 && p.Limit < limit {
		return p.Limit
	}
	return limit
}

// PartOf is the size at which pmlogger starts a new archive.
func (p Policy) PartOf(c *Contents) int64 { return max(p.LimitOf(c)/parts, minPart) }

// Plan is what to do.
type Plan struct {
	Remove []Archive
	// Empty are logs that grew beyond a part: pmlogger 6 writes values of derived metrics to its log.
	Empty []string
	// Rotate: pmlogger should start a new archive, because it counts the values only, and not what describes them.
	Rotate bool
}

// Watch plans while pmlogger writes.
func (p Policy) Watch(c *Contents, now time.Time) Plan {
	plan := p.plan(c, now, 0)
	plan.Rotate = len(c.Archives) > 0 && c.Archives[0].Bytes > 2*p.PartOf(c)
	return plan
}

// MakeRoom plans before pmlogger starts: there must be space for the archive that it starts, and for what grows until the next look.
func (p Policy) MakeRoom(c *Contents, now time.Time) Plan {
	return p.plan(c, now, 2*p.PartOf(c))
}

func (p Policy) plan(c *Contents, now time.Time, room int64) Plan {
	var plan Plan
	for _, log := range c.Logs {
		if log.Bytes > p.PartOf(c) {
			plan.Empty = append(plan.Empty, log.Path)
		}
	}
	limit, sum := p.LimitOf(c), c.Others+room
	for n, archive := range c.Archives {
		sum += archive.Bytes
		tooOld := p.Age > 0 && now.Sub(archive.Written) > p.Age
		if n > 0 && (sum > limit || tooOld) { // The first is the one that is being written.
			plan.Remove = append(plan.Remove, archive)
		}
	}
	return plan
}

// Received plans for archives that others push: each may be the one that fills the volume, also the last.
func Received(c *Contents) Plan {
	var plan Plan
	limit, sum := Policy{}.LimitOf(c), c.Others
	for _, archive := range c.Archives {
		if sum += archive.Bytes; sum > limit {
			plan.Remove = append(plan.Remove, archive)
		}
	}
	return plan
}

// DaysThatFit is how many days of archives the limit holds, at the pace since the oldest one that is there was complete. Before there are
// two, and an hour between them, nobody can know.
func (p Policy) DaysThatFit(c *Contents, now time.Time) (days float64, known bool) {
	if len(c.Archives) < 2 {
		return 0, false
	}
	oldest := c.Archives[len(c.Archives)-1]
	span, written := now.Sub(oldest.Written), c.Archived()-oldest.Bytes
	if span < time.Hour || written <= 0 {
		return 0, false
	}
	return max(float64(p.LimitOf(c)-c.Others), 0) / float64(written) * span.Hours() / 24, true
}

func (c *Contents) sort() {
	slices.SortFunc(c.Archives, func(a, b Archive) int {
		return cmp.Or(b.Written.Compare(a.Written), cmp.Compare(b.Path, a.Path))
	})
}
