package config

import (
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"github.com/performancecopilot/pcp-injector/internal/work"
)

// syntaxError is a mistake for which Go's package syntax has words.
type syntaxError syntax.ErrorCode

func (e syntaxError) Error() string { return string(e) }

// tokenizer splits a regular expression into its parts: an escape, a class, the start of a group, a repetition (with what makes it lazy or
// possessive), or any other character (https://docs.python.org/3/library/re.html#regular-expression-syntax). It never goes back, except
// over the digits of a brace that is none.
type tokenizer struct {
	rest   string
	budget *work.Budget
}

// next cuts off the next part of an expression that has not ended.
func (t *tokenizer) next() (string, error) {
	var length int
	var err error
	switch t.rest[0] {
	case '\\':
		length, err = t.escape(0)
	case '[':
		length, err = t.class()
	case '(':
		length = t.groupStart()
	case '*', '+', '?':
		length = t.modified(1)
	case '{':
		length = t.braces()
	default:
		_, length = utf8.DecodeRuneInString(t.rest)
	}
	if err == nil && !t.budget.Spend(length) {
		err = errTooMuchWork
	}
	if err != nil {
		return "", err
	}
	part := t.rest[:length]
	t.rest = t.rest[length:]
	return part, nil
}

// letterEscapes are those that Python's re knows.
const letterEscapes = "AbBdDsSwWZafnrtvxuUN"

// escape is the length of the escape at this place.
func (t *tokenizer) escape(at int) (int, error) {
	char, length := utf8.DecodeRuneInString(t.rest[at+1:])
	switch {
	case length == 0:
		return 0, syntaxError(syntax.ErrTrailingBackslash)
	case isLetter(char) && !strings.ContainsRune(letterEscapes, char):
		return 0, fmt.Errorf(`the regular expression has \%c, which the agent does not know: remove it`, char)
	}
	return 1 + length, nil
}

func isLetter(char rune) bool { return 'a' <= char && char <= 'z' || 'A' <= char && char <= 'Z' }

// class is the length of a class, in which a ] at the beginning is a member.
func (t *tokenizer) class() (int, error) {
	at := 1
	if strings.HasPrefix(t.rest[at:], "^") {
		at++
	}
	if strings.HasPrefix(t.rest[at:], "]") {
		at++
	}
	for at < len(t.rest) {
		switch t.rest[at] {
		case ']':
			return at + 1, nil
		case '\\':
			length, err := t.escape(at)
			if err != nil {
				return 0, err
			}
			at += length
		default:
			at++
		}
	}
	return 0, syntaxError(syntax.ErrMissingBracket)
}

// plainGroups are the starts of groups that do not change how the rest is read: no flags, no comments, no conditions.
var plainGroups = []string{"(", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?P<", "(?P="}

// groupStart is the length of the start of a plain group, or of what makes another one.
func (t *tokenizer) groupStart() int {
	if !strings.HasPrefix(t.rest, "(?") {
		return 1
	}
	for _, start := range plainGroups {
		if len(start) > 1 && strings.HasPrefix(t.rest, start) {
			return len(start)
		}
	}
	_, length := utf8.DecodeRuneInString(t.rest[2:])
	return 2 + length
}

// braces is the length of a repetition such as {2,5}, or of a brace that stands for itself.
func (t *tokenizer) braces() int {
	at := 1 + digits(t.rest[1:])
	if strings.HasPrefix(t.rest[at:], ",") {
		at += 1 + digits(t.rest[at+1:])
	}
	if !strings.HasPrefix(t.rest[at:], "}") {
		return 1
	}
	return t.modified(at + 1)
}

// modified adds what makes a repetition lazy or possessive.
func (t *tokenizer) modified(length int) int {
	if length < len(t.rest) && (t.rest[length] == '?' || t.rest[length] == '+') {
		return length + 1
	}
	return length
}

// digits is how many digits a text begins with.
func digits(text string) int { return len(text) - len(strings.TrimLeft(text, "0123456789")) }
