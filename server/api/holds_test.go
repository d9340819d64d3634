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

func sent(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	must(t, err)
	return string(b)
}

func TestAPersonHoldsEverythingOfAnAgentAtOnce(t *testing.T) {
	w := newWorld(t)
	hold := func(as string, in client.NewHold) answered {
		return w.send(call{as: as, method: "POST", path: "/v1/holds", body: sent(t, in)})
	}
	hold(dave, client.NewHold{Agent: "nobody"}).wants(t, http.StatusNotFound, countersign.CodeNotFound)
	hold(dave, client.NewHold{Agent: bot, All: true}).wants(t, http.StatusBadRequest, countersign.CodeBadRequest)
	got := hold(dave, client.NewHold{Agent: bot, Reason: "it runs wild"})
	got.wants(t, http.StatusCreated, "")
	one := decode[client.Hold](t, got)
	if one.Name != bot || one.Reason != "it runs wild" || one.By == "" || one.Since.IsZero() {
		t.Errorf("the hold is %+v; want whose, why, by whom and since when", one)
	}
	list := decode[client.Holds](t, w.send(call{as: bob, method: "GET", path: "/v1/holds"}))
	if !slices.Equal(list.Holds, []client.Hold{one}) {
		t.Errorf("the list is %+v, want %+v", list.Holds, one)
	}
	read := w.send(call{as: bot, method: "POST", path: "/v1/requests", body: asked("read_text_file", "/srv/x")})
	read.wants(t, http.StatusAccepted, "")
	if r := decode[client.Request](t, read); len(r.Verdict.Rules) == 0 || !slices.ContainsFunc(r.Verdict.Rules, func(l client.Rule) bool { return l.ID == countersign.HoldEverything && l.Counts }) {
		t.Errorf("a read is held by %+v, want by %s", r.Verdict.Rules, countersign.HoldEverything)
	}
	w.send(call{as: bob, method: "DELETE", path: "/v1/holds/" + bot}).wants(t, http.StatusForbidden, countersign.CodeAssuranceTooLow)
	w.send(call{as: admin, method: "DELETE", path: "/v1/holds/" + bot + "?reason=repaired"}).wants(t, http.StatusOK, "")
	w.allowed()
}

func TestSeveralOfOneGroupAreDecidedInOneCall(t *testing.T) {
	w := newWorld(t)
	first, second := w.held(), w.held()
	in := w.inbox(bob)
	if len(in.Groups) != 1 || len(in.Groups[0].Items) != 2 || in.Groups[0].Agent != bot || !in.Groups[0].Batch {
		t.Fatalf("the groups are %+v, want one of two that one call decides", in.Groups)
	}
	decide := func(choice string, items ...client.ChoiceItem) answered {
		return w.send(call{as: bob, method: "POST", path: "/v1/decisions", body: sent(t, client.Choices{Choice: choice, Reason: "seen", Items: items})})
	}
	item := func(r client.Request) client.ChoiceItem {
		return client.ChoiceItem{Request: r.ID, Digest: r.Digest, ViewDigest: r.ViewDigest, DwellMS: 1500}
	}
	decide("escalate", item(first)).wants(t, http.StatusBadRequest, countersign.CodeBadRequest)
	risky := w.send(call{as: bot, method: "POST", path: "/v1/requests", body: asked("write_file", "/srv/\u202Ea")}).request(t)
	decide("reject", item(first), item(risky)).wants(t, http.StatusForbidden, countersign.CodeAssuranceTooLow)
	for _, one := range decode[client.Decided](t, got(t, decide("reject", item(first), item(second)))).Items {
		if one.Decision != "rejected" || one.Problem != nil {
			t.Errorf("%s came to %+v, want it rejected", one.Request, one)
		}
	}
	late := decode[client.Decided](t, got(t, decide("approve", item(first)))).Items[0]
	if late.Problem == nil || late.Problem.Code != string(countersign.CodeAlreadySettled) {
		t.Errorf("what was decided came to %+v, want it refused by itself", late)
	}
}

// got fails unless the answer is 200.
func got(t *testing.T, a answered) answered {
	t.Helper()
	a.wants(t, http.StatusOK, "")
	return a
}

func TestAPersonSeesTheirOwnFiguresAndTheOperatorAll(t *testing.T) {
	w := newWorld(t)
	one, other := w.held(), w.held()
	b := sent(t, client.Choice{Choice: "approve", Digest: one.Digest, ViewDigest: one.ViewDigest, Reason: "read", DwellMS: 4000})
	w.send(call{as: bob, method: "POST", path: "/v1/requests/" + one.ID + "/decisions", body: b}).wants(t, http.StatusCreated, "")
	w.decide(carol, other, "reject").wants(t, http.StatusCreated, "")
	for _, c := range []struct {
		as   string
		want []string
	}{{bob, []string{bob}}, {carol, []string{carol}}, {dave, nil}, {admin, []string{bob, carol}}} {
		got := decode[view.Insight](t, w.send(call{as: c.as, method: "GET", path: "/v1/insight"}))
		if got.Everybody != (c.as == admin) || len(got.Days) != 31 {
			t.Errorf("%s is told of %d days, of everybody %v; want 31, and everybody for the operator alone", c.as, len(got.Days), got.Everybody)
		}
		held, chosen := 0, 0
		for _, d := range got.Days {
			held, chosen = held+d.Held, chosen+d.Approved+d.Rejected
		}
		if held != 2 || chosen != len(c.want) {
			t.Errorf("%s: the days hold %d, and %d choices; want 2, and %d", c.as, held, chosen, len(c.want))
		}
		var names []string
		for _, r := range got.Reviewers {
			names = append(names, r.Name)
			if r.Name == bob && (r.Approved != 1 || r.ApprovePercent != 100 || r.Dwelt != 1 || r.DwellMedianMS != 4000 || len(r.Rules) != 1) {
				t.Errorf("bob's figures are %+v", r)
			}
		}
		if !slices.Equal(names, c.want) {
			t.Errorf("%s sees the figures of %v, want %v", c.as, names, c.want)
		}
	}
	rows := decode[rowPage](t, w.send(call{as: bob, method: "GET", path: "/v1/history"})).Rows
	if len(rows) != 2 || rows[1].Pace == nil || rows[1].DwellMS != 4000 || rows[0].Pace == nil || rows[0].DwellMS != 0 {
		t.Errorf("the history is %+v; want the pace of both choices, and that one page showed the command for 4 s", rows)
	}
	steps := decode[paged](t, w.send(call{as: bob, method: "GET", path: "/v1/requests/" + one.ID + "/brief"})).Events
	if n := slices.IndexFunc(steps, func(s map[string]any) bool { return s["dwell_ms"] == 4000.0 && s["kind"] == "decided" }); n < 0 {
		t.Errorf("the steps are %v; want the dwell of the decision", steps)
	}
	w.send(call{as: bob, method: "GET", path: "/v1/insight?days=91"}).wants(t, http.StatusBadRequest, countersign.CodeBadRequest)
}
