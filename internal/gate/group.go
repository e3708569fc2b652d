package gate

import (
	"fmt"
	"slices"
	"strings"
)

// grouped has gates that are unknown for one reason take one line, where the first of them was. What is for machines stays as it is.
func grouped(gates []Gate, noun string) []Gate {
	names := map[string][]string{}
	for n := range gates {
		if g := &gates[n]; g.groups() && !slices.Contains(names[g.Evidence], g.Name) {
			names[g.Evidence] = append(names[g.Evidence], g.Name)
		}
	}
	var lines []Gate
	for _, g := range gates {
		same := names[g.Evidence]
		if len(same) < 2 || !g.groups() {
			lines = append(lines, g)
			continue
		}
		if g.Name == same[0] {
			evidence := fmt.Sprintf("%s: %s", g.Evidence, strings.Join(same, ", "))
			lines = append(lines, Gate{Name: fmt.Sprintf("%d %s", len(same), noun), Result: Unknown, Evidence: evidence})
		}
	}
	return lines
}

func (g *Gate) groups() bool { return g.Result == Unknown && g.Remedy == nil }
