package gate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/audit"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/internal/redact"
	"github.com/countersignhq/countersign/store"
)

const secretArgs = `{"path":"/a","password":"hunter2-x"}`

// reveal has the secrets of a request shown to a person.
func (w *world) reveal(person string, id countersign.RequestID, reason string) error {
	w.t.Helper()
	_, err := w.gate.Reveal(w.t.Context(), id, countersign.Principal{Kind: countersign.KindPerson, ID: "per_" + person},
		countersign.Origin{Door: "console"}, reason)
	return err
}

// revealed is the person's approval of the view with the secrets in it.
func (w *world) revealed(person string, id countersign.RequestID) gate.Decision {
	w.t.Helper()
	d := w.says(person, countersign.Approve, id)
	r, err := w.gate.Get(w.t.Context(), id)
	must(w.t, err)
	dir, err := w.gate.Directory(w.t.Context())
	must(w.t, err)
	d.View = brief.Reveal(r, dir).Digest()
	return d
}

func (w *world) decideSo(d gate.Decision) error {
	w.t.Helper()
	_, err := w.gate.Decide(w.t.Context(), d)
	return err
}

func TestT23NobodyApprovesAViewThatHidesASecret(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", secretArgs)
	w.refused(w.decide("bob", countersign.Approve, r.ID), countersign.CodeCannotApprove)
	w.refused(w.decideSo(w.revealed("bob", r.ID)), countersign.CodeCannotApprove) // knows it, and nobody knows that

	must(t, w.reveal("bob", r.ID, "the password must be the rotated one"))
	w.refused(w.decide("bob", countersign.Approve, r.ID), countersign.CodeCannotApprove) // what hides it counts for nobody
	w.refused(w.decideSo(w.revealed("carol", r.ID)), countersign.CodeCannotApprove)      // it was revealed to bob
	chat := w.revealed("bob", r.ID)
	chat.Assurance = countersign.Chat
	w.refused(w.decideSo(chat), countersign.CodeAssuranceTooLow)
	if got := w.state(r.ID).Decision; got != countersign.DecisionPending {
		t.Fatalf("got %s, want pending still", got)
	}
	must(t, w.decideSo(w.revealed("bob", r.ID)))
	w.run(r.ID)
	w.ran(r.ID, 1)
	if !bytes.Equal(w.upstream.bytes, r.Canonical) {
		t.Errorf("got %s upstream, want %s", w.upstream.bytes, r.Canonical)
	}
}

func TestT23ARevealIsRecordedAndChangesNothing(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", secretArgs)
	w.refused(w.reveal("bob", r.ID, " "), countersign.CodeReasonRequired)
	for _, nobody := range []string{"dave", "erin", "alice", "nobody"} { // no reviewers, and who owns the agent
		w.refused(w.reveal(nobody, r.ID, "curious"), countersign.CodeForbidden)
	}
	_, err := w.gate.Reveal(t.Context(), r.ID, w.bot.Principal(), countersign.Origin{Door: "api"}, "mine")
	w.refused(err, countersign.CodeForbidden)
	w.refused(w.reveal("bob", "req_000000000000", "which"), countersign.CodeNotFound)
	if got := w.recorded(r.ID, countersign.KindRevealed); got != 0 {
		t.Fatalf("got %d reveals on record, want none", got)
	}

	before := w.state(r.ID)
	must(t, w.reveal("bob", r.ID, "to compare it with the ticket"))
	must(t, w.decide("bob", countersign.Reject, r.ID))
	settled := w.state(r.ID)
	must(t, w.reveal("carol", r.ID, "to look into it afterwards"))
	if after := w.state(r.ID); before.Decision != countersign.DecisionPending || after != settled {
		t.Errorf("a reveal moved it from %v to %v", settled, after)
	}
	got, err := w.gate.Get(t.Context(), r.ID)
	must(t, err)
	var who []string
	for _, v := range got.Reveals {
		who = append(who, v.By.Name+": "+v.Reason)
	}
	if want := "[bob: to compare it with the ticket carol: to look into it afterwards]"; fmt.Sprint(who) != want {
		t.Errorf("got %v on record, want %s", who, want)
	}
	if !got.RevealedTo("per_bob") || got.RevealedTo("per_erin") {
		t.Error("the request does not know to whom it was revealed")
	}
	head, err := w.store.Head(t.Context())
	must(t, err)
	report, err := audit.Run(t.Context(), audit.Source{Trust: w.trust, Checkpoint: head.Note, Entries: (&history{world: w}).entries})
	if err != nil || !report.Holds() {
		t.Errorf("the auditor finds %v, %v", report.Violations, err)
	}
}

func TestT23ASecretIsSealedAndInNoLeafLogOrBrief(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	g, err := gate.New(context.Background(), &loud{w.store}, w.trust, gate.Config{
		Executors: map[string]gate.Executor{"mcp/files": w.upstream}, Now: w.clock.Now,
		Log: slog.New(redact.NewHandler(slog.NewTextHandler(&log, nil))),
	})
	must(t, err)
	w.gate = g
	w.upstream.run = func(countersign.RequestID) (countersign.Outcome, error) {
		return countersign.Outcome{Execution: countersign.ExecutionFailed, Detail: "bad login with hunter2-x; ALTER ROLE x PASSWORD 'hunter2-y'"}, nil
	}
	r := w.held("write_file", secretArgs)
	must(t, w.reveal("bob", r.ID, "is hunter2-x the old one?"))
	must(t, w.decideSo(w.revealed("bob", r.ID)))
	w.run(r.ID)
	w.gate.Delivered(t.Context(), r.ID)

	entries, err := w.store.Events(t.Context(), r.ID)
	must(t, err)
	for _, e := range entries {
		if bytes.Contains(e.Leaf, []byte("hunter2")) {
			t.Errorf("leaf %d tells the secret: %s", e.Index, e.Leaf)
		}
	}
	if e := entries[0]; !bytes.Contains(e.Open.Command.Value, []byte("hunter2-x")) {
		t.Errorf("the sealed command is %s, want it whole", e.Open.Command.Value)
	}
	done, err := w.gate.Get(t.Context(), r.ID)
	must(t, err)
	if done.Outcome == nil || !strings.Contains(done.Outcome.Detail, "hunter2-x") {
		t.Fatalf("the outcome is %v: the upstream did not say what this test is about", done.Outcome)
	}
	shown, err := json.Marshal(brief.Build(done, nil))
	must(t, err)
	if bytes.Contains(shown, []byte("hunter2")) {
		t.Errorf("the brief tells the secret: %s", shown)
	}
	if !strings.Contains(log.String(), "characters]") || strings.Contains(log.String(), "hunter2") {
		t.Errorf("the log is %q, want what failed, and no secret", log.String())
	}
}

// loud is a store that fails to note deliveries with the request in its error.
type loud struct{ store.Store }

func (l *loud) Ephemeral() store.Ephemeral { return loudNotes{l.Store.Ephemeral()} }

type loudNotes struct{ store.Ephemeral }

func (loudNotes) Put(context.Context, store.Entry) error {
	return errors.New(`INSERT of {"password":"hunter2-x"} failed`)
}
