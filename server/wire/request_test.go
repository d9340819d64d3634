package wire_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/server/wire"
)

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// settled is a request as the outside contract shows one.
func settled() (countersign.Request, *countersign.Directory) {
	digest := countersign.DigestOfCanonical([]byte("x"))
	d := countersign.NewDirectory()
	d.People["per_1"] = countersign.Person{ID: "per_1", Name: "alice"}
	return countersign.Request{
		ID: "req_000000000001", Version: 4, Digest: digest,
		State:     countersign.State{Decision: countersign.DecisionApproved, Execution: countersign.ExecutionSucceeded},
		Resource:  countersign.Resource{Name: "mcp/files", Environment: "prod", Regions: []string{"eu-west-1"}, DataClasses: []string{"internal"}},
		Command:   countersign.MCPRequest{Resource: "mcp/files", Method: "tools/call", Params: []byte(`{"name":"write_file","arguments":{"path":"/srv/a"}}`)},
		Requester: countersign.Principal{Kind: countersign.KindAgent, ID: "agt_1", Name: "deploy-bot", Owner: "per_1"},
		Reason:    "release", Origin: countersign.Origin{Door: "mcp", Peer: "127.0.0.1:51234", Client: "claude-code/2.1"},
		Facts: countersign.Facts{
			Verbs: []string{"mcp.write"}, Certainty: countersign.Known,
			Indicators: []countersign.Indicator{{ID: "mcp.tool-unannotated", Severity: countersign.Medium, Evidence: "write_file", Source: "catalogue", Certainty: countersign.Known}},
		},
		Verdict: countersign.Verdict{
			Effect: countersign.Hold, Policy: digest,
			Rules: []countersign.RuleTrace{{ID: "prod-write", Value: countersign.RuleTrue, Effect: countersign.Hold, Counts: true, Why: "it changes production"}},
			Requirement: &countersign.Requirement{
				Stages: []countersign.Stage{{Reviewers: []string{"platform"}, Quorum: 1, Assurance: countersign.Session}}, ExpiresAt: at.Add(time.Hour),
			},
		},
		Decisions: []countersign.Decision{{
			By:     countersign.Principal{Kind: countersign.KindPerson, ID: "per_2", Name: "bob", Issuer: "https://idp.example", Subject: "00u1"},
			Choice: countersign.Approve, Digest: digest, Assurance: countersign.Passkey, Channel: "console", At: at.Add(time.Minute),
		}},
		Outcome:   &countersign.Outcome{Execution: countersign.ExecutionSucceeded, ResultDigest: digest, Bytes: "412", StartedAt: at, FinishedAt: at},
		CreatedAt: at, UpdatedAt: at,
	}, d
}

func TestARequestHasTheShapeOfTheContract(t *testing.T) {
	r, d := settled()
	b, err := json.Marshal(wire.Request(r, d))
	if err != nil {
		t.Fatal(err)
	}
	digest := r.Digest.String()
	want := strings.NewReplacer("DIGEST", digest, "VIEW", brief.Build(r, d).Digest().String(), "\n", "").Replace(`{
"id":"req_000000000001","version":4,"digest":"DIGEST","view_digest":"VIEW",
"resource":{"name":"mcp/files","environment":"prod","regions":["eu-west-1"],"data_classes":["internal"]},
"command":{"kind":"mcp.request","method":"tools/call","params":"{\"name\":\"write_file\",\"arguments\":{\"path\":\"/srv/a\"}}","resource":"mcp/files"},
"requester":{"kind":"agent","id":"agt_1","name":"deploy-bot","owner":"alice","owner_id":"per_1"},"on_behalf_of":[],"reason":"release",
"origin":{"door":"mcp","peer":"127.0.0.1:51234","client":"claude-code/2.1 (claimed)"},
"facts":{"verbs":["mcp.write"],"certainty":"known","severity":"medium",
"indicators":[{"id":"mcp.tool-unannotated","severity":"medium","evidence":"write_file","source":"catalogue","certainty":"known"}]},
"verdict":{"effect":"hold","rules":[{"id":"prod-write","value":"true","why":"it changes production","effect":"hold","counts":true}],
"requirement":{"stages":[{"reviewers":["platform"],"quorum":1,"assurance":"session"}],"expires_at":"2026-03-01T13:00:00Z"},"policy":"DIGEST"},
"decision":"approved",
"decisions":[{"by":{"kind":"person","id":"per_2","name":"bob"},"choice":"approve","assurance":"passkey","channel":"console","reason":"","at":"2026-03-01T12:01:00Z"}],
"execution":"succeeded",
"outcome":{"execution":"succeeded","result_digest":"DIGEST","bytes":"412","started_at":"2026-03-01T12:00:00Z","finished_at":"2026-03-01T12:00:00Z"},
"created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z","expires_at":"2026-03-01T13:00:00Z"}`)
	if string(b) != want {
		t.Errorf("got\n%s\nwant\n%s", b, want)
	}
}

func TestAPieceOfASecretIsHiddenInTheEvidence(t *testing.T) {
	for _, params := range []string{`{"name":"login","arguments":{"password":"hunter2-hunter2"}}`, `login --password hunter2-hunter2`} {
		r := countersign.Request{Command: countersign.MCPRequest{Method: "tools/call", Params: []byte(params)}}
		r.Facts.Indicators = []countersign.Indicator{
			{ID: "text.hidden", Evidence: "hunter2-hu…", Where: "arguments.password"},
			{ID: "mcp.large", Evidence: "login hunter2-hunter2"},
			{ID: "mcp.tool-unpinned", Evidence: "login", Where: "name"},
		}
		got := wire.RequestFor(r, countersign.NewDirectory(), countersign.Operator()).Facts.Indicators
		for i, want := range []string{"[password, 11 characters]", "login [password, 15 characters]", "login"} {
			if got[i].Evidence != want {
				t.Errorf("the evidence of %s is %q, want %q", got[i].ID, got[i].Evidence, want)
			}
		}
	}
}

func TestTheCommandsDigestCanBeComputedFromWhatIsShown(t *testing.T) {
	c := countersign.MCPRequest{
		Resource: "mcp/files", Target: countersign.DigestOfCanonical([]byte("t")), Method: "tools/call",
		Params: []byte(`{ "name" : "é\u00e9" }`), Tool: countersign.DigestOfCanonical([]byte("d")),
	}
	want, err := countersign.DigestOf(c)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := json.Marshal(wire.Request(countersign.Request{Command: c}, nil).Command)
	if err != nil {
		t.Fatal(err)
	}
	read, err := countersign.DecodeCommand(shown)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := countersign.DigestOf(read); err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestATokenShowsNeitherItsTextNorItsHash(t *testing.T) {
	hash := countersign.DigestOfCanonical([]byte("secret"))
	d := countersign.NewDirectory()
	d.Agents["agt_1"] = countersign.Agent{ID: "agt_1", Name: "bot", Owner: "team", Tokens: []countersign.Token{{ID: "tok_1", Hash: hash, Expires: at}}}
	b, err := json.Marshal(wire.Agents(d))
	if err != nil {
		t.Fatal(err)
	}
	if s := string(b); strings.Contains(s, hash.String()) || !strings.Contains(s, `"id":"tok_1"`) || !strings.Contains(s, `"owner":"team"`) {
		t.Errorf("got %s", s)
	}
}
