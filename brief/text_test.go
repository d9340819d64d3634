package brief_test

import (
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/understand/mcptool"
	"github.com/countersignhq/countersign/understand/sql"
)

// query is a request with a text of SQL, understood as a gate would.
func query(t *testing.T, text string) brief.Brief {
	r := request(t, "tools/call", `{"name":"run_query","arguments":{"query":"`+text+`"}}`)
	resource := r.Resource
	resource.Tools = map[string]countersign.Tool{"run_query": {Understand: countersign.LanguageSQL, Argument: "query"}}
	resource.Tables = map[string]countersign.Table{"public.users": {Classes: []string{"pii"}}}
	read := mcptool.Languages{SQL: func(in []byte) ([]byte, error) { return sql.Parse(in), nil }}
	r.Facts = mcptool.Understand(r.Command.(countersign.MCPRequest), resource, nil, read)
	return brief.Build(r, nil)
}

func TestWhatATextWouldDoStandsBesideTheText(t *testing.T) {
	const text = "WITH d AS (DELETE FROM users RETURNING *) SELECT * FROM d"
	b := query(t, text)
	if got := b.Sentence.String(); !strings.Contains(got, "would delete, read and write with run_query") {
		t.Errorf("the sentence is %q", got)
	}
	line := b.Command.Lines[0]
	if got := line.Value.String(); got != `"`+text+`"` {
		t.Errorf("the text is shown as %s", got)
	}
	if len(line.Notes) != 1 || line.Notes[0].ID != "sql.no-where" || !strings.Contains(line.Notes[0].Says.String(), "changes every row") {
		t.Errorf("the notes under it are %+v", line.Notes)
	}
	if len(b.Touches.Objects) != 1 || b.Touches.Objects[0].Name.String() != "users" || b.Touches.Objects[0].Verb != "sql.delete" || b.Touches.Objects[0].Classes != "pii" {
		t.Errorf("it touches %+v", b.Touches)
	}
}

func TestATextThatCannotBeUnderstoodIsShownAndSaidSo(t *testing.T) {
	b := query(t, "SELEC * FROM users")
	if got := b.Command.Lines[0].Value.String(); got != `"SELEC * FROM users"` {
		t.Errorf("the text is shown as %s", got)
	}
	if got := b.Sentence.String(); !strings.Contains(got, "call run_query") || !strings.Contains(got, "whose effect is unknown") {
		t.Errorf("the sentence is %q", got)
	}
	if notes := b.Command.Lines[0].Notes; len(notes) != 1 || !strings.Contains(notes[0].Says.String(), "cannot be parsed, so nobody can say what it does") {
		t.Errorf("the notes under it are %+v", notes)
	}
	if got := b.Touches.Unknown.String(); !strings.Contains(got, "is unknown") {
		t.Errorf("what it would touch: %q", got)
	}
}
