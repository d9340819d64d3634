package brief

import (
	"strconv"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/redact"
	"github.com/countersignhq/countersign/internal/unhide"
)

// A Role says how a channel draws a span. A role it does not know is drawn as
// Plain, those of Boxed excepted: the text of a hidden span never reaches a screen.
type Role string

// The roles.
const (
	Plain    Role = ""
	Strong   Role = "strong"   // a fact of the sentence: bold
	Marked   Role = "marked"   // risky, with a severity
	Hidden   Role = "hidden"   // the label in a box, in place of the text
	Redacted Role = "redacted" // a secret: the label in a box, and nowhere the text
	Quiet    Role = "quiet"    // words of ours beside words of theirs
)

// A Span is a part of a text that is drawn one way. A channel that knows
// direction isolates each span (HTML: bdi), since right-to-left letters reorder
// what stands beside them.
type Span struct {
	// Text is what it stands for. In a hidden span it is what nobody could see,
	// with U+FFFD in place of bytes that are not UTF-8; in a redacted one it is
	// the label.
	Text string `json:"text"`
	Role Role   `json:"role,omitempty"`
	// Severity is that of a marked span, or of the mark around a hidden one.
	Severity countersign.Severity `json:"severity,omitzero"`
	// Label names what is hidden in printable ASCII: "U+202E", "412 spaces",
	// "password, 14 characters".
	Label string `json:"label,omitempty"`
	// Count is how many characters hide here.
	Count int `json:"count,omitempty"`

	lines int // how many line breaks a redacted span stands for
}

// Boxed reports whether the label is drawn in a box in place of the text.
func (s Span) Boxed() bool { return s.Role == Hidden || s.Role == Redacted }

// Shown is the span as text: itself, or the label in <brackets> of one that is
// drawn in a box.
func (s Span) Shown() string {
	if s.Boxed() {
		return "<" + s.Label + ">"
	}
	return s.Text
}

// A Text is a row of spans.
type Text []Span

// String is the text as a terminal may print it, without roles.
func (t Text) String() string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(s.Shown())
	}
	return b.String()
}

// hides counts the hidden characters of the text.
func (t Text) hides() int {
	n := 0
	for _, s := range t {
		n += s.Count
	}
	return n
}

// say is text of our own.
func say(s string) Text { return Text{{Text: s}} }

func quiet(s string) Text { return Text{{Text: s, Role: Quiet}} }

// strong gives the text with its plain spans bold.
func (t Text) strong() Text {
	out := make(Text, len(t))
	for i, s := range t {
		if s.Role == Plain {
			s.Role = Strong
		}
		out[i] = s
	}
	return out
}

func join(parts ...Text) Text {
	var t Text
	for _, p := range parts {
		t = append(t, p...)
	}
	return t
}

func hiddenSpan(u unhide.Span) Span {
	return Span{Text: strings.ToValidUTF8(u.Text, "\uFFFD"), Role: Hidden, Label: u.Label(), Count: u.Count}
}

// inline, word and name are those of a veil that knows of no request.
func inline(s string) Text { return veil{}.inline(s) }
func word(s string) Text   { return veil{}.word(s) }
func name(s string) Text   { return veil{}.name(s) }

// inLine spells a plain text in which no line may break.
func inLine(plain string) Text {
	var t Text
	for plain != "" {
		at := strings.IndexAny(plain, "\n\t")
		if at < 0 {
			return append(t, Span{Text: plain})
		}
		if at > 0 {
			t = append(t, Span{Text: plain[:at]})
		}
		t = append(t, Span{Text: plain[at : at+1], Role: Hidden, Count: 1,
			Label: unhide.Span{Text: plain[at : at+1], Kind: unhide.Control, Count: 1}.Label()})
		plain = plain[at+1:]
	}
	return t
}

// clean is inline for words that are drawn without roles: ids, labels, classes.
func clean(s string) string { return inline(s).String() }

func cleanAll(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = clean(s)
	}
	return out
}

// short is text from outside in at most the given number of characters. A longer
// one is cut, with its length said.
func short(s string, most int, secrets []redact.Secret) Text {
	head, n := cut(s, most)
	t := spell(head, within(secrets, 0, len(head)), inLine)
	if head == s {
		return t
	}
	return join(t, quiet("... ("+count(n, "character")+")"))
}

// cut gives the first characters of s, at most the given number, and how many
// it has in all.
func cut(s string, most int) (head string, n int) {
	end := len(s)
	for at := range s {
		if n == most {
			end = at
		}
		n++
	}
	return s[:end], n
}

const longestName = 120 // characters

// quote is text from outside between double quotes, with the quotes,
// backslashes, newlines and tabs in it escaped as in JSON, so that nothing in it
// passes for the end of it.
func quote(s string, secrets []redact.Secret) Text {
	t := spell(s, secrets, func(plain string) Text { return say(escapes.Replace(plain)) })
	return join(say(`"`), t, say(`"`))
}

// escapes is never written to.
var escapes = strings.NewReplacer(`"`, `\"`, `\`, `\\`, "\n", `\n`, "\t", `\t`)

// shortWord is word for a sentence: a long one is cut, with its length said.
func shortWord(s string) Text {
	head, n := cut(s, longestName)
	if head == s {
		return word(s)
	}
	return join(quote(head, within(veil{}.find(s), 0, len(head))), quiet("... ("+count(n, "character")+")"))
}

// isWord says whether s is made of ASCII letters, digits and the characters in
// also, at least one.
func isWord(s, also string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte(also, c) < 0 {
			return false
		}
	}
	return s != ""
}

// thousands puts separators into a decimal number; other text stays.
func thousands(s string) string {
	if !isWord(s, "") || strings.Trim(s, "0123456789") != "" {
		return clean(s)
	}
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// count is "1 line" or "3 lines".
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return thousands(strconv.Itoa(n)) + " " + what
}

// list is "a", "a and b" or "a, b and c".
func list(items []string, last string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	return strings.Join(items[:len(items)-1], ", ") + " " + last + " " + items[len(items)-1]
}
