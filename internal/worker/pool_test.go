package worker

import (
	"errors"
	"runtime"
	"testing"
	"time"
)

func TestAnInputThatCloseCutsShortIsNotToBlame(t *testing.T) {
	p := New("moody", Config{Deadline: 20 * time.Second})
	p.Warm()
	until(func() bool { return len(p.ready) == size })
	answered := make(chan error)
	go func() {
		_, err := p.Ask([]byte("sleep"))
		answered <- err
	}()
	until(func() bool { return len(p.ready) < size })
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want %v", err, ErrClosed)
	}
}

func TestAChildThatCloseEndsHasNotFailedToStart(t *testing.T) {
	var failed error
	p := New("never", Config{OnStart: func(err error) { failed = err }})
	p.Warm()
	until(func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.children) > 0
	})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if s := <-p.ready; !errors.Is(s.err, ErrClosed) || failed != nil {
		t.Errorf("got %v and was told of %v, want %v and nothing", s.err, failed, ErrClosed)
	}
}

func until(there func() bool) {
	for !there() {
		runtime.Gosched()
	}
}
