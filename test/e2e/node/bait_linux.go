package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// A bait is something of the machine that a systemd which takes it for its own would take away: an idle loop device, a swap device and
// an interpreter of binfmt_misc. The devices outlive the namespaces, so Inside lays them. The interpreter does so with kernels before 6.7
// only; with later ones it goes with the last mount, so the node has it. clean removes all.
const (
	backingFiles = "/sys/block/loop*/loop/backing_file"
	// loopFile and swapFile are the names of the loop devices' files in the node's folder.
	loopFile, swapFile = "loop", "swap"
	// loopSize is that of these files, in bytes. Nobody reads or writes the one, and the kernel hardly the other.
	loopSize = 1 << 20
	// formatsFolder is where hosts have binfmt_misc mounted: https://docs.kernel.org/admin-guide/binfmt-misc.html.
	formatsFolder = "/proc/sys/fs/binfmt_misc"
	formatsSystem = "binfmt_misc"
)

// layBaits lays the devices that can be laid, and returns what cannot, and why.
func layBaits(ctx context.Context, folder, group string) (problems error) {
	if err := attachLoop(ctx, filepath.Join(folder, loopFile)); err != nil {
		problems = fmt.Errorf("loop devices: %w", err)
	}
	if err := attachSwap(ctx, folder, group); err != nil {
		problems = errors.Join(problems, fmt.Errorf("swap: %w", err))
	}
	return problems
}

// removeBaits removes those of the node whose control groups have this name.
func removeBaits(ctx context.Context, folder, group string) (problems error) {
	swapping := swaps()
	for file, device := range loopDevices(group) {
		if file == swapFile && slices.Contains(swapping, device) {
			problems = errors.Join(problems, execute(ctx, "swapoff", device))
		}
		problems = errors.Join(problems, execute(ctx, "losetup", "--detach", device))
	}
	formats := filepath.Join(folder, formatsSystem)
	if os.Mkdir(formats, 0o755) != nil || syscall.Mount(formatsSystem, formats, formatsSystem, 0, "") != nil {
		return problems // There was no node, or it could not have it either.
	}
	return errors.Join(problems, removeFormat(formats, formatOf(group)), syscall.Unmount(formats, syscall.MNT_DETACH))
}

// mountFormats is for the node's namespace, in which hosts have binfmt_misc as well. Not every kernel has it.
func (n *Node) mountFormats(context.Context) error {
	err := syscall.Mount(formatsSystem, formatsFolder, formatsSystem, 0, "")
	if err == nil {
		err = registerFormat(formatsFolder, n.group)
	}
	if err != nil {
		fmt.Fprintln(n.out, "whether containers leave interpreters alone is not checked:", err)
	}
	return nil
}

func attachLoop(ctx context.Context, path string) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(path, loopSize); err != nil {
		return err
	}
	return execute(ctx, "losetup", "--find", path)
}

// attachSwap swaps to a loop device, and not to a file, which no container could find. The kernel takes any other swap first.
func attachSwap(ctx context.Context, folder, group string) error {
	if err := attachLoop(ctx, filepath.Join(folder, swapFile)); err != nil {
		return err
	}
	device := loopDevices(group)[swapFile]
	if err := execute(ctx, "mkswap", device); err != nil {
		return err
	}
	return execute(ctx, "swapon", "--priority", "0", device)
}

// loopDevices are those that are attached to files of the node, whose folder has the name of its control groups, by the files' names.
func loopDevices(group string) map[string]string {
	devices := map[string]string{}
	paths, _ := filepath.Glob(backingFiles)
	for _, path := range paths {
		file, err := os.ReadFile(path)
		if name := strings.TrimSpace(string(file)); err == nil && strings.Contains(name, group+"/") {
			devices[filepath.Base(name)] = "/dev/" + filepath.Base(filepath.Dir(filepath.Dir(path)))
		}
	}
	return devices
}

// swaps are the names of what the machine swaps to, without how much is in use.
func swaps() (names []string) {
	for _, line := range lines("/proc/swaps") {
		if fields := strings.Fields(line); fields[0] != "Filename" {
			names = append(names, fields[0])
		}
	}
	return names
}

func formatOf(group string) string { return strings.TrimPrefix(group, "/") }

// registerFormat registers an interpreter of files with an extension that no file has.
func registerFormat(formats, group string) error {
	name := formatOf(group)
	return os.WriteFile(filepath.Join(formats, "register"), []byte(":"+name+":E::"+name+"::/bin/true:"), 0)
}

