package config_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/config"
)

func TestIssuersAreReadWithTheAgentsTheyAreFor(t *testing.T) {
	c, err := config.Parse("c.yaml", "/etc/cs", []byte(`doors_url: https://agents.example.com/
issuers:
- issuer: https://idp.example.com
  type: at+jwt
  algorithms: [ES256]
  scopes: [mcp]
  agents:
  - {agent: helper, claims: {client_id: helper-app}}
- issuer: https://token.actions.githubusercontent.com
  jwks_url: https://token.actions.githubusercontent.com/.well-known/jwks
  clients_ask: false
  agents:
  - agent: deploy-bot
    claims: {repository_id: "1234", ref: [refs/heads/main, refs/heads/hot, refs/heads/main]}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Issuer{
		{URL: "https://idp.example.com", Type: "at+jwt", Algorithms: []string{"ES256"}, Scopes: []string{"mcp"}, ClientsAsk: true, Line: 3,
			Agents: []config.Identity{{Agent: "helper", Claims: map[string][]string{"client_id": {"helper-app"}}}}},
		{URL: "https://token.actions.githubusercontent.com", Keys: "https://token.actions.githubusercontent.com/.well-known/jwks", Line: 9,
			Agents: []config.Identity{{Agent: "deploy-bot", Claims: map[string][]string{"repository_id": {"1234"}, "ref": {"refs/heads/hot", "refs/heads/main"}}}}},
	}
	if !reflect.DeepEqual(c.Issuers, want) || c.DoorsURL != "https://agents.example.com" {
		t.Errorf("got %+v at %s, want %+v", c.Issuers, c.DoorsURL, want)
	}
}

func TestWhatIsWrongWithAnIssuerIsNamed(t *testing.T) {
	const agents = `, agents: [{agent: a, claims: {sub: x}}]`
	for text, want := range map[string]string{
		`{issuer: "http://idp.example.com"` + agents + `}`:                                       `issuer: want https, or http on this machine`,
		`{issuer: "https://u:geheim@idp.example.com"}`:                                           `issuer: want https`,
		`{jwks_url: "https://idp.example.com/keys"}`:                                             `an issuer has no issuer`,
		`{issuer: "https://i", agents: [{agent: a}]}`:                                            `has an agent and claims`,
		`{issuer: "https://i", agents: [{agent: a, claims: {email: a@example.com}}]}`:            `nobody is known by email`,
		`{issuer: "https://i", agents: [{agent: a, claims: {Preferred_Username: a}}]}`:           `nobody is known by Preferred_Username`,
		`{issuer: "https://i", agents: [{agent: a, claims: {sub: []}}]}`:                         `sub has no value`,
		`{issuer: "https://i", agents: [{agent: a, claims: {sub: 7}}]}`:                          `put quotes around it`,
		`{issuer: "https://i", agentz: []}`:                                                      `did you mean agents?`,
		`{issuer: "https://i"}, {issuer: "https://i", agents: [{agent: a, claims: {sub: "1"}}]}`: `stands in line 1 already`,
	} {
		_, err := config.Parse("c.yaml", "/etc/cs", []byte("issuers: ["+text+"]\n"))
		if err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(problemsOf(err), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("a password is echoed: %v", err)
		}
	}
	_, err := config.Parse("c.yaml", "/etc/cs", []byte("doors: 10.0.0.5:8481\nissuers: [{issuer: \"https://i\"}]\n"))
	if err == nil || !strings.Contains(err.Error(), "doors_url is not") {
		t.Errorf("got %v, want doors_url asked for", err)
	}
}

func TestTheClientThatTheGatewayIsIsRead(t *testing.T) {
	parse := func(oauth string) (config.Config, error) {
		return config.Parse("c.yaml", "/etc/cs", []byte("resources:\n- name: mcp/a\n  upstream: {url: \"https://mcp.example.com/mcp\", oauth: "+oauth+"}\n"))
	}
	c, err := parse(`{issuer: "https://idp.example.com", client_id: gateway, client_secret: "env:S", scopes: [a, b], resource: "https://mcp.example.com"}`)
	if err != nil {
		t.Fatal(err)
	}
	o := c.Resources[0].Upstream.OAuth
	if o.Issuer != "https://idp.example.com" || o.ClientID != "gateway" || o.ClientSecret.String() != "env:S" || len(o.Scopes) != 2 || o.Resource != "https://mcp.example.com" {
		t.Errorf("got %+v", o)
	}
	for text, want := range map[string]string{
		`{client_id: a, client_secret: "env:S"}`:                                                             "either an issuer or a token_url",
		`{issuer: "https://i", token_url: "https://i/t", client_id: a, client_secret: "env:S"}`:              "either an issuer or a token_url",
		`{token_url: "http://i.example/t", client_id: a, client_secret: "env:S"}`:                            "token_url: want https",
		`{token_url: "https://i/t", client_secret: "env:S"}`:                                                 "oauth has no client_id",
		`{token_url: "https://i/t", client_id: a}`:                                                           "either a client_secret or a private_key",
		`{token_url: "https://i/t", client_id: a, client_secret: geheim}`:                                    "a secret is a reference",
		`{token_url: "https://i/t", client_id: a, client_secret: "env:S"}, header: {authorization: "env:B"}`: "oauth writes the field Authorization",
		`{token_url: "https://i/t", client_id: a, client_secret: "env:S", private_key: "file:k.pem"}`:        "either a client_secret or a private_key",
	} {
		_, err := parse(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	_, err = config.Parse("c.yaml", "/etc/cs", []byte("resources:\n- name: mcp/a\n  upstream: {command: [x], oauth: {token_url: \"https://i/t\", client_id: a, client_secret: \"env:S\"}}\n"))
	if err == nil || !strings.Contains(err.Error(), "oauth is for an upstream with a url") {
		t.Errorf("got %v", err)
	}
}
