package wire

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/internal/redact"
)

// RequestFor is the request as the caller sees it: whole for the agent that asked
// for it, which sent every byte, and with its secrets redacted for everybody else.
// Whoever has to read one has it revealed, on record.
func RequestFor(r countersign.Request, d *countersign.Directory, by countersign.Principal) client.Request {
	out := Request(r, d)
	if by.Kind == countersign.KindAgent && by.ID == r.Requester.ID {
		return out
	}
	doc := redact.Params([]byte(out.Command.Params))
	v := veil{doc.Values()}
	out.Command.Params, out.Command.Redacted = replaced(out.Command.Params, doc.Raw()), len(doc.Raw())
	out.Reason, out.Because = v.over(out.Reason), v.over(out.Because)
	for i, found := range out.Facts.Indicators {
		out.Facts.Indicators[i].Evidence = v.evidence(found)
	}
	for i := range out.Facts.Objects {
		out.Facts.Objects[i].Name = v.over(out.Facts.Objects[i].Name)
	}
	if s := out.Facts.Sink; s != nil {
		s.Address = v.over(s.Address)
	}
	for i := range out.Decisions {
		out.Decisions[i].Reason = v.over(out.Decisions[i].Reason)
	}
	if o := out.Outcome; o != nil {
		o.Detail, o.ResolvedWhy = v.over(o.Detail), v.over(o.ResolvedWhy)
	}
	return out
}

// Says reports whether a string in the JSON document holds a secret: one of the
// command, or one that shows itself.
func Says(doc []byte, c countersign.Command) bool {
	var known []redact.Value
	if m, ok := c.(countersign.MCPRequest); ok {
		known = redact.Params(m.Params).Values()
	}
	var v any
	if json.Unmarshal(doc, &v) != nil {
		return true // what cannot be read may say it
	}
	return anyString(v, func(s string) bool { return len(redact.Known(s, known)) > 0 })
}

// anyString reports whether one of the strings in a JSON value is such.
func anyString(v any, such func(string) bool) bool {
	switch v := v.(type) {
	case string:
		return such(v)
	case []any:
		return slices.ContainsFunc(v, func(v any) bool { return anyString(v, such) })
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), func(v any) bool { return anyString(v, such) })
	}
	return false
}

// A veil redacts the texts around a command, of which it knows the secrets.
type veil struct{ known []redact.Value }

func (v veil) over(s string) string { return replaced(s, redact.Known(s, v.known)) }

// evidence is what an indicator found, which may be a clipped piece of a secret.
func (v veil) evidence(i client.Indicator) string {
	if x, ok := redact.Piece(i.Evidence, v.known); ok && i.Where != "" {
		return replaced(i.Evidence, []redact.Secret{x})
	}
	return v.over(i.Evidence)
}

func replaced(s string, secrets []redact.Secret) string {
	var b strings.Builder
	at := 0
	for _, x := range secrets {
		b.WriteString(s[at:x.Start] + "[" + x.Says(s) + "]")
		at = x.End
	}
	return b.String() + s[at:]
}
