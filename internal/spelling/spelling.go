// Package spelling guesses which name was meant by a misspelled one.
package spelling

import (
	"strings"
)

// maxLength is of a name that is worth a guess. Longer ones are no misspellings, and comparing two names takes as many steps as the
// product of their lengths.
const maxLength = 128

// Nearest is the known name that an unknown one probably means, or nothing if none is near.
func Nearest(name string, known []string) string {
	if len(name) > maxLength {
		return ""
	}
	name = strings.ToLower(name)
	nearest, least := "", 1+(len(name)+2)/3
	for _, original := range known {
		if len(original) > maxLength {
			continue
		}
		candidate := strings.ToLower(original)
		if len(name) >= 3 && strings.HasPrefix(candidate, name) {
			return original
		}
		// The distance is at least the difference of the lengths.
		if max(len(name)-len(candidate), len(candidate)-len(name)) >= least {
			continue
		}
		if distance := distance(name, candidate); distance < least {
			nearest, least = original, distance
		}
	}
	return nearest
}

// distance is the Levenshtein distance: how many bytes to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for n := range row {
		row[n] = n
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal + 1
			if a[i] == b[j] {
				cost = diagonal
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
