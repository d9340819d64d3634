package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/identity/setup"
)

// stranger is a browser that nobody is signed in with.
func (w *world) stranger() *browser { return w.browser(nobody) }

// An invite is an invitation, as far as the tests read it.
type invite struct {
	ID, Name, By, Link string
	ExpiresAt          time.Time `json:"expires_at"`
	Request            countersign.RequestID
}

// claimed is a world that somebody took over by its setup link.
func claimed(t *testing.T) (*world, *browser) {
	t.Helper()
	w := newWorld(t)
	secret, err := w.desk.NewSetup(t.Context())
	must(t, err)
	b := w.stranger()
	b.enrol(object{"token": secret, "name": "Ada"})
	w.offset.Add(int64(time.Second))
	return w, b
}

func TestTheFirstVisitorBecomesNobody(t *testing.T) {
	w := newWorld(t)
	_, err := w.desk.NewSetup(t.Context())
	must(t, err)
	before, err := w.store.Head(t.Context())
	must(t, err)
	b := w.stranger()
	for _, c := range []struct {
		path string
		in   object
	}{
		{"/v1/passkeys/challenge", object{}},
		{"/v1/passkeys/challenge", object{"name": "Mallory"}},
		{"/v1/passkeys/challenge", object{"token": "GUESSED", "name": "Mallory"}},
		{"/v1/passkeys/challenge", object{"token": strings.Repeat("A", 52), "name": "Mallory"}},
		{"/v1/recovery", object{"code": "AAAAA-AAAAA-AAAAA-AAAAA"}},
	} {
		b.send("POST", c.path, c.in).wants(t, 401, countersign.CodeUnauthenticated)
	}
	b.send("POST", "/v1/passkeys", object{"ceremony": "GUESSED", "credential": object{}}).wants(t, 403, countersign.CodePasskeyInvalid)
	b.send("GET", "/v1/me", nil).wants(t, 401, countersign.CodeUnauthenticated)
	after, err := w.store.Head(t.Context())
	must(t, err)
	if after.Size != before.Size {
		t.Errorf("a stranger appended %d events, want none", after.Size-before.Size)
	}
}

func TestASetupLinkIsClaimedOnce(t *testing.T) {
	w := newWorld(t)
	secret, err := w.desk.NewSetup(t.Context())
	must(t, err)
	one, two := w.stranger(), w.stranger()
	with := object{"token": secret, "name": "Ada"}
	first := one.create(one.begin("/v1/passkeys/challenge", with))
	late := two.create(two.begin("/v1/passkeys/challenge", with)) // looking spends nothing
	got := one.send("POST", "/v1/passkeys", first)
	got.wants(t, http.StatusCreated, "")
	made := decode[madePasskey](t, got)
	if made.Passkey.Pending || !slices.Equal(made.Passkey.VouchedBy, []string{"operator"}) || len(made.RecoveryCodes) != 8 {
		t.Errorf("the passkey is %+v with %d recovery codes; want it to sign, on the operator's word, and eight", made.Passkey, len(made.RecoveryCodes))
	}
	me := decode[client.Me](t, one.send("GET", "/v1/me", nil))
	if me.Person.Name != "Ada" || me.Enrolled != 1 || !me.Claimed || me.Session.Method != "passkey" {
		t.Errorf("me is %+v; want Ada, signed in by passkey, the server claimed", me)
	}
	two.send("POST", "/v1/passkeys", late).wants(t, 401, countersign.CodeUnauthenticated)
	two.send("POST", "/v1/passkeys/challenge", with).wants(t, 401, countersign.CodeUnauthenticated)

	// A link that was made before, or beside, opens nothing any more either.
	secret, err = w.desk.NewSetup(t.Context())
	must(t, err)
	two.send("POST", "/v1/passkeys/challenge", object{"token": secret, "name": "Mallory"}).wants(t, 403, countersign.CodeForbidden)
}

