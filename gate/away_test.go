package gate_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
)

const day = 24 * time.Hour

// away has the operator say that the person is away for two days, from now on.
func (w *world) away(person, standIn string) {
	w.t.Helper()
	a := countersign.Away{Until: w.clock.Now().Add(2 * day)}
	if standIn != "" {
		a.StandIn = "per_" + standIn
	}
	must(w.t, w.gate.SetAway(w.t.Context(), operator(), "per_"+person, a, "holiday"))
	w.clock.Advance(time.Second)
}

func (w *world) back(person string) {
	w.t.Helper()
	must(w.t, w.gate.EndAway(w.t.Context(), operator(), "per_"+person))
}

func TestAStandInDecidesInTheSeatOfWhoIsAway(t *testing.T) {
	w := newWorld(t)
	earlier := w.held("write_file", `{"path":"earlier"}`)
	w.clock.Advance(time.Second)
	w.away("bob", "dave")
	r := w.held("write_file", `{"path":"a"}`)

	err := w.decide("bob", countersign.Approve, r.ID)
	w.refused(err, countersign.CodeNotAReviewer)
	if err == nil || !strings.Contains(err.Error(), "bob is away until 2026-11-24 09:00 UTC") {
		t.Errorf("bob is told %v", err)
	}
	w.refused(w.decide("dave", countersign.Approve, earlier.ID), countersign.CodeNotAReviewer)
	w.refused(w.decide("erin", countersign.Approve, r.ID), countersign.CodeNotAReviewer)
	w.approve("dave", r.ID)
	w.run(r.ID)
	w.ran(r.ID, 1)

	w.back("bob")
	again := w.held("write_file", `{"path":"b"}`)
	w.refused(w.decide("dave", countersign.Approve, again.ID), countersign.CodeNotAReviewer)
	w.approve("bob", again.ID)
	w.holds()
}

func TestAnAbsenceBeginsAndEndsByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := timely(t, strings.ReplaceAll(testPolicy, "expires: 30m", "expires: 24h"))
		now := time.Now()
		must(t, w.gate.SetAway(t.Context(), operator(), "per_bob", countersign.Away{StandIn: "per_dave", From: now.Add(time.Hour), Until: now.Add(2 * time.Hour)}, ""))
		time.Sleep(time.Second)
		first, second, third := w.held("write_file", `{"n":1}`), w.held("write_file", `{"n":2}`), w.held("write_file", `{"n":3}`)
		w.refused(w.decide("dave", countersign.Approve, first.ID), countersign.CodeNotAReviewer)
		w.approve("bob", first.ID)
		time.Sleep(time.Hour - 2*time.Second)
		w.refused(w.decide("dave", countersign.Approve, second.ID), countersign.CodeNotAReviewer)
		time.Sleep(time.Second)
		w.refused(w.decide("bob", countersign.Approve, second.ID), countersign.CodeNotAReviewer)
		w.approve("dave", second.ID)
		time.Sleep(time.Hour)
		w.refused(w.decide("dave", countersign.Approve, third.ID), countersign.CodeNotAReviewer)
		w.approve("bob", third.ID)
		w.holds()
	})
}

