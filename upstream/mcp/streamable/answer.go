package streamable

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/countersignhq/countersign/upstream/mcp/rpc"
)

// hopeless is how many times the largest answer a stream may have in all.
const hopeless = 8

// answer reads the answer to the call with the id. An error is a call that may
// have run and has no answer.
func (s *Session) answer(w *http.Response, id int64, l rpc.Listener) (rpc.Answer, error) {
	kind, _, _ := mime.ParseMediaType(w.Header.Get("Content-Type"))
	switch {
	case w.StatusCode == http.StatusOK && kind == "text/event-stream":
		return s.stream(w.Body, id, l)
	case w.StatusCode == http.StatusNotFound && s.id != "":
		// Whatever else the answer says: the session is over, and nothing was done
		// (MCP 2025-11-25, transports, "Session Management").
		s.finish(errGone)
		return rpc.Answer{Problem: errGone.Error() + "; nothing of this call ran, ask again"}, nil
	case w.StatusCode/100 == 3:
		return rpc.Answer{Problem: fmt.Sprintf("the server answered %s to %s; redirects are not followed", w.Status, rpc.Quote(w.Header.Get("Location")))}, nil
	}
	body, err := io.ReadAll(io.LimitReader(w.Body, int64(s.cfg.MaxResult)+257))
	if err != nil {
		return rpc.Answer{}, fmt.Errorf("read the answer: %w", reached(err))
	}
	if len(body) > s.cfg.MaxResult+256 {
		return s.tooLarge(), nil
	}
	if m, err := rpc.Parse(body); kind == "application/json" && err == nil && m.Method == nil && (isID(m.ID, id) || m.ID == nil && w.StatusCode/100 == 4) {
		return m.Answer(), nil
	} else if kind == "application/json" && err != nil && w.StatusCode/100 == 2 {
		return rpc.Answer{Problem: "the server's response cannot be read: " + err.Error()}, nil
	}
	switch {
	case w.StatusCode == http.StatusUnauthorized || w.StatusCode == http.StatusForbidden:
		return rpc.Answer{Problem: fmt.Sprintf("the server answered %s; the operator must check the credential that the gateway has for it", w.Status)}, nil
	case w.StatusCode/100 == 4:
		return rpc.Answer{Problem: fmt.Sprintf("the server answered %s", w.Status)}, nil
	}
	return rpc.Answer{}, fmt.Errorf("the server answered %s and no MCP message", w.Status)
}

func (s *Session) tooLarge() rpc.Answer {
	return rpc.Answer{Problem: fmt.Sprintf("the answer is larger than %d bytes", s.cfg.MaxResult)}
}

func isID(raw []byte, id int64) bool { return string(raw) == strconv.FormatInt(id, 10) }

// stream reads events up to the one with the answer.
func (s *Session) stream(body io.Reader, id int64, l rpc.Listener) (rpc.Answer, error) {
	all := &io.LimitedReader{R: body, N: hopeless * (int64(s.cfg.MaxResult) + 256)}
	in := events{lines: bufio.NewReaderSize(all, 16<<10), most: s.cfg.MaxResult + 256}
	for {
		data, err := in.next()
		switch {
		case errors.Is(err, errTooLong), err != nil && all.N <= 0:
			return s.tooLarge(), nil
		case errors.Is(err, io.EOF):
			return rpc.Answer{}, errors.New("the server ended the stream before its answer")
		case err != nil:
			return rpc.Answer{}, fmt.Errorf("read the answer: %w", reached(err))
		}
		m, err := rpc.Parse(data)
		switch {
		case err != nil && bytes.Contains(data, []byte(`"result"`)):
			return rpc.Answer{Problem: "the server's response cannot be read: " + err.Error()}, nil
		case err != nil:
			s.cfg.Log.Debug("an event of the server is no message", "problem", err)
		case m.Method != nil && m.ID != nil:
			if reply := m.Reply(); reply != nil && s.said.Revision != "" { // not before it is greeted
				s.tell(reply)
			}
		case m.Method != nil:
			if !m.Tell(l, id) {
				s.notified(m)
			}
		case m.Method == nil && isID(m.ID, id):
			return m.Answer(), nil
		}
	}
}

var errTooLong = errors.New("an event is too long")

// events reads server-sent events (HTML standard, section 9.2).
type events struct {
	lines *bufio.Reader
	most  int  // bytes of one event's data
	cr    bool // the last line ended with a carriage return
}

// next returns the data of the next event that has some. What is cut off by the
// end of the stream is no event.
func (e *events) next() ([]byte, error) {
	var data []byte
	some := false
	for {
		line, err := e.line()
		if err != nil {
			return nil, err
		}
		if len(line) == 0 && some {
			return data, nil
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		if string(field) != "data" {
			continue
		}
		if some {
			data = append(data, '\n')
		}
		data, some = append(data, bytes.TrimPrefix(value, []byte(" "))...), true
		if len(data) > e.most {
			return nil, errTooLong
		}
	}
}

// line returns a line that ends with a line feed, a carriage return or both.
func (e *events) line() ([]byte, error) {
	var line []byte
	for {
		c, err := e.lines.ReadByte()
		if err != nil {
			return nil, err
		}
		skip := e.cr && c == '\n' && line == nil
		e.cr = c == '\r'
		switch {
		case skip:
			continue
		case c == '\n', c == '\r':
			return line, nil
		case len(line) > e.most+16:
			return nil, errTooLong
		}
		line = append(line, c)
	}
}
