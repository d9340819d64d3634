package config

import (
	"path"

	"go.yaml.in/yaml/v3"
)

// Channels are the chats in which reviewers are asked. Key "channels".
type Channels struct {
	// Slack is a workspace; nil is none. Key "slack".
	Slack *Slack
}

// Slack says how a workspace is reached and which cards go where. docs/slack.md
// tells where each value is found.
type Slack struct {
	// BotToken posts and edits: "env:SLACK_BOT_TOKEN". It is required. Key
	// "bot_token".
	BotToken Value
	// AppToken opens a socket to Slack, so that nothing of this server needs to be
	// reachable. Either it or SigningSecret is required. Key "app_token".
	AppToken Value
	// SigningSecret is for those who have Slack post to public_url/slack instead.
	// Key "signing_secret".
	SigningSecret Value
	// Workspace is the team id that the tokens must be of, "T024BE7LD". Defaults to
	// that of the tokens. Key "workspace".
	Workspace string
	// Enterprise is the id of the Enterprise Grid organization that the workspace is
	// of, "E012ABCDEF": members of the workspace who are at home in another one of it
	// decide too. Without it nothing is asked in such a workspace. Key "enterprise".
	Enterprise string
	// Regions are those that the workspace keeps its data in. Of a resource that
	// lies in other regions a card is a link and no more; so is it without this key.
	// Key "regions".
	Regions []string
	// To is where cards go that no route names: channels as "#approvals" or by id,
	// and "reviewers" for a message to each reviewer with a linked account. Defaults
	// to reviewers. Key "to".
	To []string
	// Routes say where cards of some resources, or for some groups, go. All that
	// match count. Key "routes".
	Routes []Route
}

// A Route says where some cards go.
type Route struct {
	// Resources are patterns of names, "db/*"; none is all. Key "resources".
	Resources []string
	// Groups are those whose members are asked; none is any. Key "groups".
	Groups []string
	// To is as of the channel. Key "to".
	To []string
}

func (r *reader) channels(to *Channels) func(*yaml.Node) {
	return func(n *yaml.Node) {
		const later = "this version asks in slack and in the console"
		r.mapping(n, "channels", keyed{
			"slack": func(v *yaml.Node) { to.Slack = r.slack(v) },
			"teams": r.later("channels.teams", later), "email": r.later("channels.email", later), "webhook": r.later("channels.webhook", later),
		})
	}
}

func (r *reader) slack(n *yaml.Node) *Slack {
	var s Slack
	r.mapping(n, "slack", keyed{
		"bot_token": r.secret("bot_token", &s.BotToken), "app_token": r.secret("app_token", &s.AppToken),
		"signing_secret": r.secret("signing_secret", &s.SigningSecret),
		"workspace":      r.text("workspace", &s.Workspace), "enterprise": r.text("enterprise", &s.Enterprise), "regions": r.texts("regions", &s.Regions),
		"to": r.texts("to", &s.To), "routes": r.routes(&s.Routes),
	})
	if n.Kind != yaml.MappingNode {
		return nil
	}
	switch {
	case !s.BotToken.IsReference():
		r.wrong(n, "bot_token: env:SLACK_BOT_TOKEN", "slack has no bot_token")
	case s.AppToken.IsReference() == s.SigningSecret.IsReference():
		r.wrong(n, "app_token: env:SLACK_APP_TOKEN needs no address that Slack reaches", "slack has either an app_token or a signing_secret")
	}
	if len(s.To) == 0 {
		s.To = []string{"reviewers"}
	}
	return &s
}

func (r *reader) metrics(to *Metrics) func(*yaml.Node) {
	return func(n *yaml.Node) {
		r.mapping(n, "metrics", keyed{"token": r.secret("metrics.token", &to.Token)})
	}
}

// secret reads a reference; a value that stands there itself is not echoed.
func (r *reader) secret(what string, to *Value) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var s string
		r.text(what, &s)(n)
		if s == "" {
			return
		}
		if v := parseValue(s, r.dir); v.IsReference() {
			*to = v
			return
		}
		r.wrong(n, "write it as env:NAME or file:PATH", "%s: a secret is a reference", what)
	}
}

func (r *reader) routes(to *[]Route) func(*yaml.Node) {
	return r.list("routes", func(n *yaml.Node) {
		var route Route
		r.mapping(n, "a route", keyed{
			"resources": r.texts("resources", &route.Resources), "groups": r.texts("groups", &route.Groups), "to": r.texts("to", &route.To),
		})
		switch {
		case n.Kind != yaml.MappingNode:
			return
		case len(route.To) == 0:
			r.wrong(n, `to: ["#approvals"]`, "a route goes nowhere")
		case len(route.Resources) == 0 && len(route.Groups) == 0:
			r.wrong(n, "write its to: beside routes", "a route without resources and groups is no route")
		}
		for _, pattern := range route.Resources {
			if _, err := path.Match(pattern, ""); err != nil {
				r.wrong(n, `write it as "db/*"`, "resources: %q is no pattern", pattern)
			}
		}
		*to = append(*to, route)
	})
}
