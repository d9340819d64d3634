package slacktest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/countersignhq/countersign/channel/slack/blockkit"
)

// A Delivery is what Slack sends when somebody does something.
type Delivery struct {
	Kind    string // "interactive" or "slash_commands"
	Payload json.RawMessage
}

type id struct {
	ID string `json:"id"`
}

type pressing struct {
	Type      string `json:"type"`
	App       string `json:"api_app_id"`
	TriggerID string `json:"trigger_id"`
	Team      id     `json:"team"`
	Of        *id    `json:"enterprise"`
	OrgWide   bool   `json:"is_enterprise_install"`
	User      struct {
		ID   string `json:"id"`
		Team string `json:"team_id"`
	} `json:"user"`
	Channel   *id        `json:"channel,omitempty"`
	Container *container `json:"container,omitempty"`
	Message   *Message   `json:"message,omitempty"`
	Actions   []pressed  `json:"actions,omitempty"`
	View      *submitted `json:"view,omitempty"`
}

type container struct {
	Type    string `json:"type"`
	Place   string `json:"channel_id"`
	Message string `json:"message_ts"`
}

type pressed struct {
	Type   string `json:"type"`
	ID     string `json:"action_id"`
	Block  string `json:"block_id"`
	Value  string `json:"value"`
	Moment string `json:"action_ts"`
}

type submitted struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Callback string          `json:"callback_id"`
	Token    string          `json:"private_metadata"`
	Blocks   json.RawMessage `json:"blocks"`
	State    state           `json:"state"`
}

type state struct {
	Values map[string]map[string]field `json:"values"`
}

type field struct {
	Type     string  `json:"type"`
	Value    string  `json:"value,omitempty"`
	Selected *choice `json:"selected_option,omitempty"`
}

type choice struct {
	Value string `json:"value"`
}

// Press is a user pressing a button of a message. Change changes what would be
// sent, for what Slack would never send; it may be nil.
func (s *Server) Press(user string, m Message, action string, change func(p *Pressing)) Delivery {
	button, _ := m.Button(action)
	p := Pressing{App: App, Workspace: Workspace, User: user, Place: m.Place, Message: m.TS, Action: action, Token: button.Value}
	s.mu.Lock()
	p.Enterprise = s.of
	s.mu.Unlock()
	if change != nil {
		change(&p)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := pressing{Type: "block_actions", App: p.App, TriggerID: s.trigger(user), Team: id{p.Workspace}, Of: of(p.Enterprise), OrgWide: p.OrgWide,
		Channel: &id{p.Place}, Container: &container{"message", p.Place, p.Message}, Message: &m,
		Actions: []pressed{{Type: "button", ID: p.Action, Block: "decide", Value: p.Token, Moment: s.now()}}}
	w.User.ID, w.User.Team = p.User, s.users[p.User].Workspace
	return delivery("interactive", w)
}

// A Pressing is what can be changed of a press.
type Pressing struct {
	App, Workspace, Enterprise, User, Place, Message, Action, Token string
	OrgWide                                                         bool
}

// of is the organization as payloads carry it: null if there is none.
func of(enterprise string) *id {
	if enterprise == "" {
		return nil
	}
	return &id{enterprise}
}

// Submit is a user sending a dialog off, to is the group of an escalation.
func (s *Server) Submit(d Dialog, user, reason, to string) Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	values := map[string]map[string]field{blockkit.BlockReason: {blockkit.ActionReason: {Type: "plain_text_input", Value: reason}}}
	if to != "" {
		values[blockkit.BlockTo] = map[string]field{blockkit.ActionTo: {Type: "static_select", Selected: &choice{to}}}
	}
	blocks, _ := json.Marshal(d.View.Blocks)
	w := pressing{Type: "view_submission", App: App, TriggerID: s.trigger(user), Team: id{Workspace}, Of: of(s.of),
		View: &submitted{d.ID, "modal", d.View.CallbackID, d.View.PrivateMetadata, blocks, state{values}}}
	w.User.ID, w.User.Team = user, s.users[user].Workspace
	return delivery("interactive", w)
}

// Type is a user typing a command, such as "link 4T7K".
func (s *Server) Type(user, text string) Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return delivery("slash_commands", typed{App: App, Team: Workspace, Enterprise: s.of, OrgWide: "false", User: user, Place: "C0PAYMENTS", Command: "/countersign", Text: text,
		TriggerID: s.trigger(user), ResponseURL: strings.TrimSuffix(s.URL, "api/") + "response/" + user + "/C0PAYMENTS"})
}

type typed struct {
	App         string `json:"api_app_id"`
	Team        string `json:"team_id"`
	Enterprise  string `json:"enterprise_id,omitempty"`
	OrgWide     string `json:"is_enterprise_install"`
	User        string `json:"user_id"`
	Place       string `json:"channel_id"`
	Command     string `json:"command"`
	Text        string `json:"text"`
	TriggerID   string `json:"trigger_id"`
	ResponseURL string `json:"response_url"`
}

func delivery(kind string, of any) Delivery {
	payload, err := json.Marshal(of)
	if err != nil {
		panic(fmt.Sprintf("slacktest: %v", err)) // our own structs always marshal
	}
	return Delivery{kind, payload}
}

// Request is the delivery as the signed request that Slack would send to the
// address at the time.
func (d Delivery) Request(to string, at time.Time) *http.Request {
	form := url.Values{}
	if d.Kind == "interactive" {
		form.Set("payload", string(d.Payload))
	} else {
		var fields map[string]string
		json.Unmarshal(d.Payload, &fields)
		for key, value := range fields {
			form.Set(key, value)
		}
	}
	r := Signed(to, []byte(form.Encode()), SigningSecret, at)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// Signed is a request with a signature of the bytes.
func Signed(to string, body []byte, secret string, at time.Time) *http.Request {
	r, err := http.NewRequest(http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		panic(fmt.Sprintf("slacktest: %v", err)) // an address of the test's own
	}
	moment := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%s:%s", moment, body)
	r.Header.Set("X-Slack-Request-Timestamp", moment)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return r
}
