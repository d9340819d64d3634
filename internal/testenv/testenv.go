// Package testenv gives tests the real programs that they run against, by exact
// version: MCP servers from npm.
package testenv

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/lockedfile"
)

//go:embed npm/package.json npm/package-lock.json npm/.npmrc
var npm embed.FS

// Node returns the folder node_modules with what npm/package.json names,
// installed on first use into the user's cache folder, once for all tests of
// this machine. It needs node and npm.
func Node(t testing.TB) string {
	t.Helper()
	dir, err := install()
	if err != nil {
		t.Fatalf("programs from npm for the test: %v", err)
	}
	return filepath.Join(dir, "node_modules")
}

func install() (string, error) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("%w; install Node 20 or newer", err)
		}
	}
	files, err := fs.Sub(npm, "npm")
	if err != nil {
		return "", err
	}
	name, err := digestOf(files)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "countersign-test", "npm-"+name)
	done := filepath.Join(dir, "done")
	if _, err := os.Stat(done); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := lockedfile.MutexAt(dir + ".lock").Lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(done); err == nil {
		return dir, nil // by another test, while this one waited
	}
	if err := runNpm(dir, files); err != nil {
		return "", err
	}
	return dir, os.WriteFile(done, nil, 0o644)
}

// runNpm installs into dir what the lock file says, whatever is there already.
func runNpm(dir string, files fs.FS) error {
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, path)
		return errors.Join(err, os.WriteFile(filepath.Join(dir, path), b, 0o644))
	})
	if err != nil {
		return err
	}
	cmd := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in %s: %w\n%s", dir, err, out)
	}
	return nil
}

// digestOf names what would be installed.
func digestOf(files fs.FS) (string, error) {
	h := sha256.New()
	for _, name := range []string{"package.json", "package-lock.json"} {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return "", err
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil)[:6]), nil
}
