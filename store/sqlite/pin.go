package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/countersignhq/countersign/ledger"
)

// pinEvery is how often the pin is written at most: a rename at each commit
// would be in the way of the next sync.
const pinEvery = time.Second

// A pinner keeps the highest checkpoint seen in a file apart from the database,
// so that an older copy of it is not taken for the record.
type pinner struct {
	path string
	news chan struct{}
	quit chan struct{}
	done chan struct{}

	mu    sync.Mutex
	last  ledger.Checkpoint // seen
	wrote int64             // its size as of the last write; -1 for none
}

// startPin checks the record against the pin, and begins to keep it. There is
// none before the first start.
func startPin(ctx context.Context, cfg Config, head ledger.Checkpoint, read ledger.TileFunc) (*pinner, error) {
	p := &pinner{
		path: cfg.Pin, news: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
		last: head, wrote: -1,
	}
	if p.path == "" {
		close(p.done)
		return p, nil
	}
	if err := checkPin(ctx, cfg, head, read); err != nil {
		return nil, err
	}
	if err := p.write(); err != nil {
		return nil, err
	}
	go p.run()
	return p, nil
}

func checkPin(ctx context.Context, cfg Config, head ledger.Checkpoint, read ledger.TileFunc) error {
	b, err := os.ReadFile(cfg.Pin)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the pin: %w", err)
	}
	pinned, err := ledger.OpenCheckpoint(b, cfg.Origin, cfg.Keys)
	if err != nil {
		return fmt.Errorf("the pin %s: %w; it is of another record, or was changed", cfg.Pin, err)
	}
	if head.Size < pinned.Size {
		return fmt.Errorf("the record has %d leaves and the pin %s has seen %d: this is an older copy; find the newer one", head.Size, cfg.Pin, pinned.Size)
	}
	proof, err := ledger.ProveExtension(ctx, read, pinned, head)
	if err == nil {
		err = ledger.CheckExtension(pinned, head, proof)
	}
	if err != nil {
		return fmt.Errorf("the record does not begin with the %d leaves that the pin %s has seen: it is another one, or was changed: %w", pinned.Size, cfg.Pin, err)
	}
	return nil
}

// see is told of a checkpoint that is durable.
func (p *pinner) see(cp ledger.Checkpoint) {
	p.mu.Lock()
	p.last = cp
	p.mu.Unlock()
	select {
	case p.news <- struct{}{}:
	default: // the news before are not read yet
	}
}

// run writes the pin some time after each commit. An error shows at close, and
// is tried again with the next commit: a pin that is behind is still a pin.
func (p *pinner) run() {
	defer close(p.done)
	for {
		select {
		case <-p.news:
			_ = p.write()
		case <-p.quit:
			return
		}
		select {
		case <-time.After(pinEvery):
		case <-p.quit:
			return
		}
	}
}

func (p *pinner) close() error {
	close(p.quit)
	<-p.done
	if p.path == "" {
		return nil
	}
	return p.write()
}

// write replaces the file in one step.
func (p *pinner) write() error {
	p.mu.Lock()
	cp := p.last
	p.mu.Unlock()
	if cp.Size == p.wrote {
		return nil
	}
	next := filepath.Join(filepath.Dir(p.path), "."+filepath.Base(p.path)+".next")
	if err := os.WriteFile(next, cp.Note, 0o600); err != nil {
		return fmt.Errorf("write the pin: %w; check that its folder exists and is yours", err)
	}
	if err := os.Rename(next, p.path); err != nil {
		return fmt.Errorf("write the pin: %w", err)
	}
	p.wrote = cp.Size
	return nil
}
