package config

import (
	"errors"
	"fmt"
	"math/bits"
	"regexp/syntax"
	"slices"

	"github.com/performancecopilot/pcp-injector/internal/work"
)

// brokenEverywhere are mistakes that both Go and Python's re, which the agent uses, refuse. What only Go refuses is accepted: look-arounds,
// back-references, possessive and large repetitions.
var brokenEverywhere = []syntax.ErrorCode{
	syntax.ErrInvalidCharRange, syntax.ErrMissingBracket, syntax.ErrMissingParen, syntax.ErrUnexpectedParen,
	syntax.ErrMissingRepeatArgument, syntax.ErrTrailingBackslash,
}

const (
	// maxExpression is the limit of a regular expression in bytes.
	maxExpression = 4 << 10
	// parserSteps is what each byte of an expression costs in Go's parser, at most, if checkEffort accepts it.
	parserSteps = 16
)

var errTooMuchWork = errors.New("takes too much work to check, together with what was checked before it: use fewer or shorter lines")

// checkRegexp checks an expression with which the agent will match names. Its effort comes first, because that bounds the parser's, too.
func checkRegexp(expr string, budget *work.Budget) error {
	if len(expr) > maxExpression {
		return fmt.Errorf("the regular expression must have at most %d bytes: use several filters", maxExpression)
	}
	if err := checkEffort(expr, budget); err != nil {
		return err
	}
	if !budget.Spend(parserSteps * len(expr)) {
		return errTooMuchWork
	}
	_, err := syntax.Parse(expr, syntax.Perl)
	var broken *syntax.Error
	if errors.As(err, &broken) && slices.Contains(brokenEverywhere, broken.Code) {
		return notRegexp(expr, string(broken.Code))
	}
	return nil
}

func notRegexp(expr, cause string) error {
	return fmt.Errorf("%q is not a regular expression: %s", expr, cause)
}

// Python's re tries every way to match before it gives up. With (a+)+$ it takes years to find that a name of 40 letters a and a dash does
// not match, and meanwhile the agent reads no source at all. So the number of ways is limited, as a power of two: a repetition may end at
// any letter of a name of up to 256, an optional part doubles the ways, and a choice multiplies them.
const (
	repetitionBits = 8
	maxBits        = 3 * repetitionBits
)

// checkEffort reads each byte of the expression once, and refuses one that could take too long to match.
func checkEffort(expr string, budget *work.Budget) error {
	e := &effort{expr: expr, choices: []uint{0}}
	tokens := tokenizer{rest: expr, budget: budget}
	for tokens.rest != "" {
		part, err := tokens.next()
		if err == nil {
			err = e.add(part)
		}
		if cause := syntaxError(""); errors.As(err, &cause) {
			return notRegexp(expr, string(cause))
		}
		if err != nil {
			return err
		}
	}
	return e.end()
}

// effort adds up how many ways there are to match what was read so far, in bits.
type effort struct {
	expr, previous string
	total          int
	// choices are the |s of each open group, and of the whole.
	choices []uint
}

func (e *effort) add(part string) error {
	last := len(e.choices) - 1
	switch {
	case part[0] == '(' && !slices.Contains(plainGroups, part):
		return fmt.Errorf("%q has a group that starts with %s: remove flags, comments and conditions", e.expr, part)
	case part[0] == '(':
		e.choices = append(e.choices, 0)
	case part[0] == '|':
		e.choices[last]++
	case part[0] == ')' && last == 0:
		return syntaxError(syntax.ErrUnexpectedParen)
	case part[0] == ')':
		e.total, e.choices = e.total+bits.Len(e.choices[last]), e.choices[:last]
	case part[0] == '?':
		e.total++
	case part[0] == '*' || part[0] == '+' || part[0] == '{' && len(part) > 1:
		if e.previous == ")" {
			return fmt.Errorf("%q repeats a group, which the agent could need years to match: repeat a character or a class instead", e.expr)
		}
		e.total += repetitionBits
	}
	e.previous = part
	return nil
}

func (e *effort) end() error {
	if len(e.choices) > 1 {
		return notRegexp(e.expr, string(syntax.ErrMissingParen))
	}
	if e.total+bits.Len(e.choices[0]) > maxBits {
		return fmt.Errorf("%q could take the agent too long to match: use no more than 3 of *, + and {}, fewer with ? and |, or several filters; .* at the end is not needed", e.expr)
	}
	return nil
}
