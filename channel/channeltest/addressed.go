package channeltest

import (
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
)

func takenBack(t *testing.T, h *House) {
	bob, carol := h.Linked("bob"), h.Linked("carol")
	h.Asked("two", "read /srv/hidden")
	all := h.Chat.Copies()
	if len(all) != 3 {
		t.Fatalf("%d copies were posted, want one for the place and one each for Bob and Carol", len(all))
	}
	place, his := all[0], all[1]
	_, err := h.Desk.At(ChatName).Unlink(t.Context(), bob)
	check(t, err)
	h.Press(carol, place, countersign.Approve)
	line := h.Chat.Shown(his)
	for _, word := range []string{"/srv/hidden", "mcp/files", "deploy-bot", "Carol", "Waits for"} {
		if strings.Contains(line, word) {
			t.Errorf("the copy of an account that was unlinked says %q:\n%s", word, line)
		}
	}
	if !strings.Contains(line, "not for this account any more") || len(h.Chat.Buttons(his)) > 0 || h.Chat.Token(his) != "" || len(h.Chat.Noted(his)) > 0 {
		t.Errorf("the copy of an account that was unlinked offers %v, has %q below it and shows\n%s", h.Chat.Buttons(his), h.Chat.Noted(his), line)
	}
	h.Clock.Move(time.Hour)
	check(t, h.Gate.Tick(t.Context()))
	h.Work()
	if now := h.Chat.Shown(his); now != line {
		t.Errorf("when it expired, the copy of an account that was unlinked came to show\n%s", now)
	}
	for _, at := range all {
		if at != his && !strings.Contains(h.Chat.Shown(at), "Expired") {
			t.Errorf("when it expired, another copy still shows\n%s", h.Chat.Shown(at))
		}
	}
	if len(h.Chat.Copies()) != 3 {
		t.Errorf("there are %d copies, want the 3 of before", len(h.Chat.Copies()))
	}
}

func outsider(t *testing.T, h *House) {
	bob, _ := h.Linked("bob"), h.Linked("carol")
	for i, s := range []Standing{Guest, Bot, Left} {
		h.Chat.Becomes(bob, s)
		h.AskedQuietly("one", "read /srv/hidden"+strings.Repeat("x", i))
		h.Work()
		if got, want := len(h.Chat.Copies()), 2*(i+1); got != want {
			t.Errorf("%d copies, want %d: a linked account that is a %s by now is posted nothing", got, want, s)
		}
	}
	if dead, err := h.Desk.Dead(t.Context()); err != nil || len(dead) > 0 {
		t.Errorf("given up is %v, %v; want nothing", dead, err)
	}
}

func untold(t *testing.T, h *House) {
	bob, carol := h.Linked("bob"), h.Linked("carol")
	notices(t, h)
	h.Asked("nag", "read /srv/hidden")
	before, carols := len(h.Chat.Told(bob)), len(h.Chat.Told(carol))
	remind := func() {
		h.Clock.Move(5 * time.Minute)
		check(t, h.Gate.Tick(t.Context()))
		_, err := h.Desk.WorkReminders(t.Context())
		check(t, err)
	}
	for _, s := range []Standing{Guest, Bot, Left} {
		h.Chat.Becomes(bob, s)
		remind()
		if got := h.Chat.Told(bob)[before:]; len(got) > 0 {
			t.Errorf("a linked account that is a %s by now was told %q", s, got)
		}
	}
	if got := len(h.Chat.Told(carol)) - carols; got != 3 {
		t.Errorf("Carol was reminded %d times beside an outsider, want 3", got)
	}
	h.Chat.Becomes(bob, Guest)
	h.Linked("carol") // one more, of which those who decide with her are told
	notices(t, h)
	if got := h.Chat.Told(bob)[before:]; len(got) > 0 {
		t.Errorf("a linked account that is a guest by now was told %q of a link", got)
	}
	if dead, err := h.Desk.Dead(t.Context()); err != nil || len(dead) > 0 {
		t.Errorf("given up is %v, %v; want nothing", dead, err)
	}
	h.Chat.Becomes(bob, Member)
	remind()
	if got := len(h.Chat.Told(bob)) - before; got != 1 {
		t.Errorf("Bob, who is a member again, was told %d things, want one reminder", got)
	}
}

func saidOnce(t *testing.T, h *House) {
	bob, carol := h.Linked("bob"), h.Linked("carol")
	h.Asked("two", "read /srv/a")
	all := h.Chat.Copies()
	h.Press(bob, all[0], countersign.Approve)
	h.escalate(carol, all[0], "security")
	h.Clock.Move(time.Hour)
	check(t, h.Gate.Tick(t.Context()))
	h.Work()
	for _, at := range all {
		noted := h.Chat.Noted(at)
		if len(noted) != 2 || !strings.Contains(noted[0], "Bob") || !strings.Contains(noted[1], "Carol") {
			t.Errorf("after two choices and its end, below a copy stands %q, want each choice once", noted)
		}
	}
}
