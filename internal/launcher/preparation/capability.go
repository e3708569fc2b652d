//go:build linux

package preparation

import (
	"slices"

	"golang.org/x/sys/unix"
)

// Capability is a number of the kernel's: https://man7.org/linux/man-pages/man7/capabilities.7.html.
type Capability uintptr

// needless are the capabilities that neither systemd nor PCP needs in a container. Nothing fails without them, and no metric is missing.
var needless = []Capability{
	unix.CAP_SYS_MODULE, unix.CAP_SYS_RAWIO, unix.CAP_SYS_BOOT, unix.CAP_SYS_TIME, unix.CAP_SYS_TTY_CONFIG, unix.CAP_MKNOD, unix.CAP_SYSLOG,
	unix.CAP_WAKE_ALARM, unix.CAP_BLOCK_SUSPEND, unix.CAP_MAC_ADMIN, unix.CAP_MAC_OVERRIDE, unix.CAP_LINUX_IMMUTABLE, unix.CAP_LEASE,
	unix.CAP_IPC_LOCK, unix.CAP_SYS_PACCT, unix.CAP_NET_ADMIN, unix.CAP_AUDIT_CONTROL, unix.CAP_AUDIT_READ, unix.CAP_AUDIT_WRITE, unix.CAP_BPF,
	unix.CAP_PERFMON, unix.CAP_CHECKPOINT_RESTORE,
}

// agentsNeed are the capabilities that single agents need.
var agentsNeed = map[string][]Capability{
	"bcc":       {unix.CAP_BPF, unix.CAP_PERFMON},
	"bpf":       {unix.CAP_BPF, unix.CAP_PERFMON},
	"bpftrace":  {unix.CAP_BPF, unix.CAP_PERFMON},
	"perfevent": {unix.CAP_PERFMON},
	// Commands to disks, and registers of processors.
	"smart": {unix.CAP_SYS_RAWIO},
	"farm":  {unix.CAP_SYS_RAWIO},
	"denki": {unix.CAP_SYS_RAWIO},
}

// Needless are the capabilities that a container with these agents can do without.
func Needless(agents []string) []Capability {
	var needed []Capability
	for _, agent := range agents {
		needed = append(needed, agentsNeed[agent]...)
	}
	return slices.DeleteFunc(slices.Clone(needless), func(c Capability) bool { return slices.Contains(needed, c) })
}
