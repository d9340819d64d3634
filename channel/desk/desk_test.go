package desk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/channel/channeltest"
	"github.com/countersignhq/countersign/channel/desk"
	"github.com/countersignhq/countersign/identity/chat"
)

// failing has the room fail the calls by the name that do says an error for.
func failing(room *channeltest.Room, call string, do func() error) {
	room.Fail = func(name string) error {
		if name != call {
			return nil
		}
		return do()
	}
}

func open(t *testing.T) (*channeltest.House, *channeltest.Room) {
	room := channeltest.OpenRoom()
	return channeltest.New(t, room), room
}

func TestAPostThatFailsIsTriedAgainAndPostsOnce(t *testing.T) {
	h, room := open(t)
	var tries atomic.Int64
	failing(room, "post", func() error {
		if tries.Add(1) <= 2 {
			return errors.New("the chat is down")
		}
		return nil
	})
	h.Asked("one", "read /srv/a")
	for range 4 {
		h.Clock.Move(10 * time.Second)
		h.Work()
	}
	if got := len(room.Copies()); got != 1 || tries.Load() != 3 {
		t.Errorf("%d copies after %d tries, want 1 after 3", got, tries.Load())
	}
}

func TestRetryAfterIsObeyed(t *testing.T) {
	h, room := open(t)
	var tries atomic.Int64
	failing(room, "post", func() error {
		if tries.Add(1) == 1 {
			return fmt.Errorf("post: %w", &channel.RetryError{After: 90 * time.Second, Err: errors.New("429")})
		}
		return nil
	})
	h.Asked("one", "read /srv/a")
	h.Clock.Move(89 * time.Second)
	h.Work()
	if tries.Load() != 1 {
		t.Errorf("%d tries within the 90 s that the chat asked for, want 1", tries.Load())
	}
	h.Clock.Move(time.Second)
	h.Work()
	if tries.Load() != 2 || len(room.Copies()) != 1 {
		t.Errorf("%d tries and %d copies after it, want 2 and 1", tries.Load(), len(room.Copies()))
	}
}

func TestWhatFailsTwentyTimesIsGivenUpAloud(t *testing.T) {
	h, room := open(t)
	var tries atomic.Int64
	failing(room, "post", func() error { tries.Add(1); return errors.New("the chat is down") })
	r := h.Asked("one", "read /srv/a")
	for range 40 {
		h.Clock.Move(10 * time.Minute)
		h.Work()
	}
	if tries.Load() != 20 {
		t.Errorf("%d tries, want 20", tries.Load())
	}
	dead := deadOf(t, h.Desk)
	if len(dead) != 1 || dead[0].Key != string(r.ID) || dead[0].Tries != 20 || !strings.Contains(dead[0].String(), "the chat is down") {
		t.Fatalf("given up is %+v, want one that names %s and why", dead, r.ID)
	}
	if again := deadOf(t, h.NewDesk()); len(again) != 1 {
		t.Errorf("another process knows of %d that were given up, want 1", len(again))
	}
}

