package brief_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/brief/terminal"
)

// secrets are params with a secret in each place where one can stand. All hold
// the word hunter2.
var secrets = map[string]string{
	"argument":       `{"name":"login","arguments":{"user":"bob","password":"hunter2-x"}}`,
	"deep":           `{"name":"login","arguments":{"db":{"auth":{"client_secret":"hunter2-x"}}}}`,
	"beside":         `{"name":"login","arguments":{},"_meta":{"token":"hunter2-x"}}`,
	"list":           `{"name":"run","arguments":{"argv":["mysql","-phunter2-x","crm"]}}`,
	"long list":      `{"name":"run","arguments":{"argv":["app","--verbose","--region","eu-west-1","--password","hunter2-x","--output","json"]}}`,
	"shell":          `{"name":"run","arguments":{"command":"PGPASSWORD=hunter2-x psql -h db"}}`,
	"SQL":            `{"name":"query","arguments":{"sql":"ALTER ROLE app PASSWORD 'hunter2-x'"}}`,
	"address":        `{"name":"clone","arguments":{"url":"https://bob:hunter2-x@git.example/a.git"}}`,
	"address and to": `{"name":"clone","arguments":{"to":"/srv/a","url":"https://bob:hunter2-x@git.example/a.git"}}`,
	"script":         `{"name":"run","arguments":{"script":"set -e\nexport API_KEY=hunter2-x\ncurl x\n"}}`,
	"private key":    `{"name":"write","arguments":{"content":"a\n-----BEGIN PRIVATE KEY-----\nhunter2\nhunter2\n-----END PRIVATE KEY-----\nb\n"}}`,
	"escaped":        `{"name":"login","arguments":{"password":"\u0068unter2\"x\u200b"}}`,
	"hidden":         `{"name":"login","arguments":{"password":"` + "\u200bhunter2\u202e" + `"}}`,
	"two readings":   `{"name":"login","arguments":{"password":"hunter2-x","Password":"hunter2-y"}}`,
	"too large":      `{"name":"login","arguments":{"password":"hunter2-x","pad":"` + long(brief.MostShown) + `","token":"hunter2-z"}}`,
	"tool":           `{"name":"run --password hunter2-x","arguments":{}}`,
	"key":            `{"name":"run","arguments":{"https://u:hunter2-x@h/":1}}`,
}

// leaky is a request in which a secret of the arguments is said again wherever
// somebody can say something.
func leaky(t testing.TB, params string) countersign.Request {
	r := request(t, "tools/call", params)
	const again = "login with hunter2-x failed"
	r.Reason, r.Because = again, again
	r.Facts.Objects = []countersign.Object{{Name: "hunter2-x", Verb: "mcp.write"}}
	r.Facts.Indicators = []countersign.Indicator{
		{ID: "text.hidden", Severity: countersign.High, Evidence: "hunter2", Where: "arguments.password", Source: "bytes"},
		{ID: "mcp.large", Severity: countersign.Low, Evidence: again, Source: "bytes"},
	}
	r.Decisions = []countersign.Decision{{By: countersign.Principal{Name: "Bob"}, Choice: countersign.Reject, Reason: again}}
	r.Outcome = &countersign.Outcome{Execution: countersign.ExecutionFailed, Detail: "ALTER ROLE app PASSWORD 'hunter2-q'; " + again}
	return r
}

func TestT23NoSecretOfACommandIsInItsBrief(t *testing.T) {
	for what, params := range secrets {
		r := leaky(t, params)
		if strings.Contains("private key, escaped, hidden, two readings, SQL", what) {
			r = request(t, "tools/call", params) // other values than are said again
		}
		b := brief.Build(r, directory())
		asJSON, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		for where, text := range map[string]string{
			"the JSON": string(asJSON), "the row": brief.CommandLine(r).String(), "the summary": brief.Summary(r).String(),
			"the terminal": terminal.Plain(terminal.Lines(b, terminal.Screen{})), "a span": secretIn(reflect.ValueOf(b)),
		} {
			if strings.Contains(unwrap(text), "hunter2") {
				t.Errorf("%s: %s tells the secret: %s", what, where, text)
			}
		}
		if b.Approvable || b.Command.End.Redacted == 0 || b.Command.End.Shown {
			t.Errorf("%s: got approvable %v, %d redacted, shown %v; want it redacted and not approvable", what, b.Approvable, b.Command.End.Redacted, b.Command.End.Shown)
		}
	}
}

