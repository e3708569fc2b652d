package config

import (
	"errors"
	"fmt"
	"math/bits"
	"regexp"
	"regexp/syntax"
	"slices"
)

// brokenEverywhere are mistakes that both Go and Python's re, which the agent uses, refuse. What only Go refuses is accepted: look-arounds,
// back-references, possessive and large repetitions.
var brokenEverywhere = []syntax.ErrorCode{
	syntax.ErrInvalidCharRange, syntax.ErrMissingBracket, syntax.ErrMissingParen, syntax.ErrUnexpectedParen,
	syntax.ErrMissingRepeatArgument, syntax.ErrTrailingBackslash,
}

// checkRegexp checks an expression with which the agent will match names.
func checkRegexp(expr string) error {
	_, err := syntax.Parse(expr, syntax.Perl)
	var broken *syntax.Error
	if errors.As(err, &broken) && slices.Contains(brokenEverywhere, broken.Code) {
		return fmt.Errorf("%q is not a regular expression: %s", expr, broken.Code)
	}
	return checkEffort(expr)
}

// Python's re tries every way to match before it gives up. With (a+)+$ it takes years to find that a name of 40 letters a and a dash does
// not match, and meanwhile the agent reads no source at all. So the number of ways is limited, as a power of two: a repetition may end at
// any letter of a name of up to 256, an optional part doubles the ways, and a choice multiplies them.
const (
	repetitionBits = 8
	maxBits        = 3 * repetitionBits
)

// token is a part of a regular expression: an escape, a class, the start of a group, a repetition (with what makes it lazy or
// possessive), or any other character (https://docs.python.org/3/library/re.html#regular-expression-syntax).
var token = regexp.MustCompile(`(?s)^(?:\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?:P?[<=!][=!]?|[^)]?))?|(?:[*+?]|\{[0-9]*,?[0-9]*\})[?+]?|.)`)

// plainGroups are the starts of groups that do not change how the rest is read: no flags, no comments, no conditions.
var plainGroups = []string{"(", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?P<", "(?P="}

func checkEffort(expr string) error {
	total, previous := 0, ""
	choices := []uint{0} // The |s of each open group, and of the whole.
	for rest := expr; rest != ""; rest = rest[len(previous):] {
		part := token.FindString(rest)
		last := len(choices) - 1
		switch {
		case part[0] == '(' && !slices.Contains(plainGroups, part):
			return fmt.Errorf("%q has a group that starts with %s: remove flags, comments and conditions", expr, part)
		case part[0] == '(':
			choices = append(choices, 0)
		case part[0] == '|':
			choices[last]++
		case part[0] == ')' && last > 0:
			total, choices = total+bits.Len(choices[last]), choices[:last]
		case part[0] == '?':
			total++
		case part[0] == '*' || part[0] == '+' || part[0] == '{' && len(part) > 1:
			if previous == ")" {
				return fmt.Errorf("%q repeats a group, which the agent could need years to match: repeat a character or a class instead", expr)
			}
			total += repetitionBits
		}
		previous = part
	}
	if total += bits.Len(choices[0]); total > maxBits {
		return fmt.Errorf("%q could take the agent too long to match: use no more than 3 of *, + and {}, fewer with ? and |, or several filters; .* at the end is not needed", expr)
	}
	return nil
}