func deadOf(t *testing.T, d *desk.Desk) []desk.Dead {
	t.Helper()
	all, err := d.Dead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAPlaceThatIsGoneStopsNoOtherCopy(t *testing.T) {
	h, room := open(t)
	h.Linked("bob")
	var tries atomic.Int64
	failing(room, "post", func() error {
		if tries.Add(1) == 1 {
			return channel.ErrGone
		}
		return nil
	})
	h.Asked("one", "read /srv/a")
	h.Clock.Move(time.Minute)
	h.Work()
	if got := len(room.Copies()); got != 1 || tries.Load() != 2 || len(deadOf(t, h.Desk)) != 0 {
		t.Errorf("%d copies after %d tries, given up %v; want one copy, two tries, nothing given up", got, tries.Load(), deadOf(t, h.Desk))
	}
}

func TestAnEditThatFailsLeavesTheCopyUsableAndIsMadeUpFor(t *testing.T) {
	h, room := open(t)
	bob := h.Linked("bob")
	r := h.Asked("one", "read /srv/a")
	at := h.Copy()
	var down atomic.Bool
	down.Store(true)
	failing(room, "edit", func() error {
		if down.Load() {
			return errors.New("the chat is down")
		}
		return nil
	})
	h.Press(bob, at, countersign.Approve)
	if got := h.Now(r.ID).Decision; got != countersign.DecisionApproved {
		t.Fatalf("it is %s, want it approved while edits fail", got)
	}
	if len(room.Buttons(at)) == 0 {
		t.Fatal("the copy was edited; this test tests nothing")
	}
	down.Store(false)
	h.Clock.Move(time.Minute)
	h.Work()
	for _, at := range room.Copies() {
		if len(room.Buttons(at)) != 0 {
			t.Errorf("a copy still offers %v", room.Buttons(at))
		}
	}
}

func TestACrashWhileACardIsPostedLosesNeitherCardNorClick(t *testing.T) {
	h, room := open(t)
	bob := h.Linked("bob")
	var crash atomic.Bool
	crash.Store(true)
	failing(room, "post", func() error {
		if crash.CompareAndSwap(true, false) {
			h.Store.Faults().Crash(errors.New("power cut"))
		}
		return nil
	})
	r := h.AskedQuietly("one", "read /srv/a")
	if _, err := h.Desk.WorkCards(t.Context()); err == nil {
		t.Fatal("nobody saw the crash")
	}
	h.Store = h.Store.Restart()
	h.Open()
	h.Clock.Move(2 * time.Minute)
	h.Work()
	for _, at := range room.Copies() {
		h.Deliver(room.Press(bob, at, room.Token(at), string(countersign.Approve)))
	}
	h.Clock.Move(10 * time.Minute)
	h.Work()
	if n := h.Recorded(r.ID, countersign.KindDecided); n != 1 {
		t.Errorf("%d decisions are on record, want 1; Bob was told %q", n, room.Told(bob))
	}
}

func TestADeliveryThatIsTooLargeIsRefusedBeforeItIsAcknowledged(t *testing.T) {
	h, _ := open(t)
	for _, d := range []channel.Delivery{{Body: []byte("x")}, {ID: strings.Repeat("x", 201)}, {ID: "a", Body: make([]byte, 256<<10+1)}} {
		if err := h.Desk.At(channeltest.ChatName).Receive(t.Context(), d); countersign.CodeOf(err) != countersign.CodeBadRequest {
			t.Errorf("id of %d bytes, %d bytes: got %v, want it refused", len(d.ID), len(d.Body), err)
		}
	}
}

func TestALinkIsOfWhoTypedTheCodeThatTheyWereShown(t *testing.T) {
	h, room := open(t)
	at := h.Desk.At(channeltest.ChatName)
	proof := chat.Proof{Person: "per_bob", Method: "link", AuthTime: h.Clock.Now()}
	code, _, err := h.Desk.Code(t.Context(), channeltest.ChatName, proof)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Desk.Code(t.Context(), "elsewhere", proof); countersign.CodeOf(err) != countersign.CodeNotFound {
		t.Errorf("a code for a chat that is not connected: got %v", err)
	}
	link := func(who channel.Account, code string) channel.Answer {
		t.Helper()
		a, err := at.Link(t.Context(), who, code)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	bob, mallory := room.Join("bob", channeltest.Member), room.Join("mallory", channeltest.Member)
	if a := link(bob, ""); a.OpenURL == "" || a.Code != "" {
		t.Errorf("without a code: got %+v, want where to get one", a)
	}
	if a := link(bob, code); a.Code != "" {
		t.Errorf("got %+v, want Bob linked", a)
	}
	if a := link(bob, code); a.Code != "" {
		t.Errorf("the same delivery again: got %+v, want it told that he is linked", a)
	}
	if a := link(mallory, code); a.Code != countersign.CodeNotFound {
		t.Errorf("a code that was used: got %+v, want it refused", a)
	}
	proof.Person = "per_carol"
	if code, _, err = h.Desk.Code(t.Context(), channeltest.ChatName, proof); err != nil {
		t.Fatal(err)
	}
	if a := link(bob, code); a.Code != countersign.CodeConflict {
		t.Errorf("an account that is somebody's: got %+v, want conflict", a)
	}
}

func TestACodeIsGoodUntilItsLinkIsOnRecord(t *testing.T) {
	h, room := open(t)
	at := h.Desk.At(channeltest.ChatName)
	bob := room.Join("bob", channeltest.Member)
	code, _, err := h.Desk.Code(t.Context(), channeltest.ChatName, chat.Proof{Person: "per_bob", Method: "link", AuthTime: h.Clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for name, fault := range map[string]func(){
		"the commit fails": func() { h.Store.Faults().FailCommit(errors.New("disk trouble")) },
		"nobody can tell":  func() { h.Store.Faults().LoseCommit() },
	} {
		fault()
		if a, err := at.Link(t.Context(), bob, code); err == nil {
			t.Errorf("%s: got %+v, want an error, to be tried again", name, a)
		}
		h.Store.Faults().Clear()
	}
	if a, err := at.Link(t.Context(), bob, code); err != nil || a.Code != "" || !strings.Contains(a.Says, "Bob's from now on") {
		t.Errorf("once the store is back: got %+v, %v; want Bob linked by the code that he typed", a, err)
	}
	if a, err := at.Link(t.Context(), room.Join("mallory", channeltest.Member), code); err != nil || a.Code != countersign.CodeNotFound {
		t.Errorf("a code whose link is on record: got %+v, %v; want it refused", a, err)
	}
}

func TestALinkedAccountThatIsAnOutsiderByNowDecidesNothing(t *testing.T) {
	h, room := open(t)
	bob := h.Linked("bob")
	r := h.Asked("one", "read /srv/a")
	desk, at := h.Desk.At(channeltest.ChatName), h.Copy()
	guest := bob
	guest.Outsider = "a guest"
	a, err := desk.Decide(t.Context(), channel.Press{By: guest, Token: room.Token(at), At: at}, channel.Choice{Choice: countersign.Approve})
	if err != nil || a.Code != countersign.CodeForbidden || len(h.Now(r.ID).Decisions) > 0 {
		t.Errorf("got %+v, %v with %d decisions; want it refused", a, err, len(h.Now(r.ID).Decisions))
	}
	if _, ok, err := desk.Person(t.Context(), guest); ok || err != nil {
		t.Errorf("a guest is somebody: %v", err)
	}
	foreign := bob
	foreign.Workspace = "T2"
	if a, err = desk.Decide(t.Context(), channel.Press{By: foreign, Token: room.Token(at), At: at}, channel.Choice{Choice: countersign.Approve}); err != nil || a.Code != countersign.CodeForbidden {
		t.Errorf("the same id in another workspace: got %+v, %v; want it refused", a, err)
	}
}

func TestADialogIsOfWhoOpenedIt(t *testing.T) {
	h, room := open(t)
	bob, carol := h.Linked("bob"), h.Linked("carol")
	r := h.Asked("one", "read /srv/a")
	desk, at := h.Desk.At(channeltest.ChatName), h.Copy()
	card, _, ok, err := desk.Look(t.Context(), channel.Press{By: bob, Token: room.Token(at), At: at})
	if err != nil || !ok || card.Token == room.Token(at) || card.Token == "" {
		t.Fatalf("got token %q, %t, %v; want a dialog of its own", card.Token, ok, err)
	}
	reject := channel.Choice{Choice: countersign.Reject, Reason: "no"}
	for who, p := range map[string]channel.Press{
		"another":        {By: carol, Token: card.Token},
		"on a card":      {By: bob, Token: card.Token, At: at},
		"without a card": {By: bob, Token: room.Token(at)},
	} {
		if a, err := desk.Decide(t.Context(), p, reject); err != nil || a.Code != countersign.CodeForbidden {
			t.Errorf("%s: got %+v, %v; want it refused", who, a, err)
		}
	}
	h.Clock.Move(31 * time.Minute)
	if a, err := desk.Decide(t.Context(), channel.Press{By: bob, Token: card.Token}, reject); err != nil || a.Code != countersign.CodeViewChanged {
		t.Errorf("a dialog of half an hour ago: got %+v, %v; want it refused", a, err)
	}
	if n := h.Recorded(r.ID, countersign.KindDecided); n != 0 {
		t.Errorf("%d decisions are on record, want none", n)
	}
}

func TestRunAsksAtOnceAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, room := open(t)
		changes, done := h.Gate.Changes()
		defer done()
		bob := h.Linked("bob")
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() { h.Desk.Run(ctx, changes); close(stopped) }()
		r := h.AskedQuietly("one", "read /srv/a")
		synctest.Wait()
		at := room.Copies()
		if len(at) != 2 {
			t.Fatalf("%d copies, want the place's and Bob's without anybody's help", len(at))
		}
		if err := h.Desk.At(channeltest.ChatName).Receive(t.Context(), room.Press(bob, at[0], room.Token(at[0]), "approve")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := h.Now(r.ID).Decision; got != countersign.DecisionApproved {
			t.Errorf("it is %s, want it approved", got)
		}
		stop()
		<-stopped
	})
}

func TestCardsGoWhereTheRoutesSay(t *testing.T) {
	routes := []desk.Route{
		{To: []channel.Address{"#all"}},
		{Resources: []string{"db/*"}, To: []channel.Address{"#db", "#db"}},
		{Groups: []string{"dba"}, To: []channel.Address{"#dba"}},
		{Resources: []string{"db/*"}, Groups: []string{"nobody"}, To: []channel.Address{"#never"}},
	}
	for _, c := range []struct {
		resource, group string
		want            string
	}{
		{"mcp/files", "platform", "[#all]"}, {"db/crm", "platform", "[#db]"}, {"mcp/files", "dba", "[#dba]"}, {"db/crm", "dba", "[#db #dba]"},
	} {
		r := countersign.Request{Resource: countersign.Resource{Name: c.resource}}
		r.Verdict.Requirement = &countersign.Requirement{Stages: []countersign.Stage{{Reviewers: []string{c.group}}}}
		if got := fmt.Sprint(desk.Addresses(routes, "slack", r, countersign.NewDirectory())); got != c.want {
			t.Errorf("%s for %s goes to %s, want %s", c.resource, c.group, got, c.want)
		}
	}
}
