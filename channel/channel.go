// Package channel asks reviewers where they already are. A chat implements
// Channel, and is given a Desk; it sees requests as Cards and knows neither the
// gate nor the store. channeltest is what every chat must pass, and channel/desk
// is the Desk.
//
// A card is posted to each address that a request is routed to, and every copy of
// it is edited whenever the request changes. What people do with a copy comes
// back as a delivery: a chat hands it to Desk.Receive exactly as it came, before
// it acknowledges it, and is later asked to Handle it, at least once.
package channel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
)

// A Channel is a chat as the core sees it. How it is connected, and how it opens
// dialogs and answers in them, is its own business.
//
// An error of Post, Edit, Tell, Note or Handle is tried again later with growing pauses,
// 20 times in all. A *RetryError says when, counts as no try for two hours, and keeps
// whatever else goes to the same place or account back as well. An error that is
// ErrGone is not tried again.
type Channel interface {
	// Fits reports whether the chat can show all that is mandatory of the card's
	// brief at once (brief.Mandatory), within its limits and without cutting
	// anything. It depends on the card alone. The core offers Approve on no card
	// that does not fit: the chat then shows what it can, says that it is not all,
	// and links to OpenURL.
	Fits(c Card) bool
	// Post posts the card to the address and says which copy that made. It may be
	// called again for the same Card.Key after an error or a crash; a chat that can
	// tell by the key that an earlier try arrived returns that copy. An account that
	// is an outsider as of this moment is ErrGone: it is posted nothing.
	Post(ctx context.Context, to Address, c Card) (Copy, error)
	// Edit brings a copy up to date; the card has another token than before if what
	// it shows has changed. Edit with the same card twice does no harm.
	Edit(ctx context.Context, at Copy, c Card) error
	// Tell says something to one account so that nobody else sees it, with a link if
	// open is not empty. The text is plain: the chat escapes it for its own markup. To
	// an account that is an outsider as of this moment nothing is said: it is ErrGone.
	Tell(ctx context.Context, to Account, text, open string) error
	// Note says something below a copy, to whoever sees the copy, as Tell does.
	Note(ctx context.Context, at Copy, text, open string) error
	// Handle works on one delivery: it reads what the chat sent and calls the Desk.
	// It may be called again for the same one, after a crash or an error. A delivery
	// that can never be worked on, such as one that does not parse or has an action
	// that nobody knows, is no error: it is logged and dropped, and counts as
	// neither approve nor reject.
	Handle(ctx context.Context, d Delivery, desk Desk) error
}

// A Desk is what a chat needs of the core. Refusals are Answers, to be shown to
// whoever pressed and to nobody else; an error is a fault of ours, and Handle
// returns it to be tried again.
type Desk interface {
	// Receive keeps a delivery until it has been worked on. Once it returns nil the
	// delivery survives a crash, and the chat acknowledges it; on an error the chat
	// does not. Receiving the same id again does nothing.
	Receive(ctx context.Context, d Delivery) error
	// Look returns the card that was pressed as it stands now, for a dialog. Its
	// token is the dialog's own: for who pressed alone, for half an hour, and to be
	// used with the zero Copy, since a dialog is none. The answer says why there is
	// no card: ok is false then.
	Look(ctx context.Context, p Press) (c Card, a Answer, ok bool, err error)
	// Decide takes a choice to the record, or says why not. To decide the same again
	// does no harm.
	Decide(ctx context.Context, p Press, c Choice) (Answer, error)
	// Link links the account to the person who was shown the one-time code in their
	// console. Without a code the answer says where to get one.
	Link(ctx context.Context, who Account, code string) (Answer, error)
	// Unlink ends the account's link.
	Unlink(ctx context.Context, who Account) (Answer, error)
	// Person returns whom the account is linked to, as of now; ok is false if it is
	// linked to nobody who is active.
	Person(ctx context.Context, who Account) (p countersign.Person, ok bool, err error)
	// Inbox returns what waits for the person whose account it is. Nothing in it can
	// be pressed. The answer says why there is none to see: ok is false then.
	Inbox(ctx context.Context, who Account) (in Inbox, a Answer, ok bool, err error)
	// Show returns the card of one request, for the person whose account it is and
	// nobody else. Nothing on it can be pressed: a chat shows it in an answer, which
	// is never edited. The answer says why there is none: ok is false then.
	Show(ctx context.Context, who Account, id countersign.RequestID) (c Card, a Answer, ok bool, err error)
}

// An Inbox is what waits for one person to decide.
type Inbox struct {
	// Cards are the most urgent requests, in order, with nothing to press.
	Cards []Card
	// More is how many wait besides.
	More int
	// OpenURL is the inbox in the console.
	OpenURL string
}

