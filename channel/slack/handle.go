package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/channel/slack/blockkit"
)

// Handle implements channel.Channel.
func (s *Slack) Handle(ctx context.Context, d channel.Delivery, desk channel.Desk) error {
	home, err := s.Home(ctx)
	if err != nil {
		return err
	}
	pressed, typed, err := read(d.Body)
	var from sender
	switch {
	case err != nil:
		s.drop(d, err.Error())
		return nil
	case typed != nil:
		from = typed.sender()
	default:
		from = pressed.sender()
	}
	if why := home.foreign(from); why != "" {
		s.drop(d, why)
		return nil
	}
	if typed != nil {
		return s.command(ctx, desk, typed)
	}
	switch pressed.Type {
	case "block_actions":
		return s.pressed(ctx, d, desk, pressed)
	case "view_submission":
		return s.submitted(ctx, d, desk, pressed)
	}
	s.drop(d, fmt.Sprintf("an interaction of the kind %q", pressed.Type))
	return nil
}

// drop says that a delivery counts for nothing. What it holds is not logged.
func (s *Slack) drop(d channel.Delivery, why string) {
	s.config.Log.Warn("slack: dropped what was delivered", "delivery", d.ID, "why", why)
}

// pressed works on a button: an approval counts at once, the others ask why.
func (s *Slack) pressed(ctx context.Context, d channel.Delivery, desk channel.Desk, i *interaction) error {
	if len(i.Actions) != 1 {
		s.drop(d, fmt.Sprintf("%d actions at once", len(i.Actions)))
		return nil
	}
	var choice countersign.Choice
	switch id := i.Actions[0].ID; id {
	case blockkit.ActionApprove:
		choice = countersign.Approve
	case blockkit.ActionReject:
		choice = countersign.Reject
	case blockkit.ActionEscalate:
		choice = countersign.Escalate
	case blockkit.ActionOpen:
		return nil // the browser follows the link
	default:
		s.drop(d, fmt.Sprintf("the action %q, which nobody knows", id))
		return nil
	}
	who, err := s.account(ctx, i.User.ID)
	if err != nil {
		return err
	}
	p := channel.Press{By: who, Token: i.Actions[0].Value,
		At: channel.Copy{Workspace: i.Team.ID, Place: i.Container.Place, Message: i.Container.Message}}
	if choice == countersign.Approve {
		a, err := desk.Decide(ctx, p, channel.Choice{Choice: choice})
		if err != nil {
			return err
		}
		if a.Code != countersign.CodeReasonRequired {
			return s.answer(ctx, who, p.At.Place, a)
		}
	}
	return s.ask(ctx, desk, p, choice, i.TriggerID)
}

// ask opens the dialog that asks why.
func (s *Slack) ask(ctx context.Context, desk channel.Desk, p channel.Press, choice countersign.Choice, trigger string) error {
	c, a, ok, err := desk.Look(ctx, p)
	if err != nil {
		return err
	}
	if !ok {
		return s.answer(ctx, p.By, p.At.Place, a)
	}
	if !c.Offered(choice) || choice == countersign.Escalate && len(c.Groups) == 0 {
		return s.answer(ctx, p.By, p.At.Place, channel.Answer{Says: "This can no longer be chosen here.", OpenURL: c.OpenURL})
	}
	view, err := blockkit.Ask(choice, c)
	if err != nil {
		return fmt.Errorf("slack: %w", err)
	}
	if _, err = s.api.OpenViewContext(ctx, trigger, view); err == nil {
		return nil
	}
	switch slackWord(err) {
	case "expired_trigger_id", "trigger_expired", "exchanged_trigger_id", "trigger_exchanged", "invalid_trigger_id":
		// A dialog can be opened for three seconds, and once. https://docs.slack.dev/interactivity/
		return s.answer(ctx, p.By, p.At.Place, channel.Answer{Says: "That took too long for Slack to open the dialog. Press again.", OpenURL: c.OpenURL})
	}
	return fmt.Errorf("slack: open a dialog: %w", failure(err))
}

// submitted works on a dialog. Where it was opened Slack does not say, so that the
// answer goes to the conversation with the app.
func (s *Slack) submitted(ctx context.Context, d channel.Delivery, desk channel.Desk, i *interaction) error {
	values := i.View.State.Values
	c := channel.Choice{Reason: values[blockkit.BlockReason][blockkit.ActionReason].Value}
	switch i.View.Callback {
	case blockkit.CallbackApprove:
		c.Choice = countersign.Approve
	case blockkit.CallbackReject:
		c.Choice = countersign.Reject
	case blockkit.CallbackEscalate:
		c.Choice, c.To = countersign.Escalate, values[blockkit.BlockTo][blockkit.ActionTo].Selected.Value
	default:
		s.drop(d, fmt.Sprintf("the dialog %q, which nobody knows", i.View.Callback))
		return nil
	}
	who, err := s.account(ctx, i.User.ID)
	if err != nil {
		return err
	}
	a, err := desk.Decide(ctx, channel.Press{By: who, Token: i.View.Token}, c)
	if err != nil {
		return err
	}
	return s.answer(ctx, who, "", a)
}

// account is who acts, as Slack says it now: what an account may be changes while
// a card stands, so nothing of it is kept.
func (s *Slack) account(ctx context.Context, id string) (channel.Account, error) {
	home, err := s.Home(ctx)
	if err != nil {
		return channel.Account{}, err
	}
	a := channel.Account{Workspace: home.Workspace, ID: id}
	u, err := s.api.GetUserInfoContext(ctx, id)
	if err = failure(err); errors.Is(err, channel.ErrGone) {
		a.Outsider = "nobody of this workspace"
		return a, nil
	}
	if err != nil {
		return a, fmt.Errorf("slack: who %s is: %w", id, err)
	}
	a.Name = u.Profile.DisplayName
	if a.Name == "" {
		a.Name = u.RealName
	}
	switch {
	case u.ID != id:
		a.Outsider = "somebody else than who pressed"
	case u.Deleted:
		a.Outsider = "deactivated"
	case u.IsBot || u.IsConnectorBot || u.IsWorkflowBot || id == "USLACKBOT":
		a.Outsider = "a bot"
	case u.IsStranger || !home.member(u):
		a.Outsider = "a stranger from another workspace"
	case u.IsRestricted || u.IsUltraRestricted:
		a.Outsider = "a guest"
	}
	return a, nil
}

// member reports whether a user is of the workspace: at home in it or, in an
// organization, a member of it who is at home elsewhere.
func (h Home) member(u *slack.User) bool {
	if u.TeamID == h.Workspace {
		return true
	}
	return h.Enterprise != "" && u.Enterprise.EnterpriseID == h.Enterprise && slices.Contains(u.Enterprise.Teams, h.Workspace)
}
