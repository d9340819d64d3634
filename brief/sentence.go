package brief

import (
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/internal/redact"
)

// sentence says who would do what where: "support-bot, for Dana Whitfield, would
// write with create_refund (charge ch_3QkV8tB2eZ, amount 184.50) in mcp/payments,
// prod." It stands in the past once the command ran, and as a noun if it did not.
// It says no more than the facts do.
func sentence(r countersign.Request) Text {
	d := deedOf(r)
	who := name(nameOf(r.Requester)).strong()
	for i, p := range r.OnBehalfOf {
		before := ", "
		if i == 0 {
			before = ", for "
		}
		who = join(who, say(before), name(nameOf(p)))
	}
	s := tense(r.State)
	comma := ""
	if len(r.OnBehalfOf) > 0 && s.before != ": " {
		comma = ","
	}
	if c, ok := r.Command.(countersign.Control); ok {
		return join(who, say(comma+s.before), changing(c, s.form), say(s.after+"."))
	}
	return join(who, say(comma+s.before), d.phrase(s.form), where(r), say(s.after+"."))
}

// Summary says what a request is about without who asks: "write with write_file
// (path /srv/a) in mcp/files".
func Summary(r countersign.Request) Text {
	if c, ok := r.Command.(countersign.Control); ok {
		return changing(c, base)
	}
	return join(deedOf(r).phrase(base), say(" in "), name(r.Resource.Name))
}

func nameOf(p countersign.Principal) string {
	if strings.TrimSpace(p.Name) == "" {
		return p.ID
	}
	return p.Name
}

func where(r countersign.Request) Text {
	at := join(say(" in "), name(r.Resource.Name).strong())
	if r.Resource.Environment != "" {
		at = join(at, say(", "), name(r.Resource.Environment))
	}
	if r.Facts.Exports {
		at = join(at, say(", with data going to "), sink(r.Facts.Sink))
	}
	return at
}

func sink(d *countersign.Destination) Text {
	known := d != nil && d.Region != "" && d.Certainty == countersign.Known
	switch {
	case known && d.Address == "":
		return join(say("several places").strong(), say(" ("), name(d.Region), say(")"))
	case d == nil || d.Address == "":
		return say("an unknown place").strong()
	}
	region := say("region unknown")
	if known {
		region = name(d.Region)
	}
	return join(shortWord(d.Address).strong(), say(" ("), region, say(")"))
}

type form int

const (
	base       form = iota // would write
	continuous             // is writing
	past                   // wrote
	participle             // may have written
)

type tensed struct {
	before string
	form   form
	after  string
}

func tense(s countersign.State) tensed {
	switch s.Execution {
	case countersign.ExecutionRunning:
		return tensed{" is ", continuous, ""}
	case countersign.ExecutionSucceeded:
		return tensed{" ", past, ""}
	case countersign.ExecutionFailed:
		return tensed{" tried to ", base, "; it failed"}
	case countersign.ExecutionUnknown:
		return tensed{" may have ", participle, "; nobody knows whether it did"}
	}
	if s.Settled() {
		return tensed{": ", base, "; it did not run"}
	}
	return tensed{" would ", base, ""}
}

// forms gives the four forms of a verb of the facts, such as mcp.write. A verb
// that has none is no more than a call.
func forms(verb string) (forms [4]string, ok bool) {
	_, action, _ := strings.Cut(verb, ".")
	switch action {
	case "read":
		return [4]string{"read", "reading", "read", "read"}, true
	case "write":
		return [4]string{"write", "writing", "wrote", "written"}, true
	case "delete":
		return [4]string{"delete", "deleting", "deleted", "deleted"}, true
	case "exec":
		return [4]string{"run programs", "running programs", "ran programs", "run programs"}, true
	case "ddl":
		return [4]string{"change tables", "changing tables", "changed tables", "changed tables"}, true
	}
	return [4]string{"call", "calling", "called", "called"}, false
}

