package gate_test

import (
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/audit"
	"github.com/countersignhq/countersign/gate"
)

func identity(values ...string) countersign.Identity {
	return countersign.Identity{Issuer: "https://idp.example", Claims: map[string][]string{"sub": values}}
}

func TestHowAnAgentIsKnownIsAsGoodAsItsToken(t *testing.T) {
	w := newWorld(t)
	bot := w.bot
	bot.Identities = []countersign.Identity{identity("a"), identity("b")}
	must(t, w.gate.SetAgent(t.Context(), operator(), bot))
	h := w.enrol("bob", "carol")
	more := bot
	more.Identities = append(bot.Identities[:2:2], identity("c"))
	h.waits(h.gate.SetAgent(t.Context(), operator(), more))
	wider := bot
	wider.Identities = []countersign.Identity{identity("a", "z"), identity("b")}
	h.waits(h.gate.SetAgent(t.Context(), operator(), wider))
	bot.Identities = bot.Identities[1:]
	must(t, h.gate.SetAgent(t.Context(), operator(), bot))
	bot.Identities = nil
	must(t, h.gate.SetAgent(t.Context(), operator(), bot))
	if got := h.directory().Agents["agt_bot"].Identities; len(got) != 0 {
		t.Errorf("got %+v, want none left", got)
	}
	h.holds()
}

func TestTheAuditorFindsAnIdentityThatNobodyStoodFor(t *testing.T) {
	h := newWorld(t).enrol("bob", "carol")
	bot := h.bot
	bot.Identities = []countersign.Identity{identity("mallory")}
	h.forge(operator(), "agt_bot", countersign.AgentChanged{Agent: bot, Solo: true})
	head, err := h.store.Head(t.Context())
	must(t, err)
	report, err := audit.Run(t.Context(), audit.Source{Trust: h.trust, Checkpoint: head.Note, Entries: (&history{world: h.world}).entries})
	must(t, err)
	for _, v := range report.Violations {
		if strings.Contains(v.Says, "changed by one alone") {
			return
		}
	}
	t.Errorf("got %v, want the identity found", report.Violations)
}

func TestOneAgentKnownByTwoIssuersAsksTwice(t *testing.T) {
	w := newWorld(t)
	ask := func(issuer string) countersign.RequestID {
		t.Helper()
		ask := w.ask("write_file", `{"path":"/srv/a"}`)
		ask.By.Issuer, ask.By.Subject = issuer, "bot"
		res := w.submit(ask)
		held, ok := res.(gate.Pending)
		if !ok {
			t.Fatalf("got %+v, want it held", res)
		}
		return held.Request.ID
	}
	one, other := ask("https://a.example"), ask("https://b.example")
	if one == other || ask("https://a.example") != one {
		t.Errorf("got %s, %s and %s; want a repeat to join its own alone", one, other, ask("https://a.example"))
	}
	w.holds()
}