func TestAnInvitationEnrolsWhoItNamesAndTheInviterCannotConfirm(t *testing.T) {
	w, ada := claimed(t)
	got := ada.send("POST", "/v1/invites", object{"name": "Grace", "groups": []string{"platform"}})
	got.wants(t, http.StatusCreated, "")
	in := decode[invite](t, got)
	secret, ok := strings.CutPrefix(in.Link, origin+"/join#")
	if !ok || in.By != "Ada" || in.ExpiresAt.Sub(w.now()) > 7*24*time.Hour {
		t.Fatalf("the invitation is %+v; want a /join link by Ada of at most seven days", in)
	}
	if again := decode[struct{ Invites []invite }](t, ada.send("GET", "/v1/invites", nil)).Invites; len(again) != 1 || again[0].Link != "" {
		t.Errorf("the invitations are %+v; want the one, without its link", again)
	}
	third := w.browser(carol).enrol(object{})
	grace := w.stranger()
	made := grace.enrol(object{"token": secret})
	if !made.Passkey.Pending || !slices.Equal(made.Passkey.VouchedBy, []string{"Ada"}) {
		t.Errorf("grace's passkey is %+v; want it pending, on Ada's word", made.Passkey)
	}
	me := decode[client.Me](t, grace.send("GET", "/v1/me", nil))
	if me.Person.Name != "Grace" || me.Enrolled != 2 || me.Session.Assurance != "" || !slices.Contains(me.Person.Groups, "platform") {
		t.Errorf("grace is %+v; want her in platform, with a session that lends nothing yet", me)
	}
	confirm := "/v1/passkeys/" + made.Passkey.ID + "/confirm"
	for name, b := range map[string]*browser{"the inviter": ada, "grace": grace} {
		if got := b.send("POST", confirm, nil); got.status != 403 {
			t.Errorf("%s confirms: %d, want 403", name, got.status)
		}
	}
	w.browser(bob).send("POST", confirm, nil).wants(t, 403, countersign.CodeAssuranceTooLow)
	w.stranger().send("POST", "/v1/passkeys/challenge", object{"token": secret}).wants(t, 401, countersign.CodeUnauthenticated)

	must(t, w.gate.ConfirmCredential(t.Context(), countersign.Who{Actor: countersign.Operator()}, made.Passkey.ID))
	grace.signIn().wants(t, http.StatusOK, "")
	grace.send("POST", "/v1/passkeys/"+third.Passkey.ID+"/confirm", nil).wants(t, http.StatusNoContent, "")
	if me := decode[client.Me](t, grace.send("GET", "/v1/me", nil)); me.Enrolled != 3 {
		t.Errorf("%d are enrolled, want 3", me.Enrolled)
	}
}

func TestWhoIsInvitedSecondSignsAtOnceInTheGroupsOfTheInvitation(t *testing.T) {
	w, ada := claimed(t)
	in := decode[invite](t, ada.send("POST", "/v1/invites", object{"name": "Grace", "groups": []string{"platform"}}))
	grace := w.stranger()
	made := grace.enrol(object{"token": strings.TrimPrefix(in.Link, origin+"/join#")})
	me := decode[client.Me](t, grace.send("GET", "/v1/me", nil))
	if made.Passkey.Pending || me.Enrolled != 2 || !slices.Contains(me.Person.Groups, "platform") {
		t.Errorf("grace is %+v with %+v; want a passkey that signs, in platform", me, made.Passkey)
	}
}

// Two are enrolled, and of what one of them asks for the other alone could approve.
func TestAGroupThatAnInvitationCannotGiveIsSaid(t *testing.T) {
	w, ada := claimed(t)
	in := decode[invite](t, ada.send("POST", "/v1/invites", object{"name": "Grace"}))
	w.browser(carol).enrol(object{})
	d, err := w.gate.Directory(t.Context())
	must(t, err)
	var grace countersign.Person
	var inviter string
	for _, p := range d.People {
		if p.Name == in.Name {
			grace, inviter = p, p.InvitedBy
		}
	}
	_, secret, err := w.desk.Invite(t.Context(), grace, []string{"platform"}, inviter)
	must(t, err)
	b := w.stranger()
	b.enrol(object{"token": secret})
	if me := decode[client.Me](t, b.send("GET", "/v1/me", nil)); slices.Contains(me.Person.Groups, "platform") {
		t.Fatalf("grace is in %v on one person's word", me.Person.Groups)
	}
	for name, who := range map[string]*browser{"who invited": ada, "who was invited": b} {
		told := decode[struct{ Notices []setup.Notice }](t, who.send("GET", "/v1/notices", nil)).Notices
		if len(told) != 1 || !strings.HasPrefix(told[0].Text, "Grace, whom Ada invited, has not come into the group platform: a change needs two people") {
			t.Errorf("%s is told %+v, want why Grace is not in platform", name, told)
		}
	}
}

func TestAnInvitationThatIsWithdrawnOpensNothing(t *testing.T) {
	w, ada := claimed(t)
	in := decode[invite](t, ada.send("POST", "/v1/invites", object{"name": "Grace"}))
	ada.send("DELETE", "/v1/invites/"+in.ID, nil).wants(t, http.StatusNoContent, "")
	w.stranger().send("POST", "/v1/passkeys/challenge", object{"token": strings.TrimPrefix(in.Link, origin+"/join#")}).wants(t, 401, countersign.CodeUnauthenticated)
	ada.send("DELETE", "/v1/invites/"+in.ID, nil).wants(t, 404, countersign.CodeNotFound)
	ada.send("POST", "/v1/invites", object{"name": "X", "groups": []string{"nobodies"}}).wants(t, 422, countersign.CodeUnknownGroup)
	w.offset.Add(int64(16 * time.Minute))
	ada.send("POST", "/v1/invites", object{"name": "Grace2"}).wants(t, 403, countersign.CodeAssuranceTooLow)
}

