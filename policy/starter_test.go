package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
)

func starterPolicy(t testing.TB) *Policy {
	t.Helper()
	p, err := Load(map[string][]byte{StarterFile: Starter()}, Catalogue{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func call(verb string, changes ...func(*Input)) Input {
	in := Input{
		Facts: countersign.Facts{Verbs: []string{verb}, Classes: []string{"internal"}, Certainty: countersign.Known},
		Resource: countersign.Resource{
			Name: "mcp/files", DataClasses: []string{"internal"}, Regions: []string{"eu-west-1"}, Owners: []string{"platform"},
		},
		Requester: agent(), Now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC),
	}
	for _, change := range changes {
		change(&in)
	}
	return in
}

func TestTheStarterIsSafeAndUseful(t *testing.T) {
	exports := func(region string) func(*Input) {
		return func(in *Input) {
			in.Facts.Exports, in.Facts.Classes = true, []string{"pii"}
			in.Facts.Sink = &countersign.Destination{Address: "s3://there", Region: region, Certainty: countersign.Known}
			if region == "" {
				in.Facts.Sink.Certainty = countersign.Unknown
			}
		}
	}
	class := func(class string) func(*Input) { return func(in *Input) { in.Facts.Classes = []string{class} } }
	unknown := func(in *Input) { in.Facts.Certainty = countersign.Unknown }
	known := countersign.Known
	for _, c := range []struct {
		name, want string
		in         Input
	}{
		{"a listed read", "allow by known-read", call("mcp.read")},
		{"a listed read asked before", "allow by known-read", call("mcp.read", found("request.repeat", countersign.Info, known))},
		{"a large one", "allow by known-read", call("mcp.read", found("mcp.large", countersign.Low, known))},
		{"a read of a tool that says nothing of itself", "hold by default; 1 of platform session", call("mcp.read", found("mcp.tool-unannotated", countersign.Medium, known))},
		{"a read of personal data", "hold by default; 1 of platform chat", call("mcp.read", class("pii"))},
		{"a read where there is personal data", "hold by default; 1 of platform chat", call("mcp.read", func(in *Input) { in.Resource.DataClasses = []string{"pii"} })},
		{"a read that nobody labelled", "hold by default; 1 of platform chat", call("mcp.read", class("unlabelled"))},
		{"a read with hidden characters", "hold by default; 1 of platform passkey", call("mcp.read", found("text.hidden", countersign.High, known))},
		{"a bounded read of SQL", "allow by known-read", call("sql.read")},
		{"an unbounded one", "hold by default; 1 of platform session", call("sql.read", found("sql.unbounded-read", countersign.Medium, known))},
		{"one that also deletes", "hold by write; 1 of platform session", call("sql.read", func(in *Input) { in.Facts.Verbs = []string{"sql.delete", "sql.read", "sql.write"} })},
		{"one that runs unknown code", "hold by default; 1 of platform session", call("sql.read", func(in *Input) {
			in.Facts.Verbs, in.Facts.Certainty = []string{"sql.read", "sql.unknown"}, countersign.Possible
		}, found("sql.function-unknown", countersign.Medium, known))},
		{"a grant", "deny by agent-privilege", call("sql.control", found("sql.privilege", countersign.Critical, known))},
		{"a line of shell that reads", "hold by default; 1 of platform chat", call("shell.read")},
		{"a line of shell", "hold by write; 1 of platform session", call("shell.exec")},
		{"a read that may send data somewhere", "hold by default; 1 of platform session", call("mcp.read", found("data.sink-possible", countersign.Medium, countersign.Possible))},
		{"a listed write", "hold by write; 1 of platform session", call("mcp.write")},
		{"a listed read that also writes", "hold by write; 1 of platform session", call("mcp.write", func(in *Input) { in.Facts.Verbs = []string{"mcp.read", "mcp.write"} })},
		{"a destructive write", "hold by destructive-tool, write; 1 of platform session, reason", call("mcp.write", found("mcp.tool-destructive", countersign.Medium, known))},
		{"an unlisted tool", "hold by unknown-tool; 1 of platform session", call("mcp.unknown", unknown, found("mcp.tool-unlisted", countersign.Medium, known))},
		{"an unlisted tool where there is personal data", "hold by unknown-tool; 1 of platform session", call("mcp.unknown", unknown, class("pii"))},
		{"a changed tool", "hold by changed-tool; 1 of platform passkey, reason", call("mcp.read", found("mcp.tool-changed", countersign.High, known))},
		{"an export to a region it names", "hold by default; 1 of platform chat", call("mcp.read", exports("eu-west-1"))},
		{"an export to another", "deny by pii-leaves-region", call("mcp.read", exports("us-east-1"))},
		{"an export to a place nobody declared", "deny by pii-leaves-region", call("mcp.write", exports(""))},
	} {
		v := starterPolicy(t).Decide(t.Context(), c.in, nil)
		var by []string
		for _, r := range v.Leading() {
			by = append(by, r.ID)
		}
		got := string(v.Effect) + " by " + strings.Join(by, ", ")
		if len(by) == 0 {
			got += "default"
		}
		if r := v.Requirement; r != nil {
			got += "; " + show(&countersign.Requirement{Stages: r.Stages, Reason: r.Reason, Blocked: r.Blocked}, time.Time{})
			got = strings.ReplaceAll(got, ", expires 0s, run within 0s", "")
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestAVerdictIsToldInPlainLines(t *testing.T) {
	p := load(t, `- {id: read, why: Reads run., effect: allow, match: {verbs: [sql.write]}, when: ind_max() <= LOW}
- {id: write, why: Writes wait., effect: hold, require: {reviewers: [owners], reason: true, bounds: {rows: 100}}}
- {id: mass, why: Many rows., effect: hold, when: "ind('sql.no-where') || preview.rows > 1000", require: {reviewers: [dba], quorum: 2, preview: true}}
`)
	in := with(found("sql.unbounded-read", countersign.Medium, countersign.Known))
	in.Enforces = []string{"rows"}
	want := `held by mass, policy/test.yaml:7: Many rows.
  it counts because it is unknown: preview.rows > 1000; no preview: none is configured for db/crm
held by write, policy/test.yaml:6: Writes wait.
needs 2 of dba, assurance session
needs 1 of platform, assurance session
needs a reason
at most 100 rows
nobody can approve it: mass needs a preview: none is configured for db/crm
until 2026-11-22T09:30:00Z, then to be run within 10m0s
read, policy/test.yaml:5, which would allow, was false
`
	if got := Explain(decide(t, p, in)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := Explain(decide(t, load(t, ""), in)); !strings.HasPrefix(got, "held by default: no rule speaks for it\n") {
		t.Errorf("got\n%s\nwant that the default holds", got)
	}
	if got := Explain(decide(t, load(t, "- {id: a, effect: deny, why: No.}"), in)); got != "denied by a, policy/test.yaml:5: No.\n" {
		t.Errorf("got %q", got)
	}
}
