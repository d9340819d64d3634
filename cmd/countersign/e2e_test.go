package main

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/countersignhq/countersign/internal/testenv"
)

var (
	journeys = flag.Bool("journeys", false, "walk the first run in browsers, against the real program")
	pictures = flag.String("pictures", "", "the folder for pictures of the product")
)

// TestTheFirstRunInABrowser runs e2e/*.test.mjs against the real program: from the
// setup link to a receipt, and rows of docs/threat-model.md on the way. It needs
// Node 20, npm and Chromium.
func TestTheFirstRunInABrowser(t *testing.T) {
	if !*journeys {
		t.Skip("it takes half a minute: -journeys walks it")
	}
	tests, err := filepath.Glob("e2e/*.test.mjs")
	if err != nil || len(tests) == 0 {
		t.Fatalf("found %d tests: %v", len(tests), err)
	}
	opened(t, "e2e/*.mjs", "e2e/fixtures/*.mjs", "../../console/e2e/fixtures/browser.mjs")
	args := append([]string{"--test", "--test-concurrency=2", "--test-reporter=spec"}, tests...)
	if out, err := inBrowsers(t, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// inBrowsers is node with the program, and with what drives a browser.
func inBrowsers(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} { // the server is another user than the test, if it can
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "countersign")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Env = append(os.Environ(), "NODE_PATH="+testenv.Node(t), "PROGRAM="+program)
	return cmd
}

// opened opens the files that node reads, since go test takes its last result for
// this one as long as no file has changed that the test itself has opened.
func opened(t *testing.T, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: found %d files: %v", pattern, len(names), err)
		}
		for _, name := range names {
			if _, err := os.ReadFile(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestPictures takes the pictures of docs/img: make screenshots.
func TestPictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("-pictures FOLDER takes them")
	}
	folder := t.TempDir()
	if out, err := inBrowsers(t, "e2e/pictures.mjs", folder).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	taken, err := filepath.Glob(filepath.Join(folder, "*.png"))
	if err != nil || len(taken) == 0 {
		t.Fatalf("took %d pictures: %v", len(taken), err)
	}
	for _, name := range taken {
		shrink(t, name, filepath.Join(*pictures, filepath.Base(name)))
	}
}

// shrink writes a picture with the 256 colours that most of it has. They are few in
// a page of text, and readers wait half as long for it.
func shrink(t *testing.T, name, to string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	taken, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var small bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&small, inFewColours(taken)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, small.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d bytes, %d as taken", filepath.Base(name), small.Len(), len(b))
}

func inFewColours(taken image.Image) *image.Paletted {
	area := taken.Bounds()
	pixels := map[color.Color]int{}
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			pixels[taken.At(x, y)]++
		}
	}
	byUse := slices.SortedFunc(maps.Keys(pixels), func(a, b color.Color) int { return pixels[b] - pixels[a] })
	few := image.NewPaletted(area, byUse[:min(len(byUse), 256)])
	nearest := map[color.Color]uint8{}
	for _, c := range byUse {
		nearest[c] = uint8(few.Palette.Index(c))
	}
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			few.SetColorIndex(x, y, nearest[taken.At(x, y)])
		}
	}
	return few
}
