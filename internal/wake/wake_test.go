package wake

import "testing"

func TestAWakeBeforeTheWaitIsNotLost(t *testing.T) {
	var h Hub[string]
	c, done := h.Register("a")
	defer done()
	h.Wake("a", "b")
	h.Wake("a")
	select {
	case <-c:
	default:
		t.Fatal("got no wake, want one")
	}
	select {
	case <-c:
		t.Fatal("got a second wake, want the two joined into one")
	default:
	}
}

func TestAllWhoWaitAreCounted(t *testing.T) {
	var h Hub[string]
	for _, key := range []string{"a", "a", "b", ""} {
		_, done := h.Register(key)
		defer done()
	}
	if got := h.Waiting(); got != 4 {
		t.Errorf("got %d that wait, want 4", got)
	}
}

func TestWhoIsDoneLeavesNothingBehind(t *testing.T) {
	var h Hub[string]
	_, done := h.Register("a")
	done()
	h.Wake("a")
	if got := h.Waiting(); got != 0 {
		t.Errorf("got %d that wait, want 0", got)
	}
	if got := len(h.waiting); got != 0 {
		t.Errorf("got %d keys waited for, want 0", got)
	}
}
