package wire

import (
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
	v := veil{}
	if doc, ok := redact.JSON([]byte(out.Command.Params)); ok {
		v.known = doc.Values()
		out.Command.Params, out.Command.Redacted = replaced(out.Command.Params, doc.Raw()), len(doc.Raw())
	} else {
		found := redact.Text(out.Command.Params)
		out.Command.Params, out.Command.Redacted = replaced(out.Command.Params, found), len(found)
	}
	out.Reason, out.Because = v.over(out.Reason), v.over(out.Because)
	for i := range out.Facts.Indicators {
		out.Facts.Indicators[i].Evidence = v.over(out.Facts.Indicators[i].Evidence)
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

// A veil redacts the texts around a command, of which it knows the secrets.
type veil struct{ known []redact.Value }

func (v veil) over(s string) string { return replaced(s, redact.Known(s, v.known)) }

func replaced(s string, secrets []redact.Secret) string {
	var b strings.Builder
	at := 0
	for _, x := range secrets {
		b.WriteString(s[at:x.Start] + "[" + x.Says(s) + "]")
		at = x.End
	}
	return b.String() + s[at:]
}