func TestADelegationGoesOneHopAndNeverBackToWhoAsks(t *testing.T) {
	t.Run("a stand-in who is away", func(t *testing.T) {
		w := newWorld(t)
		w.away("bob", "dave")
		w.away("dave", "erin")
		r := w.held("write_file", `{}`)
		for _, person := range []string{"bob", "dave", "erin"} {
			w.refused(w.decide(person, countersign.Approve, r.ID), countersign.CodeNotAReviewer)
		}
		w.holds()
	})
	t.Run("to the owner of the agent", func(t *testing.T) {
		w := newWorld(t)
		w.away("bob", "alice")
		r := w.held("write_file", `{}`)
		w.refused(w.decide("alice", countersign.Approve, r.ID), countersign.CodeSelfApproval)
		w.holds()
	})
	t.Run("to the person on whose behalf it is asked", func(t *testing.T) {
		w := newWorld(t)
		w.away("bob", "dave")
		ask := w.ask("write_file", `{}`)
		ask.OnBehalfOf = []countersign.Principal{{Kind: countersign.KindPerson, ID: "x", Issuer: "local", Subject: "dave"}}
		r := w.submit(ask).(gate.Pending).Request
		w.refused(w.decide("dave", countersign.Approve, r.ID), countersign.CodeSelfApproval)
		w.holds()
	})
	t.Run("from the owner to anybody", func(t *testing.T) {
		w := newWorld(t)
		w.away("alice", "dave")
		r := w.held("write_file", `{}`)
		w.refused(w.decide("dave", countersign.Approve, r.ID), countersign.CodeNotAReviewer)
		w.approve("bob", r.ID) // whose own seat it is
		w.holds()
	})
	t.Run("round in a ring", func(t *testing.T) {
		w := newWorld(t)
		w.away("bob", "carol")
		w.away("carol", "bob")
		r := w.held("write_file", `{}`)
		if got := r.Verdict.Requirement.Blocked; len(got) != 1 || !strings.Contains(got[0], "nobody there can decide it") {
			t.Errorf("with everybody away or barred it is blocked by %q", got)
		}
		w.refused(w.decide("bob", countersign.Approve, r.ID), countersign.CodeNotAReviewer)
		w.refused(w.decide("carol", countersign.Approve, r.ID), countersign.CodeNotAReviewer)
		w.holds()
	})
}

func TestWhoSitsInTwoSeatsCountsOnce(t *testing.T) {
	w := newWorld(t)
	w.away("bob", "carol")
	r := w.held("grant", `{}`) // two of platform and dba
	w.approve("carol", r.ID)
	w.refused(w.decide("carol", countersign.Approve, r.ID), countersign.CodeAlreadyDecided)
	if got := w.state(r.ID).Decision; got != countersign.DecisionPending {
		t.Errorf("with one person in two seats it is %s, want pending", got)
	}
	w.approve("erin", r.ID)
	w.run(r.ID)
	w.ran(r.ID, 1)
	w.holds()
}

func TestAnApprovalInAnothersSeatCountsWhileTheyAreAway(t *testing.T) {
	for name, end := range map[string]func(*world){
		"taken back":             func(w *world) { w.back("bob") },
		"over by the clock":      func(w *world) { w.clock.Advance(5 * time.Minute) },
		"given to somebody else": func(w *world) { w.away("bob", "erin") },
		"of a stand-in who left": func(w *world) { w.away("dave", "") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			must(t, w.gate.SetAway(t.Context(), operator(), "per_bob", countersign.Away{StandIn: "per_dave", Until: w.clock.Now().Add(5 * time.Minute)}, ""))
			w.clock.Advance(time.Second)
			r := w.held("write_file", `{}`)
			w.approve("dave", r.ID)
			end(w)
			w.run(r.ID)
			w.ran(r.ID, 0)
			if got := w.state(r.ID).Decision; got != countersign.DecisionPending {
				t.Errorf("an approval that stood on a delegation %s leaves it %s, want pending", name, got)
			}
			w.approve("carol", r.ID)
			w.run(r.ID)
			w.ran(r.ID, 1)
			w.holds()
		})
	}
}

