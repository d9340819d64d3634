package brief

import (
	_ "embed"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/internal/redact"
)

// MostShown is the size in bytes of the largest params that are shown whole.
const MostShown = 256 << 10

const (
	shownHead  = 2048 // bytes of larger params
	shownTail  = 1024
	longestRow = 2000 // characters of a command in a list
	methodCall = "tools/call"
)

// A Command is the exact thing that would run, laid out for reading.
type Command struct {
	Kind string `json:"kind"`
	// Digest names the command, and Words are the first 88 bits of it.
	Digest countersign.Digest `json:"digest"`
	Words  [8]string          `json:"words"`
	// Title is the method and the tool: "tools/call create_refund".
	Title Line   `json:"title"`
	Lines []Line `json:"lines"`
	// AsSent are the params as they will be sent: while End.Shown is true its
	// texts, joined, are the exact bytes; of a large change of the control plane,
	// of which every changed line is in Lines, only the ends.
	AsSent Text `json:"as_sent"`
	End    End  `json:"end"`
}

// End says what every view of a command ends with.
type End struct {
	Lines int `json:"lines"` // as laid out, less the title
	Bytes int `json:"bytes"` // of the params
	// Shown is true if every byte that matters is in the view. Otherwise it
	// cannot be approved.
	Shown  bool `json:"shown"`
	Hidden int  `json:"hidden"` // characters
	// Redacted is how many secrets are not in the view.
	Redacted int `json:"redacted"`
	// Says are the parts of the sentence: "191 bytes", "all shown", "no hidden
	// characters".
	Says []string `json:"says"`
}

// Sentence is "End of command. 191 bytes, all shown, no hidden characters."
func (e End) Sentence() string { return "End of command. " + strings.Join(e.Says, ", ") + "." }

// command lays the request's command out and says why it cannot be approved as
// shown, if it cannot.
func command(r countersign.Request, v veil) (Command, []string) {
	c := Command{Digest: r.Digest, Words: Words(r.Digest)}
	var l layout
	var obstacles []string
	switch cmd := r.Command.(type) {
	case countersign.MCPRequest:
		c.Kind, c.Title = cmd.Kind(), Line{Value: mcpTitle(cmd, v)}
		l, obstacles = c.params(cmd.Method, cmd.Params, v)
	case countersign.Control:
		c.Kind, c.Title = cmd.Kind(), Line{Value: changing(cmd, base)}
		l, obstacles = c.changes(cmd, r.Facts.Changes, v)
	default:
		c.Title = Line{Value: quiet("no command that this version can show")}
		obstacles = []string{"This version does not know the command, so it cannot be approved."}
	}
	if named, err := digestOf(r.Command); err != nil || named != r.Digest {
		obstacles = append(obstacles, "The digest on record does not name this command, so it cannot be approved.")
	}
	c.place(l, r.Facts.Indicators, v)
	c.End.Lines = len(c.Lines)
	if c.End.Redacted = c.redactions(); c.End.Redacted > 0 {
		c.End.Shown = false
		obstacles = append(obstacles, "This view hides "+count(c.End.Redacted, "secret")+", so it cannot be approved; a reviewer may reveal it, with a reason, and approve what is then shown.")
	}
	c.End.Says = c.End.says(c.AsSent)
	return c, obstacles
}

// redactions is how many secrets the command does not show.
func (c Command) redactions() int {
	n := redactions(c.Title.Value)
	for _, line := range c.Lines {
		n += redactions(line.Path, line.Value)
	}
	return max(n, redactions(c.AsSent))
}

func digestOf(c countersign.Command) (countersign.Digest, error) {
	if c == nil {
		return countersign.Digest{}, nil
	}
	return countersign.DigestOf(c)
}

func mcpTitle(c countersign.MCPRequest, v veil) Text {
	title := v.word(c.Method)
	if tool, ok := toolOf(c); ok {
		title = join(title, say(" "), v.word(tool))
	}
	return title
}

// toolOf is the name of the tool that the command calls, from its bytes.
func toolOf(c countersign.MCPRequest) (string, bool) {
	raw, ok := canon.Member(c.Params, "name")
	if !ok || c.Method != methodCall || !isString(raw) {
		return "", false
	}
	return decoded(raw), true
}

