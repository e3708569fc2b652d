//go:build linux

package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/state"
)

// Services looks at services that something else starts: each leaves its number in a file.
type Services struct {
	pcp *installation.Installation

	mutex sync.Mutex
	seen  []service
}

// service is one, and the process that it was when it last ran.
type service struct {
	state.Service
	last int
}

// NewServices have not been looked at yet.
func NewServices(pcp *installation.Installation, names []string) *Services {
	s := &Services{pcp: pcp}
	for _, name := range names {
		s.seen = append(s.seen, service{Service: state.Service{Name: name}})
	}
	return s
}

// Look is a round: it counts how often a service has become another process.
func (s *Services) Look(context.Context) error {
	s.State()
	return nil
}

// State looks, and says what there is.
func (s *Services) State() []state.Service {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	states := make([]state.Service, 0, len(s.seen))
	for n := range s.seen {
		s.seen[n].look(s.pcp)
		states = append(states, s.seen[n].Service)
	}
	return states
}

func (s *service) look(pcp *installation.Installation) {
	pid, err := processOf(pcp, s.Name)
	s.Running, s.PID, s.Since = err == nil, pid, startOf(pid)
	if err != nil {
		return
	}
	if s.last != 0 && pid != s.last {
		s.Restarts++
	}
	s.last = pid
}

// startOf a process; the zero time, if it cannot be found out. The kernel counts a hundred times a second, since it started itself
// (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
func startOf(pid int) time.Time {
	const ticks, field = time.Second / 100, 22 - 3
	booted := bootTime()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	// The second field, the name, may have any characters.
	end := strings.LastIndex(string(content), ")")
	if err != nil || end < 0 || booted.IsZero() {
		return time.Time{}
	}
	fields := strings.Fields(string(content[end+1:]))
	if len(fields) <= field {
		return time.Time{}
	}
	count, err := strconv.ParseInt(fields[field], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return booted.Add(time.Duration(count) * ticks)
}

func bootTime() time.Time {
	content, err := os.ReadFile("/proc/stat")
	_, rest, found := strings.Cut(string(content), "\nbtime ")
	if err != nil || !found {
		return time.Time{}
	}
	text, _, _ := strings.Cut(rest, "\n")
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// processOf is the process of a service. Another one that has its number by now is not meant.
func processOf(pcp *installation.Installation, service string) (int, error) {
	path := pcp.InRoot(pcp.Path(installation.RunDir, service+".pid"))
	content, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || pid <= 1 {
		return 0, fmt.Errorf("%s has %q, must be the number of a process", path, content)
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return 0, errors.Join(fmt.Errorf("%s does not run", service), err)
	}
	if strings.TrimSpace(string(name)) != service {
		return 0, fmt.Errorf("process %d of %s is %q, not %s", pid, path, strings.TrimSpace(string(name)), service)
	}
	return pid, nil
}
