package rest

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxWait is the longest that a call is held open.
const maxWait = 300 * time.Second

// Look is how often whoever waits looks at the log without a wake: a wake is a hint,
// and those of another replica do not arrive here.
const Look = time.Second

// prefers is the wait that the Prefer header asks for (RFC 7240, section 4.3),
// and whether it asks for one. A preference that says nothing is ignored, as
// that RFC wants.
func prefers(r *http.Request) (time.Duration, bool) {
	for _, header := range r.Header.Values("Prefer") {
		for pref := range strings.SplitSeq(header, ",") {
			name, value, _ := strings.Cut(pref, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			value, _, _ = strings.Cut(value, ";")
			if n, err := strconv.ParseUint(strings.Trim(value, ` "`), 10, 31); err == nil {
				return min(time.Duration(n)*time.Second, maxWait), true
			}
		}
	}
	return 0, false
}

// Waiting is the context of a caller who waits as long as the Prefer header
// says: it ends when the wait is over or the caller is gone.
func Waiting(w http.ResponseWriter, r *http.Request) (context.Context, context.CancelFunc) {
	wait, asked := prefers(r)
	if asked {
		w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(wait/time.Second)))
	}
	return WaitingFor(w, r, wait)
}

// WaitingFor is the context of a caller who waits that long, up to what a call is
// held open at most.
func WaitingFor(w http.ResponseWriter, r *http.Request, wait time.Duration) (context.Context, context.CancelFunc) {
	Unhurried(w)
	return context.WithTimeout(r.Context(), min(wait, maxWait))
}

// Unhurried takes the server's write deadline off a connection that is held
// open. A writer without deadlines says so, and needs none taken off.
func Unhurried(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
}
