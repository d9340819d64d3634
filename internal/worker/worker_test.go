package worker_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign/internal/worker"
)

// handlers are what the children of these tests can do. An input of "echo" is
// answered by every one.
var handlers = map[string]worker.Handler{
	"moody":  moody,
	"never":  func([]byte) []byte { select {} },
	"broken": func([]byte) []byte { os.Exit(3); return nil },
	"eager":  func([]byte) []byte { os.Stdout.WriteString("?"); return nil },
	"probe":  probe,
}

func TestMain(m *testing.M) {
	worker.Main(os.Args, handlers)
	os.Exit(m.Run())
}

// moody does what its input says.
func moody(in []byte) []byte {
	switch string(in) {
	case "hang":
		for n := 1; n > 0; {
			n ^= 2
		}
	case "sleep":
		select {}
	case "crash":
		panic("at the worst moment")
	case "exit":
		os.Exit(0)
	case "garbage":
		os.Stdout.Write([]byte("\xff\xff\xff\xff and then some"))
	case "half":
		os.Stdout.Write([]byte{0, 0, 0, 9, 'h', 'a'})
		os.Exit(0)
	case "flood":
		return make([]byte, 1<<20)
	}
	return append([]byte("answer to "), in...)
}

func newPool(t *testing.T, handler string, cfg worker.Config) *worker.Pool {
	t.Helper()
	if cfg.Deadline == 0 {
		cfg.Deadline = 20 * time.Second // the machine may be busy; only what must be late is given less
	}
	p := worker.New(handler, cfg)
	t.Cleanup(func() { p.Close() })
	return p
}

func answers(t *testing.T, p *worker.Pool, input string) {
	t.Helper()
	got, err := p.Ask([]byte(input))
	if err != nil || string(got) != "answer to "+input {
		t.Fatalf("%.40q: got %q, %v", input, got, err)
	}
}

func TestOneAnswerComesForEachInput(t *testing.T) {
	p := newPool(t, "moody", worker.Config{})
	var asking sync.WaitGroup
	for _, input := range []string{"a", "", "b\x00\n", strings.Repeat("c", 64<<10)} {
		asking.Go(func() {
			for range 5 {
				if got, err := p.Ask([]byte(input)); err != nil || string(got) != "answer to "+input {
					t.Errorf("%.20q: got %.40q, %v", input, got, err)
				}
			}
		})
	}
	asking.Wait()
}

func TestWhateverAChildDoesTheNextInputIsFine(t *testing.T) {
	p := newPool(t, "moody", worker.Config{})
	for _, mood := range []string{"crash", "exit", "garbage", "half", "flood"} {
		for range 2 { // the child and its spare
			if got, err := p.Ask([]byte(mood)); !errors.Is(err, worker.ErrBroken) {
				t.Errorf("%s: got %.20q, %v, want %v", mood, got, err, worker.ErrBroken)
			}
		}
		answers(t, p, "after "+mood)
	}
}

func TestAChildThatHangsIsStopped(t *testing.T) {
	p := newPool(t, "moody", worker.Config{Deadline: 100 * time.Millisecond})
	for _, mood := range []string{"hang", "sleep"} {
		if got, err := p.Ask([]byte(mood)); !errors.Is(err, worker.ErrLate) {
			t.Errorf("%s: got %q, %v, want %v", mood, got, err, worker.ErrLate)
		}
	}
	answers(t, p, "after")
}

func TestEachStartOfAChildIsTold(t *testing.T) {
	told := make(chan error, 10)
	p := newPool(t, "moody", worker.Config{OnStart: func(err error) { told <- err }})
	answers(t, p, "before")
	if _, err := p.Ask([]byte("crash")); !errors.Is(err, worker.ErrBroken) {
		t.Fatalf("got %v, want %v", err, worker.ErrBroken)
	}
	for range 3 { // the child, its spare, and the one in place of the child
		if err := <-told; err != nil {
			t.Errorf("told of %v, want a start", err)
		}
	}
	broken := newPool(t, "broken", worker.Config{OnStart: func(err error) { told <- err }})
	if _, err := broken.Ask([]byte("x")); !errors.Is(err, worker.ErrNoChild) {
		t.Fatalf("got %v, want %v", err, worker.ErrNoChild)
	}
	if err := <-told; err == nil {
		t.Error("told of a start, and the child did not get ready")
	}
}

func TestAnInputThatIsTooLargeReachesNoChild(t *testing.T) {
	p := newPool(t, "broken", worker.Config{})
	if _, err := p.Ask(make([]byte, 64<<10+1)); !errors.Is(err, worker.ErrTooLarge) {
		t.Errorf("got %v, want %v", err, worker.ErrTooLarge)
	}
}

func TestAChildThatDoesNotGetReadyIsSaidSo(t *testing.T) {
	for handler, cfg := range map[string]worker.Config{
		"broken": {}, "eager": {}, "nobody": {}, "never": {Start: 300 * time.Millisecond},
	} {
		p := newPool(t, handler, cfg)
		for range 3 {
			if got, err := p.Ask([]byte("x")); !errors.Is(err, worker.ErrNoChild) {
				t.Errorf("%s: got %q, %v, want %v", handler, got, err, worker.ErrNoChild)
			}
		}
	}
}

func TestAClosedPoolAnswersNothing(t *testing.T) {
	p := newPool(t, "moody", worker.Config{})
	answers(t, p, "before")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Ask([]byte("after")); !errors.Is(err, worker.ErrClosed) {
		t.Errorf("got %q, %v, want %v", got, err, worker.ErrClosed)
	}
}

const onLinux = runtime.GOOS == "linux"

// What a parser could be made to do by somebody's input.
type escape struct {
	Environment []string
	Reads       string
	Writes      string
	Dials       string
	Listens     string
	Unix        string
	Runs        string
}

func probe([]byte) []byte {
	said := func(err error) string {
		if err == nil {
			return "worked"
		}
		return ""
	}
	var e escape
	e.Environment = os.Environ()
	_, err := os.ReadFile("/etc/passwd")
	e.Reads = said(err)
	e.Writes = said(os.WriteFile(os.TempDir()+"/countersign-worker-test", []byte("x"), 0o600))
	_, err = net.Dial("tcp", "127.0.0.1:1")
	if err != nil && strings.Contains(err.Error(), "refused") {
		err = nil
	}
	e.Dials = said(err)
	_, err = net.Listen("tcp", "127.0.0.1:0")
	e.Listens = said(err)
	_, err = net.Listen("unix", "@countersign-worker-test")
	e.Unix = said(err)
	e.Runs = said(exec.Command("/bin/true").Run())
	answer, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return answer
}

func TestAChildReachesNothing(t *testing.T) {
	t.Setenv("COUNTERSIGN_SECRET", "hunter2")
	got, err := newPool(t, "probe", worker.Config{}).Ask(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !onLinux && !bytes.Contains(got, []byte(`"Environment":[]`)) {
		t.Errorf("a child has an environment: %s", got)
	}
	want, _ := json.Marshal(escape{Environment: []string{}})
	if onLinux && !bytes.Equal(got, want) {
		t.Errorf("a child reaches more than nothing: %s", got)
	}
}

func TestMainLeavesOtherCommandsAlone(t *testing.T) {
	for _, args := range [][]string{{"countersign"}, {"countersign", worker.Verb}, {"countersign", "up", "moody"}, {"countersign", worker.Verb, "moody", "more"}} {
		worker.Main(args, handlers) // it would end the test
	}
}
