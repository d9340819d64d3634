package mcp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/mcp/guard"
)

// stall is how long a client may take to read what is written to it.
const stall = 30 * time.Second

// A reply writes the answer to one POST: as one JSON object, or, once begin was
// called, as the last of a stream of server-sent events (MCP 2025-11-25,
// transports, "Sending Messages to the Server").
type reply struct {
	w         http.ResponseWriter
	rc        *http.ResponseController
	mayStream bool // the client accepts text/event-stream
	streaming bool
	err       error // the first write that failed
	// dress makes of a response what the client's revision wants, and its status.
	dress func([]byte) ([]byte, int)
	// refused is told of the code of an answer that takes nothing in.
	refused func(countersign.Code)
}

func newReply(w http.ResponseWriter, r *http.Request) *reply {
	return &reply{w: w, rc: http.NewResponseController(w), mayStream: guard.Accepts(r, "text/event-stream")}
}

// begin sends the headers of a stream, so that a client that waits for headers
// sees some. A client that accepts no stream waits without.
func (p *reply) begin() {
	if p.streaming || !p.mayStream {
		return
	}
	p.streaming = true
	h := p.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	p.soon()
	p.w.WriteHeader(http.StatusOK)
	p.flush()
}

// message writes one JSON-RPC message. Without a stream it is the whole answer.
func (p *reply) message(b []byte) {
	code := http.StatusOK
	if p.dress != nil {
		b, code = p.dress(b)
	}
	if p.streaming {
		p.event(b)
		return
	}
	p.status(code, "application/json", b)
}

// status answers with one document.
func (p *reply) status(code int, kind string, b []byte) {
	p.w.Header().Set("Content-Type", kind)
	p.w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	p.soon()
	p.w.WriteHeader(code)
	p.write(b)
	p.flush()
}

// event writes a message as one event. Lines end as the format has them end, so
// a carriage return between two tokens arrives as a line feed; within a string
// JSON has neither.
func (p *reply) event(b []byte) {
	var out bytes.Buffer
	out.WriteString("event: message\n")
	lines := strings.NewReplacer("\r\n", "\ndata: ", "\r", "\ndata: ", "\n", "\ndata: ")
	out.WriteString("data: ")
	lines.WriteString(&out, string(b))
	out.WriteString("\n\n")
	p.soon()
	p.write(out.Bytes())
	p.flush()
}

// alive writes a comment, which tells proxies, and us, that somebody listens.
func (p *reply) alive() {
	if !p.streaming {
		return
	}
	p.soon()
	p.write([]byte(": waiting\n\n"))
	p.flush()
}

func (p *reply) write(b []byte) {
	if p.err == nil {
		_, p.err = p.w.Write(b)
	}
}

func (p *reply) flush() {
	if err := p.rc.Flush(); err != nil && p.err == nil {
		p.err = err
	}
}

// soon gives the client its time to read what is written next. A writer that
// knows no deadline has none.
func (p *reply) soon() { _ = p.rc.SetWriteDeadline(time.Now().Add(stall)) }

// result is the response that carries a result, whose bytes stay as they are.
func result(id, raw []byte) []byte { return response(id, "result", raw) }

// failure is the response that carries an error object.
func failure(id, raw []byte) []byte { return response(id, "error", raw) }

func response(id []byte, member string, raw []byte) []byte {
	var b bytes.Buffer
	b.WriteString(`{"jsonrpc":"2.0",`)
	if id != nil { // MCP has no null ids: what answers nothing in particular has none
		b.WriteString(`"id":`)
		b.Write(id)
		b.WriteByte(',')
	}
	b.WriteString(`"` + member + `":`)
	b.Write(raw)
	b.WriteByte('}')
	return b.Bytes()
}

// rpcError is the error object of JSON-RPC 2.0, section 5.1.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    *note  `json:"data,omitempty"`
}

// encode writes one of our own values. They are made of strings, numbers and
// raw JSON that was checked, so it cannot fail.
func encode[T any](v T) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// refuse answers a message that was not taken: it is not known whose id it is.
func (p *reply) refuse(status int, id []byte, f *fault) {
	p.refused(countersign.CodeBadRequest)
	p.status(status, "application/json", failure(id, encode(rpcError{
		Code: f.code, Message: f.Error(), Data: &note{Code: countersign.CodeBadRequest, Hint: f.hint},
	})))
}

// problem answers with an RFC 9457 document.
func (p *reply) problem(status int, e *countersign.Error) {
	p.refused(e.Code)
	if e.RetryAfterSeconds > 0 {
		p.w.Header().Set("Retry-After", strconv.Itoa(e.RetryAfterSeconds))
	}
	p.status(status, "application/problem+json", encode(struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		*countersign.Error
	}{http.StatusText(status), status, e}))
}
