package stdio

import (
	"bufio"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/countersignhq/countersign/internal/unhide"
)

// How much of a server's standard error is logged.
const (
	mostLogged = 100 // lines in each minute
	minute     = time.Minute
	mostLine   = 1 << 10 // bytes of one line
)

// logLines logs what is read, a line each, until it ends: without what nobody could
// see, the beginning of what is long, and so many lines a minute. How many were not
// logged is said when a line is again, or at the end.
func logLines(in io.Reader, log *slog.Logger, now func() time.Time) {
	lines := bufio.NewReaderSize(in, mostLine)
	var since time.Time
	logged, dropped := 0, 0
	tell := func() {
		if dropped > 0 {
			log.Warn("stderr: lines were dropped", "dropped", dropped, "most_a_minute", mostLogged)
		}
		logged, dropped = 0, 0
	}
	defer tell()
	for {
		line, more, err := lines.ReadLine()
		if err != nil {
			return
		}
		if at := now(); at.Sub(since) >= minute {
			tell()
			since = at
		}
		if logged < mostLogged {
			log.Info("stderr", "line", shown(line))
			logged++
		} else {
			dropped++
		}
		for more && err == nil {
			_, more, err = lines.ReadLine()
		}
	}
}

// shown is the line as a log may hold it.
func shown(line []byte) string {
	s := unhide.Visible(strings.ToValidUTF8(string(line), "\uFFFD"))
	if len(s) <= mostLine {
		return s
	}
	const mark = "\u2026"
	return strings.ToValidUTF8(s[:mostLine-len(mark)], "") + mark
}
