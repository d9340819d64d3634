package rpc_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countersignhq/countersign/upstream/mcp/rpc"
)

func TestWhoSaysTheSameAgainAndAgainIsHeardMoreAndMoreRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p rpc.Pace
		start := time.Now()
		if p.Wait(t.Context()); time.Since(start) != 0 {
			t.Errorf("the first turn came after %s", time.Since(start))
		}
		hour, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		turns := 0
		for p.Wait(hour) {
			turns++
		}
		if turns < 60 || turns > 65 {
			t.Errorf("there were %d turns in an hour, want about one a minute", turns)
		}
		time.Sleep(time.Hour)
		start = time.Now()
		if p.Wait(t.Context()); time.Since(start) != 0 {
			t.Errorf("after a long silence the turn came after %s", time.Since(start))
		}
	})
}
