package web

import (
	"html/template"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
)

// functions are what the templates may call besides their own.
func functions(icons template.HTML) template.FuncMap {
	return template.FuncMap{
		"sprite":  func() template.HTML { return icons },
		"clock":   func(t time.Time) string { return t.UTC().Format("15:04:05") },
		"stamp":   func(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04:05") + " UTC" },
		"short":   func(t time.Time) string { return t.UTC().Format("2 Jan 15:04") },
		"machine": func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
		"factName": func(name string) string {
			return map[string]string{brief.FactAsks: "Who asks", brief.FactFor: "On behalf of", brief.FactWhere: "Where",
				brief.FactData: "Data", brief.FactCameIn: "Came in"}[name]
		},
		"deed": func(c countersign.Choice) string {
			return map[countersign.Choice]string{countersign.Approve: "approved", countersign.Reject: "rejected", countersign.Escalate: "escalated"}[c]
		},
		"several": func(n int) bool { return n > 1 },
	}
}

// A notice says what happened and what happens next.
type notice struct {
	Kind  string // "bad", "warn", "done" or empty
	Icon  string
	Title string
	Text  string
	Quote brief.Text // somebody's words
	Code  string     // the machine's word for it, last
}

// A fuse is the time left: a number, and a line that shortens.
type fuse struct {
	Left  string // "24:18", "1 h 04 min"
	Until time.Time
	At    time.Time // when Left was true
	// Line is how much of a line of 100 is left.
	Line int
	// Short is true in the last fifth.
	Short bool
}

func fuseOf(r countersign.Request, now time.Time) fuse {
	end := r.ExpiresAt()
	left, whole := max(end.Sub(now), 0), end.Sub(r.CreatedAt)
	f := fuse{Left: countdown(left), Until: end, At: now}
	if whole > 0 {
		f.Line = min(int(100*left/whole), 100)
	}
	f.Short = f.Line < 20
	return f
}

func countdown(d time.Duration) string {
	s := int(d.Seconds())
	if s >= 3600 {
		return strconv.Itoa(s/3600) + " h " + twoDigits(s/60%60) + " min"
	}
	return strconv.Itoa(s/60) + ":" + twoDigits(s%60)
}

func twoDigits(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// ago is a length of time in its largest unit.
func ago(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	}
	return strconv.Itoa(int(d.Hours())) + " h " + twoDigits(int(d.Minutes())%60) + " min"
}

// mostPips is how many squares of a quorum are drawn; the number beside them
// always tells.
const mostPips = 8

// pips are a quorum as squares, those of people who have signed filled.
type pips struct {
	Signed, Needed int
	Squares        []square
	Width          int
}

type square struct {
	X  int
	On bool
}

func pipsOf(signed, needed int) pips {
	p := pips{Signed: signed, Needed: needed, Width: 10 * min(needed, mostPips)}
	for i := range min(needed, mostPips) {
		p.Squares = append(p.Squares, square{10*i + 1, i < signed})
	}
	return p
}

// A stateWord is one of the two states of a request, with its icon.
type stateWord struct {
	Word, Icon, Class string
}

func decisionWord(d countersign.DecisionState) stateWord {
	icon := map[countersign.DecisionState]string{
		countersign.DecisionPending: "pause", countersign.DecisionApproved: "check", countersign.DecisionAllowed: "check",
		countersign.DecisionRejected: "x", countersign.DecisionExpired: "clock", countersign.DecisionWithdrawn: "undo-2",
		countersign.DecisionDenied: "ban",
	}[d]
	return stateWord{Word: string(d), Icon: icon}
}

func executionWord(e countersign.ExecutionState) stateWord {
	switch e {
	case countersign.ExecutionSucceeded:
		return stateWord{"succeeded", "check", ""}
	case countersign.ExecutionFailed:
		return stateWord{"failed", "x", "bad"}
	case countersign.ExecutionUnknown:
		return stateWord{"unknown", "circle-help", "bad"}
	case countersign.ExecutionRunning:
		return stateWord{"running", "hourglass", ""}
	}
	return stateWord{string(e), "", "quiet"}
}

// A codeLine is a line of a command, its value in a column.
type codeLine struct {
	Path  brief.Text
	Gap   string
	Value brief.Text
	Notes []brief.Note
	// Part is true for a line of a text that has several.
	Part bool
}

const (
	widestPath = 24 // characters; a longer path is followed by its value
	gap        = 2
)

func codeLines(lines []brief.Line) []codeLine {
	width := func(t brief.Text) int { return utf8.RuneCountInString(t.String()) }
	column := 0
	for _, l := range lines {
		if w := width(l.Path); w <= widestPath {
			column = max(column, w)
		}
	}
	out := make([]codeLine, len(lines))
	for i, l := range lines {
		out[i] = codeLine{Path: l.Path, Value: l.Value, Notes: l.Notes, Part: l.Number > 0}
		if w := width(l.Path); w > 0 {
			out[i].Gap = strings.Repeat(" ", max(column-w, 0)+gap)
		}
	}
	return out
}

// sentenceOf is what an error says, as a sentence.
func sentenceOf(s string) string {
	if s == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(first)) + s[size:]
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

func plural(n int, one, many string) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	if n == 1 {
		return digits + " " + one
	}
	return digits + " " + many
}

func listed(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}
