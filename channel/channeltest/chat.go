// Package channeltest is what every chat must pass. A chat's own test says how
// its people see and press (Chat) and calls Test; New gives a House, a gate and a
// desk over a store in memory, for what a chat tests besides. Room is a small chat
// of this package's own.
package channeltest

import (
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
)

// Console is the origin of the console in every test.
const Console = "https://gate.example"

// A Chat is a chat as the people in it see it, with the channel under test
// connected to it. Nothing of it goes by itself: what people do becomes a
// delivery, which the test hands to the desk.
type Chat interface {
	// Channel is the channel under test.
	Channel() channel.Channel
	// Join adds an account; the standing is one of Standings.
	Join(name string, s Standing) channel.Account
	// Becomes changes what an account is.
	Becomes(who channel.Account, s Standing)
	// Place is an address where everybody sees what is posted.
	Place() channel.Address
	// Copies are the cards that stand anywhere in the chat, the oldest first.
	Copies() []channel.Copy
	// Shown is the text that people read in a copy: what the chat makes of its own
	// markup and escapes, white space aside.
	Shown(at channel.Copy) string
	// Alive are the mentions and the addresses of links and images that a copy has.
	Alive(at channel.Copy) []string
	// Buttons are what can be pressed on a copy besides its link.
	Buttons(at channel.Copy) []countersign.Choice
	// Token is the token that the buttons of a copy carry, empty if it has none.
	Token(at channel.Copy) string
	// Press is what the chat delivers when the account presses a button, with an id
	// of its own. The action is a choice, or a word that nobody knows; the token may
	// be forged.
	Press(by channel.Account, at channel.Copy, token, action string) channel.Delivery
	// Fill is what the chat delivers when the account fills in and sends the dialog
	// that was opened for it last; ok is false if none is open.
	Fill(by channel.Account, c channel.Choice) (d channel.Delivery, ok bool)
	// Told is what was said to the account alone, the newest last.
	Told(to channel.Account) []string
	// Noted is what was said below a copy, the newest last: each choice that was made
	// since it was posted is, with the name of whose it is.
	Noted(at channel.Copy) []string
}

// A Standing is what an account is in a chat.
type Standing string

// The standings.
const (
	Member   Standing = "member"
	Guest    Standing = "guest"
	Stranger Standing = "stranger" // of another workspace, in a shared place
	Bot      Standing = "bot"
	Left     Standing = "left" // deactivated
)

// Test runs the suite. open makes a chat of its own for each test.
func Test(t *testing.T, open func(t testing.TB) Chat) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *House)
	}{
		{"EveryFactThatMattersIsShownBesideApprove", everyFact},
		{"WhatIsCutCannotBeApproved", cut},
		{"WhatHidesASecretCannotBeApproved", secret},
		{"WhatNeedsMoreThanAChatCannotBeApproved", tooLittle},
		{"MarkupAndMentionsOfARequestAreInert", inert},
		{"DataThatMayNotLeaveItsRegionIsALink", elsewhere},
		{"EveryCopyIsEditedWhenItIsSettled", settled},
		{"EveryCopyIsEditedWhenVotesAndStagesChange", changed},
		{"EachChoiceIsSaidBelowEachCopyOnce", saidOnce},
		{"WhatComesTwiceCountsOnce", twice},
		{"AnUnknownActionCountsForNothing", unknownAction},
		{"TheTokenOfAnotherRequestIsRefused", otherToken},
		{"AStaleOrMadeUpTokenIsRefused", staleToken},
		{"NobodyButLinkedMembersDecides", strangers},
		{"WhoIsUnlinkedIsShownNothingMore", takenBack},
		{"AnOutsiderIsPostedNothing", outsider},
		{"AnOutsiderIsRemindedAndToldOfNothing", untold},
		{"WhoIsUnlinkedDecidesNothingAtOnce", unlinked},
		{"WhoIsLinkedAfterItApprovesInTheBrowser", linkedLate},
		{"WhoStandsBehindTheAskerCannotApproveInAChat", ownRequest},
		{"OneHumanWithTwoAccountsCountsOnce", oneHuman},
		{"WhatIsDecidedIsPressedInVain", afterwards},
		{"WhoDecidedIsCalledByTheirOwnName", alias},
		{"ARejectionAsksWhy", reason},
		{"AnEscalationAsksForAGroupAndWhy", escalation},
		{"TheLoserIsToldWhoDecided", loser},
		{"TwoProcessesAndOneClickAreOneDecision", race},
		{"AClickSurvivesARestart", restart},
		{"AnInboxIsWhatWaitsForItsPersonAndDecidesNothing", inbox},
		{"OneRequestIsShownToWhoMaySeeItAndDecidesNothing", shown},
		{"AReminderReachesWhoHasNotDecided", reminder},
		{"ALinkIsToldOf", linkNotice},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, New(t, open(t))) })
	}
}
