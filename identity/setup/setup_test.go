package setup

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store/memory"
)

func newDesk(t *testing.T) *Desk {
	t.Helper()
	private, _, err := ledger.NewKey("test.example/log")
	must(t, err)
	signer, err := ledger.NewSigner(private)
	must(t, err)
	s, err := memory.New(memory.Config{Origin: "test.example/log", Signer: signer})
	must(t, err)
	return New(s.Ephemeral(), time.Now)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wants(t *testing.T, err error, code countersign.Code) {
	t.Helper()
	if countersign.CodeOf(err) != code || err == nil {
		t.Errorf("got %v, want %s", err, code)
	}
}

func TestASetupLinkWorksOnceAndForThirtyMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		first, err := d.NewSetup(t.Context())
		must(t, err)
		second, err := d.NewSetup(t.Context())
		must(t, err)
		_, err = d.Look(t.Context(), first)
		wants(t, err, countersign.CodeUnauthenticated) // there is one at a time
		for range 3 {
			if _, err = d.Look(t.Context(), second); err != nil {
				t.Errorf("looking spends the link: %v", err)
			}
		}
		got, err := d.Spend(t.Context(), second)
		if err != nil || got.Why != Setup {
			t.Errorf("got %+v, %v; want a setup", got, err)
		}
		_, err = d.Spend(t.Context(), second)
		wants(t, err, countersign.CodeUnauthenticated)

		third, err := d.NewSetup(t.Context())
		must(t, err)
		time.Sleep(SetupLife)
		_, err = d.Spend(t.Context(), third)
		wants(t, err, countersign.CodeUnauthenticated)
	})
}

func TestAnInvitationEndsWhenItIsUsedWithdrawnOrOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		invite := func(name string) (Ticket, string) {
			ticket, secret, err := d.Invite(t.Context(), countersign.Person{ID: "per_" + name, Name: name}, []string{"dba"}, "per_alice")
			must(t, err)
			return ticket, secret
		}
		used, usedSecret := invite("bob")
		gone, goneSecret := invite("carol")
		old, oldSecret := invite("dave")
		list, err := d.Invites(t.Context())
		if err != nil || len(list) != 3 || list[0].ID != used.ID {
			t.Errorf("got %v, %v; want three, the oldest first", list, err)
		}
		got, err := d.Spend(t.Context(), usedSecret)
		if err != nil || got.Person != "per_bob" || got.By != "per_alice" || !slices.Equal(got.Groups, []string{"dba"}) {
			t.Errorf("got %+v, %v; want bob's, by alice, into dba", got, err)
		}
		_, err = d.Withdraw(t.Context(), gone.ID)
		must(t, err)
		for _, secret := range []string{usedSecret, goneSecret} {
			_, err = d.Spend(t.Context(), secret)
			wants(t, err, countersign.CodeUnauthenticated)
		}
		if list, err = d.Invites(t.Context()); err != nil || len(list) != 1 || list[0].ID != old.ID {
			t.Errorf("got %v, %v; want dave's alone", list, err)
		}
		time.Sleep(InviteLife)
		_, err = d.Look(t.Context(), oldSecret)
		wants(t, err, countersign.CodeUnauthenticated)
		_, err = d.Withdraw(t.Context(), old.ID)
		wants(t, err, countersign.CodeNotFound)
	})
}

func TestARecoveryCodeOpensAfterADayAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		list, err := d.Codes(t.Context(), countersign.Person{ID: "per_bob", Name: "Bob"})
		if err != nil || len(list) != 8 || len(list[0]) != 23 {
			t.Fatalf("got %v, %v; want eight codes of 23 characters", list, err)
		}
		_, err = d.Spend(t.Context(), list[0])
		wants(t, err, countersign.CodeForbidden)
		first, begun, err := d.Recover(t.Context(), " "+list[0][:11]+" "+list[0][12:])
		if err != nil || !begun || !first.Opens.Equal(time.Now().Add(RecoveryWait)) {
			t.Fatalf("got %+v, %v, %v; want it begun, to open in a day", first, begun, err)
		}
		time.Sleep(RecoveryWait - time.Second)
		if again, begun, err := d.Recover(t.Context(), list[0]); err != nil || begun || !again.Opens.Equal(first.Opens) {
			t.Errorf("shown again it is %+v, %v, %v; want the same time, not begun anew", again, begun, err)
		}
		_, err = d.Spend(t.Context(), list[0])
		wants(t, err, countersign.CodeForbidden)
		time.Sleep(time.Second)
		if got, err := d.Spend(t.Context(), list[0]); err != nil || got.Why != Recovery || got.Person != "per_bob" {
			t.Errorf("got %+v, %v; want bob's recovery", got, err)
		}
		_, err = d.Spend(t.Context(), list[0])
		wants(t, err, countersign.CodeUnauthenticated)

		_, err = d.Codes(t.Context(), countersign.Person{ID: "per_bob", Name: "Bob"})
		must(t, err)
		_, _, err = d.Recover(t.Context(), list[1])
		wants(t, err, countersign.CodeUnauthenticated) // new codes end the old ones
	})
}

func TestASetupLinkIsNoRecoveryCode(t *testing.T) {
	d := newDesk(t)
	secret, err := d.NewSetup(t.Context())
	must(t, err)
	_, _, err = d.Recover(t.Context(), secret)
	wants(t, err, countersign.CodeUnauthenticated)
}

func TestNoticesAreReadNewestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		must(t, d.Notify(t.Context(), "one"))
		time.Sleep(time.Hour)
		must(t, d.Notify(t.Context(), "two"))
		list, err := d.Notices(t.Context())
		if err != nil || len(list) != 2 || list[0].Text != "two" {
			t.Errorf("got %v, %v; want two, the newest first", list, err)
		}
		time.Sleep(noticeLife)
		if list, err = d.Notices(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("got %v, %v a month later; want none", list, err)
		}
	})
}
