// Package unhide finds what a text holds and a reader would not see or would
// take for something else: text that runs backwards, characters without width,
// payloads pushed out of view, letters borrowed from another script. [Split] is
// for pages that mark them, [Visible] for terminals and logs, [Hidden] for risk
// indicators.
package unhide

import (
	"unicode"
	"unicode/utf8"
)

// A Kind says why a part of a text is not what it looks like.
type Kind string

const (
	// Plain is text that looks like what it is.
	Plain Kind = "plain"
	// Bidi reorders the text around it (Unicode UAX #9; CVE-2021-42574).
	Bidi Kind = "bidi"
	// ZeroWidth takes no space: joiners, fillers, soft hyphens, byte order marks
	// and every other format character that is not of a kind of its own.
	ZeroWidth Kind = "zero-width"
	// Tag is a character of the block U+E0000, an invisible copy of ASCII.
	Tag Kind = "tag"
	// VariationSelector is invisible and can carry a byte each.
	VariationSelector Kind = "variation-selector"
	// Control is a C0 character other than newline and tab, DEL, or C1. Escape
	// sequences of terminals start with one.
	Control Kind = "control"
	// Space looks like U+0020 or like nothing, and is another character.
	Space Kind = "space"
	// Padding is a run of more than 16 spaces and tabs, or of more than 4 blank
	// lines, which can push what follows out of view.
	Padding Kind = "padding"
	// PrivateUse looks different on every machine.
	PrivateUse Kind = "private-use"
	// Unassigned is a code point that Unicode gives no meaning.
	Unassigned Kind = "unassigned"
	// Invalid is a byte that is not UTF-8.
	Invalid Kind = "invalid"
	// Homoglyph is a letter that looks like an ASCII letter and stands in a word
	// that is otherwise Latin.
	Homoglyph Kind = "homoglyph"
)

const brailleBlank = '\u2800' // a symbol by category, a space by looks

// kindOf gives the kind of one character by itself; padding and homoglyphs
// depend on what stands around it. size tells U+FFFD from an invalid byte.
func kindOf(r rune, size int) Kind {
	switch {
	case r == '\n' || r == '\t' || ' ' <= r && r <= '~':
		return Plain
	case r == utf8.RuneError && size == 1:
		return Invalid
	case unicode.Is(unicode.Cc, r):
		return Control
	case unicode.Is(unicode.Bidi_Control, r):
		return Bidi
	case 0xE0000 <= r && r <= 0xE007F:
		return Tag
	case unicode.Is(unicode.Variation_Selector, r):
		return VariationSelector
	case unicode.Is(unicode.Z, r) || r == brailleBlank:
		return Space
	case isZeroWidth(r):
		return ZeroWidth
	case unicode.Is(unicode.Co, r):
		return PrivateUse
	case !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Cf):
		return Unassigned
	}
	return Plain
}

// isZeroWidth covers the format characters but those drawn around the digits
// that follow (U+0600 and the like), and the letters and marks that Unicode says
// are shown as nothing: the grapheme joiner, the Hangul fillers and others.
func isZeroWidth(r rune) bool {
	if unicode.Is(unicode.Cf, r) {
		return !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
	}
	return unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && unicode.In(r, unicode.L, unicode.M)
}
