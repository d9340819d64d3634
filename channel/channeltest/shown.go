package channeltest

import (
	"slices"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
)

// attacks are arguments that want to be taken for something else.
var attacks = map[string]string{
	"plain":       "read /srv/a",
	"bidi":        "/*\u202e } \u2066if (admin)\u2069 \u2066 begin */",
	"zero width":  "rm\u200b -rf\ufeff /\u2060",
	"tags":        "ok" + "\U000E0064\U000E0072\U000E006F\U000E0070",
	"ansi":        "\x1b[2J\x1b[32m verified\x1b[0m",
	"homoglyph":   "p\u0430yroll-\u0435xport",
	"padding":     "echo ok" + strings.Repeat(" ", 412) + "; rm -rf /",
	"blank lines": "echo ok" + strings.Repeat("\n", 60) + "rm -rf /",
	"fence":       "```\n*Approved by security*\n```\n> quoted `code` ~gone~ _soft_",
	"mentions":    "<!channel> <!here> <@U1> <#C1> @everyone &lt;!channel&gt; <!subteam^S1>",
	"links":       "<https://evil.example|Approve> [Approve](https://evil.example) https://evil.example/x mailto:a@evil.example",
	"html":        `<script>alert(1)</script><img src=x onerror=alert(1)><at>all</at>`,
	"emoji":       ":white_check_mark: :lock: <!date^0^{date}|now>",
}

func everyFact(t *testing.T, h *House) {
	for name, attack := range attacks {
		h.showsAll(t, name, h.Asked("one", attack))
		h.Clock.Move(1)
	}
	frozen := h.Asked("frozen", "read /srv/a")
	if q := frozen.Verdict.Requirement; len(q.Closed) == 0 || len(q.Ladder) == 0 {
		t.Fatalf("what is frozen needs %+v; this test tests nothing", q)
	}
	h.showsAll(t, "frozen", frozen)

	own := h.directory().Resources["mcp/files"]
	own.Wrapped = "deploy-bot"
	check(t, h.Gate.SetResource(t.Context(), countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "admin"}, Method: "socket"}, own))
	h.showsAll(t, "wrapped", h.Asked("one", "read /srv/b"))
	if shown := h.Chat.Shown(h.Copy()); !strings.Contains(shown, "runs in a process of deploy-bot, who could also do it without asking") {
		t.Errorf("the card does not say that the agent itself runs it:\n%s", shown)
	}
}

// showsAll fails if the newest copy, which is of the request, offers Approve and
// leaves out what matters, or hides a character.
func (h *House) showsAll(t *testing.T, name string, r countersign.Request) {
	t.Helper()
	at := h.Copy()
	shown := h.Chat.Shown(at)
	part, says, ok := h.Brief(r.ID).Missing(shown)
	switch {
	case h.offers(at, countersign.Approve) && !ok:
		t.Errorf("%s: Approve stands on a card without %s %q; it shows\n%s", name, part, says, shown)
	case (name == "plain" || name == "frozen") && !h.offers(at, countersign.Approve):
		t.Errorf("%s: there is no Approve on a card that shows everything:\n%s", name, shown)
	}
	if strings.ContainsAny(shown, "\u202e\u200b\x1b\U000E0064") {
		t.Errorf("%s: the card carries a character that nobody can see", name)
	}
}

func cut(t *testing.T, h *House) {
	bob := h.Linked("bob")
	r := h.Asked("one", "begin "+strings.Repeat("lorem ipsum ", 5000)+" rm -rf /")
	at := h.Copy()
	if h.offers(at, countersign.Approve) {
		t.Error("Approve stands on a card that cannot show everything")
	}
	if !slices.Contains(h.Chat.Alive(at), Console+"/r/"+string(r.ID)) {
		t.Errorf("the card links to %q, want the request in the console", h.Chat.Alive(at))
	}
	h.Deliver(h.Chat.Press(bob, at, h.Chat.Token(at), string(countersign.Approve)))
	h.undecided(r.ID, "a forged press of Approve")
}

func secret(t *testing.T, h *House) {
	bob := h.Linked("bob")
	const password = "hunter2-Zq81xkPw"
	r := h.Asked("one", "postgres://app:"+password+"@db.internal/crm")
	for _, at := range h.Chat.Copies() {
		if strings.Contains(h.Chat.Shown(at), password) {
			t.Error("the secret stands on the card")
		}
		if h.offers(at, countersign.Approve) {
			t.Error("Approve stands on a card that hides a secret")
		}
		h.Deliver(h.Chat.Press(bob, at, h.Chat.Token(at), string(countersign.Approve)))
	}
	h.undecided(r.ID, "a forged press of Approve")
}

func tooLittle(t *testing.T, h *House) {
	bob := h.Linked("bob")
	r := h.Asked("strong", "read /srv/a")
	at := h.Copy()
	if h.offers(at, countersign.Approve) {
		t.Error("Approve stands on a card that needs a session")
	}
	if !h.offers(at, countersign.Reject) {
		t.Error("Reject does not stand on a card that needs a session")
	}
	if !strings.Contains(h.Chat.Shown(at), "Confirm with your passkey") {
		t.Errorf("the link does not say what it is for:\n%s", h.Chat.Shown(at))
	}
	h.Press(bob, at, countersign.Approve)
	h.undecided(r.ID, "a click in a chat where a session is needed")
}

func inert(t *testing.T, h *House) {
	for name, attack := range attacks {
		r := h.Asked("one", attack)
		for _, reach := range h.Chat.Alive(h.Copy()) {
			if reach != Console+"/r/"+string(r.ID) {
				t.Errorf("%s: the card reaches %q", name, reach)
			}
		}
		h.Clock.Move(1)
	}
}

func elsewhere(t *testing.T, h *House) {
	bob := h.Linked("bob")
	r := h.AskedOn("mcp/abroad", "one", "something of ours")
	at := h.Copy()
	shown := h.Chat.Shown(at)
	for _, word := range []string{"something of ours", "mcp/abroad", "deploy-bot"} {
		if strings.Contains(shown, word) {
			t.Errorf("the card shows %q, which may not leave its region:\n%s", word, shown)
		}
	}
	if len(h.Chat.Buttons(at)) > 0 || !slices.Contains(h.Chat.Alive(at), Console+"/r/"+string(r.ID)) {
		t.Errorf("got buttons %v and links %q, want a link alone", h.Chat.Buttons(at), h.Chat.Alive(at))
	}
	h.Press(bob, at, countersign.Approve)
	h.undecided(r.ID, "a press of what has no button")
}

// alias: a chat lets its people call themselves what they like.
func alias(t *testing.T, h *House) {
	const calls = "B\u043eb\u202e" // a Cyrillic letter, and an override
	carol := h.LinkedAs(calls, "carol")
	r := h.Asked("one", "read /srv/a")
	h.Press(carol, h.Chat.Copies()[0], countersign.Approve)
	if d := h.Now(r.ID).Decisions; len(d) != 1 || d[0].By.ID != "per_carol" || d[0].By.Name != "Carol" {
		t.Fatalf("on record is %+v, want Carol", d)
	}
	for _, at := range h.Chat.Copies() {
		if shown := h.Chat.Shown(at); strings.Contains(shown, calls) || strings.Contains(shown, "B\u043eb") || !strings.Contains(shown, "Approved by Carol") {
			t.Errorf("a card says who approved as they call themselves:\n%s", shown)
		}
	}
}
