package snapshot

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/performancecopilot/pcp-injector/internal/podexec"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// Archives are pmlogger's archives in a live pod, as found in its container. No metric of PCP has their size.
type Archives struct {
	// Files that belong to archives, and their size in bytes.
	Files, Bytes int64
	// Oldest and Newest are when files were last written; zero if there are none. Now is the container's clock.
	Oldest, Newest, Now time.Time
	// Capacity and Free, in bytes, are those of their file system, which others may share.
	Capacity, Free int64
}

// measure prints the container's time, the file system's capacity and free space in KiB, and of the archives' files the number, the bytes,
// and when the oldest and the newest were written. Only archives have a number after a dot: 20261126.04.12.meta, 20261126.04.12.0.
const measure = `set -e
date +%s
df -Pk /var/log/pcp/pmlogger | awk 'END { print $2, $4 }'
find /var/log/pcp/pmlogger -type f -name '*.[0-9]*' -printf '%s %T@\n' |
	awk '{ files++; bytes += $1; if (!oldest || $2 < oldest) oldest = $2; if ($2 > newest) newest = $2 }
		END { printf "%d %.0f %d %d\n", files, bytes, oldest, newest }'`

// ReadArchives looks into PCP's container. It needs the verb create on pods/exec.
func (r *Reader) ReadArchives(ctx context.Context, namespace, pod string) (*Archives, error) {
	output, err := r.exec(ctx, namespace, pod, "sh", "-c", measure)
	if err != nil {
		return nil, err
	}
	var now, oldest, newest int64
	a := &Archives{}
	if _, err := fmt.Sscan(output, &now, &a.Capacity, &a.Free, &a.Files, &a.Bytes, &oldest, &newest); err != nil {
		return nil, fmt.Errorf("PCP's container has answered with %q", output)
	}
	a.Now = time.Unix(now, 0)
	a.Capacity, a.Free = a.Capacity<<10, a.Free<<10
	if a.Files > 0 {
		a.Oldest, a.Newest = time.Unix(oldest, 0), time.Unix(newest, 0)
	}
	return a, nil
}

// exec runs a command in PCP's container, and returns the beginning of what it prints.
func (r *Reader) exec(ctx context.Context, namespace, pod string, command ...string) (string, error) {
	var output, problems head
	container := podexec.Container{Namespace: namespace, Pod: pod, Name: mutate.ContainerName}
	if err := podexec.Run(ctx, r.client, r.access, container, &output, &problems, command...); err != nil {
		if said := bytes.TrimSpace(problems.kept); ctx.Err() == nil && len(said) > 0 {
			return "", fmt.Errorf("%w: %s", err, said)
		}
		return "", err
	}
	return string(output.kept), nil
}

// head keeps the beginning of what is written to it, and drops the rest.
type head struct{ kept []byte }

const maxOutput = 4 << 10

func (h *head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), maxOutput-len(h.kept))]...)
	return len(p), nil
}