// An Address is a place in a chat as the configuration writes it, such as
// "#payments" or "C024BE91L"; that of one person is their account's ID.
type Address string

// An Account is somebody in a chat, as the chat itself vouches for them. A name or
// an e-mail address identifies nobody.
type Account struct {
	// Workspace is the tenant the account belongs to: a Slack team id.
	Workspace string
	// ID is the account's own id there: a Slack user id.
	ID string
	// Name is what the chat calls them. It is shown, never trusted.
	Name string
	// Outsider says why the account is none of the workspace's own people as of this
	// moment ("a guest", "a stranger from another workspace", "a bot",
	// "deactivated"), empty for a full member. The Desk refuses outsiders
	// everything.
	Outsider string
}

// A Copy is one posted message. Two copies are the same if all of it is equal.
type Copy struct {
	Workspace string `json:"workspace"` // a Slack team id
	Place     string `json:"place"`     // the id of a channel or conversation
	Message   string `json:"message"`   // a Slack ts
}

// A Delivery is what a chat sent, exactly as it came.
type Delivery struct {
	// ID is the chat's own id of it, the same whenever it delivers it again: a Slack
	// envelope id. At most 200 bytes.
	ID string
	// Body is at most 256 KiB. It is sealed at rest.
	Body []byte
}

// A Press is somebody using a copy of a card. Nothing else of a payload is
// believed: what the card was about is known by its token.
type Press struct {
	By    Account
	Token string
	// At is the copy that was pressed, as the chat's payload says it; zero from a
	// dialog. The Desk refuses a token that was posted as another copy.
	At Copy
}

// A Choice is what a person chose.
type Choice struct {
	Choice countersign.Choice
	// Reason is required to reject and to escalate, and to approve where
	// Card.Brief.Deciders.Reason says so.
	Reason string
	// To is the group to escalate to, one of Card.Groups.
	To string
}

// An Answer is said to whoever pressed, in private.
type Answer struct {
	// Says is plain text of one or two sentences; the chat escapes it.
	Says string
	// OpenURL is where to go on, empty if there is nothing to do.
	OpenURL string
	// Code says why a choice did not count, such as countersign.CodeSelfApproval or
	// countersign.CodeReasonRequired; empty if what was asked was done.
	Code countersign.Code
}

// A RetryError says when to try again: a chat's Retry-After.
type RetryError struct {
	After time.Duration
	Err   error
}

// Error implements error.
func (e *RetryError) Error() string { return fmt.Sprintf("try again in %s: %v", e.After, e.Err) }

// Unwrap returns what went wrong.
func (e *RetryError) Unwrap() error { return e.Err }

// ErrGone: the place, the message or the account is no longer there, or the chat
// will never let us. It is not tried again.
var ErrGone = errors.New("it is gone from the chat")

// A Card is a request as a chat is to show it: the brief, and what people are
// offered to do. A chat offers nothing else, and leaves nothing of the brief out
// unless it does not fit.
type Card struct {
	// Key names the copy for all tries of posting it.
	Key string
	// Token goes into every button: 26 letters and digits. It is empty on a card
	// with nothing to press.
	Token string
	// Brief is what is shown. Of a card with Elsewhere it has no more than id,
	// state, severity and times, and of one that is TakenBack no more than the id.
	Brief brief.Brief
	// NewChoices is how many of Brief.Deciders.Choices, the last ones, were made
	// since this copy was last shown. A chat with threads says each below the card;
	// after an error it is told of them again.
	NewChoices int
	// Status is one plain sentence that says how it stands: "Waits for 2 more
	// people.", "Rejected by Bob Tan: wrong table." It changes without the view.
	Status string
	// Offers are the buttons, in this order; none once nobody is asked any more.
	Offers []countersign.Choice
	// Groups are those that it can be escalated to.
	Groups []string
	// OpenURL is the request in the console, where people sign in. Every card links
	// to it.
	OpenURL string
	// Confirm is true where an approval needs more than a chat can give: the link
	// then reads "Confirm with your passkey" (or OpenLabel).
	Confirm bool
	// Why says why Approve is not offered while it waits, empty if it is: one plain
	// sentence to show beside the link.
	Why string
	// Elsewhere is set where the data may not leave its region for this chat, or is
	// not for this account any more: the sentence to show in place of everything
	// else, beside the link.
	Elsewhere string
}

// OpenLabel is what the link of the card reads.
func (c Card) OpenLabel() string {
	if c.Confirm {
		return "Confirm with your passkey"
	}
	return "Open"
}

// Offered reports whether the choice is one of the card's.
func (c Card) Offered(choice countersign.Choice) bool {
	for _, o := range c.Offers {
		if o == choice {
			return true
		}
	}
	return false
}
