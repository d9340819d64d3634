package view_test

import (
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/server/view"
)

func TestAnAgentByItsOwnTokenSeesNothingThatItAskedForSomebodyElse(t *testing.T) {
	d := countersign.NewDirectory()
	bot := countersign.Principal{Kind: countersign.KindAgent, ID: "agt_1"}
	r := countersign.Request{Requester: bot}
	if !view.Sees(d, bot, r) {
		t.Error("it does not see what it asked for itself")
	}
	r.OnBehalfOf = []countersign.Principal{{Kind: countersign.KindPerson, ID: "https://idp|ann", Issuer: "https://idp", Subject: "ann"}}
	if view.Sees(d, bot, r) {
		t.Error("it sees what it asked for ann")
	}
	r.OnBehalfOf, bot.ID = nil, "agt_2"
	if view.Sees(d, bot, r) {
		t.Error("another agent sees it")
	}
}
