package toolchain

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress tells how far a build is: on a terminal by rewriting one line each second, elsewhere by a line now and then.
type progress struct {
	out      io.Writer
	terminal bool
	what     string
	started  time.Time
	stop     chan struct{}
	stopped  sync.WaitGroup

	mutex      sync.Mutex
	lines      lineWriter
	downloaded int
	built      int
	total      int
}

// startProgress announces the build and reports on it until finish.
func startProgress(out io.Writer, t tool) *progress {
	p := &progress{out: out, what: t.name, started: time.Now(), stop: make(chan struct{})}
	interval := 30 * time.Second
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.terminal, interval = true, time.Second
	}
	verb := "compiling"
	if t.pkg == "" {
		verb = "fetching"
	}
	fmt.Fprintf(out, verb+" %s (%s %s) from its Go module: about %s on 2 cores the first time; kept in the cache afterwards\n", t.name, t.module, t.version, t.expect)
	p.stopped.Go(func() { p.report(interval) })
	return p
}

func (p *progress) report(interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
			p.print(p.state())
		}
	}
}

func (p *progress) print(line string) {
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K  %s", line)
		return
	}
	fmt.Fprintf(p.out, "  %s\n", line)
}

func (p *progress) state() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	elapsed := time.Since(p.started).Round(time.Second)
	if p.total == 0 {
		return fmt.Sprintf("%s: %d modules downloaded, %s", p.what, p.downloaded, elapsed)
	}
	return fmt.Sprintf("%s: %d of at most %d packages compiled, %s", p.what, p.built, p.total, elapsed)
}

// finish prints the outcome.
func (p *progress) finish(err error) {
	close(p.stop)
	p.stopped.Wait()
	outcome := "ready"
	if err != nil {
		outcome = "failed"
	}
	p.print(fmt.Sprintf("%s: %s after %s", p.what, outcome, time.Since(p.started).Round(time.Second)))
	if p.terminal {
		fmt.Fprintln(p.out)
	}
}

// expect sets how many packages there are. Those in Go's build cache already are not compiled again, hence "at most".
func (p *progress) expect(packages int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.total = packages
}

// Write counts what go prints while it downloads modules and compiles packages.
func (p *progress) Write(data []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.lines.each(data, func(line string) {
		switch {
		case strings.HasPrefix(line, "go: downloading "):
			p.downloaded++
		case isPackage(line):
			p.built++
		}
	})
}
