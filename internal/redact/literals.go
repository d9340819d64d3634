package redact

import "strings"

// literals finds what keywords make a secret of: the string behind PASSWORD or
// IDENTIFIED BY in SQL, the token behind Bearer, what the password is in prose.
func (f *finder) literals() {
	s := f.in
	identified := 0 // words since IDENTIFIED
	for i := 0; i < len(s); {
		if !isAlnum(s[i]) {
			i++
			continue
		}
		start := i
		for i < len(s) && (isAlnum(s[i]) || s[i] == '_') {
			i++
		}
		word := ""
		if i-start <= 16 {
			word = strings.ToLower(s[start:i])
		}
		identified--
		switch word {
		case "identified":
			identified = 4 // IDENTIFIED WITH plugin BY
		case "by", "as":
			if identified > 0 {
				i = f.literal(i, "password")
			}
		case "password", "passwd", "passphrase", "secret":
			what := lastWords[word]
			if next := f.literal(i, what); next > i {
				i = next
			} else if what == "password" {
				i = f.passwordFor(i)
			}
		case "bearer":
			i = f.bearer(i)
		}
	}
}

// literal takes the string literals of SQL that stand at i, behind blanks,
// comments and what an assignment or a call puts between. It returns where to
// look on.
func (f *finder) literal(i int, what string) int {
	at, seen := skipFiller(f.in, i, "=(")
	if !seen {
		return i
	}
	from, to := 0, 0
	for {
		open, shut, after := sqlString(f.in, at)
		if after == 0 {
			break
		}
		if from == 0 {
			from = open
		}
		to, i = shut, after
		at, _ = skipFiller(f.in, after, "|") // 'a' 'b' and 'a' || 'b' are one
	}
	if to > from && from > 0 && !isReference(f.in[from:to]) {
		f.add(from, to, what)
	}
	return i
}

// skipFiller passes blanks, comments and the marks given, and says whether there
// were any.
func skipFiller(s string, i int, marks string) (int, bool) {
	const most = 256
	start := i
	for i < len(s) && i-start < most {
		switch {
		case isBlank(s[i]) || s[i] == '\n' || strings.IndexByte(marks, s[i]) >= 0:
			i++
		case strings.HasPrefix(s[i:], "/*"):
			n := strings.Index(s[i:min(len(s), i+most)], "*/")
			if n < 0 {
				return i, true
			}
			i += n + 2
		case strings.HasPrefix(s[i:], "--"):
			n := strings.IndexByte(s[i:min(len(s), i+most)], '\n')
			if n < 0 {
				return i, true
			}
			i += n + 1
		default:
			return i, i > start
		}
	}
	return i, i > start
}

// sqlString finds the string literal at i: 'it”s', E'…', U&'…', N'…', "…" of
// MySQL, or $tag$…$tag$ of PostgreSQL.
func sqlString(s string, i int) (open, shut, after int) {
	if len(s)-i > 2 && strings.EqualFold(s[i:i+2], "u&") {
		i += 2
	}
	if i+1 < len(s) && strings.IndexByte("eEnN", s[i]) >= 0 && isQuote(s[i+1]) {
		i++
	}
	if i >= len(s) {
		return 0, 0, 0
	}
	if s[i] == '$' {
		tag, _, ok := strings.Cut(s[i+1:min(len(s), i+longestName)], "$")
		if !ok || strings.Trim(tag, base62+"_") != "" {
			return 0, 0, 0
		}
		open = i + len(tag) + 2
		n := strings.Index(s[open:], "$"+tag+"$")
		if n < 0 {
			return 0, 0, 0
		}
		return open, open + n, open + n + len(tag) + 2
	}
	if open, shut, after, ok := quotedAt(s, i); ok {
		return open, shut, after
	}
	return 0, 0, 0
}

// passwordFor finds the literal in SET PASSWORD FOR bob = '…', and the word in
// "the password is hunter2".
func (f *finder) passwordFor(i int) int {
	const most = 128
	verb, at := nextWord(f.in, i)
	switch strings.ToLower(strings.Trim(verb, ",:")) {
	case "is", "to", "was", "as":
	case "for":
		if n := strings.IndexByte(f.in[at:min(len(f.in), at+most)], '='); n >= 0 {
			return f.literal(at+n, "password")
		}
		return i
	default:
		return i
	}
	word, end := nextWord(f.in, at)
	word = strings.TrimRight(word, ".,;:!?)")
	word = strings.Trim(word, "\"'`")
	if !isStrong(word) || isCode(word) || isReference(word) {
		return i
	}
	start := end - len(f.in[at:end]) + strings.Index(f.in[at:end], word)
	f.add(start, start+len(word), "password")
	return end
}

// bearer finds the token behind the word.
func (f *finder) bearer(i int) int {
	const least = 16
	word, end := nextWord(f.in, i)
	word = strings.TrimRight(word, "\"'`.,;)}]")
	if len(word) < least || !isStrong(word) || isReference(word) || isCode(word) || !strings.HasPrefix(f.in[i:], " ") {
		return i
	}
	start := i + strings.Index(f.in[i:end], word)
	f.add(start, start+len(word), "token")
	return end
}

// nextWord is what stands between the blanks behind i and the next.
func nextWord(s string, i int) (word string, end int) {
	for n := 0; i < len(s) && isBlank(s[i]) && n < 4; n++ {
		i++
	}
	end = i
	for end < len(s) && s[end] > ' ' && end-i < 4*longestName {
		end++
	}
	return s[i:end], end
}
