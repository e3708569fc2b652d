package config_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/work"
	"github.com/performancecopilot/pcp-injector/pkg/config"
)

const anyURL = "http://localhost/\n"

// hostileExpressions make a careless checker look at the same text again and again, or a parser unfold it.
var hostileExpressions = map[string]string{
	"unclosed classes":                       strings.Repeat("[", 4000),
	"unclosed classes after a look-ahead":    "(?=a)" + strings.Repeat("[", 4000),
	"unclosed escapes in classes":            "(?=a)" + strings.Repeat(`[\]`, 1300),
	"unclosed groups":                        "(?=a)" + strings.Repeat("(", 4000),
	"unclosed braces":                        strings.Repeat("{1", 2000),
	"digits in a brace":                      "{" + strings.Repeat("1", 4000),
	"nested groups":                          strings.Repeat("(a|", 800) + strings.Repeat(")", 800),
	"common beginnings":                      strings.TrimSuffix(staircase(4000), "|"),
	"classes of Unicode":                     strings.Repeat(`\pL`, 1300),
	"classes of Unicode in a class":          "[" + strings.Repeat(`\pL`, 1300) + "]",
	"classes of Unicode after a look-behind": `(?<=a)` + strings.Repeat(`[\P{Greek}]`, 300),
	"folded classes":                         `(?i)` + strings.Repeat(`[\w\W]`, 600),
	"characters of any kind":                 strings.Repeat(".", 4000),
	"negated classes":                        strings.Repeat(`\W`, 2000),
	"alternatives":                           strings.Repeat("a.|", 1300) + "b",
	"empty alternatives":                     strings.Repeat("|", 4000),
	"captures":                               strings.Repeat("(a)", 1300),
	"repetitions":                            strings.Repeat("x{1000}", 3),
}

// staircase is a|aa|aaa|…, up to the size.
func staircase(size int) string {
	var text strings.Builder
	for n := 1; text.Len()+n+1 < size; n++ {
		text.WriteString(strings.Repeat("a", n) + "|")
	}
	return text.String()
}

// TestWorkIsLinear: no text of a pod's author takes more than a fixed number of steps for each of its bytes.
func TestWorkIsLinear(t *testing.T) {
	t.Parallel()
	for name, expr := range hostileExpressions {
		for _, content := range []string{
			anyURL + "FILTER: INCLUDE METRIC " + expr,
			anyURL + strings.Repeat("FILTER: INCLUDE METRIC "+expr+"\n", 4),
			anyURL + "METADATA: " + expr + " u64 PM_INDOM_NULL counter none",
			expr,
		} {
			budget := work.NewBudget(maxStepsPerByte * len(content))
			config.CheckSourceFile(content, config.PodAuthor, budget)
			if budget.Exceeded() {
				t.Errorf("%s: more than %d steps for %d bytes", name, maxStepsPerByte*len(content), len(content))
			}
		}
	}
}

// TestParserIsBounded: Go's parser counts no steps, but what it allocates shows how much an expression unfolds.
func TestParserIsBounded(t *testing.T) { // not parallel, because other tests allocate too
	const most = 512 // bytes for each byte; \pL alone makes it 3000
	for name, expr := range hostileExpressions {
		content := anyURL + "FILTER: INCLUDE METRIC " + expr
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		config.CheckSourceFile(content, config.PodAuthor, work.NewBudget(1<<20))
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / uint64(1000+len(content)); each > most {
			t.Errorf("%s: %d bytes are allocated for each byte, want at most %d", name, each, most)
		}
	}
}

// TestExceededBudget: the check stops with one clear error, on the line where the budget ends.
func TestExceededBudget(t *testing.T) {
	t.Parallel()
	filters := strings.Repeat("FILTER: INCLUDE METRIC a_.*\n", 100)
	for steps, want := range map[int]string{
		5:    "line 1: takes too much work to check",
		50:   "line 2: takes too much work to check",
		1000: "line 12: takes too much work to check",
	} {
		problems := config.CheckSourceFile(anyURL+filters, config.PodAuthor, work.NewBudget(steps))
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), want) {
			t.Errorf("%d steps: got %v, want one problem: %s", steps, problems, want)
		}
	}
	long := config.CheckSourceFile(anyURL+"FILTER: INCLUDE METRIC "+strings.Repeat("a", 4097), config.PodAuthor, work.NewBudget(1<<20))
	if want := "line 2: the regular expression must have at most 4096 bytes: use several filters"; len(long) != 1 || long[0].Error() != want {
		t.Errorf("a long expression: got %v, want %s", long, want)
	}
}

// TestEscapes: the agent drops every metric if a filter has an escape that Python does not know.
func TestEscapes(t *testing.T) {
	t.Parallel()
	for expr, known := range map[string]bool{
		`a\.b\d\w\S\b[\s\]]`: true, `\x41\u0041`: true, `(a)\1`: true, `\_\-`: true,
		`\pL`: false, `\p{Greek}`: false, `[\PL]`: false, `\Qa.b\E`: false, `\z`: false,
	} {
		problems := config.CheckSourceFile(anyURL+"FILTER: INCLUDE METRIC "+expr, config.PodAuthor, work.NewBudget(1<<20))
		if known != (len(problems) == 0) {
			t.Errorf("%s: got %v, want none: %t", expr, problems, known)
		}
	}
}

// FuzzWork: whatever a pod's author writes, the work is linear, and an expression that is refused says why.
func FuzzWork(f *testing.F) {
	for _, expr := range hostileExpressions {
		f.Add(anyURL + "FILTER: INCLUDE METRIC " + expr)
	}
	f.Add(anyURL + "HEADER: A: b\n# comment\nMETADATA: a u64 PM_INDOM_NULL counter none\nFILTER: OPTIONAL LABEL (?P<a>b)(?P=a)\n")
	f.Fuzz(func(t *testing.T, content string) {
		budget := work.NewBudget(maxStepsPerByte * (1 + len(content)))
		problems := config.CheckSourceFile(content, config.PodAuthor, budget)
		if budget.Exceeded() {
			t.Errorf("more than %d steps for %d bytes: %v", maxStepsPerByte*(1+len(content)), len(content), problems)
		}
	})
}

// maxStepsPerByte: a line is looked at as a whole, then each part of its expression, and then Go's parser has its share.
const maxStepsPerByte = 1 + 1 + 16
