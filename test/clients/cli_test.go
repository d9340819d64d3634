package clients

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A place is where one client runs: its home, its model, and the MCP server that
// stands in its configuration under the name notes.
type place struct {
	home  string
	model string
	// url is the door's address, with the token; or command and its environment.
	url, token string
	command    []string
	env        map[string]string
}

// A cli is a real client.
type cli struct {
	name string
	// start is how it is started for one prompt, without anybody to ask.
	start func(t *testing.T, modules string, p place) *exec.Cmd
}

var clis = []cli{
	{"Claude Code 2.1.330", claude}, {"Codex 0.169.0", codex}, {"Gemini CLI 0.61.0", gemini}, {"Copilot CLI 1.0.102", copilot},
}

const prompt = "Write the note."

// deaf is after how many milliseconds Claude Code and Gemini give up a call whose
// connection broke: they do not notice it, and their own times are minutes.
const deaf = 12_000

// platform is how packages from npm call this machine.
func platform() string {
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	return runtime.GOOS + "-" + arch
}

// command is a program with an environment of its own: nothing of this machine's
// user reaches it.
func (p place) start(env []string, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = filepath.Join(p.home, "work")
	cmd.Env = append([]string{
		"HOME=" + p.home, "XDG_CONFIG_HOME=" + p.home + "/.config", "XDG_CACHE_HOME=" + p.home + "/.cache", "PATH=" + os.Getenv("PATH"),
		"TMPDIR=" + p.home + "/tmp", "LANG=C.UTF-8", "NO_COLOR=1", "CI=1", "NO_PROXY=127.0.0.1,localhost", "HTTPS_PROXY=http://127.0.0.1:9",
	}, env...)
	return cmd
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// server is the server's entry, where the client's configuration is JSON.
func (p place) server(kind string) obj {
	if p.command != nil {
		return obj{"type": "stdio", "command": p.command[0], "args": p.command[1:], "env": p.env}
	}
	return obj{"type": kind, "url": p.url, "headers": obj{"Authorization": "Bearer " + p.token}}
}

func claude(t *testing.T, modules string, p place) *exec.Cmd {
	return claudeWith(t, modules, p, "--allowedTools", "mcp__notes__"+noteTool, "mcp__notes__"+soonTool)
}

func claudeWith(t *testing.T, modules string, p place, args ...string) *exec.Cmd {
	config := filepath.Join(p.home, "mcp.json")
	write(t, config, encode(obj{"mcpServers": obj{"notes": p.server("http")}}))
	return p.start([]string{
		"ANTHROPIC_BASE_URL=" + p.model, "ANTHROPIC_API_KEY=sk-none", "CLAUDE_CONFIG_DIR=" + p.home + "/.claude",
		"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "DISABLE_AUTOUPDATER=1", "DISABLE_TELEMETRY=1", "ENABLE_TOOL_SEARCH=false",
		fmt.Sprintf("CLAUDE_CODE_MCP_TOOL_IDLE_TIMEOUT=%d", deaf),
	}, filepath.Join(modules, "@anthropic-ai", "claude-code-"+platform(), "claude"),
		append([]string{"-p", prompt, "--mcp-config", config, "--strict-mcp-config"}, args...)...)
}

func codex(t *testing.T, modules string, p place) *exec.Cmd {
	server := fmt.Sprintf("url = %q\nbearer_token_env_var = \"NOTES_TOKEN\"\n", p.url)
	if p.command != nil {
		var env strings.Builder
		for name, value := range p.env {
			fmt.Fprintf(&env, "%s = %q\n", name, value)
		}
		server = fmt.Sprintf("command = %q\nargs = %s\n[mcp_servers.notes.env]\n%s", p.command[0], encode(p.command[1:]), env.String())
	}
	write(t, filepath.Join(p.home, ".codex", "config.toml"), fmt.Sprintf(`model = "fake"
model_provider = "fake"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.fake]
name = "fake"
base_url = "%s/v1"
wire_api = "responses"
env_key = "FAKE_KEY"
[mcp_servers.notes]
%s`, p.model, server))
	found, err := filepath.Glob(filepath.Join(modules, "@openai", "codex-"+platform(), "vendor", "*", "bin", "codex"))
	if err != nil || len(found) != 1 {
		t.Fatalf("codex: found %v: %v", found, err)
	}
	return p.start([]string{"FAKE_KEY=none", "NOTES_TOKEN=" + p.token, "CODEX_HOME=" + p.home + "/.codex"}, found[0],
		"exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", prompt)
}

func gemini(t *testing.T, modules string, p place) *exec.Cmd {
	server := obj{"httpUrl": p.url, "headers": obj{"Authorization": "Bearer " + p.token}, "trust": true}
	if p.command != nil {
		server = obj{"command": p.command[0], "args": p.command[1:], "env": p.env, "trust": true}
	}
	server["timeout"] = deaf
	write(t, filepath.Join(p.home, ".gemini", "settings.json"), encode(obj{
		"mcpServers": obj{"notes": server}, "security": obj{"auth": obj{"selectedType": "gemini-api-key"}},
		"privacy": obj{"usageStatisticsEnabled": false}, "telemetry": obj{"enabled": false}, "general": obj{"enableAutoUpdate": false, "disableAutoUpdate": true},
	}))
	return p.start([]string{"GEMINI_API_KEY=none", "GOOGLE_GEMINI_BASE_URL=" + p.model, "GEMINI_CLI_NO_RELAUNCH=true", "GEMINI_CLI_TRUST_WORKSPACE=true"},
		"node", filepath.Join(modules, "@google", "gemini-cli", "bundle", "gemini.js"), "--yolo", "-m", "gemini-2.5-pro", "-p", prompt)
}

func copilot(t *testing.T, modules string, p place) *exec.Cmd {
	server := p.server("http")
	if p.command != nil {
		server["type"] = "local"
	}
	server["tools"] = []string{"*"}
	config := filepath.Join(p.home, "mcp.json")
	write(t, config, encode(obj{"mcpServers": obj{"notes": server}}))
	return p.start([]string{
		"COPILOT_OFFLINE=true", "COPILOT_AUTO_UPDATE=false", "COPILOT_PROVIDER_TYPE=anthropic", "COPILOT_PROVIDER_BASE_URL=" + p.model,
		"COPILOT_PROVIDER_API_KEY=none", "COPILOT_MODEL=claude-sonnet-4.5", "COPILOT_HOME=" + p.home + "/.copilot",
	}, filepath.Join(modules, "@github", "copilot-"+platform(), "copilot"),
		"-p", prompt, "--allow-all-tools", "--no-auto-update", "--additional-mcp-config", "@"+config)
}
