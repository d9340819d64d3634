// Package testenv gives tests the real programs that they run against, by exact
// version: MCP servers and clients from npm, and the suite that judges them.
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
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/lockedfile"
)

//go:embed npm/package.json npm/package-lock.json npm/.npmrc
var npm embed.FS

//go:embed conformance/package.json conformance/package-lock.json conformance/.npmrc
var conformance embed.FS

//go:embed clients/package.json clients/package-lock.json clients/.npmrc
var clients embed.FS

// Clients returns the folder node_modules with the command lines of agents that
// clients/package.json names. They take about 1.1 GB.
func Clients(t testing.TB) string {
	t.Helper()
	return modules(t, clients, "clients")
}

// Node returns the folder node_modules with what npm/package.json names,
// installed on first use into the user's cache folder, once for all tests of
// this machine. It needs node and npm.
func Node(t testing.TB) string {
	t.Helper()
	return modules(t, npm, "npm")
}

// Conformance returns the official conformance suite of MCP, as conformance/package.json
// names it, and the Node that runs it: this machine's, or where that is older than
// 22 one from npm.
func Conformance(t testing.TB) (node, suite string) {
	t.Helper()
	dir := modules(t, conformance, "conformance")
	suite = filepath.Join(dir, "@modelcontextprotocol", "conformance", "dist", "index.js")
	out, err := exec.Command("node", "-p", "process.versions.node.split('.')[0] >= 22").Output()
	if err == nil && string(out) == "true\n" {
		return "node", suite
	}
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	node = filepath.Join(dir, "node-"+runtime.GOOS+"-"+arch, "bin", "node")
	if _, err := os.Stat(node); err != nil {
		t.Fatalf("the conformance suite needs Node 22 or newer; install it (%v)", err)
	}
	return node, suite
}

// modules returns the folder node_modules of the set of packages in the folder.
func modules(t testing.TB, set embed.FS, folder string) string {
	t.Helper()
	files, err := fs.Sub(set, folder)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := install(files)
	if err != nil {
		t.Fatalf("programs from npm for the test: %v", err)
	}
	return filepath.Join(dir, "node_modules")
}

func install(files fs.FS) (string, error) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("%w; install Node 20 or newer", err)
		}
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
