package stdio

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
)

// hopeless is how many times the largest line a line may grow before the server
// is given up: until then the rest is read past, so that one large answer does
// not cost the other calls theirs.
const hopeless = 8

var errHopeless = errors.New("the server wrote a line without end")

// lines reads lines up to a size.
type lines struct {
	in   *bufio.Reader
	most int // bytes
}

func newLines(r io.Reader, most int) *lines {
	return &lines{in: bufio.NewReaderSize(r, 64<<10), most: most}
}

// next returns the next line without its end. Of a line that is too long it
// returns no bytes and the id, if the line has one. The last bytes before the
// end of the stream are no line.
func (l *lines) next() (line []byte, tooLong bool, id int64, err error) {
	var scan idScanner
	size := 0
	for {
		part, err := l.in.ReadSlice('\n')
		size += len(part)
		switch {
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, 0, err
		case size > hopeless*l.most:
			return nil, true, scan.id(), errHopeless
		case tooLong:
			scan.write(part)
		case size > l.most+1:
			tooLong = true
			scan.write(line)
			scan.write(part)
			line = nil
		default:
			line = append(line, part...)
		}
		if err == nil {
			return bytes.TrimSuffix(line, []byte("\n")), tooLong, scan.id(), nil
		}
	}
}

// An idScanner finds the number that is the member "id" of a JSON object, in
// parts of any size, however long or broken the rest is.
type idScanner struct {
	depth    int
	inString bool
	escaped  bool
	text     []byte // of the string being read, up to a few bytes
	isKey    bool   // what was read last is the string "id"
	inValue  bool   // of "id"
	digits   []byte
	found    int64
}

func (s *idScanner) id() int64 { return s.found }

func (s *idScanner) write(p []byte) {
	for _, c := range p {
		switch {
		case s.inString:
			s.insideString(c)
		case s.inValue && '0' <= c && c <= '9':
			if len(s.digits) < 19 {
				s.digits = append(s.digits, c)
			}
		default:
			s.outside(c)
		}
	}
}

func (s *idScanner) insideString(c byte) {
	switch {
	case s.escaped:
		s.escaped = false
	case c == '\\':
		s.escaped = true
	case c == '"':
		s.inString = false
		s.isKey = string(s.text) == "id"
		return
	}
	if len(s.text) < 4 {
		s.text = append(s.text, c)
	}
}

func (s *idScanner) outside(c byte) {
	switch c {
	case '"':
		s.inString, s.text = true, s.text[:0]
	case '{', '[':
		s.depth++
	case '}', ']':
		s.endValue()
		s.depth--
	case ',':
		s.endValue()
	case ':':
		s.inValue, s.isKey = s.isKey && s.depth == 1, false
	case ' ', '\t', '\r':
	default:
		s.inValue = false
	}
}

func (s *idScanner) endValue() {
	if s.inValue && s.depth == 1 && s.found == 0 {
		s.found, _ = strconv.ParseInt(string(s.digits), 10, 64)
	}
	s.inValue, s.digits = false, s.digits[:0]
}
