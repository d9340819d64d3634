package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/countersignhq/countersign/console"
)

// mostZipped is what the console may weigh on the wire, in bytes: a reviewer on
// a phone waits for it.
const mostZipped = 80_000

func TestTheCommittedConsoleIsWhatItsSourcesMake(t *testing.T) {
	made, err := bundle("../web")
	if err != nil {
		t.Fatal(err)
	}
	committed, err := console.Dist.ReadDir("dist")
	if err != nil {
		t.Fatal(err)
	}
	if len(committed) != len(made) {
		t.Errorf("dist has %d files and the sources make %d", len(committed), len(made))
	}
	for name, want := range made {
		got, err := console.Dist.ReadFile("dist/" + name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("dist/%s is not what the sources make; run: go run ./console/build", name)
		}
	}
}

func TestTheSourcesMakeTheSameBytesTwice(t *testing.T) {
	first, err := bundle("../web")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "deeper", "console", "web")
	if err := os.CopyFS(elsewhere, os.DirFS("../web")); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"server/web/static", "channel/slack"} { // whose files are bundled too
		if err := os.CopyFS(filepath.Join(elsewhere, "..", "..", folder), os.DirFS("../../"+folder)); err != nil {
			t.Fatal(err)
		}
	}
	second, err := bundle(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range first {
		if !bytes.Equal(second[name], want) {
			t.Errorf("%s: %d bytes here and %d from another folder", name, len(want), len(second[name]))
		}
	}
}

func TestTheConsoleIsLight(t *testing.T) {
	made, err := bundle("../web")
	if err != nil {
		t.Fatal(err)
	}
	got, err := zipped(made)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("console.js and console.css: %d bytes, gzipped", got)
	if got > mostZipped {
		t.Errorf("console.js and console.css are %d bytes, gzipped, want at most %d", got, mostZipped)
	}
}
