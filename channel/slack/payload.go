package slack

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// The kinds of what Slack sends, as Socket Mode names them.
const (
	kindInteractive = "interactive"
	kindCommand     = "slash_commands"
)

// An envelope is a delivery of Socket Mode.
// https://docs.slack.dev/apis/events-api/using-socket-mode
type envelope struct {
	ID      string          `json:"envelope_id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// An interaction is what is read of a pressed button or a submitted dialog; the
// rest of the payload is not believed.
// https://docs.slack.dev/reference/interaction-payloads
type interaction struct {
	Type      string `json:"type"`
	App       string `json:"api_app_id"`
	TriggerID string `json:"trigger_id"`
	Team      struct {
		ID string `json:"id"`
	} `json:"team"`
	Enterprise struct {
		ID string `json:"id"`
	} `json:"enterprise"` // null in a workspace of no organization
	OrgWide flag `json:"is_enterprise_install"`
	User    struct {
		ID string `json:"id"`
	} `json:"user"`
	Container struct {
		Place   string `json:"channel_id"`
		Message string `json:"message_ts"`
	} `json:"container"`
	Actions []struct {
		ID    string `json:"action_id"`
		Value string `json:"value"`
	} `json:"actions"`
	View struct {
		Callback string `json:"callback_id"`
		Token    string `json:"private_metadata"`
		State    struct {
			Values map[string]map[string]answered `json:"values"`
		} `json:"state"`
	} `json:"view"`
}

// answered is one field of a dialog.
type answered struct {
	Value    string `json:"value"`
	Selected struct {
		Value string `json:"value"`
	} `json:"selected_option"`
}

// A flag is one that Slack sends as a boolean or, of commands, as its name. What is
// neither is set: it is one of those that refuse.
type flag bool

// UnmarshalJSON implements json.Unmarshaler.
func (f *flag) UnmarshalJSON(b []byte) error {
	*f = flagOf(strings.Trim(string(b), `"`))
	return nil
}

func flagOf(says string) flag { return says != "" && says != "false" && says != "null" }

// A command is what somebody typed behind /countersign.
// https://docs.slack.dev/interactivity/implementing-slash-commands
type command struct {
	App         string `json:"api_app_id"`
	Team        string `json:"team_id"`
	Enterprise  string `json:"enterprise_id"`
	OrgWide     flag   `json:"is_enterprise_install"`
	User        string `json:"user_id"`
	Place       string `json:"channel_id"`
	Text        string `json:"text"`
	ResponseURL string `json:"response_url"`
}

// read reads a delivery: an envelope of Socket Mode, or the form of a signed
// request. One of the two results is nil; both are if it is none of ours.
func read(body []byte) (*interaction, *command, error) {
	if len(body) > 0 && body[0] == '{' {
		var e envelope
		if err := json.Unmarshal(body, &e); err != nil {
			return nil, nil, fmt.Errorf("an envelope that does not parse: %w", err)
		}
		switch e.Type {
		case kindInteractive:
			return readInteraction(e.Payload)
		case kindCommand:
			c := new(command)
			return nil, c, json.Unmarshal(e.Payload, c)
		}
		return nil, nil, fmt.Errorf("an envelope of the kind %q", e.Type)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, nil, fmt.Errorf("a form that does not parse: %w", err)
	}
	if payload := form.Get("payload"); payload != "" {
		return readInteraction([]byte(payload))
	}
	if form.Get("command") == "" {
		return nil, nil, fmt.Errorf("a form of %s fields that is neither an interaction nor a command", strconv.Itoa(len(form)))
	}
	return nil, &command{App: form.Get("api_app_id"), Team: form.Get("team_id"), User: form.Get("user_id"),
		Enterprise: form.Get("enterprise_id"), OrgWide: flagOf(form.Get("is_enterprise_install")), Place: form.Get("channel_id"), Text: form.Get("text"), ResponseURL: form.Get("response_url")}, nil
}

// A sender is what a payload says of the app and of where it is installed.
type sender struct {
	app, team, enterprise string
	orgWide               flag
}

func (i *interaction) sender() sender { return sender{i.App, i.Team.ID, i.Enterprise.ID, i.OrgWide} }

func (c *command) sender() sender {
	return sender{c.App, c.Team, c.Enterprise, c.OrgWide}
}

// foreign says of a payload that is not of the app where it is installed whose it
// is, empty if it is of the app.
func (h Home) foreign(s sender) string {
	switch {
	case s.app != h.App || s.team != h.Workspace:
		return fmt.Sprintf("it is of the app %q in the workspace %q", s.app, s.team)
	case s.enterprise != h.Enterprise:
		return fmt.Sprintf("it is of the organization %q", s.enterprise)
	case bool(s.orgWide):
		return "it is of an app that a whole organization installed"
	}
	return ""
}

func readInteraction(payload []byte) (*interaction, *command, error) {
	i := new(interaction)
	if err := json.Unmarshal(payload, i); err != nil {
		return nil, nil, fmt.Errorf("an interaction that does not parse: %w", err)
	}
	return i, nil, nil
}
