package main

import (
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/performancecopilot/pcp-injector/internal/gate"
)

// version of a release, set by the linker: -ldflags "-X main.version=v1.2.3".
var version string

const exitCodes = `Exit codes:
  0  success, even if nothing had to change
  1  invalid input, or a file that cannot be read or written
  2  wrong usage
  3  a pod template was refused, and nothing was written
`

// newRoot builds the command with all its verbs.
func newRoot(streams genericiooptions.IOStreams) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-pcp",
		Short: "Work with the Performance Co-Pilot sidecar in pods",
		Long: `Work with the Performance Co-Pilot (PCP) sidecar in pods.

pcp-injector adds a PCP container to one pod, the node-monitor pod that its administrator has chosen as the target.`,
		Version:       currentVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
		// kubectl runs this program as "kubectl pcp", so the help uses that name.
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl pcp"},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	root.AddCommand(
		newInject(streams), newUninject(streams),
		newCheck(streams), newExplain(streams), newRehearse(streams), newStatus(streams), newUpgrade(streams), newVerify(streams),
	)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "FlagUsages", fmt.Sprintf("FlagUsagesWrapped %d", gate.Width)))
	for _, cmd := range root.Commands() {
		cmd.Long = reflow(cmd.Long)
	}
	return root
}

// helpItem is an item of a list: a name and its description.
var helpItem = regexp.MustCompile(`^( {2}\S+(?: \S+)*? {2,})(\S.*)$`)

// reflow wraps the paragraphs and lists of a help text for a terminal. Other indented lines stay as they are.
func reflow(help string) string {
	var out, words []string
	lead := ""
	flush := func() {
		if len(words) > 0 {
			lines := gate.Wrap(strings.Join(words, " "), gate.Width-len(lead))
			out = append(out, lead+strings.Join(lines, "\n"+strings.Repeat(" ", len(lead))))
		}
		words, lead = nil, ""
	}
	for line := range strings.SplitSeq(help, "\n") {
		item := helpItem.FindStringSubmatch(line)
		switch {
		case item != nil:
			flush()
			lead, words = item[1], []string{item[2]}
		case lead != "" && strings.HasPrefix(line, strings.Repeat(" ", len(lead))):
			words = append(words, line)
		case line == "" || strings.HasPrefix(line, " "):
			flush()
			out = append(out, line)
		default:
			words = append(words, line)
		}
	}
	flush()
	return strings.Join(out, "\n")
}

// currentVersion prefers the linker's version over the module's, which `go install` records.
func currentVersion() string {
	return fmt.Sprintf("kubectl-pcp %s (%s)", programVersion(), runtime.Version())
}

func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	switch {
	case version != "":
		return version
	case ok && info.Main.Version != "":
		return info.Main.Version
	default:
		return "(devel)"
	}
}
