package nearest

import "testing"

func TestTheNearestWordIsMeant(t *testing.T) {
	verbs := []string{"mcp.read", "mcp.write", "sql.read", "sql.write", "sql.ddl", "shell.exec"}
	for _, c := range []struct{ word, want string }{
		{"sql.raed", "sql.read"},    // swapped
		{"sql.red", "sql.read"},     // dropped
		{"mcp.wriite", "mcp.write"}, // added
		{"sql-read", "sql.read"},    // replaced
		{"sql.dd", "sql.ddl"},
		{"sql.xead", "sql.read"},
		{"kube", ""},
		{"", ""},
		{"x", ""},
		{"sql.read", ""}, // the word itself is no suggestion, and no other is near
	} {
		got, ok := To(c.word, verbs)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("To(%q) = %q, %v, want %q", c.word, got, ok, c.want)
		}
	}
}

func TestTheFirstOfTwoEquallyNearWordsWins(t *testing.T) {
	if got, _ := To("prob", []string{"prod", "prov"}); got != "prod" {
		t.Errorf("got %q, want prod", got)
	}
}
