package redact_test

import (
	"strings"
	"testing"

	"github.com/countersignhq/countersign/internal/redact"
)

func TestSecretsOfADocumentAreFoundInItsBytes(t *testing.T) {
	for _, marked := range []string{
		`{"password":"⟦hunter2⟧","user":"bob"}`,
		`{"password": 12345, "token": 12345, "pin": 9}`,
		`{"db":{"apiKey":"⟦a\"b⟧"},"secret":null,"token":"${TOKEN}"}`,
		`{"passwords":["a1","b"],"password":["⟦a1⟧",["⟦b⟧"]]}`,
		`{"credentials":{"user":"⟦bob⟧","deep":{"x":"y"}}}`,
		`{"argv":["mysql","-p⟦hunter2⟧","crm"]}`,
		`{"argv":["app","--password","⟦hunter2⟧"],"env":{"PGPASSWORD":"⟦x1⟧"}}`,
		`{"argv":["sh","-c","PGPASSWORD=⟦hunter2⟧ psql"]}`,
		`{"env":[{"name":"DB_PASSWORD","value":"⟦hunter2⟧"},{"name":"HOST","value":"db"}]}`,
		`{"kind":"Secret","data":{"a":"⟦aGk=⟧"},"stringData":{"b":"⟦hi⟧"}}`,
		`{"headers":[["Authorization","Bearer ⟦abc⟧"],["Accept","*"]]}`,
		`{"headers":{"authorization":"Bearer ⟦abc⟧","cookie":"⟦a=b⟧"}}`,
		`{"query":"ALTER ROLE app PASSWORD '⟦hunter2⟧'"}`,
		`{"body":"{\"password\":\"⟦hunter2⟧\"}"}`,
		`{"note":"\u00e9\ud83d\ude00 password=⟦h\u0075nt\u00e9⟧ \u00e9"}`,
		`{"⟦ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0m~Lq17⟧":1}`,
		`{"url":"https://h.example/?next_page_token=abc&path=/srv/a","id":"826b6e1f0c4a9d3b7e5f2a1c8d6b4e9f0a3c5d7e"}`,
	} {
		marked = strings.ReplaceAll(marked, "~", "")
		if strings.Contains(marked, `"pin": 9`) {
			marked = strings.NewReplacer("12345, \"token\"", "⟦12345⟧, \"token\"", ": 9", ": ⟦9⟧").Replace(marked)
		}
		doc := strings.NewReplacer("⟦", "", "⟧", "").Replace(marked)
		found, ok := redact.JSON([]byte(doc))
		if !ok {
			t.Fatalf("%s is no document", doc)
		}
		if got := mark(doc, found.Raw()); got != marked {
			t.Errorf("got  %s\nwant %s", got, marked)
		}
	}
}

func mark(text string, found []redact.Secret) string {
	var b strings.Builder
	at := 0
	for _, x := range found {
		b.WriteString(text[at:x.Start] + "⟦" + text[x.Start:x.End] + "⟧")
		at = x.End
	}
	return b.String() + text[at:]
}

func TestASecretOfADocumentIsFoundByItsPath(t *testing.T) {
	found, _ := redact.JSON([]byte(`{"a.b":{"password":"h\u0075nter2"},"list":["x",{"token":"t1"}]}`))
	for path, want := range map[string]string{
		redact.Path(redact.Path("", "a.b"), "password"):                 "hunter2",
		redact.Path(redact.Path(redact.Path("", "list"), "1"), "token"): "t1",
		redact.Path(redact.Path(redact.Path("", "a"), "b"), "password"): "",
		redact.Path(redact.Path("", "list"), "0"):                       "",
	} {
		got := ""
		for _, x := range found.At(path) {
			got += want[x.Start:x.End]
		}
		if got != want {
			t.Errorf("at %x: got %q, want %q", path, got, want)
		}
	}
	if got := len(found.Values()); got != 2 {
		t.Errorf("got %d values, want 2", got)
	}
}

func TestAKnownValueIsFoundWhereNothingTellsOfIt(t *testing.T) {
	values := []redact.Value{{What: "password", Text: "hunter2"}, {What: "PIN", Text: "12"}}
	text := "login of bob with hunter2 failed 12 times"
	if got, want := mark(text, redact.Known(text, values)), "login of bob with ⟦hunter2⟧ failed 12 times"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestADocumentThatCanBeReadTwoWaysIsRefused(t *testing.T) {
	for _, doc := range []string{``, `{`, `{"a":1,"A":2}`, `{"a":1} x`} {
		if _, ok := redact.JSON([]byte(doc)); ok {
			t.Errorf("%q: got a document, want it refused", doc)
		}
	}
}
