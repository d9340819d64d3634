package redact

import "strings"

// A pair is a name and where its value may begin.
type pair struct {
	what string // what the name makes of the value
	sep  byte   // ':' or '='
	// quoted is the quote around the name, 0 for none; inside is the quote that
	// opens right before it and does not close behind it, as of -H "Cookie: …".
	quoted, inside byte
	// heads is true if nothing but blanks and list marks stands before the name
	// in its line, or in its brackets.
	heads bool
	// spaced is true if blanks stand before the value.
	spaced bool
	// query is true if it is a parameter of an address.
	query bool
	at    int // where the value begins
	name  string
}

// pairs finds values by the names before them: name=value, "name": "value".
func (f *finder) pairs() {
	s := f.in
	for i := 0; i < len(s); i++ {
		if s[i] != '=' && s[i] != ':' {
			continue
		}
		p, ok := pairAt(s, i)
		if !ok {
			continue
		}
		start, end, next := p.value(s)
		f.add(start, end, p.what)
		i = max(i, next-1)
	}
}

// pairAt reads the name before a separator, and says whether it is of a secret.
func pairAt(s string, i int) (pair, bool) {
	p := pair{sep: s[i], at: i + 1}
	end := i
	switch {
	case p.at < len(s) && (s[p.at] == s[i] || s[i] == ':' && s[p.at] == '='):
		return p, false // == :: :=, of which the = will be found
	case s[i] == '=' && p.at < len(s) && s[p.at] == '>':
		p.at++
	case s[i] == '=' && i > 0 && s[i-1] == ':':
		end--
	case i > 0 && strings.IndexByte("=!<>~+:", s[i-1]) >= 0:
		return p, false
	case strings.HasPrefix(s[p.at:], "//"):
		return p, false
	}
	for n := 0; n < 16 && end > 0 && isBlank(s[end-1]); n++ {
		end--
	}
	if end > 0 && s[end-1] == ']' {
		end--
	}
	if end > 0 && isQuote(s[end-1]) {
		p.quoted = s[end-1]
		end--
		if end > 0 && s[end-1] == '\\' {
			end--
		}
	}
	start := end
	for start > 0 && end-start < longestName && (isAlnum(s[start-1]) || strings.IndexByte("_-.", s[start-1]) >= 0) {
		start--
	}
	p.name = s[start:end]
	p.query = start > 0 && (s[start-1] == '?' || s[start-1] == '&')
	if p.what = nameOf(p.name); p.what == "" && p.query {
		p.what = signatureOf(p.name)
	}
	if p.what == "" {
		return p, false
	}
	if p.quoted == 0 && start > 0 && isQuote(s[start-1]) {
		p.inside = s[start-1]
	}
	p.heads = heads(s, start)
	for p.at < len(s) && isBlank(s[p.at]) {
		p.at++
		p.spaced = true
	}
	return p, true
}

// signatureOf knows the parameters that make an address a key: of AWS, Google
// and Azure.
func signatureOf(name string) string {
	switch strings.ToLower(name) {
	case "x-amz-signature", "x-goog-signature", "signature", "sig":
		return "signature"
	}
	return ""
}

// heads says whether what begins at start is the first of its line or brackets.
func heads(s string, start int) bool {
	for n := 0; start > 0 && n < 64; n++ {
		start--
		switch c := s[start]; {
		case c == '\n' || c == '{' || c == '(' || c == ',' || c == ';' || c == '[':
			return true
		case !isBlank(c) && !isQuote(c) && c != '-' && c != '*' && c != '#' && c != '\\':
			return false
		}
	}
	return true
}

// value returns where the secret stands, nowhere if it is none, and from where
// to look on.
func (p pair) value(s string) (start, end, next int) {
	at := p.at
	if at >= len(s) || s[at] == '\n' {
		return 0, 0, at
	}
	if p.what == "authorization" || p.what == "cookie" {
		return p.header(s)
	}
	if open, shut, after, ok := quotedAt(s, at); ok {
		if p.sep == '=' && !p.spaced {
			after = wordEnd(s, after) // a shell joins what touches
			if after > shut+1 {
				shut = after
			}
		}
		if isReference(s[open:shut]) {
			return 0, 0, after
		}
		return open, shut, after
	}
	end = valueEnd(s, at)
	if p.sep == ':' && p.heads && (s[at] == '|' || s[at] == '>') {
		if from, to := block(s, at); from < to {
			return from, to, to
		}
	}
	word := s[at:end]
	if !p.counts(s, word, end) {
		return 0, 0, end
	}
	return at, end, end
}

// counts says whether an unquoted value is a secret.
func (p pair) counts(s, word string, end int) bool {
	switch {
	case isReference(word) || isCode(word) || word == p.name || strings.HasSuffix(word, "."+p.name):
		return false
	case p.what == "PIN" || p.what == "card code" || p.what == "one-time code":
		return len(word) >= 3 && len(word) <= 12 && strings.Trim(word, digits10) == ""
	case p.quoted != 0: // JSON: what is not quoted is a number
		return isStrong(word) || p.what == "password" && strings.Trim(word, digits10) == ""
	case p.name == "pass" || p.name == "PASS" || p.name == "Pass": // how many tests did
		return p.sep == '=' && isStrong(word)
	case p.sep == '=' && (!p.spaced || p.heads):
		return true
	case p.heads && p.spaced:
		return isStrong(word) || alone(s, end)
	}
	return isStrong(word)
}

