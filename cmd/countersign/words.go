package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/countersignhq/countersign/internal/unhide"
)

// oneLine makes text from elsewhere safe to print in a line of ours: what is
// hidden in it stands in <brackets>.
func oneLine(s string) string {
	return strings.TrimSpace(strings.NewReplacer("\n", " ", "\t", " ").Replace(unhide.Visible(s)))
}

// wrapped breaks text at spaces into lines of at most width columns; a longer word
// has a line of its own.
func wrapped(s string, width int) []string {
	var lines []string
	for rest := oneLine(s); rest != ""; {
		cut := len(rest)
		if utf8.RuneCountInString(rest) > width {
			runes := []rune(rest)
			cut = strings.LastIndexByte(string(runes[:width+1]), ' ')
			if cut <= 0 {
				if cut = strings.IndexByte(rest, ' '); cut < 0 {
					cut = len(rest)
				}
			}
		}
		lines = append(lines, rest[:cut])
		rest = strings.TrimLeft(rest[cut:], " ")
	}
	return lines
}

// grouped is "48,233".
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// count is "1 event" or "6 events".
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return grouped(int64(n)) + " " + what
}

// stamp is a time as people read it, in UTC.
func stamp(at time.Time) string {
	if at.IsZero() {
		return "at an unknown time"
	}
	return at.UTC().Format("2006-01-02 15:04:05 UTC")
}

// left is "25:42", minutes and seconds, or "3 h" where it is long.
func left(d time.Duration) string {
	d = max(d, 0)
	if d >= 100*time.Minute {
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}
