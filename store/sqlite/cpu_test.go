package sqlite

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/storetest"
	"golang.org/x/sys/unix"
)

func cpu() time.Duration {
	var r unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func TestCPU(t *testing.T) {
	if os.Getenv("CPUN") == "" {
		t.Skip()
	}
	for _, c := range parseInts(os.Getenv("CPUN")) {
		set := storetest.NewSetting(t)
		signer := &countingSigner{Signer: set.Signer}
		cfg := config(set)
		cfg.Signer, cfg.Now, cfg.Wake = signer, time.Now, nil
		s, err := Open(t.Context(), filepath.Join(t.TempDir(), "record.db"), cfg)
		if err != nil {
			t.Fatal(err)
		}
		n := map[int]int{1: 4000, 8: 12000, 64: 60000}[c]
		list := make([]store.Change, n)
		for i := range list {
			list[i] = storetest.NewLife("/srv/a" + strconv.Itoa(i)).Requested()
		}
		for _, q := range strings.Split(os.Getenv("CPUSQL"), ";") {
			if _, err := s.write.conn.ExecContext(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		signer.n.Store(0)
		c0 := cpu()
		r := perSecond(c, n, func(i int) {
			if _, err := s.Commit(t.Context(), list[i]); err != nil {
				t.Error(err)
			}
		})
		t.Logf("c=%d %.0f/s wall %.0f us, cpu %.1f us/change, %.1f per commit", c, r, 1e6/r, float64((cpu()-c0).Microseconds())/float64(n), float64(n)/float64(signer.n.Load()))
		s.Close()
	}
}

func parseInts(s string) (list []int) {
	for _, f := range strings.Split(s, ",") {
		n, _ := strconv.Atoi(f)
		list = append(list, n)
	}
	return list
}
