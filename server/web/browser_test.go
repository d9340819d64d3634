package web

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/internal/testenv"
)

var (
	states = flag.Bool("states", false, "look at every page in every state, not at a few")
	shots  = flag.String("shots", "", "the folder for screenshots of what is looked at")
)

// TestPagesInABrowser runs e2e/pages.test.mjs against a server of this process.
// It needs Node 20, npm and Chromium.
func TestPagesInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes a while")
	}
	w := newWorld(t)
	stage := httptest.NewServer(http.HandlerFunc(w.stage))
	defer stage.Close()
	cmd := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", "e2e/pages.test.mjs")
	cmd.Env = append(os.Environ(), "NODE_PATH="+testenv.Node(t), "WEB_URL="+w.url, "STAGE_URL="+stage.URL, "SHOTS="+*shots)
	if *states {
		cmd.Env = append(cmd.Env, "STATES=all")
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// stage does what the browser test asks for.
func (w *world) stage(rw http.ResponseWriter, r *http.Request) {
	said, err := w.play(r.URL.Path[1:], r.FormValue)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(rw, said)
}

func (w *world) play(what string, arg func(string) string) (string, error) {
	id := countersign.RequestID(arg("id"))
	switch what {
	case "link":
		return w.web.Link(context.Background(), "per_"+arg("person"))
	case "ask":
		r := w.ask(arg("tool"), arg("args"), func(a *gate.Ask) {
			if reason := arg("reason"); reason != "" {
				a.Reason = reason
			}
			if name := arg("name"); name != "" {
				a.By.Name = name
			}
			if arg("for") == "dana" {
				a.OnBehalfOf = []countersign.Principal{{Kind: countersign.KindPerson, ID: "per_dana", Name: "Dana Whitfield", Issuer: "local", Subject: "dana"}}
			}
			a.Origin.ServerAccount = arg("local") != ""
		})
		return string(r.ID), nil
	case "run":
		w.run(id)
	case "pass":
		d, err := time.ParseDuration(arg("who"))
		w.advance(d)
		return "", errors.Join(err, w.gate.Tick(context.Background()))
	case "hold":
		who := countersign.Who{Actor: countersign.Principal{Kind: countersign.KindPerson, ID: "per_" + arg("who"), Name: "Mei Tanaka"}, Method: "link"}
		return "", w.gate.Halt(context.Background(), who, w.bot.ID, "It runs wild.")
	case "lift":
		return "", w.gate.Lift(context.Background(), operator(), w.bot.ID, "repaired")
	case "settle":
		w.advance(24 * time.Hour)
		return "", w.gate.Tick(context.Background())
	case "approve", "reject", "escalate":
		return "", w.choose(id, arg("who"), countersign.Choice(what))
	}
	return "", nil
}

func (w *world) choose(id countersign.RequestID, who string, choice countersign.Choice) error {
	b := w.as(who)
	got := b.decide(id, string(choice), "reason", "Seen, and it is right.", "to", "dba")
	if got.status != http.StatusSeeOther {
		return fmt.Errorf("%s by %s: %d %s", choice, who, got.status, got.text)
	}
	return nil
}