func removeFormat(formats, name string) error {
	file, err := os.OpenFile(filepath.Join(formats, name), os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString("-1")
	return errors.Join(err, file.Close())
}

// observeBaits adds loop and swap devices, and what binfmt_misc knows.
func (n *Node) observeBaits(m Machine) error {
	paths, err := filepath.Glob(backingFiles)
	if err != nil {
		return err
	}
	others := map[string]bool{}
	for _, path := range paths {
		device := "/dev/" + filepath.Base(filepath.Dir(filepath.Dir(path)))
		file, _ := os.ReadFile(path)
		if others[device] = n.ofAnotherRun(string(file)); !others[device] {
			m.put("loop device "+device, path)
		}
	}
	for _, device := range swaps() {
		if !others[device] {
			m["swap device "+device] = "in use"
		}
	}
	entries, _ := os.ReadDir(formatsFolder) // It is not there without binfmt_misc.
	for _, entry := range entries {
		if name := entry.Name(); name != "register" && !n.ofAnotherRun("/"+name) {
			m.put("interpreter "+name, filepath.Join(formatsFolder, name))
		}
	}
	return nil
}

// ofAnotherRun: what these tests have on a machine bears the name of the run's control groups.
func (n *Node) ofAnotherRun(path string) bool {
	return strings.Contains(path, "/"+groupPrefix) && !strings.Contains(path+"/", n.group+"/")
}

func execute(ctx context.Context, command string, arguments ...string) error {
	if output, err := exec.CommandContext(ctx, command, arguments...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", command, strings.Join(arguments, " "), err, output)
	}
	return nil
}

// Others returns what a systemd that takes the machine for its own would take away from others: loop and swap devices, interpreters, and
// what other runs of these tests have.
func (n *Node) Others(m Machine) (others []string) {
	devices := loopDevices(n.group)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		kind, thing, _ := strings.Cut(strings.Replace(name, " device", "", 1), " ")
		switch {
		case kind == "loop" && thing != devices[loopFile] && thing != devices[swapFile],
			kind == "swap" && thing != devices[swapFile],
			kind == "interpreter" && thing != formatOf(n.group) && thing != "status":
			others = append(others, name)
		}
	}
	runs, _ := filepath.Glob(filepath.Join(groupFolder, hierarchies[0], groupPrefix+"*"))
	for _, run := range runs {
		if n.ofAnotherRun(run) {
			others = append(others, run)
		}
	}
	return others
}

// PutBack undoes changes of settings of the kernel, of the host name and of baits. Others it leaves.
func (n *Node) PutBack(ctx context.Context, changes []Change) (problems error) {
	for _, change := range changes {
		kind, thing, _ := strings.Cut(strings.Replace(change.Name, " device", "", 1), " ")
		var err error
		switch {
		case strings.HasPrefix(kind, "/proc/sys/"):
			err = os.WriteFile(change.Name, []byte(change.Before), 0)
		case kind == "mount" && strings.Contains(change.Before, " - cgroup2 "):
			err = setVersionTwoOptions(optionsIn(change.Before))
		case change.Name == "host name":
			err = syscall.Sethostname([]byte(change.Before))
		case kind == "interpreter" && change.Before == "":
			err = removeFormat(formatsFolder, thing)
		case kind == "interpreter" && thing == formatOf(n.group):
			err = registerFormat(formatsFolder, n.group)
		case kind == "loop" && change.After == "":
			err = execute(ctx, "losetup", thing, change.Before)
		case kind == "swap" && change.After == "": // Loop devices come before, by name.
			err = execute(ctx, "swapon", "--priority", "0", thing)
		}
		problems = errors.Join(problems, err)
	}
	return problems
}

// limits are those that systemd raises wherever they are low, and the values that new machines have.
var limits = map[string]int64{"/proc/sys/fs/file-max": 1 << 20, "/proc/sys/fs/nr_open": 1 << 20}

// LowerLimits gives the machine the limits of a new one, where they are higher, and takes an option that systemd sets.
func LowerLimits() error {
	for path, value := range limits {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		now, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
		if err != nil {
			return fmt.Errorf("failed to read %s: %w", path, err)
		}
		if now <= value {
			continue
		}
		if err := os.WriteFile(path, []byte(strconv.FormatInt(value, 10)), 0); err != nil {
			return err
		}
	}
	if VersionTwoOptions() == "" {
		return nil
	}
	return setVersionTwoOptions("")
}
