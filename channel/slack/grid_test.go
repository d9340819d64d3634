package slack_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/channel/slack"
	"github.com/countersignhq/countersign/channel/slack/blockkit"
	"github.com/countersignhq/countersign/channel/slack/slacktest"
)

// organized starts a workspace of the organization E0ACME and the channel to it.
func organized(t *testing.T, enterprise string, log *bytes.Buffer) (*slacktest.Server, *slack.Slack) {
	t.Helper()
	s, _ := workspace(t)
	s.Organize("E0ACME")
	c, err := slack.New(slack.Config{BotToken: slacktest.BotToken, AppToken: slacktest.AppToken, Enterprise: enterprise, API: s.URL,
		Console: "https://gate.example", Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestAWorkspaceOfAnOrganizationIsUsedOnlyIfTheConfigurationNamesIt(t *testing.T) {
	for configured, want := range map[string]string{"": "enterprise: E0ACME", "E0OTHER": "the configuration says E0OTHER", "E0ACME": ""} {
		_, c := organized(t, configured, new(bytes.Buffer))
		home, err := c.Check(t.Context())
		if want == "" && (err != nil || home.Enterprise != "E0ACME") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("enterprise %q: got %+v and %v, want %q", configured, home, err, want)
		}
		if _, err := c.Post(t.Context(), "#payments", sample()); (err == nil) != (want == "") {
			t.Errorf("enterprise %q: posting gave %v", configured, err)
		}
	}
	s, _ := workspace(t) // of no organization
	c, err := slack.New(slack.Config{BotToken: slacktest.BotToken, AppToken: slacktest.AppToken, Enterprise: "E0ACME", API: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Check(t.Context()); err == nil {
		t.Error("a workspace of no organization passes for one of E0ACME")
	}
}

func TestT13WhatIsOfAnotherOrganizationCountsForNothing(t *testing.T) {
	var log bytes.Buffer
	s, c := organized(t, "E0ACME", &log)
	m, _ := posted(t, s, c, nil)
	for name, change := range map[string]func(*slacktest.Pressing){
		"another organization":         func(p *slacktest.Pressing) { p.Enterprise = "E0OTHER" },
		"no organization":              func(p *slacktest.Pressing) { p.Enterprise = "" },
		"installed for all of it":      func(p *slacktest.Pressing) { p.OrgWide = true },
		"another workspace of its own": func(p *slacktest.Pressing) { p.Workspace = "T0SISTER" },
		"the organization as its team": func(p *slacktest.Pressing) { p.Workspace = "E0ACME" },
	} {
		desk := newNotes()
		if err := handled(t, c, s.Press("U0BOB", m, blockkit.ActionApprove, change), desk); err != nil || len(desk.presses) != 0 {
			t.Errorf("%s: got %v and %d presses, want it dropped", name, err, len(desk.presses))
		}
	}
	for name, change := range map[string][2]string{
		"a command of another":           {`"enterprise_id":"E0ACME"`, `"enterprise_id":"E0OTHER"`},
		"a command of all":               {`"is_enterprise_install":"false"`, `"is_enterprise_install":"true"`},
		"a command of all, as a boolean": {`"is_enterprise_install":"false"`, `"is_enterprise_install":true`},
		"a command that says it oddly":   {`"is_enterprise_install":"false"`, `"is_enterprise_install":"FALSE "`},
	} {
		d := s.Type("U0BOB", "link 4T7K")
		d.Payload = bytes.Replace(d.Payload, []byte(change[0]), []byte(change[1]), 1)
		log.Reset()
		if err := handled(t, c, d, newNotes()); err != nil || !strings.Contains(log.String(), "dropped") {
			t.Errorf("%s: got %v and the log %q, want it dropped", name, err, log.String())
		}
	}
	if n := len(s.Told()); n != 0 {
		t.Errorf("%d answers to what is not ours", n)
	}
	_, alone := workspace(t)
	desk := newNotes()
	if err := handled(t, alone, s.Press("U0BOB", m, blockkit.ActionApprove, nil), desk); err != nil || len(desk.presses) != 0 {
		t.Errorf("in a workspace of no organization: got %v and %d presses of one", err, len(desk.presses))
	}
}

func TestAMemberWhoIsAtHomeElsewhereInTheOrganizationIsNoStranger(t *testing.T) {
	s, c := organized(t, "E0ACME", new(bytes.Buffer))
	m, _ := posted(t, s, c, nil)
	in := func(enterprise string, workspaces ...string) *slacktest.Membership {
		return &slacktest.Membership{Enterprise: enterprise, Workspaces: workspaces}
	}
	for _, u := range []struct {
		slacktest.User
		member bool
	}{
		{slacktest.User{ID: "W0SISTER", Workspace: "T0SISTER", Organization: in("E0ACME", "T0SISTER", slacktest.Workspace)}, true},
		{slacktest.User{ID: "W0HOME", Organization: in("E0ACME", slacktest.Workspace)}, true},
		{slacktest.User{ID: "W0ELSEWHERE", Workspace: "T0SISTER", Organization: in("E0ACME", "T0SISTER")}, false},
		{slacktest.User{ID: "W0OTHER", Workspace: "T0FAR", Organization: in("E0OTHER", slacktest.Workspace)}, false},
		{slacktest.User{ID: "W0NOBODY", Workspace: "T0SISTER"}, false},
		{slacktest.User{ID: "W0GUEST", Workspace: "T0SISTER", Guest: true, Organization: in("E0ACME", slacktest.Workspace)}, false},
		{slacktest.User{ID: "W0STRANGE", Stranger: true, Organization: in("E0ACME", slacktest.Workspace)}, false},
	} {
		s.Join(u.User)
		desk := newNotes()
		if err := handled(t, c, s.Press(u.ID, m, blockkit.ActionApprove, nil), desk); err != nil || len(desk.presses) != 1 {
			t.Fatalf("%s: got %v and %d presses", u.ID, err, len(desk.presses))
		}
		if by := desk.presses[0].By; (by.Outsider == "") != u.member || by.Workspace != slacktest.Workspace {
			t.Errorf("%s: got %+v, want a member %t, of this workspace", u.ID, by, u.member)
		}
	}
}