func TestAnApprovalDoesNotCountWhenTheAbsenceTurnsBeforeItIsOnRecord(t *testing.T) {
	for name, c := range map[string]struct {
		away   countersign.Away
		person string
	}{
		"the stand-in's, when it ends":       {countersign.Away{StandIn: "per_dave", Until: time.Date(2026, 11, 22, 9, 10, 0, 0, time.UTC)}, "dave"},
		"of who goes away, when it begins":   {countersign.Away{From: time.Date(2026, 11, 22, 9, 10, 0, 0, time.UTC), Until: time.Date(2026, 11, 23, 9, 10, 0, 0, time.UTC)}, "bob"},
		"the same where the clock goes back": {countersign.Away{StandIn: "per_dave", Until: time.Date(2026, 11, 22, 9, 10, 0, 0, time.UTC)}, "dave"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			must(t, w.gate.SetAway(t.Context(), operator(), "per_bob", c.away, ""))
			w.clock.Advance(time.Second)
			r := w.held("write_file", `{}`)
			d := w.says(c.person, countersign.Approve, r.ID)
			w.store.Faults().BeforeCommit(func() {
				w.clock.Advance(10 * time.Minute)
				if strings.Contains(name, "back") {
					w.group("later", "erin") // the record's clock has seen the time
					w.clock.Advance(-5 * time.Minute)
				}
			})
			_, err := w.gate.Decide(t.Context(), d)
			w.refused(err, countersign.CodeNotAReviewer)
			w.holds()
		})
	}
}

func TestAReleaseIsDecidedAgainWhenAnAbsenceTurnsBeforeItIsOnRecord(t *testing.T) {
	w := newWorld(t)
	must(t, w.gate.SetAway(t.Context(), operator(), "per_bob", countersign.Away{StandIn: "per_dave", Until: w.clock.Now().Add(5 * time.Minute)}, ""))
	w.clock.Advance(time.Second)
	r := w.held("write_file", `{}`)
	w.approve("dave", r.ID)
	w.store.Faults().BeforeCommit(func() { w.clock.Advance(5 * time.Minute) })
	if _, err := w.gate.Wait(ended(), w.bot.Principal(), r.ID, io.Discard); err != nil {
		t.Fatal(err)
	}
	w.ran(r.ID, 0)
	if got := w.state(r.ID).Decision; got != countersign.DecisionPending {
		t.Errorf("it is %s, want pending again", got)
	}
	w.holds()
}

func TestNamingAStandInTakesTwoAndComingBackTakesNobody(t *testing.T) {
	h := newWorld(t).enrol("bob", "carol", "erin")
	two := countersign.Away{StandIn: "per_dave", Until: h.clock.Now().Add(2 * day)}
	r := h.through(h.gate.SetAway(t.Context(), h.person("bob"), "per_bob", two, "holiday"), "carol", "erin")
	away := h.directory().People["per_bob"].Away
	if away == nil || away.StandIn != "per_dave" || away.Since.IsZero() {
		t.Fatalf("after %s bob's absence is %+v, which is %s and %s", r.ID, away, r.Decision, r.Execution)
	}
	must(t, h.gate.SetAway(t.Context(), h.person("bob"), "per_bob", two, "holiday")) // it is so already
	h.waits(h.gate.SetAway(t.Context(), h.person("bob"), "per_bob", countersign.Away{StandIn: "per_dave", Until: h.clock.Now().Add(3 * day)}, "longer"))
	must(t, h.gate.SetAway(t.Context(), h.person("bob"), "per_bob", countersign.Away{Until: two.Until}, "nobody stands in"))
	must(t, h.gate.EndAway(t.Context(), h.person("bob"), "per_bob"))
	h.refused(h.gate.EndAway(t.Context(), h.person("bob"), "per_bob"), countersign.CodeConflict)
	h.refused(h.gate.EndAway(t.Context(), h.person("nobody"), "per_nobody"), countersign.CodeNotFound)
	if away := h.directory().People["per_bob"].Away; away != nil {
		t.Errorf("back again, bob's absence is %+v", away)
	}
	h.holds()
}

func TestAChangeOfThePersonDoesNotEndTheirAbsence(t *testing.T) {
	w := newWorld(t)
	w.away("bob", "dave")
	_, err := w.gate.SetPerson(t.Context(), operator(), countersign.Person{ID: "per_bob", Name: "Robert", Issuer: "local", Subject: "bob"})
	must(t, err)
	r := w.held("write_file", `{}`)
	w.approve("dave", r.ID)
	w.holds()
}

