package slack_test

import (
	"os"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestTheManifestAsksForWhatIsUsedAndNoMore(t *testing.T) {
	text, err := os.ReadFile("manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Features struct {
			Commands []struct {
				Command string `yaml:"command"`
			} `yaml:"slash_commands"`
		} `yaml:"features"`
		OAuth struct {
			Scopes struct {
				Bot  []string `yaml:"bot"`
				User []string `yaml:"user"`
			} `yaml:"scopes"`
		} `yaml:"oauth_config"`
		Settings struct {
			Interactivity struct {
				Enabled bool `yaml:"is_enabled"`
			} `yaml:"interactivity"`
			Socket bool `yaml:"socket_mode_enabled"`
			Org    bool `yaml:"org_deploy_enabled"`
		} `yaml:"settings"`
	}
	if err := yaml.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	if got, want := m.OAuth.Scopes.Bot, []string{"chat:write", "commands", "im:write", "users:read"}; !slices.Equal(got, want) || len(m.OAuth.Scopes.User) > 0 {
		t.Errorf("scopes: got %v and of users %v, want %v and none", got, m.OAuth.Scopes.User, want)
	}
	if !m.Settings.Interactivity.Enabled || !m.Settings.Socket || m.Settings.Org || len(m.Features.Commands) != 1 || m.Features.Commands[0].Command != "/countersign" {
		t.Errorf("got %+v, want interactivity over a socket, one workspace and /countersign", m)
	}
}
