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
)

// progressDelay is how long a verb may take without a word.
const progressDelay = time.Second

// progress shows a line of what is being done, if that takes longer than a moment, and takes it back when it is done. Only a terminal
// shows it.
func (v *clusterVerb) progress(what string) (done func()) {
	if file, ok := v.streams.ErrOut.(*os.File); !ok || !term.IsTerminal(int(file.Fd())) {
		return func() {}
	}
	return showProgress(v.streams.ErrOut, what)
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
			// Without the terminal's escape sequences, which not every one knows.
			fmt.Fprintf(out, "\r%s\r", strings.Repeat(" ", utf8.RuneCountInString(line)))
			shown = false
		}
	}
}