func TestAnAbsenceIsBounded(t *testing.T) {
	w := newWorld(t)
	now := w.clock.Now()
	for name, c := range map[string]struct {
		away countersign.Away
		by   countersign.Who
		want countersign.Code
	}{
		"over already":          {countersign.Away{Until: now}, operator(), countersign.CodeBadRequest},
		"longer than 30 days":   {countersign.Away{Until: now.Add(30*day + time.Second)}, operator(), countersign.CodeBadRequest},
		"ends before it":        {countersign.Away{From: now.Add(2 * day), Until: now.Add(day)}, operator(), countersign.CodeBadRequest},
		"next year":             {countersign.Away{From: now.Add(200 * day), Until: now.Add(201 * day)}, operator(), countersign.CodeBadRequest},
		"their own stand-in":    {countersign.Away{StandIn: "per_bob", Until: now.Add(day)}, operator(), countersign.CodeBadRequest},
		"nobody's":              {countersign.Away{StandIn: "per_zoe", Until: now.Add(day)}, operator(), countersign.CodeNotFound},
		"somebody who left":     {countersign.Away{StandIn: "per_erin", Until: now.Add(day)}, operator(), countersign.CodeNotFound},
		"said by another":       {countersign.Away{Until: now.Add(day)}, w.person("carol"), countersign.CodeForbidden},
		"said by an agent":      {countersign.Away{Until: now.Add(day)}, countersign.Who{Actor: w.bot.Principal()}, countersign.CodeForbidden},
		"without a passkey":     {countersign.Away{StandIn: "per_dave", Until: now.Add(day)}, w.person("bob"), countersign.CodeForbidden},
		"without one, nobody's": {countersign.Away{Until: now.Add(day)}, w.person("bob"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.gate.SetPerson(t.Context(), operator(), countersign.Person{ID: "per_erin", Name: "erin", Issuer: "local", Subject: "erin", Inactive: true})
			must(t, err)
			err = w.gate.SetAway(t.Context(), c.by, "per_bob", c.away, "")
			if got := codeOrOK(err); got != c.want && (c.want != "" || got != "ok") {
				t.Errorf("got %v (%s), want %q", err, got, c.want)
			}
			w.holds()
		})
	}
}

func TestAStandInSignsWithTheirOwnPasskey(t *testing.T) {
	h := newWorld(t).enrol("carol", "dave", "erin")
	r := h.through(h.gate.SetAway(t.Context(), operator(), "per_bob", countersign.Away{StandIn: "per_dave", Until: h.clock.Now().Add(day)}, ""), "carol", "erin")
	if r.Execution != countersign.ExecutionSucceeded {
		t.Fatalf("the change came to %s and %s", r.Decision, r.Execution)
	}
	h.clock.Advance(time.Second)
	asked := h.held("write_file", `{"path":"a"}`)
	must(t, h.signs("dave", countersign.Approve, asked.ID))
	h.run(asked.ID)
	h.ran(asked.ID, 1)
	h.holds()
}

func TestNothingBeginsLaterThanItIsOnRecord(t *testing.T) {
	for what, change := range map[string]func(w *world) error{
		"an absence": func(w *world) error {
			return w.gate.SetAway(t.Context(), operator(), "per_bob", countersign.Away{StandIn: "per_dave", Until: w.clock.Now().Add(time.Hour)}, "")
		},
		"a person": func(w *world) error {
			_, err := w.gate.SetPerson(t.Context(), operator(), countersign.Person{ID: "per_zoe", Name: "zoe", Issuer: "local", Subject: "zoe"})
			return err
		},
	} {
		w := newWorld(t)
		w.clock.Advance(time.Hour)
		w.store.Faults().BeforeCommit(func() { w.clock.Advance(-5 * time.Minute) })
		must(t, change(w))
		now := w.clock.Now()
		d, err := w.store.Snapshot(t.Context())
		must(t, err)
		for id, p := range d.People {
			if p.Since.After(now) || p.Away != nil && p.Away.Since.After(now) {
				t.Errorf("%s, at %s: %s is there since %s, away %+v", what, now, id, p.Since, p.Away)
			}
		}
		w.holds()
	}
}
