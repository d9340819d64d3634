package brief

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/countersignhq/countersign"
)

// A Note says what is risky in a line of the command, like a compiler's note.
type Note struct {
	Severity countersign.Severity `json:"severity"`
	// Says is a phrase in the lower case and without a full stop.
	Says Text `json:"says"`
	// ID is the indicator's: "text.bidi".
	ID string `json:"id"`
}

// An Indicator is one finding of the whole list.
type Indicator struct {
	Severity  countersign.Severity  `json:"severity"`
	ID        string                `json:"id"`
	Evidence  Text                  `json:"evidence,omitempty"`
	Where     string                `json:"where,omitempty"`
	Source    string                `json:"source"`
	Certainty countersign.Certainty `json:"certainty"`
}

// Says is the finding without its severity and id: "create_refund, from the
// catalogue, known".
func (i Indicator) Says() Text {
	says := i.Evidence
	if i.Where != "" {
		at := "at " + i.Where
		if len(says) > 0 {
			at = " " + at
		}
		says = join(says, say(at))
	}
	origin := "from the " + i.Source + ", " + string(i.Certainty)
	if len(says) > 0 {
		origin = ", " + origin
	}
	return join(says, say(origin))
}

// indicators lists the findings, worst first.
func indicators(f countersign.Facts, v veil) []Indicator {
	list := []Indicator{}
	for _, i := range worstFirst(f.Indicators) {
		list = append(list, Indicator{
			Severity: i.Severity, ID: clean(i.ID), Evidence: v.evidence(i), Where: clean(i.Where),
			Source: clean(i.Source), Certainty: certainty(i.Certainty),
		})
	}
	return list
}

func worstFirst(list []countersign.Indicator) []countersign.Indicator {
	return slices.SortedStableFunc(slices.Values(list), func(a, b countersign.Indicator) int {
		return cmp.Compare(b.Severity, a.Severity)
	})
}

// place puts the lines of the layout into the command, marks what indicators are
// about and writes the notes under it.
func (c *Command) place(l layout, list []countersign.Indicator, v veil) {
	c.Lines = l.lines
	for _, i := range worstFirst(list) {
		if line := c.lineOf(l, i); line != nil {
			line.mark(i, v)
		}
	}
}

// lineOf finds the line that an indicator is about, nil if it is about none.
// One whose place is not in the layout is about the title.
func (c *Command) lineOf(l layout, i countersign.Indicator) *Line {
	if i.Where == "" {
		if strings.HasPrefix(i.ID, "mcp.") {
			return &c.Title
		}
		return nil
	}
	at := slices.Index(l.where, i.Where)
	if at < 0 {
		where := strings.NewReplacer("[", ".", "]", "").Replace(i.Where)
		at = slices.IndexFunc(l.where, func(w string) bool {
			return w == where || strings.HasPrefix(w, where+".")
		})
	}
	if at < 0 {
		return &c.Title
	}
	for n := at; n < len(c.Lines) && (n == at || c.Lines[n].Number > 0); n++ {
		if c.Lines[n].holds(i.Evidence) {
			return &c.Lines[n]
		}
	}
	return &c.Lines[at]
}

// isEvidence says whether a span shows what an indicator found: the words
// themselves, or a hidden part that they name.
func (s Span) isEvidence(evidence string) bool {
	switch {
	case evidence == "" || !utf8.ValidString(evidence): // half a character is none
		return false
	case s.Role == Redacted:
		return false
	case s.Role == Hidden:
		return strings.Contains(evidence, s.Label) || strings.Contains(s.Label, evidence)
	}
	return s.Role == Plain && strings.Contains(s.Text, evidence)
}

func (line Line) holds(evidence string) bool {
	return slices.ContainsFunc(join(line.Path, line.Value), func(s Span) bool { return s.isEvidence(evidence) })
}

// mark marks the evidence in the line, or the whole value if it does not stand
// there, and adds the note.
func (line *Line) mark(i countersign.Indicator, v veil) {
	switch {
	case line.holds(i.Evidence):
		line.Path, line.Value = markEvidence(line.Path, i), markEvidence(line.Value, i)
	case !slices.ContainsFunc(line.Value, func(s Span) bool { return s.Role == Marked }):
		line.Value = marked(line.Value, i.Severity)
	}
	line.Notes = append(line.Notes, Note{Severity: i.Severity, Says: noteOf(i, join(line.Path, line.Value), v), ID: clean(i.ID)})
}

func markEvidence(t Text, i countersign.Indicator) Text {
	var out Text
	for _, s := range t {
		if !s.isEvidence(i.Evidence) {
			out = append(out, s)
			continue
		}
		if s.Role == Hidden {
			s.Severity = max(s.Severity, i.Severity)
			out = append(out, s)
			continue
		}
		before, after, _ := strings.Cut(s.Text, i.Evidence)
		for _, p := range []Span{{Text: before}, {Text: i.Evidence, Role: Marked, Severity: i.Severity}, {Text: after}} {
			if p.Text != "" {
				out = append(out, p)
			}
		}
	}
	return out
}

func marked(t Text, severity countersign.Severity) Text {
	out := slices.Clone(t)
	for n, s := range out {
		switch s.Role {
		case Plain:
			out[n].Role, out[n].Severity = Marked, severity
		case Hidden, Redacted:
			out[n].Severity = severity
		}
	}
	return out
}