// secretIn is every text of a value, unexported ones too.
func secretIn(v reflect.Value) string {
	var all strings.Builder
	switch v.Kind() {
	case reflect.String:
		return v.String() + "\n"
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return secretIn(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			all.WriteString(secretIn(v.Index(i)))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			all.WriteString(secretIn(v.Field(i)))
		}
	}
	return all.String()
}

func TestARevealedBriefShowsEveryByteAndCanBeApproved(t *testing.T) {
	for what, params := range secrets {
		r := request(t, "tools/call", params)
		hidden, shown := brief.Build(r, directory()), brief.Reveal(r, directory())
		if hidden.Digest() == shown.Digest() {
			t.Errorf("%s: both views have the digest %v", what, shown.Digest())
		}
		if shown.Command.End.Redacted != 0 {
			t.Errorf("%s: got %d redacted in the revealed view, want none", what, shown.Command.End.Redacted)
		}
		if what == "two readings" || what == "too large" {
			continue
		}
		if !shown.Approvable || raw(shown.Command.AsSent) != params {
			t.Errorf("%s: got approvable %v, obstacles %v, as sent %q; want it approvable and %q", what, shown.Approvable, shown.Obstacles, raw(shown.Command.AsSent), params)
		}
	}
}

func TestWithoutSecretsThereIsOneView(t *testing.T) {
	for _, r := range []countersign.Request{refund(t), hostile(t), settled(t)} {
		if hidden, shown := brief.Build(r, directory()), brief.Reveal(r, directory()); !reflect.DeepEqual(hidden, shown) {
			t.Errorf("%s: the two views differ", r.ID)
		}
	}
}

func TestARedactionSaysWhatItHides(t *testing.T) {
	r := request(t, "tools/call", `{"name":"run","arguments":{"argv":["mysql","-phunter2","crm"],"password":"correct horse!","note":"`+"pw password=ab\u200bcd"+`"}}`)
	b := brief.Build(r, nil)
	var got []string
	for _, line := range b.Command.Lines {
		got = append(got, line.Path.String()+" "+line.Value.String())
	}
	want := []string{`argv ["mysql", "-p<password, 7 characters>", "crm"]`, `password "<password, 14 characters>"`,
		`note "pw password=<password, 5 characters, 1 of them hidden>"`}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := b.Command.End.Sentence(), "End of command. 120 bytes, 92 bytes of them shown, 3 secrets redacted, 1 hidden character."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := b.Obstacles[0].String(), "This view hides 3 secrets, so it cannot be approved; a reviewer may reveal it, with a reason, and approve what is then shown."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if part, says, ok := b.Missing(unwrap(terminal.Plain(terminal.Lines(b, terminal.Screen{})))); !ok {
		t.Errorf("the terminal does not show %q of %s", says, part)
	}
}

func TestWhatStandsForASecretIsNoSecret(t *testing.T) {
	for _, params := range []string{
		`{"name":"login","arguments":{"password":"${DB_PASSWORD}","token":null,"max_tokens":4096}}`,
		`{"name":"get","arguments":{"path":"/etc/passwd","sha":"826b6e1f0c4a9d3b7e5f2a1c8d6b4e9f0a3c5d7e"}}`,
	} {
		if b := brief.Build(request(t, "tools/call", params), nil); !b.Approvable || !b.Command.End.Shown {
			t.Errorf("%s: got approvable %v, obstacles %v", params, b.Approvable, b.Obstacles)
		}
	}
}

func TestASecretInAClaimAloneHindersNobody(t *testing.T) {
	r := refund(t)
	r.Reason = "the password is hunter2, as agreed"
	b := brief.Build(r, directory())
	if got, want := b.Claim.String(), "the password is <password, 7 characters>, as agreed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !b.Approvable {
		t.Errorf("got not approvable, obstacles %v; every byte of the command is shown", b.Obstacles)
	}
}
