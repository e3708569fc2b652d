//go:build linux

// Package web serves the launcher's state and the archives, read-only, on the loopback address: whoever may forward a port to the pod reads
// them without a command in the container.
package web

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/performancecopilot/pcp-injector/internal/launcher/retention"
	"github.com/performancecopilot/pcp-injector/internal/launcher/state"
)

// Site is what is served.
type Site struct {
	// State is asked for each request.
	State func() state.State
	// Archives are nil where pmlogger does not run.
	Archives *retention.Folder
	Logger   *slog.Logger
}

// Handler answers GET /state, GET /archives and GET /archives/<file>.
func (s *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /state", s.state)
	mux.HandleFunc("GET /archives", s.list)
	mux.HandleFunc("GET /archives/{file...}", s.file)
	return guard(mux)
}

// guard refuses what a page in somebody's browser sends: with a name of its own for the loopback address, it could read the archives of
// whoever forwards the port.
func guard(next http.Handler) http.Handler {
	slots := make(chan struct{}, maxRequests)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if !loopback(r.Host) {
			http.Error(w, "the host must be localhost, 127.0.0.1 or [::1]", http.StatusMisdirectedRequest)
			return
		}
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			next.ServeHTTP(w, r)
		default:
			http.Error(w, "too many requests at a time: try again", http.StatusServiceUnavailable)
		}
	})
}

func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || address != nil && address.IsLoopback()
}

func (s *Site) state(w http.ResponseWriter, _ *http.Request) { s.answer(w, s.State()) }

func (s *Site) answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		s.Logger.Info("nobody took the answer", "error", err)
	}
}

func (s *Site) list(w http.ResponseWriter, _ *http.Request) {
	if s.Archives == nil {
		http.Error(w, "pmlogger does not run here", http.StatusNotFound)
		return
	}
	contents, err := s.Archives.Look()
	if err != nil {
		http.Error(w, "the archives cannot be read: "+err.Error(), http.StatusInternalServerError)
		return
	}
	list := state.List{Archives: []state.Archive{}, Omitted: max(len(contents.Archives)-state.MaxArchives, 0)}
	for _, a := range contents.Archives[:len(contents.Archives)-list.Omitted] {
		list.Archives = append(list.Archives, state.Archive{Path: a.Path, Written: a.Written, Bytes: a.Bytes, Files: a.Files})
	}
	s.answer(w, list)
}

// file serves one file of an archive, or a range of it.
func (s *Site) file(w http.ResponseWriter, r *http.Request) {
	if s.Archives == nil {
		http.Error(w, "pmlogger does not run here", http.StatusNotFound)
		return
	}
	file, err := s.Archives.Open(r.PathValue("file"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "no file of an archive has this name", http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer file.Close()
	serve(w, r, file)
}

func serve(w http.ResponseWriter, r *http.Request, file *os.File) {
	info, err := file.Stat()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(&patient{ResponseWriter: w, control: http.NewResponseController(w)}, r, path.Base(file.Name()), info.ModTime(), file)
}

// patient gives a client time for each piece of an answer: a large archive may take long, somebody who takes nothing may not.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (p *patient) Write(piece []byte) (int, error) {
	if err := p.control.SetWriteDeadline(time.Now().Add(pieceLimit)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err //nolint:wrapcheck // as a writer does
	}
	return p.ResponseWriter.Write(piece) //nolint:wrapcheck // as a writer does
}
