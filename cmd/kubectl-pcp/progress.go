package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/performancecopilot/pcp-injector/internal/terminal"
)

// progressDelay is how long a verb may work silently.
const progressDelay = time.Second

// progress shows on a terminal what is being done if that takes more than a moment, and removes the line when it is done.
func (v *clusterVerb) progress(what string) (done func()) {
	file, ok := terminal.Behind(v.streams.ErrOut).(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return func() {}
	}
	return showProgress(file, what)
}

func showProgress(out io.Writer, what string) (done func()) {
	line := what + " …"
	var lock sync.Mutex
	ended, shown := false, false
	timer := time.AfterFunc(progressDelay, func() {
		lock.Lock()
		defer lock.Unlock()
		if !ended {
			fmt.Fprint(out, line)
			shown = true
		}
	})
	return func() {
		lock.Lock()
		defer lock.Unlock()
		timer.Stop()
		if ended = true; shown {
			// No escape sequences, because not every terminal knows them.
			fmt.Fprintf(out, "\r%s\r", strings.Repeat(" ", utf8.RuneCountInString(line)))
			shown = false
		}
	}
}
