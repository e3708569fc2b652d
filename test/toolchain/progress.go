package toolchain

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress shows how far some work is: on a terminal by rewriting one line each second, elsewhere by a line now and then.
type progress struct {
	out      io.Writer
	terminal bool
	what     string
	started  time.Time
	state    func() string
	stop     chan struct{}
	stopped  sync.WaitGroup
}

// show shows the state until finish.
func (p *progress) show() {
	interval := 30 * time.Second
	if file, ok := p.out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.terminal, interval = true, time.Second
	}
	p.stop = make(chan struct{})
	p.stopped.Go(func() { p.report(interval) })
}

func (p *progress) report(interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
			p.print(p.state() + ", " + p.elapsed().String())
		}
	}
}

func (p *progress) print(line string) {
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K  %s: %s", p.what, line)
		return
	}
	fmt.Fprintf(p.out, "  %s: %s\n", p.what, line)
}

func (p *progress) elapsed() time.Duration { return time.Since(p.started).Round(time.Second) }

// finish prints the outcome.
func (p *progress) finish(err error) {
	close(p.stop)
	p.stopped.Wait()
	outcome := "ready"
	if err != nil {
		outcome = "failed"
	}
	p.print(fmt.Sprintf("%s after %s", outcome, p.elapsed()))
	if p.terminal {
		fmt.Fprintln(p.out)
	}
}

// left estimates how long the rest takes at the pace so far. It says nothing while too little is done.
func left(elapsed time.Duration, done, total float64) string {
	if elapsed < 5*time.Second || done < total/10 || done >= total {
		return ""
	}
	rest := time.Duration(float64(elapsed) * (total - done) / done)
	if rest < time.Minute {
		return fmt.Sprintf(", about %d s left", int(rest/(10*time.Second)+1)*10)
	}
	return fmt.Sprintf(", about %d min left", int(rest/time.Minute+1))
}

// compilation is the progress of a run of the go command, which writes its standard error to it.
type compilation struct {
	progress

	mutex      sync.Mutex
	lines      lineWriter
	downloaded int
	built      int
	total      int
	compiling  time.Time
}

func newCompilation(out io.Writer, what string) *compilation {
	c := &compilation{progress: progress{out: out, what: what, started: time.Now()}}
	c.state = c.counts
	return c
}

// startCompilation announces the build of a tool and shows it until finish.
func startCompilation(out io.Writer, t tool) *compilation {
	verb := "compiling"
	if t.pkg == "" {
		verb = "fetching"
	}
	fmt.Fprintf(out, verb+" %s (%s %s) from its Go module: about %s on 2 cores the first time; kept in the cache afterwards\n", t.name, t.module, t.version, t.expect)
	c := newCompilation(out, t.name)
	c.show()
	return c
}

func (c *compilation) counts() string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.total == 0 {
		return fmt.Sprintf("%d modules downloaded", c.downloaded)
	}
	rest := left(time.Since(c.compiling), float64(c.built), float64(c.total))
	return fmt.Sprintf("%d of at most %d packages compiled%s", c.built, c.total, rest)
}

// expect sets the number of packages. Those in Go's build cache are not compiled again, hence "at most".
func (c *compilation) expect(packages int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.total, c.compiling = packages, time.Now()
}

// Write counts what go prints while it downloads modules and compiles packages.
func (c *compilation) Write(data []byte) (int, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.lines.each(data, func(line string) {
		switch {
		case strings.HasPrefix(line, "go: downloading "):
			c.downloaded++
		case isPackage(line):
			c.built++
		}
	})
}

// transfer is the progress of downloads, to which their contents are written.
type transfer struct {
	progress

	mutex    sync.Mutex
	files    int
	sized    int // how many files have a known size
	received int64
	total    int64
}

// startTransfer announces the downloads for a tool and shows them until finish.
func startTransfer(out io.Writer, t tool, files []*artifact) *transfer {
	var what, hosts []string
	for _, file := range files {
		what = append(what, file.command+" "+file.version)
		if !slices.Contains(hosts, file.host()) {
			hosts = append(hosts, file.host())
		}
	}
	fmt.Fprintf(out, "downloading %s from %s (%s=off compiles instead); kept in the cache afterwards\n", strings.Join(what, ", "), strings.Join(hosts, " and "), downloadVariable)
	d := &transfer{progress: progress{out: out, what: t.name, started: time.Now()}, files: len(files)}
	d.state = d.amount
	d.show()
	return d
}

func (d *transfer) amount() string {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	const megabyte = 1e6
	if d.sized < d.files {
		return fmt.Sprintf("%.0f MB downloaded", float64(d.received)/megabyte)
	}
	rest := left(time.Since(d.started), float64(d.received), float64(d.total))
	return fmt.Sprintf("%.0f of %.0f MB downloaded%s", float64(d.received)/megabyte, float64(d.total)/megabyte, rest)
}

// expect is called with the size of a file, if known, when it starts.
func (d *transfer) expect(size int64) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if size > 0 {
		d.sized++
		d.total += size
	}
}

// forget subtracts what was counted of a file that did not arrive.
func (d *transfer) forget(received, size int64) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.received -= received
	if size > 0 {
		d.sized--
		d.total -= size
	}
}

func (d *transfer) Write(data []byte) (int, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.received += int64(len(data))
	return len(data), nil
}
