package testenv_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/countersignhq/countersign/internal/testenv"
)

func TestTestsAtTheSameTimeGetOneFolder(t *testing.T) {
	var running sync.WaitGroup
	got := make([]string, 4)
	for i := range got {
		running.Go(func() { got[i] = testenv.Node(t) })
	}
	running.Wait()
	for _, dir := range got {
		if dir != got[0] {
			t.Errorf("got %s and %s", got[0], dir)
		}
	}
	if _, err := os.Stat(filepath.Join(got[0], "@modelcontextprotocol", "server-filesystem", "dist", "index.js")); err != nil {
		t.Error(err)
	}
}

func TestTheLockFileNamesNoHostOfARegistry(t *testing.T) {
	for _, folder := range []string{"npm", "conformance", "openid"} {
		b, err := os.ReadFile(filepath.Join(folder, "package-lock.json"))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(`"resolved"`)) {
			t.Errorf(`the lock file of %s says "resolved"; write it with omit-lockfile-registry-resolved=true`, folder)
		}
	}
}
