package unhide

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lookalikes are letters that common fonts draw like an ASCII letter: groups
// that start with that letter and end with a space. They are a choice from
// Unicode's confusables (UTS #39): Cyrillic, Greek, Armenian, Hebrew, Arabic,
// Georgian, Cherokee, Lisu, Coptic, and Latin letters of phonetic notation.
const lookalikes = "" +
	"a\u0430\u03b1\u0251 b\u042c " +
	"c\u0441\u03f2\u2ca5\u1d04 d\u0501\u13e7\ua4d2 " +
	"e\u0435\u04bd\u1d07 f\u03dd\u0584 " +
	"g\u0261\u0581 h\u04bb\u0570\u13c2 " +
	"i\u0456\u03b9\u0269\u13a5 j\u0458\u03f3 " +
	"k\u043a\u03ba l\u04cf\u05d5\u05df\u0627 " +
	"m\u043c n\u043f\u03b7\u0578\u057c " +
	"o\u043e\u03bf\u03c3\u0585\u05e1\u2c9f\u1d0f\u10ff\u101d\u0d20\u0647 p\u0440\u03c1\u2ca3 " +
	"q\u051b\u0563\u0566 r\u0433\u2c85\u1d26 " +
	"s\u0455\ua731 t\u0442\u03c4 " +
	"u\u03c5\u057d\u1d1c v\u0475\u03bd\u05d8\u1d20 " +
	"w\u0461\u051d\u0561\u03c9\u1d21 x\u0445\u03c7 " +
	"y\u0443\u03b3\u04af\u10e7\u028f z\u1d22 " +
	"A\u0410\u0391\u13aa\ua4ee\u1d00 B\u0412\u0392\u13f4\ua4d0\u0299\u0432 " +
	"C\u0421\u03f9\u13df\ua4da\u2ca4 D\u13a0\ua4d3\u1d05 " +
	"E\u0415\u0395\u13ac\ua4f0 F\u03dc\ua4dd\ua730 " +
	"G\u13c0\ua4d6\u050c H\u041d\u0397\u13bb\ua4e7\u029c\u043d\u2c8e " +
	"I\u0406\u0399\u04c0\ua4f2\u2c92 J\u0408\u037f\u13ab\ua4d9\u1d0a " +
	"K\u041a\u039a\u212a\u13e6\ua4d7\u2c94\u1d0b L\u13de\ua4e1\u053c\u029f " +
	"M\u041c\u039c\u13b7\ua4df\u2c98\u03fa\u1d0d N\u039d\ua4e0\u2c9a\u0274 " +
	"O\u041e\u039f\u0555\ua4f3\u2c9e P\u0420\u03a1\u13e2\ua4d1\u2ca2\u1d18 " +
	"Q\u051a R\u13a1\u13d2\ua4e3\u0280 " +
	"S\u0405\u054f\u13da\ua4e2 T\u0422\u03a4\u13a2\ua4d4\u2ca6\u1d1b " +
	"U\u054d\ua4f4 V\u0474\u13d9\ua4e6 " +
	"W\u051c\u13b3\ua4ea X\u0425\u03a7\u2cac\ua4eb " +
	"Y\u03a5\u04ae\u2ca8\ua4ec\u0423 Z\u0396\u13c3\ua4dc "

// looksLike gives the ASCII letter that r is drawn like, or 0.
func looksLike(r rune) byte {
	const fullWidth, mathematical = 0xFF01 - '!', 0x1D400
	switch {
	case r < utf8.RuneSelf:
		return 0
	case 'A'+fullWidth <= r && r <= 'Z'+fullWidth, 'a'+fullWidth <= r && r <= 'z'+fullWidth:
		return byte(r - fullWidth)
	case mathematical <= r && r < mathematical+13*52: // thirteen alphabets in a row
		letter := byte((r - mathematical) % 52)
		if letter < 26 {
			return 'A' + letter
		}
		return 'a' + letter - 26
	}
	at := strings.IndexRune(lookalikes, r)
	if at < 0 {
		return 0
	}
	return lookalikes[strings.LastIndexByte(lookalikes[:at], ' ')+1]
}

// isHomoglyph says whether the letter at sp.at, which is r, passes for an ASCII
// letter in a word that has Latin letters of its own.
func (sp *splitter) isHomoglyph(r rune) bool {
	if looksLike(r) == 0 {
		return false
	}
	if sp.at >= sp.wordEnd {
		sp.readWord()
	}
	return sp.latin
}

// readWord finds the word around sp.at. Each word is read once, so that a text
// of one long word takes no more time than any other.
func (sp *splitter) readWord() {
	start := sp.at
	for start > 0 {
		r, size := utf8.DecodeLastRuneInString(sp.in[:start])
		if !inWord(r, size) {
			break
		}
		start -= size
	}
	sp.latin = false
	for sp.wordEnd = start; sp.wordEnd < len(sp.in); {
		r, size := utf8.DecodeRuneInString(sp.in[sp.wordEnd:])
		if !inWord(r, size) {
			break
		}
		sp.latin = sp.latin || unicode.Is(unicode.Latin, r) && looksLike(r) == 0
		sp.wordEnd += size
	}
}

// inWord keeps a word together across what is invisible in it, or a zero-width
// space beside a borrowed letter would hide the letter too.
func inWord(r rune, size int) bool {
	if r == '_' || unicode.In(r, unicode.L, unicode.M, unicode.Nd) {
		return true
	}
	switch kindOf(r, size) {
	case Bidi, ZeroWidth, Tag, VariationSelector:
		return true
	}
	return false
}