// alone says whether nothing but a comment follows in the line, or its brackets
// close: the value is no sentence.
func alone(s string, end int) bool {
	for end < len(s) && (isBlank(s[end]) || strings.IndexByte(",)]};", s[end]) >= 0) {
		if s[end] == '}' || s[end] == ',' {
			return true
		}
		end++
	}
	return end == len(s) || s[end] == '\n' || s[end] == '#' || isQuote(s[end])
}

// header is the value of Authorization or a cookie: to the end of the line, or
// to the quote that opened before the name. The scheme stays.
func (p pair) header(s string) (start, end, next int) {
	at, whole := p.at, true
	if open, shut, _, ok := quotedAt(s, at); ok {
		at, end = open, shut
	} else {
		whole = p.inside != 0 || p.heads && p.sep == ':'
		for end = at; end < len(s) && s[end] != '\n' && s[end] != '\r' && (p.inside == 0 || s[end] != p.inside); {
			end++
		}
	}
	if scheme, _, ok := strings.Cut(s[at:min(end, at+longestName)], " "); ok && p.what == "authorization" && isScheme(scheme) {
		at += len(scheme) + 1
	}
	if !whole {
		end = valueEnd(s, at)
	}
	if isReference(s[at:end]) || isCode(s[at:end]) || !whole && !isStrong(s[at:end]) {
		return 0, 0, end
	}
	return at, end, end
}

func isScheme(word string) bool {
	switch strings.ToLower(word) {
	case "bearer", "basic", "digest", "token", "negotiate", "apikey", "bot", "aws4-hmac-sha256":
		return true
	}
	return false
}

// quotedAt finds the string literal that begins at i, with a prefix such as the
// $ of a shell or the b of Python: what is between the quotes, and what is
// behind. One that does not close goes on to the end.
func quotedAt(s string, i int) (open, shut, after int, ok bool) {
	if i+1 < len(s) && strings.IndexByte("bBfFrRuUNnEe$@", s[i]) >= 0 && isQuote(s[i+1]) {
		i++
	}
	escaped := i+1 < len(s) && s[i] == '\\' && isQuote(s[i+1])
	if escaped {
		i++
	}
	if i >= len(s) || !isQuote(s[i]) {
		return 0, 0, 0, false
	}
	quote := s[i]
	open = i + 1
	for i = open; i < len(s); i++ {
		switch {
		case escaped && s[i] == '\\' && i+1 < len(s) && s[i+1] == quote:
			return open, i, i + 2, true
		case s[i] == '\\':
			i++
		case s[i] == quote && !escaped:
			if quote == '\'' && i+1 < len(s) && s[i+1] == quote { // doubled, as in SQL
				i++
				continue
			}
			return open, i, i + 1, true
		}
	}
	return open, len(s), len(s), true
}

// valueEnd is where an unquoted value ends that begins at i, less the marks that
// close a sentence or a bracket around it.
func valueEnd(s string, i int) int {
	end := wordEnd(s, i)
	opened := map[byte]bool{
		')': strings.IndexByte(s[i:end], '(') >= 0, ']': strings.IndexByte(s[i:end], '[') >= 0, '}': strings.IndexByte(s[i:end], '{') >= 0,
	}
	for end > i && strings.IndexByte(",.)]}", s[end-1]) >= 0 && !opened[s[end-1]] {
		end--
	}
	return end
}

// wordEnd is where a shell's word, or a parameter of an address, ends that goes
// on at i.
func wordEnd(s string, i int) int {
	for i < len(s) {
		switch c := s[i]; {
		case c <= ' ' || strings.IndexByte("&;|<>`", c) >= 0:
			return i
		case c == '\\' && i+1 < len(s):
			if isQuote(s[i+1]) {
				return i
			}
			i += 2
		case c == '"' || c == '\'':
			_, _, after, _ := quotedAt(s, i)
			if after == len(s) && s[after-1] != c {
				return i // a quote that is not closed opened before
			}
			i = after
		default:
			i++
		}
	}
	return min(i, len(s))
}

// block is the text of a YAML block that the mark at i begins: the lines below
// that stand further in.
func block(s string, i int) (from, to int) {
	const widest = 256
	line := s[max(0, i-widest):i]
	line = line[strings.LastIndexByte(line, '\n')+1:]
	indent := len(line) - len(strings.TrimLeft(line, " -"))
	from = i + 1
	for from < len(s) && strings.IndexByte("+-123456789 \r", s[from]) >= 0 && from-i < 4 {
		from++
	}
	if from >= len(s) || s[from] != '\n' {
		return 0, 0
	}
	from++
	for to = from; to < len(s); {
		line, _, _ := strings.Cut(s[to:], "\n")
		if strings.TrimSpace(line) != "" && len(line)-len(strings.TrimLeft(line, " ")) <= indent {
			break
		}
		to = min(to+len(line)+1, len(s))
	}
	for from < to && s[from] == ' ' {
		from++
	}
	for to > from && s[to-1] == '\n' {
		to--
	}
	return from, to
}
