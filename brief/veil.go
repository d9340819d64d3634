package brief

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/redact"
	"github.com/countersignhq/countersign/internal/unhide"
)

// A veil keeps secrets out of a view. Its zero value hides what can be told to
// be one by itself; that of a request also hides what its command makes one,
// wherever it is said again.
type veil struct {
	lifted bool
	// params are the secrets by their place in the bytes of the params.
	params []redact.Secret
	doc    redact.Document
	known  []redact.Value
}

func veilOf(c countersign.Command) veil {
	cmd, ok := c.(countersign.MCPRequest)
	if !ok {
		return veil{}
	}
	return veilOfParams(cmd.Params)
}

func veilOfParams(params []byte) veil {
	doc := redact.Params(params)
	return veil{params: doc.Raw(), doc: doc, known: doc.Values()}
}

// find finds the secrets of a text.
func (v veil) find(s string) []redact.Secret {
	if v.lifted {
		return nil
	}
	return redact.Known(s, v.known)
}

// key finds the secrets of a key of the params.
func (v veil) key(s string) []redact.Secret {
	if v.lifted {
		return nil
	}
	return redact.Text(s)
}

// asSent is text from outside with its newlines and tabs.
func (v veil) asSent(s string) Text { return spell(s, v.find(s), say) }

// inline is text from outside that stands in a line of ours: a newline or a tab
// in it is as hidden as any other control character.
func (v veil) inline(s string) Text { return spell(s, v.find(s), inLine) }

// word is text from outside as it stands if it can be taken for nothing else
// than one word, otherwise quoted.
func (v veil) word(s string) Text {
	if found := v.find(s); len(found) > 0 || !isWord(s, "_-./:@") {
		return quote(s, found)
	}
	return say(s)
}

// name is a name from outside, of a person, an agent or a group.
func (v veil) name(s string) Text { return short(s, longestName, v.find(s)) }

// evidence is what an indicator found. Where that is a piece of a secret, it is
// hidden as a whole.
func (v veil) evidence(i countersign.Indicator) Text {
	if i.Where != "" && !v.lifted {
		if x, ok := redact.Piece(i.Evidence, v.known); ok {
			return Text{redacted(i.Evidence, x.What, 0)}
		}
	}
	return v.inline(i.Evidence)
}

// redacted is the span that stands for a secret in which so many characters hide.
func redacted(s, what string, hidden int) Span {
	says := redact.Secret{Start: 0, End: len(s), What: what}.Says(s)
	if hidden > 0 {
		says += ", " + thousands(strconv.Itoa(hidden)) + " of them hidden"
	}
	return Span{Text: says, Role: Redacted, Label: says, Count: hidden, lines: strings.Count(s, "\n")}
}

// redactions counts the secrets that texts hide.
func redactions(texts ...Text) int {
	n := 0
	for _, t := range texts {
		for _, s := range t {
			if s.Role == Redacted {
				n++
			}
		}
	}
	return n
}

// spell gives text from outside with everything hidden in it labelled and its
// secrets redacted; each plain part goes through spelling.
func spell(s string, secrets []redact.Secret, spelling func(string) Text) Text {
	var t Text
	parts := unhide.Split(s)
	secrets = whole(s, secrets, parts)
	at, hidden := 0, 0
	for _, u := range parts {
		for end := at + len(u.Text); at < end; {
			for len(secrets) > 0 && secrets[0].End <= at {
				secrets, hidden = secrets[1:], 0
			}
			next, secret := end, len(secrets) > 0 && secrets[0].Start <= at
			switch {
			case secret:
				next = min(end, secrets[0].End)
				hidden += u.Count
				if x := secrets[0]; next == x.End {
					t = append(t, redacted(s[x.Start:x.End], x.What, hidden))
				}
			case len(secrets) > 0:
				next = min(end, secrets[0].Start)
				fallthrough
			default:
				t = append(t, shownPart(u, s[at:next], spelling)...)
			}
			at = next
		}
	}
	return t
}

func shownPart(u unhide.Span, text string, spelling func(string) Text) Text {
	if u.Kind == unhide.Plain {
		return spelling(text)
	}
	return Text{hiddenSpan(u)}
}

// whole widens secrets so that none begins or ends within what is hidden or
// within a character.
func whole(s string, secrets []redact.Secret, parts []unhide.Span) []redact.Secret {
	var out []redact.Secret
	first, begins := 0, 0 // the part that the last secret began in
	for _, x := range secrets {
		for first < len(parts) && begins+len(parts[first].Text) <= x.Start {
			begins += len(parts[first].Text)
			first++
		}
		at := begins
		for _, u := range parts[min(first, len(parts)):] {
			end := at + len(u.Text)
			if u.Kind != unhide.Plain && at < x.Start && x.Start < end {
				x.Start = at
			}
			if u.Kind != unhide.Plain && at < x.End && x.End < end {
				x.End = end
			}
			if at = end; at >= x.End {
				break
			}
		}
		for x.Start > 0 && !utf8.RuneStart(s[x.Start]) {
			x.Start--
		}
		for x.End < len(s) && !utf8.RuneStart(s[x.End]) {
			x.End++
		}
		if n := len(out); n > 0 && x.Start < out[n-1].End {
			out[n-1].End = max(out[n-1].End, x.End)
			continue
		}
		out = append(out, x)
	}
	return out
}

// within are the secrets of a part of a text, by their place in the part.
func within(secrets []redact.Secret, start, end int) []redact.Secret {
	var out []redact.Secret
	for _, x := range secrets {
		x.Start, x.End = max(x.Start, start)-start, min(x.End, end)-start
		if x.Start < x.End {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b redact.Secret) int { return cmp.Compare(a.Start, b.Start) })
	return out
}
