// Package spelling guesses which name was meant by a misspelled one.
package spelling

import (
	"strings"
)

// Nearest is the known name that was probably meant by an unknown one, or nothing where none is near.
func Nearest(name string, known []string) string {
	nearest, least := "", 1+(len(name)+2)/3
	for _, candidate := range known {
		if len(name) >= 3 && strings.HasPrefix(strings.ToLower(candidate), strings.ToLower(name)) {
			return candidate
		}
		if distance := distance(strings.ToLower(name), strings.ToLower(candidate)); distance < least {
			nearest, least = candidate, distance
		}
	}
	return nearest
}

// distance is Levenshtein's: how many characters to insert, delete or replace, here bytes.
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
