package channeltest

import (
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign/channel"
)

func inbox(t *testing.T, h *House) {
	bob, erin := h.Linked("bob"), h.Linked("erin")
	desk := h.Desk.At(ChatName)
	in, _, ok, err := desk.Inbox(t.Context(), bob)
	check(t, err)
	if !ok || len(in.Cards)+in.More != 0 {
		t.Errorf("an empty inbox: got %d cards and %d more, ok %t", len(in.Cards), in.More, ok)
	}
	for range 12 {
		h.AskedQuietly("one", "read "+strings.Repeat("x", h.next()))
		h.Clock.Move(time.Second)
	}
	abroad := h.submit("mcp/abroad", "one", "something of ours")
	in, _, ok, err = desk.Inbox(t.Context(), bob)
	check(t, err)
	if !ok || len(in.Cards) != 10 || in.More != 3 || in.OpenURL != Console+"/" {
		t.Errorf("got %d cards and %d more, want 10 and 3", len(in.Cards), in.More)
	}
	for _, c := range in.Cards {
		if len(c.Offers) > 0 || c.Token != "" {
			t.Errorf("%s can be pressed in an inbox: %v", c.Brief.ID, c.Offers)
		}
		if c.Brief.ID == abroad.ID && (c.Elsewhere == "" || len(c.Brief.Sentence) > 0 || c.Brief.Command.Words[0] != "") {
			t.Errorf("an inbox says of what may not leave its region: %s", c.Brief.Sentence)
		}
	}
	if in, _, _, err = desk.Inbox(t.Context(), erin); err != nil || len(in.Cards) != 0 {
		t.Errorf("Erin, whom nobody asks, sees %d cards, %v", len(in.Cards), err)
	}
	for _, s := range []Standing{Member, Guest, Stranger, Bot, Left} {
		in, a, ok, err := desk.Inbox(t.Context(), h.Chat.Join("Bob", s))
		if err != nil || ok || len(in.Cards) != 0 || a.Code == "" {
			t.Errorf("a %s who is linked to nobody: got %d cards, %+v, %v", s, len(in.Cards), a, err)
		}
	}
}

func shown(t *testing.T, h *House) {
	bob, erin := h.Linked("bob"), h.Linked("erin")
	desk := h.Desk.At(ChatName)
	plain := h.Asked("one", "read /srv/a")
	c, _, ok, err := desk.Show(t.Context(), bob, plain.ID)
	check(t, err)
	if !ok || c.Brief.Digest() != h.Brief(plain.ID).Digest() || len(c.Offers) > 0 || c.Token != "" {
		t.Errorf("got ok %t, offers %v; want the request as every card shows it, with nothing to press", ok, c.Offers)
	}
	if c, _, ok, err = desk.Show(t.Context(), bob, h.submit("mcp/abroad", "one", "something of ours").ID); err != nil || !ok || c.Elsewhere == "" || len(c.Brief.Facts) > 0 || len(c.Brief.Sentence) > 0 {
		t.Errorf("what may not leave its region: got ok %t, %v and %q", ok, err, c.Brief.Sentence)
	}
	secret := h.submit("mcp/files", "one", "postgres://app:hunter2-Zq81xkPw@db.internal/crm")
	if c, _, ok, err = desk.Show(t.Context(), bob, secret.ID); err != nil || !ok || strings.Contains(c.Brief.Command.Lines[0].Value.String(), "hunter2") {
		t.Errorf("what hides a secret: got ok %t, %v, %s", ok, err, c.Brief.Command.Lines[0].Value)
	}
	var says []string
	guest := bob
	guest.Outsider = "a guest"
	for _, who := range []channel.Account{erin, h.Chat.Join("Bob", Member), guest} {
		_, a, ok, err := desk.Show(t.Context(), who, plain.ID)
		if err != nil || ok || a.Code == "" {
			t.Errorf("%s, who may not see it: got ok %t, %+v, %v", who.Name, ok, a, err)
		}
		says = append(says, a.Says)
	}
	if _, a, ok, err := desk.Show(t.Context(), erin, "req_nobody"); err != nil || ok || a.Says != says[0] {
		t.Errorf("what is not there: got ok %t, %q, %v; want the answer for what is somebody else's, %q", ok, a.Says, err, says[0])
	}
}

func reminder(t *testing.T, h *House) {
	bob := h.Linked("bob") // Carol has linked no account
	h.Asked("nag", "read /srv/a")
	at := h.Chat.Copies()[0]
	before := len(h.Chat.Told(bob))
	h.Clock.Move(5 * time.Minute)
	for range 2 {
		check(t, h.Gate.Tick(t.Context()))
		_, err := h.Desk.WorkReminders(t.Context())
		check(t, err)
	}
	if got := len(h.Chat.Told(bob)); got != before+1 {
		t.Errorf("Bob was told %d things more, want one reminder: %q", got-before, h.Chat.Told(bob))
	}
	h.toldOf(bob, "still waits for your decision")
	if got := h.Chat.Noted(at); len(got) != 1 || !strings.Contains(got[0], "1 person who has not decided") {
		t.Errorf("below the card stands %q, want one line for who has linked nothing", got)
	}
}

func linkNotice(t *testing.T, h *House) {
	bob := h.Linked("bob")
	notices(t, h)
	carol := h.Linked("carol")
	notices(t, h)
	h.toldOf(carol, "You are linked to the "+ChatName+" account "+carol.ID)
	h.toldOf(bob, "Carol, who decides with you, is linked to the "+ChatName+" account "+carol.ID)
}

func notices(t *testing.T, h *House) {
	t.Helper()
	for n := 1; n > 0; {
		var err error
		n, err = h.Desk.WorkNotices(t.Context())
		check(t, err)
	}
}