func TestAnInvitationThatCameToNothingCanBeUsedAgain(t *testing.T) {
	w, ada := claimed(t)
	in := decode[invite](t, ada.send("POST", "/v1/invites", object{"name": "Grace"}))
	with := object{"token": strings.TrimPrefix(in.Link, origin+"/join#")}
	d, err := w.gate.Directory(t.Context())
	must(t, err)
	var grace countersign.Person
	for _, p := range d.People {
		if p.Name == "Grace" {
			grace = p
		}
	}
	operator := countersign.Who{Actor: countersign.Operator()}
	b := w.stranger()
	made := b.create(b.begin("/v1/passkeys/challenge", with))
	grace.Inactive = true
	_, err = w.gate.SetPerson(t.Context(), operator, grace)
	must(t, err)
	b.send("POST", "/v1/passkeys", made).wants(t, 403, countersign.CodeForbidden)
	grace.Inactive = false
	_, err = w.gate.SetPerson(t.Context(), operator, grace)
	must(t, err)
	if list := decode[struct{ Invites []invite }](t, ada.send("GET", "/v1/invites", nil)).Invites; len(list) != 1 {
		t.Errorf("the invitations are %+v, want the one", list)
	}
	w.stranger().enrol(with)
	w.stranger().send("POST", "/v1/passkeys/challenge", with).wants(t, 401, countersign.CodeUnauthenticated)
}

func TestAnotherPasskeyNeedsTheSignatureOfOne(t *testing.T) {
	w, ada := claimed(t)
	ada.send("POST", "/v1/passkeys/challenge", object{}).wants(t, 403, countersign.CodeAssuranceTooLow)
	other := w.browser("")
	other.cookie = ada.cookie // a second authenticator in the same browser
	signed := ada.get(ada.begin("/v1/session/challenge", object{}))
	made := other.enrol(object{"assertion": signed})
	if made.Passkey.Pending || made.RecoveryCodes != nil || !slices.Equal(made.Passkey.VouchedBy, []string{"Ada"}) {
		t.Errorf("the second passkey is %+v with codes %v; want it to sign, on Ada's own word, and no new codes", made.Passkey, made.RecoveryCodes)
	}
	third := w.browser("")
	third.cookie = other.cookie
	third.send("POST", "/v1/passkeys/challenge", object{"assertion": signed}).wants(t, 403, countersign.CodePasskeyInvalid)
	// A signature of somebody else's does not do.
	b := w.browser(bob)
	b.enrol(object{})
	third.send("POST", "/v1/passkeys/challenge", object{"assertion": b.get(b.begin("/v1/session/challenge", object{}))}).wants(t, 403, countersign.CodeForbidden)
}

func TestARecoveryCodeEnrolsAfterADayAndEverybodyIsTold(t *testing.T) {
	w := newWorld(t)
	secret, err := w.desk.NewSetup(t.Context())
	must(t, err)
	ada := w.stranger()
	code := ada.enrol(object{"token": secret, "name": "Ada"}).RecoveryCodes[0]
	lost := w.stranger()
	lost.send("POST", "/v1/passkeys/challenge", object{"token": code}).wants(t, 403, countersign.CodeForbidden)
	got := lost.send("POST", "/v1/recovery", object{"code": strings.ToLower(code)})
	got.wants(t, http.StatusAccepted, "")
	told := decode[struct{ Notices []setup.Notice }](t, w.send(call{as: bob, method: "GET", path: "/v1/notices"})).Notices
	if len(told) != 1 || !strings.Contains(told[0].Text, "recovery code of Ada") {
		t.Errorf("bob is told %v; want that a code of Ada's was shown", told)
	}
	w.offset.Add(int64(23 * time.Hour))
	lost.send("POST", "/v1/passkeys/challenge", object{"token": code}).wants(t, 403, countersign.CodeForbidden)
	w.offset.Add(int64(time.Hour + time.Minute))
	made := lost.enrol(object{"token": code})
	if !made.Passkey.Pending || made.RecoveryCodes != nil {
		t.Errorf("the passkey is %+v with codes %v; want it to wait for a second person, without new codes", made.Passkey, made.RecoveryCodes)
	}
	lost.send("POST", "/v1/recovery", object{"code": code}).wants(t, 401, countersign.CodeUnauthenticated)
}
