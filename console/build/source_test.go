package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/internal/testenv"
)

func TestTheTypesHold(t *testing.T) {
	if testing.Short() {
		t.Skip("needs npm")
	}
	tsc := filepath.Join(testenv.Node(t), ".bin", "tsc")
	out, err := exec.CommandContext(t.Context(), tsc, "--project", "../web", "--pretty", "false").CombinedOutput()
	if err != nil {
		t.Errorf("tsc: %v\n%s", err, out)
	}
}

// The lock file of package testenv holds the hash that npm checks, so equal files
// are the published ones.
func TestTheVendoredPreactIsThePublishedOne(t *testing.T) {
	said, err := os.ReadFile("../web/vendor/README.md")
	if err != nil {
		t.Fatal(err)
	}
	lock, err := os.ReadFile("../../internal/testenv/npm/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	_, entry, _ := strings.Cut(string(lock), `"node_modules/preact": {`)
	entry, _, _ = strings.Cut(entry, "}")
	_, hash, _ := strings.Cut(entry, `"integrity": "`)
	hash, _, _ = strings.Cut(hash, `"`)
	if hash == "" || !strings.Contains(string(said), hash) {
		t.Errorf("vendor/README.md does not name the hash of the lock file, %q", hash)
	}
	if testing.Short() {
		t.Skip("needs npm")
	}
	published, vendored := os.DirFS(filepath.Join(testenv.Node(t), "preact")), os.DirFS("../web/vendor/preact")
	err = fs.WalkDir(vendored, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		want, err := fs.ReadFile(published, name)
		if err != nil {
			return err
		}
		got, err := fs.ReadFile(vendored, name)
		if err == nil && !bytes.Equal(got, want) {
			t.Errorf("vendor/preact/%s is not the published file", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
