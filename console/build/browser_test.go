package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/countersignhq/countersign/internal/testenv"
)

// TestABrowserVerifiesWithoutNetwork runs web/verify/browser.test.mjs. It needs
// Node, npm and Chromium.
func TestABrowserVerifiesWithoutNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes a while")
	}
	script := bundled(t, `import { verify } from "./verify"; Object.assign(globalThis, { verify });`)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'")
		if r.URL.Path == "/verify.js" {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write(script)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<!doctype html><title>Verify</title><script type="module" src="/verify.js"></script>`))
	}))
	defer page.Close()
	cmd := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", "../web/verify/browser.test.mjs")
	cmd.Env = append(os.Environ(), "NODE_PATH="+testenv.Node(t), "PAGE="+page.URL, "VECTORS="+absolute(t, vectors))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%.20000s", err, out)
	}
}
