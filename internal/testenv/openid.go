package testenv

import (
	"bufio"
	"embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed openid/package.json openid/package-lock.json openid/.npmrc
var openid embed.FS

//go:embed openid/provider.mjs
var provider []byte

// A Client is one that an OpenID provider knows.
type Client struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret,omitempty"`
	// Method is how it proves who it is, "client_secret_basic" by default.
	Method string `json:"token_endpoint_auth_method,omitempty"`
	// Keys is its JWK set, for the method private_key_jwt.
	Keys json.RawMessage `json:"jwks,omitempty"`
}

// OpenID starts a real OpenID provider on loopback, which ends with the test, and
// returns its issuer. Its clients get access tokens, JWTs of five minutes, for any
// resource that they name, with the scopes mcp and write.
func OpenID(t testing.TB, clients ...Client) (issuer string) {
	t.Helper()
	dir := modules(t, openid, "openid")
	script := filepath.Join(t.TempDir(), "provider.mjs")
	if err := os.WriteFile(script, provider, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", script, dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var problems strings.Builder
	cmd.Stderr = &problems
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // which ends it
		_ = cmd.Wait()
	})
	if err := json.NewEncoder(in).Encode(map[string]any{"clients": clients}); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "http://") {
			return lines.Text()
		}
	}
	t.Fatalf("the OpenID provider did not start: %s", problems.String())
	return ""
}
