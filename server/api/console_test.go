package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/server/view"
)

// An inboxed is what GET /v1/inbox answers.
type inboxed struct {
	view.Inbox
	After string `json:"after"`
}

// A rowPage is what GET /v1/history answers.
type rowPage struct{ Rows []view.Row }

// A paged is what the brief's address answers besides the brief.
type paged struct {
	ViewDigest string           `json:"view_digest"`
	Version    uint64           `json:"version"`
	You        *view.You        `json:"you"`
	Events     []map[string]any `json:"events"`
	Like       []view.Row       `json:"like"`
}

func ids(rows []view.Row) []string {
	list := []string{}
	for _, r := range rows {
		list = append(list, string(r.ID))
	}
	return list
}

func (w *world) inbox(as string) inboxed {
	w.t.Helper()
	got := w.send(call{as: as, method: "GET", path: "/v1/inbox"})
	got.wants(w.t, http.StatusOK, "")
	return decode[inboxed](w.t, got)
}

func TestAnInboxSaysWhatIsMineAndWhatWaitsForOthers(t *testing.T) {
	w := newWorld(t)
	first, second := w.held(), w.held()
	w.allowed()
	in := w.inbox(bob)
	if got := ids(in.Mine); !slices.Equal(got, []string{first.ID, second.ID}) || len(in.Waiting)+len(in.Others) != 0 {
		t.Errorf("bob's inbox is %v, %v, %v; want both requests his, the oldest first", got, ids(in.Waiting), ids(in.Others))
	}
	if row := in.Mine[0]; row.Agent != bot || row.Rule == "" || len(row.Stages) != 1 || len(row.Sentence) == 0 || row.Decision != countersign.DecisionPending {
		t.Errorf("the row is %+v; want agent, rule, one stage, a sentence, pending", row)
	}
	in = w.inbox(alice)
	if got := ids(in.Others); !slices.Equal(got, []string{first.ID, second.ID}) || in.Others[0].Note != "you own the agent, so another person decides" {
		t.Errorf("alice's inbox has %v of others, and the note %q; want both, with the reason", got, in.Others[0].Note)
	}
	if in = w.inbox(dave); len(in.Mine)+len(in.Waiting)+len(in.Others) != 0 {
		t.Errorf("dave sees %v; want nothing", in.Inbox)
	}
}

func TestABriefSaysWhatEachMayDo(t *testing.T) {
	w := newWorld(t)
	r := w.held()
	look := func(as string) paged {
		t.Helper()
		got := w.send(call{as: as, method: "GET", path: "/v1/requests/" + r.ID + "/brief"})
		got.wants(t, http.StatusOK, "")
		return decode[paged](t, got)
	}
	p := look(bob)
	if p.You == nil || !slices.Equal(p.You.May, []string{"approve", "reject", "escalate"}) || p.You.WhyNot != nil {
		t.Errorf("bob may %+v; want approve, reject, escalate", p.You)
	}
	if p.Version != r.Version || p.ViewDigest != r.ViewDigest || len(p.Events) != 2 || p.Events[0]["kind"] != "requested" || p.Events[1]["kind"] != "held" {
		t.Errorf("the page is %+v; want version %d, the view digest, requested and held", p, r.Version)
	}
	if p = look(alice); len(p.You.May) != 0 || p.You.WhyNot == nil || p.You.WhyNot.Code != countersign.CodeSelfApproval {
		t.Errorf("alice may %+v; want nothing, self_approval", p.You)
	}
	if p = look(bot); p.You != nil {
		t.Errorf("the agent may %+v; want no say at all", p.You)
	}
	w.decide(bob, r, "reject").wants(t, http.StatusCreated, "")
	if p = look(bob); len(p.You.May) != 0 || p.You.WhyNot.Code != countersign.CodeAlreadySettled {
		t.Errorf("bob may %+v of what he rejected; want nothing, already_settled", p.You)
	}
}

func TestTheHistoryIsSearchedByWhoAndWhatAndHowItEnded(t *testing.T) {
	w := newWorld(t)
	pending, ran, rejected := w.held(), w.allowed(), w.held()
	w.decide(bob, rejected, "reject").wants(t, http.StatusCreated, "")
	for query, want := range map[string][]string{
		"":                            {rejected.ID, ran.ID},
		"?person=BOB":                 {rejected.ID},
		"?person=" + w.ids[carol]:     {},
		"?agent=deploy":               {rejected.ID, ran.ID},
		"?agent=other":                {},
		"?resource=files":             {rejected.ID, ran.ID},
		"?rule=known-read":            {ran.ID},
		"?indicator=no.such":          {},
		"?digest=" + ran.Digest:       {ran.ID},
		"?decision=rejected":          {rejected.ID},
		"?decision=pending":           {pending.ID},
		"?execution=succeeded":        {ran.ID},
		"?until=2001-01-01T00:00:00Z": {},
	} {
		got := w.send(call{as: admin, method: "GET", path: "/v1/history" + query})
		got.wants(t, http.StatusOK, "")
		if rows := ids(decode[rowPage](t, got).Rows); !slices.Equal(rows, want) {
			t.Errorf("history%s is %v, want %v", query, rows, want)
		}
	}
	w.send(call{as: bob, method: "GET", path: "/v1/history?until=yesterday"}).wants(t, 400, countersign.CodeBadRequest)
	got := w.send(call{as: bob, method: "GET", path: "/v1/history"})
	if rows := ids(decode[rowPage](t, got).Rows); !slices.Equal(rows, []string{rejected.ID}) {
		t.Errorf("bob's history is %v, want what he decided alone", rows)
	}
}

func TestMeSaysWhoIsSignedInAndWhatIsToDo(t *testing.T) {
	w := newWorld(t)
	me := decode[client.Me](t, w.send(call{as: bob, method: "GET", path: "/v1/me"}))
	if me.Person.ID != w.ids[bob] || !slices.Contains(me.Person.Groups, "platform") || me.Session.Assurance != "session" || !me.Session.Solo {
		t.Errorf("me is %+v; want bob of platform, in a solo session", me)
	}
	done := map[string]bool{}
	for _, task := range me.Checklist {
		done[task.ID] = task.Done
	}
	if want := map[string]bool{"passkey": false, "second": false, "resource": true, "agent": true, "request": false}; !equalJSON(t, done, want) {
		t.Errorf("the checklist is %v, want %v", done, want)
	}
}

func equalJSON(t *testing.T, a, b any) bool {
	t.Helper()
	one, err := json.Marshal(a)
	must(t, err)
	two, err := json.Marshal(b)
	must(t, err)
	return string(one) == string(two)
}

func TestThePolicyIsReadAsRules(t *testing.T) {
	w := newWorld(t)
	p := decode[client.Policy](t, w.send(call{as: bob, method: "GET", path: "/v1/policy"}))
	i := slices.IndexFunc(p.Rules, func(r client.RuleOutline) bool { return r.ID == "known-read" })
	if i < 0 || p.Rules[i].Match != "verbs mcp.read, sql.read" || p.Rules[i].Effect != "allow" || p.ChangedBy != "operator (local)" || len(p.Files) != 1 {
		t.Errorf("the policy is %+v; want known-read with its match, one file, changed by the operator", p)
	}
	res := decode[client.Resources](t, w.send(call{as: bob, method: "GET", path: "/v1/resources"}))
	if !slices.Contains(res.Resources[0].GuardedBy, "known-read") {
		t.Errorf("mcp/files is guarded by %v, want known-read among them", res.Resources[0].GuardedBy)
	}
}