// noteOf says what an indicator found. Evidence that stands in the line above
// is not said again.
func noteOf(i countersign.Indicator, line Text, v veil) Text {
	says := meanings[i.ID]
	switch {
	case says == "" && i.Evidence == "":
		return say("found here")
	case says == "":
		return v.evidence(i)
	case i.Evidence == "" || strings.Contains(line.String(), v.evidence(i).String()):
		return say(says)
	}
	return join(say(says+": "), v.evidence(i))
}

// meanings say in a phrase what an indicator's id says in a name. An id that is
// not here has its evidence to speak for it. It is never written to.
var meanings = map[string]string{
	"control.change":               "changes the rules, or who or what they are about",
	"data.leaves-region":           "data would go to a region that the resource does not name",
	"data.sink-possible":           "an argument says where data may go, and the configuration does not say what it is for",
	"data.sink-unknown":            "data would go somewhere whose region is not known",
	"json.unreadable":              "the arguments can be read two ways",
	"k8s.delete-collection":        "deletes every object of a kind that matches",
	"k8s.rbac":                     "changes who may do what in a cluster",
	"mcp.large":                    "the arguments are unusually large",
	"mcp.method-unknown":           "this version does not know the method",
	"mcp.tool-changed":             "the tool's definition is not the one that was pinned",
	"mcp.tool-destructive":         "the tool says of itself that it may destroy something",
	"mcp.tool-unannotated":         "the tool does not say whether it reads or destroys",
	"mcp.tool-unlisted":            "the configuration does not say what the tool does",
	"mcp.tool-unpinned":            "the tool was never seen before, so a change cannot be noticed",
	"request.repeat":               "the same agent asked for the same command before",
	"request.repeat-after-unknown": "the same command ran before and nobody knows how it ended",
	"request.unsafe-same-user":     "the upstream runs as the gateway's own user, without isolation",
	"sh.args-from-stdin":           "runs a program with arguments that nobody sees before it runs",
	"sh.credential-read":           "names a file in which secrets are usually kept",
	"sh.defines-function":          "gives a name to a piece of shell, which may stand for a program then",
	"sh.destructive":               "deletes, or overwrites what cannot be had again",
	"sh.dynamic":                   "an argument is made while it runs",
	"sh.dynamic-command":           "which program runs is decided while it runs",
	"sh.encoded-argument":          "decodes what it then uses, so that the line does not show it",
	"sh.env-hijack":                "sets a variable that decides which code a program loads or runs",
	"sh.eval":                      "runs a text as shell",
	"sh.file-write":                "writes to a file",
	"sh.interactive":               "opens a shell in which anything can be done",
	"sh.interpreter":               "runs a program in another language, which is not understood",
	"sh.network":                   "talks to another machine",
	"sh.opaque":                    "runs what the line does not show",
	"sh.pipe-to-shell":             "runs whatever comes out of a pipe",
	"sh.privilege":                 "continues as another user, or changes what runs later and as whom",
	"sh.remote-exec":               "runs a program on another machine, or in a container",
	"sh.substitution":              "a command inside another gives it its arguments",
	"sh.unclassified":              "parses, and is not on the list of what is understood",
	"sh.unknown-command":           "a program that is not on the list",
	"sh.unparseable":               "cannot be parsed, so nobody can say what it does",
	"sql.admin":                    "acts on the database server or on other sessions",
	"sql.credential-read":          "reads passwords, secrets of the server or what others are doing",
	"sql.cursor":                   "leaves a query open, of which later statements read",
	"sql.destructive":              "drops or empties, which nothing brings back",
	"sql.explain":                  "asks how a statement would run, without running it",
	"sql.explain-analyze":          "runs the statement that it seems only to explain",
	"sql.export":                   "copies data out in bulk",
	"sql.function-unknown":         "calls a function, an operator or a type that is not on the list",
	"sql.identity-switch":          "continues as another role or user",
	"sql.lexer-setting":            "changes how the text of later statements is read",
	"sql.lock":                     "keeps others waiting",
	"sql.multi-statement":          "more than one statement",
	"sql.network":                  "has the database server talk to another machine",
	"sql.no-where":                 "changes every row: no condition, or one that is always true",
	"sql.opaque":                   "runs SQL that the text does not show",
	"sql.os-command":               "runs a program on the database server",
	"sql.privilege":                "changes who may do what in a database",
	"sql.sequence":                 "moves a sequence",
	"sql.server-code":              "runs, or leaves behind, code in the database server",
	"sql.server-config":            "changes how the database server is set up",
	"sql.server-file":              "reads or writes files of the database server",
	"sql.session-setting":          "changes how later statements of the session behave",
	"sql.txn-control":              "begins or ends a transaction, around or instead of the one that it runs in",
	"sql.unbounded-read":           "reads as many rows as there are",
	"sql.unclassified":             "holds something that is not on the list of what is understood",
	"sql.unparseable":              "cannot be parsed, so nobody can say what it does",
	"text.bidi":                    "hidden characters turn the reading order around",
	"text.hidden":                  "characters that nobody sees",
	"text.homoglyph":               "letters that look like others in the same word",
	"text.padding":                 "blanks push text out of view",
}

func certainty(c countersign.Certainty) countersign.Certainty {
	switch c {
	case countersign.Known, countersign.Possible:
		return c
	}
	return countersign.Unknown
}
