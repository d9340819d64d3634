package countersign

import (
	"fmt"
	"slices"
)

// Certainty says how sure a fact is.
type Certainty string

// The certainties. A rule that rests on a possible or unknown fact counts as
// true where it holds or denies and as false where it allows.
const (
	Known    Certainty = "known"
	Possible Certainty = "possible"
	Unknown  Certainty = "unknown"
)

// Severity orders indicators: info < low < medium < high < critical.
type Severity int

// The severities.
const (
	Info Severity = iota
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"info", "low", "medium", "high", "critical"}

// String returns the word.
func (s Severity) String() string {
	if s < Info || s > Critical {
		return fmt.Sprintf("severity(%d)", int(s))
	}
	return severityNames[s]
}

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) {
	if s < Info || s > Critical {
		return nil, fmt.Errorf("severity %d is none of %v", int(s), severityNames)
	}
	return []byte(severityNames[s]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Severity) UnmarshalText(text []byte) error {
	i := slices.Index(severityNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("severity %q is none of %v", text, severityNames)
	}
	*s = Severity(i)
	return nil
}

// An Indicator is a named risk finding. There is no score: the level of a
// request is the highest severity among its indicators.
type Indicator struct {
	ID       string   `json:"id"` // "mcp.tool-changed"
	Severity Severity `json:"severity"`
	// Evidence is what was found, in a few words.
	Evidence string `json:"evidence,omitempty"`
	// Where is the part of the command it is about: for MCP the dotted path of
	// an argument ("arguments.path"), empty for the whole.
	Where     string    `json:"where,omitempty"`
	Source    string    `json:"source"` // "catalogue", "parser", "bytes", "annotation", "history"
	Certainty Certainty `json:"certainty"`
}

// An Object is one thing a command would touch.
type Object struct {
	Name      string    `json:"name"`
	Verb      string    `json:"verb"`
	Classes   []string  `json:"classes,omitempty"`
	Count     string    `json:"count,omitempty"` // a decimal number, empty when unknown
	Certainty Certainty `json:"certainty"`
}

// A Destination is where data would go.
type Destination struct {
	// Address is empty where it is several, or not known.
	Address   string    `json:"address"`
	Region    string    `json:"region,omitempty"`
	Certainty Certainty `json:"certainty"` // of the region
}

// A Difference is how one part of the control plane would change.
type Difference struct {
	// Of is the part: "policy/production.yaml", "group dba".
	Of string `json:"of"`
	// Lines each begin with "+" for what is added, "-" for what is taken away,
	// a space for what stays beside it, "@" for what is left out.
	Lines []string `json:"lines"`
}

// Facts are what was understood of a command.
type Facts struct {
	// Tool is the tool, statement or operation in a word: "write_file".
	Tool    string   `json:"tool,omitempty"`
	Verbs   []string `json:"verbs"`
	Objects []Object `json:"objects,omitempty"`
	// Classes are the data classes it touches; "unlabelled" where nobody said.
	Classes []string `json:"classes,omitempty"`
	// Exports is true when data would leave the resource to Sink.
	Exports bool         `json:"exports,omitempty"`
	Sink    *Destination `json:"sink,omitempty"`
	// Certainty is that of Verbs, Objects, Classes and Exports together.
	Certainty  Certainty   `json:"certainty"`
	Indicators []Indicator `json:"indicators,omitempty"`
	// Changes are what a change of the control plane adds and takes away.
	Changes []Difference `json:"changes,omitempty"`
	// Understanding names the version of the code that found these facts.
	Understanding string `json:"understanding"`
}

// Severity is the highest severity among the indicators, info if there is none.
func (f Facts) Severity() Severity {
	top := Info
	for _, ind := range f.Indicators {
		top = max(top, ind.Severity)
	}
	return top
}

// A Preview is what a command would do, measured by a restricted credential.
type Preview struct {
	Rows  int64
	Bytes int64
}
