package channeltest

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/channel"
)

// A Room is a small chat. In its markup <@U1> is a mention, <https://…|label> a
// link, and & < > are escaped as in HTML. A message holds 12,000 bytes.
type Room struct {
	// Fail, if set, is what becomes of the next call of the channel by name, "post",
	// "edit", "tell" (an answer too), "note" or "handle"; it is called without the lock.
	Fail func(call string) error

	mu       sync.Mutex
	messages []*message // guarded by mu, as is what follows
	accounts map[string]Standing
	names    map[string]string
	told     map[string][]string
	dialogs  map[string]dialog
	sent     int
}

const roomHolds = 12_000

type message struct {
	place   string
	text    string
	token   string
	buttons []countersign.Choice
	notes   []string // said below it
}

type dialog struct {
	token  string
	choice countersign.Choice
}

// wire is what a Room delivers.
type wire struct {
	User   string       `json:"user"`
	At     channel.Copy `json:"at,omitzero"`
	Token  string       `json:"token"`
	Action string       `json:"action"`
	Filled bool         `json:"filled,omitempty"`
	Reason string       `json:"reason,omitempty"`
	To     string       `json:"to,omitempty"`
}

// NewRoom returns an empty room.
func NewRoom(testing.TB) Chat { return OpenRoom() }

// OpenRoom returns an empty room as itself.
func OpenRoom() *Room {
	return &Room{accounts: map[string]Standing{}, names: map[string]string{}, told: map[string][]string{}, dialogs: map[string]dialog{}}
}

// Channel implements Chat.
func (r *Room) Channel() channel.Channel { return (*roomChannel)(r) }

// Join implements Chat.
func (r *Room) Join(name string, s Standing) channel.Account {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := fmt.Sprintf("U%d", len(r.accounts)+1)
	r.accounts[id], r.names[id] = s, name
	return r.account(id)
}

// Becomes implements Chat.
func (r *Room) Becomes(who channel.Account, s Standing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accounts[who.ID] = s
}

func (r *Room) account(id string) channel.Account {
	a := channel.Account{Workspace: "T1", ID: id, Name: r.names[id]}
	switch r.accounts[id] {
	case Member:
	case Stranger:
		a.Workspace, a.Outsider = "T2", "a stranger from another workspace"
	default:
		a.Outsider = "a " + string(r.accounts[id])
	}
	return a
}

// Place implements Chat.
func (r *Room) Place() channel.Address { return "#approvals" }

// Copies implements Chat.
func (r *Room) Copies() []channel.Copy {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []channel.Copy
	for i, m := range r.messages {
		all = append(all, copyOf(i, m.place))
	}
	return all
}

func copyOf(i int, place string) channel.Copy {
	return channel.Copy{Workspace: "T1", Place: place, Message: fmt.Sprint(i)}
}

func (r *Room) at(c channel.Copy) *message {
	var i int
	if _, err := fmt.Sscan(c.Message, &i); err != nil || i >= len(r.messages) || copyOf(i, r.messages[i].place) != c {
		return nil
	}
	return r.messages[i]
}

var alive = regexp.MustCompile(`<([^>|]*)\|?([^>]*)>`)

// Shown implements Chat.
func (r *Room) Shown(at channel.Copy) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := alive.ReplaceAllStringFunc(r.at(at).text, func(s string) string {
		part := alive.FindStringSubmatch(s)
		if part[2] != "" {
			return part[2]
		}
		return "(mention)"
	})
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}

// Alive implements Chat.
func (r *Room) Alive(at channel.Copy) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, part := range alive.FindAllStringSubmatch(r.at(at).text, -1) {
		all = append(all, part[1])
	}
	return all
}

// Buttons implements Chat.
func (r *Room) Buttons(at channel.Copy) []countersign.Choice {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at(at).buttons
}

// Token implements Chat.
func (r *Room) Token(at channel.Copy) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at(at).token
}

// Press implements Chat.
func (r *Room) Press(by channel.Account, at channel.Copy, token, action string) channel.Delivery {
	return r.delivery(wire{User: by.ID, At: at, Token: token, Action: action})
}

// Fill implements Chat.
func (r *Room) Fill(by channel.Account, c channel.Choice) (channel.Delivery, bool) {
	r.mu.Lock()
	open, ok := r.dialogs[by.ID]
	delete(r.dialogs, by.ID)
	r.mu.Unlock()
	if !ok {
		return channel.Delivery{}, false
	}
	return r.delivery(wire{User: by.ID, Token: open.token, Action: string(open.choice), Filled: true, Reason: c.Reason, To: c.To}), true
}