// A deed is what a command does as far as it was understood.
type deed struct {
	verbs     []string
	certainty countersign.Certainty
	tool      Text // what is called
	telling   Text // arguments that tell what it is about
}

func deedOf(r countersign.Request) deed {
	d := deed{verbs: slices.Compact(slices.Clone(r.Facts.Verbs)), certainty: certainty(r.Facts.Certainty)}
	isUnknown := func(verb string) bool { return strings.HasSuffix(verb, ".unknown") }
	if len(d.verbs) == 0 || slices.ContainsFunc(d.verbs, isUnknown) {
		d.certainty = countersign.Unknown
	}
	cmd, ok := r.Command.(countersign.MCPRequest)
	if !ok {
		d.certainty, d.tool = countersign.Unknown, say("a command that this version cannot show")
		return d
	}
	d.tool = word(cmd.Method)
	arguments := cmd.Params
	if tool, ok := toolOf(cmd); ok {
		arguments, _ = canon.Member(cmd.Params, "arguments")
		d.tool = shortWord(tool)
	}
	sink := ""
	if r.Facts.Exports && r.Facts.Sink != nil {
		sink = r.Facts.Sink.Address // said already
	}
	d.telling = telling(arguments, sink)
	return d
}

// phrase is "write with write_file (path /srv/a)" in a form of the verb. Where
// nobody knows what the tool does it is "call write_file, whose effect is
// unknown,", and a comma is left for what follows.
func (d deed) phrase(f form) Text {
	called := d.tool.strong()
	if len(d.telling) > 0 {
		called = join(called, say(" ("), d.telling, say(")"))
	}
	call, _ := forms("")
	if d.certainty == countersign.Unknown {
		return join(say(call[f]+" "), called, say(", whose effect is unknown,"))
	}
	var verbs, bases, strange []string
	for _, v := range d.verbs {
		if words, ok := forms(v); ok {
			verbs, bases = append(verbs, words[f]), append(bases, words[base])
		} else {
			strange = append(strange, clean(v))
		}
	}
	switch {
	case len(strange) > 0:
		return join(say(call[f]+" "), called, say(", that is "+list(cleanAll(d.verbs), "and")+","))
	case d.certainty == countersign.Possible:
		return join(say(call[f]+" "), called, say(", which may "+list(bases, "and")+","))
	}
	return join(say(list(verbs, "and")+" with "), called)
}

// tellingKeys are the arguments that tell what a call is about, in the order in
// which they are said. Whoever asks chooses the arguments, so a key that is not
// here, a secret, or a value that could be prose, is never in the sentence.
var tellingKeys = []string{
	"path", "file_path", "file", "filename", "source", "destination", "from", "to", "uri", "url",
	"host", "bucket", "key", "database", "table", "repo", "repository", "branch", "namespace",
	"name", "id", "user", "account", "customer", "order", "charge", "amount", "currency",
}

const (
	mostTelling    = 3
	longestTelling = 48 // characters, all of them together
)

// telling is "charge ch_3QkV8tB2eZ, amount 184.50", or nothing. It leaves out the
// argument that is said elsewhere.
func telling(arguments []byte, elsewhere string) Text {
	values := map[string]string{}
	v := veilOfParams(arguments)
	for key, raw := range canon.Members(arguments) {
		value := string(raw)
		if isString(raw) {
			value = decoded(raw)
		}
		if len(v.doc.At(redact.Path("", key))) > 0 || len(v.key(key)) > 0 {
			continue
		}
		if isWord(value, "_-./:@+,%=~") && value != "null" && value != elsewhere {
			values[key] = value
		}
	}
	var t Text
	said, length := 0, 0
	for _, key := range tellingKeys {
		value, ok := values[key]
		if !ok || said == mostTelling || length+len(key)+len(value) > longestTelling {
			continue
		}
		if said > 0 {
			t = append(t, Span{Text: ", "})
		}
		t = append(t, Span{Text: key + " "}, Span{Text: value, Role: Strong})
		said++
		length += len(key) + len(value)
	}
	return t
}
