// Package near finds the word that somebody meant.
package near

import "strings"

// maxWord bounds the word that is compared, in bytes: nothing of ours has a longer name.
const maxWord = 64

// Of gives the one of names that the fewest edits lead to from word, whatever the case
// of its letters: of several, the one that begins most like it, and then the first by
// the alphabet. It is "" when that takes more than a third of word's bytes, or when word
// is longer than 64 bytes.
func Of(word string, names []string) (best string) {
	if len(word) > maxWord {
		return ""
	}
	word = strings.ToLower(word)
	least, longest := max(1, (len(word)+1)/3), -1
	for _, name := range names {
		n, same := distance(word, strings.ToLower(name)), common(word, strings.ToLower(name))
		switch {
		case n > least, n == least && same < longest, n == least && same == longest && name > best:
			continue
		}
		best, least, longest = name, n, same
	}
	return best
}

// common counts the bytes with which both begin.
func common(a, b string) (n int) {
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// distance counts the edits of one byte that lead from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