func (r *Room) delivery(w wire) channel.Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent++
	body, err := json.Marshal(w)
	if err != nil {
		panic(err)
	}
	return channel.Delivery{ID: fmt.Sprintf("envelope-%d", r.sent), Body: body}
}

// Noted implements Chat.
func (r *Room) Noted(at channel.Copy) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at(at).notes
}

// Told implements Chat.
func (r *Room) Told(to channel.Account) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.told[to.ID]
}

// roomChannel is the channel of a Room.
type roomChannel Room

func (c *roomChannel) room() *Room { return (*Room)(c) }

func (c *roomChannel) fails(call string) error {
	if c.Fail == nil {
		return nil
	}
	return c.Fail(call)
}

// Fits implements channel.Channel.
func (c *roomChannel) Fits(card channel.Card) bool { return len(draw(card)) <= roomHolds }

// draw is the card in the room's markup.
func draw(c channel.Card) string {
	text := c.Elsewhere
	if text == "" {
		for _, part := range c.Brief.Mandatory() {
			text += part.Name + ": " + strings.Join(part.Says, "\n") + "\n"
		}
		text += c.Why
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(c.Status+"\n"+text) + "\n<" + c.OpenURL + "|" + c.OpenLabel() + ">"
}

func drawn(place string, c channel.Card) *message {
	text := draw(c)
	if len(text) > roomHolds {
		cut := c
		cut.Brief = brief.Brief{ID: c.Brief.ID, Severity: c.Brief.Severity, Sentence: c.Brief.Sentence}
		text = draw(cut)
	}
	return &message{place: place, text: text, token: c.Token, buttons: c.Offers}
}

// Post implements channel.Channel.
func (c *roomChannel) Post(_ context.Context, to channel.Address, card channel.Card) (channel.Copy, error) {
	if err := c.fails("post"); err != nil {
		return channel.Copy{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, is := c.accounts[string(to)]; is && c.room().account(string(to)).Outsider != "" {
		return channel.Copy{}, channel.ErrGone
	}
	c.messages = append(c.messages, drawn(string(to), card))
	return copyOf(len(c.messages)-1, string(to)), nil
}

// Edit implements channel.Channel.
func (c *roomChannel) Edit(_ context.Context, at channel.Copy, card channel.Card) error {
	if err := c.fails("edit"); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.room().at(at)
	if m == nil {
		return channel.ErrGone
	}
	notes := m.notes
	*m = *drawn(m.place, card)
	m.notes = notes
	choices := card.Brief.Deciders.Choices
	for _, s := range choices[len(choices)-card.NewChoices:] {
		m.notes = append(m.notes, s.Name.String()+" chose "+string(s.Choice))
	}
	return nil
}

// Tell implements channel.Channel.
func (c *roomChannel) Tell(_ context.Context, to channel.Account, text, _ string) error {
	if err := c.fails("tell"); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.room().account(to.ID).Outsider != "" {
		return channel.ErrGone
	}
	c.told[to.ID] = append(c.told[to.ID], text)
	return nil
}

// answer says something to whoever pressed, whatever they are.
func (c *roomChannel) answer(to channel.Account, a channel.Answer) error {
	if err := c.fails("tell"); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told[to.ID] = append(c.told[to.ID], a.Says)
	return nil
}

// Note implements channel.Channel.
func (c *roomChannel) Note(_ context.Context, at channel.Copy, text, _ string) error {
	if err := c.fails("note"); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.room().at(at)
	if m == nil {
		return channel.ErrGone
	}
	m.notes = append(m.notes, text)
	return nil
}

// Handle implements channel.Channel.
func (c *roomChannel) Handle(ctx context.Context, d channel.Delivery, desk channel.Desk) error {
	if err := c.fails("handle"); err != nil {
		return err
	}
	var w wire
	if err := json.Unmarshal(d.Body, &w); err != nil {
		return nil
	}
	c.mu.Lock()
	who := c.room().account(w.User)
	c.mu.Unlock()
	press, choice := channel.Press{By: who, Token: w.Token, At: w.At}, countersign.Choice(w.Action)
	switch {
	case choice == countersign.Approve || w.Filled && (choice == countersign.Reject || choice == countersign.Escalate):
		a, err := desk.Decide(ctx, press, channel.Choice{Choice: choice, Reason: w.Reason, To: w.To})
		if err != nil {
			return err
		}
		return c.answer(who, a)
	case choice == countersign.Reject || choice == countersign.Escalate:
		card, a, ok, err := desk.Look(ctx, press)
		if err != nil {
			return err
		}
		if !ok {
			return c.answer(who, a)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.dialogs[who.ID] = dialog{card.Token, choice}
	}
	return nil
}
