// Package nearest finds the word that somebody probably meant: "did you mean
// sql.read?".
package nearest

// To returns the word among those given that is the fewest edits away: a letter
// added, dropped, replaced or swapped with its neighbour (the restricted
// Damerau-Levenshtein distance, in bytes). It returns false where nothing is
// near: more than a third of the word's length away, and never more than three
// edits. Of two equally near words the one that comes first wins.
func To(word string, among []string) (string, bool) {
	limit := min(3, max(1, len(word)/3))
	best, found := "", false
	for _, candidate := range among {
		if candidate == word {
			continue
		}
		if d := distance(word, candidate); d <= limit {
			best, found, limit = candidate, true, d-1
		}
	}
	return best, found
}

func distance(a, b string) int {
	if abs(len(a)-len(b)) > 3 {
		return 4
	}
	older, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	row := make([]int, len(b)+1)
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, last, row = last, row, older
	}
	return last[len(b)]
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