// params lays out a JSON object. What cannot be read one way only, or is longer
// than anybody reads, is shown as it will be sent.
func (c *Command) params(method string, params []byte, v veil) (layout, []string) {
	c.End.Bytes = len(params)
	if len(params) > MostShown {
		c.AsSent = headAndTail(params, v.params)
		c.End.Hidden = c.AsSent.hides()
		return layout{lines: textLines(c.AsSent)},
			[]string{"This view does not show every byte, so it cannot be approved."}
	}
	c.AsSent = spell(string(params), v.params, say)
	if len(params) == 0 {
		c.End.Shown = true
		return layout{lines: []Line{{Value: quiet("no params")}}}, nil
	}
	if err := canon.Check(params); err != nil {
		c.End.Hidden = c.AsSent.hides()
		return layout{lines: textLines(c.AsSent)},
			[]string{"The params are not JSON that can be read one way only, so it cannot be approved."}
	}
	c.End.Shown = true
	l, err := layOut(method, params, v)
	if err != nil {
		c.End.Hidden = c.AsSent.hides()
		return layout{lines: textLines(c.AsSent)}, nil
	}
	c.End.Hidden = c.Title.Value.hides() + spell(betweenStrings(params), nil, say).hides()
	for _, line := range l.lines {
		c.End.Hidden += line.Path.hides() + line.Value.hides()
	}
	return l, nil
}

// headAndTail are both ends of params that are too long to show, with the gap
// between them said.
func headAndTail(params []byte, secrets []redact.Secret) Text {
	head, tail := shownHead, len(params)-shownTail
	for head > 0 && !utf8.RuneStart(params[head]) {
		head--
	}
	for tail < len(params) && !utf8.RuneStart(params[tail]) {
		tail++
	}
	gap := "\n... " + count(tail-head, "byte") + " not shown ...\n"
	return join(spell(string(params[:head]), within(secrets, 0, head), say), quiet(gap),
		spell(string(params[tail:]), within(secrets, tail, len(params)), say))
}

// betweenStrings is a checked document without its strings. What hides there
// does not reach the layout.
func betweenStrings(params []byte) string {
	var out strings.Builder
	for in := string(params); in != ""; {
		open := strings.IndexByte(in, '"')
		if open < 0 {
			out.WriteString(in)
			break
		}
		out.WriteString(in[:open] + `""`)
		in = in[open+1:]
		for in[0] != '"' {
			if in[0] == '\\' {
				in = in[1:]
			}
			in = in[1:]
		}
		in = in[1:]
	}
	return out.String()
}

func (e End) says(shown Text) []string {
	says := []string{count(e.Bytes, "byte")}
	if e.Shown {
		says = append(says, "all shown")
	} else {
		n := 0
		for _, s := range shown {
			if s.Role != Quiet && s.Role != Redacted {
				n += len(s.Text)
			}
		}
		says = append(says, count(min(n, e.Bytes), "byte")+" of them shown")
	}
	if e.Redacted > 0 {
		says = append(says, count(e.Redacted, "secret")+" redacted")
	}
	switch {
	case e.Hidden > 0:
		says = append(says, count(e.Hidden, "hidden character"))
	case e.Shown:
		says = append(says, "no hidden characters")
	}
	return says
}

// CommandLine is the command in one line for a row of a list, with its hidden
// characters visible. A very long one is cut, with its length said; a channel
// that cuts it shorter shows that it did.
func CommandLine(r countersign.Request) Text {
	if change, ok := r.Command.(countersign.Control); ok {
		return changing(change, base)
	}
	cmd, ok := r.Command.(countersign.MCPRequest)
	if !ok {
		return quiet("no command that this version can show")
	}
	title, sent := mcpTitle(cmd, veilOf(cmd)), cmd.Params
	if tool, ok := toolOf(cmd); ok {
		arguments, others := []byte(nil), false
		for key, raw := range canon.Members(cmd.Params) {
			if key == "arguments" {
				arguments = raw
			} else if key != "name" {
				others = true
			}
		}
		if !others {
			title, sent = word(tool), arguments
		}
	}
	if len(sent) == 0 {
		return title
	}
	return join(title, say(" "), short(string(sent), longestRow, veilOfParams(sent).params))
}

// The English list of BIP-39 (github.com/bitcoin/bips, MIT License): 2,048 words
// whose first four letters differ.
//
//go:embed words.txt
var wordList string

var words = sync.OnceValue(func() []string { return strings.Fields(wordList) })

// Words are the first 88 bits of a digest as eight words, 11 bits each, so that
// people can compare two screens.
func Words(d countersign.Digest) [8]string {
	var eight [8]string
	for i := range eight {
		n := 0
		for bit := i * 11; bit < (i+1)*11; bit++ {
			n = n<<1 | int(d[bit/8]>>(7-bit%8)&1)
		}
		eight[i] = words()[n]
	}
	return eight
}
