package unhide_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/internal/unhide"
)

func plain(s string) unhide.Span { return unhide.Span{Text: s, Kind: unhide.Plain} }

func hidden(s string, k unhide.Kind, n int) unhide.Span {
	return unhide.Span{Text: s, Kind: k, Count: n}
}

func tags(s string) string {
	return strings.Map(func(r rune) rune { return 0xE0000 + r }, s)
}

func TestTricksBecomeVisible(t *testing.T) {
	sp := strings.Repeat
	for _, c := range []struct {
		name, in string
		want     []unhide.Span
		visible  string
	}{
		{"padding hides the tail", "ls" + sp(" ", 412) + "; rm -rf /",
			[]unhide.Span{plain("ls"), hidden(sp(" ", 412), unhide.Padding, 412), plain("; rm -rf /")}, "ls<412 spaces>; rm -rf /"},
		{"16 spaces are an indent", "a" + sp(" ", 16) + "b", []unhide.Span{plain("a" + sp(" ", 16) + "b")}, "a" + sp(" ", 16) + "b"},
		{"17 spaces are padding", "a" + sp(" ", 17) + "b", []unhide.Span{plain("a"), hidden(sp(" ", 17), unhide.Padding, 17), plain("b")}, "a<17 spaces>b"},
		{"tabs", sp("\t", 20), []unhide.Span{hidden(sp("\t", 20), unhide.Padding, 20)}, "<20 tabs>"},
		{"spaces and tabs", sp(" \t", 10) + "x", []unhide.Span{hidden(sp(" \t", 10), unhide.Padding, 20), plain("x")}, "<20 spaces and tabs>x"},
		{"blank lines hide the tail", "select 1;" + sp("\n", 41) + "drop table t",
			[]unhide.Span{plain("select 1;\n"), hidden(sp("\n", 39), unhide.Padding, 40), plain("\ndrop table t")}, "select 1;\n<40 blank lines>\ndrop table t"},
		{"blank lines that hold spaces", "a" + sp("\n  \t", 6) + "\n b",
			[]unhide.Span{plain("a\n"), hidden("  \t"+sp("\n  \t", 5), unhide.Padding, 6), plain("\n b")}, "a\n<6 blank lines>\n b"},
		{"four blank lines are a paragraph", "a\n\n\n\n\nb", []unhide.Span{plain("a\n\n\n\n\nb")}, "a\n\n\n\n\nb"},
		{"five are padding", "a\n\n\n\n\n\nb", []unhide.Span{plain("a\n"), hidden("\n\n\n\n", unhide.Padding, 5), plain("\nb")}, "a\n<5 blank lines>\nb"},
		{"blank lines at the start", "\n\n\n\n\nb", []unhide.Span{hidden("\n\n\n\n", unhide.Padding, 5), plain("\nb")}, "<5 blank lines>\nb"},
		{"spaces before, blank lines, spaces after", "a" + sp(" ", 17) + sp("\n", 6) + sp(" ", 18) + "b",
			[]unhide.Span{plain("a"), hidden(sp(" ", 17), unhide.Padding, 17), plain("\n"), hidden("\n\n\n\n", unhide.Padding, 5), plain("\n"), hidden(sp(" ", 18), unhide.Padding, 18), plain("b")},
			"a<17 spaces>\n<5 blank lines>\n<18 spaces>b"},
		{"spaces at the end of lines", "a" + sp(" ", 17) + "\nb" + sp(" ", 17), []unhide.Span{plain("a"), hidden(sp(" ", 17), unhide.Padding, 17), plain("\nb"), hidden(sp(" ", 17), unhide.Padding, 17)}, "a<17 spaces>\nb<17 spaces>"},

		{"Trojan Source", "role != \"user\u202e \u2066// admin\u2069\"",
			[]unhide.Span{plain(`role != "user`), hidden("\u202e", unhide.Bidi, 1), plain(" "), hidden("\u2066", unhide.Bidi, 1), plain("// admin"), hidden("\u2069", unhide.Bidi, 1), plain(`"`)},
			`role != "user<U+202E> <U+2066>// admin<U+2069>"`},
		{"two bidi in a row", "a\u202e\u2066b", []unhide.Span{plain("a"), hidden("\u202e\u2066", unhide.Bidi, 2), plain("b")}, "a<U+202E U+2066>b"},
		{"bidi marks", "\u200e\u200f\u061c", []unhide.Span{hidden("\u200e\u200f\u061c", unhide.Bidi, 3)}, "<U+200E U+200F U+061C>"},
		{"zero width in a name", "dr\u200bop", []unhide.Span{plain("dr"), hidden("\u200b", unhide.ZeroWidth, 1), plain("op")}, "dr<U+200B>op"},
		{"many of one", "a" + sp("\u200b", 412), []unhide.Span{plain("a"), hidden(sp("\u200b", 412), unhide.ZeroWidth, 412)}, "a<412 x U+200B>"},
		{"many of several", sp("\u200b\u200c\u2060", 3), []unhide.Span{hidden(sp("\u200b\u200c\u2060", 3), unhide.ZeroWidth, 9)}, "<U+200B U+200C U+2060 U+200B and 5 more>"},
		{"tags speak to a model", "hello" + tags("ignore \"all\"\x7f"), []unhide.Span{plain("hello"), hidden(tags("ignore \"all\"\x7f"), unhide.Tag, 13)}, `hello<13 tag characters reading "ignore \"all\"?">`},
		{"one tag", "a\U000e0001", []unhide.Span{plain("a"), hidden("\U000e0001", unhide.Tag, 1)}, "a<U+E0001>"},
		{"variation selectors", "a\ufe0f\U000e0101", []unhide.Span{plain("a"), hidden("\ufe0f\U000e0101", unhide.VariationSelector, 2)}, "a<U+FE0F U+E0101>"},
		{"ANSI erases the line", "safe\x1b[2K\revil", []unhide.Span{plain("safe"), hidden("\x1b", unhide.Control, 1), plain("[2K"), hidden("\r", unhide.Control, 1), plain("evil")}, "safe<U+001B>[2K<U+000D>evil"},
		{"backspaces", "evil\b\b\b\b", []unhide.Span{plain("evil"), hidden("\b\b\b\b", unhide.Control, 4)}, "evil<U+0008 U+0008 U+0008 U+0008>"},
		{"C1 introducer as UTF-8", "\u009b31m", []unhide.Span{hidden("\u009b", unhide.Control, 1), plain("31m")}, "<U+009B>31m"},
		{"C1 introducer as a raw byte", "\x9b31m", []unhide.Span{hidden("\x9b", unhide.Invalid, 1), plain("31m")}, "<byte 0x9B>31m"},
		{"next line, delete, nul", "\u0085\x7f\x00", []unhide.Span{hidden("\u0085\x7f\x00", unhide.Control, 3)}, "<U+0085 U+007F U+0000>"},
		{"invalid bytes", "a\xff\xfe", []unhide.Span{plain("a"), hidden("\xff\xfe", unhide.Invalid, 2)}, "a<bytes 0xFF 0xFE>"},
		{"surrogate in UTF-8", "\xed\xa0\x80\xff\xff", []unhide.Span{hidden("\xed\xa0\x80\xff\xff", unhide.Invalid, 5)}, "<bytes 0xED 0xA0 0x80 0xFF and 1 more>"},
		{"a genuine replacement character", "a\ufffd", []unhide.Span{plain("a\ufffd")}, "a\ufffd"},
		{"no-break space", "rm\u00a0-rf", []unhide.Span{plain("rm"), hidden("\u00a0", unhide.Space, 1), plain("-rf")}, "rm<U+00A0>-rf"},
		{"line separator", "-- note\u2028drop", []unhide.Span{plain("-- note"), hidden("\u2028", unhide.Space, 1), plain("drop")}, "-- note<U+2028>drop"},
		{"private use", "\ue000\U0010fffd", []unhide.Span{hidden("\ue000\U0010fffd", unhide.PrivateUse, 2)}, "<U+E000 U+10FFFD>"},
		{"unassigned", "\u0378\ufffe", []unhide.Span{hidden("\u0378\ufffe", unhide.Unassigned, 2)}, "<U+0378 U+FFFE>"},

		{"Cyrillic a in a Latin word", "p\u0430ypal", []unhide.Span{plain("p"), hidden("\u0430", unhide.Homoglyph, 1), plain("ypal")}, "p<U+0430 looks like a>ypal"},
		{"the borrowed letter comes first", "\u0430dmin \u0430", []unhide.Span{hidden("\u0430", unhide.Homoglyph, 1), plain("dmin \u0430")}, "<U+0430 looks like a>dmin \u0430"},
		{"two in a row", "g\u043e\u03bfgle", []unhide.Span{plain("g"), hidden("\u043e\u03bf", unhide.Homoglyph, 2), plain("gle")}, "g<U+043E U+03BF look like oo>gle"},
		{"across an underscore", "drop_\u0441\u043e\u0440\u0443", []unhide.Span{plain("drop_"), hidden("\u0441\u043e\u0440\u0443", unhide.Homoglyph, 4)}, "drop_<U+0441 U+043E U+0440 U+0443 look like copy>"},
		{"across a zero width space", "\u0430\u200bdmin", []unhide.Span{hidden("\u0430", unhide.Homoglyph, 1), hidden("\u200b", unhide.ZeroWidth, 1), plain("dmin")}, "<U+0430 looks like a><U+200B>dmin"},
		{"full width", "d\uff52op", []unhide.Span{plain("d"), hidden("\uff52", unhide.Homoglyph, 1), plain("op")}, "d<U+FF52 looks like r>op"},
		{"mathematical bold", "d\U0001d42bop", []unhide.Span{plain("d"), hidden("\U0001d42b", unhide.Homoglyph, 1), plain("op")}, "d<U+1D42B looks like r>op"},
		{"Kelvin sign", "\u212aey", []unhide.Span{hidden("\u212a", unhide.Homoglyph, 1), plain("ey")}, "<U+212A looks like K>ey"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := unhide.Split(c.in); !reflect.DeepEqual(got, c.want) {
				t.Errorf("Split\ngot  %#v\nwant %#v", got, c.want)
			}
			if got := unhide.Visible(c.in); got != c.visible {
				t.Errorf("Visible\ngot  %+q\nwant %+q", got, c.visible)
			}
		})
	}
}

func TestHonestTextStaysPlain(t *testing.T) {
	for _, s := range []string{
		"SELECT id,\n\tname\nFROM crm.customers\nWHERE region = 'eu' -- it's \"fine\"",
		"na\u00efve Stra\u00dfe, Z\u00fcrich, \u0141\u00f3d\u017a, kad\u0131n, \u1ebft",
		"\u0440\u0430\u0441\u0445\u043e\u0434 \u043d\u0430 \u0441\u0447\u0435\u0442",
		"\u03b1\u03bd\u03b1\u03c6\u03bf\u03c1\u03ac, \u0394x = 5 \u00b5s",
		"\u6771\u4eac \uff21\uff22\uff23 \ud55c\uad6d\uc5b4 \u0639\u0631\u0628\u064a \u05e2\u05d1\u05e8\u05d9\u05ea",
		"API\u306e\u30c6\u30b9\u30c8 caf\u0065\u0301 \U0001f600 \u20ac \u2014 \u201cquoted\u201d",
		"\u0627\u0644\u0633\u0639\u0631 \u0600\u0661\u0662",
	} {
		if got := unhide.Hidden(s); got != nil {
			t.Errorf("%+q: got %+v, want nothing hidden", s, got)
		}
		if got := unhide.Visible(s); got != s {
			t.Errorf("Visible(%+q) = %+q, want it unchanged", s, got)
		}
	}
}

func TestHiddenTellsWhatAndWhere(t *testing.T) {
	got := unhide.Hidden("\u00e9\u202ep\u0430y" + strings.Repeat(" ", 412) + "\xff")
	want := []unhide.Finding{
		{Kind: unhide.Bidi, Label: "U+202E", Offset: 2, Count: 1},
		{Kind: unhide.Homoglyph, Label: "U+0430 looks like a", Offset: 6, Count: 1},
		{Kind: unhide.Padding, Label: "412 spaces", Offset: 9, Count: 412},
		{Kind: unhide.Invalid, Label: "byte 0xFF", Offset: 421, Count: 1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEveryHiddenCharacterOfTheListIsFound(t *testing.T) {
	for _, c := range []struct {
		kind     unhide.Kind
		from, to rune
	}{
		{unhide.Bidi, 0x202A, 0x202E}, {unhide.Bidi, 0x2066, 0x2069}, {unhide.Bidi, 0x200E, 0x200F}, {unhide.Bidi, 0x061C, 0x061C},
		{unhide.ZeroWidth, 0x200B, 0x200D}, {unhide.ZeroWidth, 0x2060, 0x2064}, {unhide.ZeroWidth, 0x206A, 0x206F},
		{unhide.ZeroWidth, 0xFEFF, 0xFEFF}, {unhide.ZeroWidth, 0x00AD, 0x00AD}, {unhide.ZeroWidth, 0x034F, 0x034F},
		{unhide.ZeroWidth, 0x180E, 0x180E}, {unhide.ZeroWidth, 0x115F, 0x1160}, {unhide.ZeroWidth, 0x3164, 0x3164},
		{unhide.ZeroWidth, 0xFFA0, 0xFFA0}, {unhide.ZeroWidth, 0x17B4, 0x17B5}, {unhide.ZeroWidth, 0xFFF9, 0xFFFB},
		{unhide.ZeroWidth, 0x1D173, 0x1D17A}, {unhide.Tag, 0xE0000, 0xE007F},
		{unhide.VariationSelector, 0xFE00, 0xFE0F}, {unhide.VariationSelector, 0xE0100, 0xE01EF}, {unhide.VariationSelector, 0x180B, 0x180D},
		{unhide.Control, 0x00, 0x08}, {unhide.Control, 0x0B, 0x1F}, {unhide.Control, 0x7F, 0x9F},
		{unhide.Space, 0xA0, 0xA0}, {unhide.Space, 0x2000, 0x200A}, {unhide.Space, 0x2028, 0x2029}, {unhide.Space, 0x202F, 0x202F},
		{unhide.Space, 0x205F, 0x205F}, {unhide.Space, 0x3000, 0x3000}, {unhide.Space, 0x1680, 0x1680}, {unhide.Space, 0x2800, 0x2800},
		{unhide.PrivateUse, 0xE000, 0xF8FF}, {unhide.Unassigned, 0xFDD0, 0xFDEF}, {unhide.Unassigned, 0x2065, 0x2065}, {unhide.Unassigned, 0xE0080, 0xE00FF},
	} {
		for r := c.from; r <= c.to; r++ {
			want := []unhide.Span{plain("x"), hidden(string(r), c.kind, 1), plain("y")}
			if got := unhide.Split("x" + string(r) + "y"); !reflect.DeepEqual(got, want) {
				t.Errorf("%U: got %#v, want kind %s", r, got, c.kind)
			}
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("ls" + strings.Repeat(" ", 30) + "\n\n\n\n\n\n\n;rm")
	f.Add("p\u0430y\u202e\u2066\u200b\xff\x1b[0m\U000e0041\ufe0f\u00a0\ue000\u0378")
	f.Add("\n \n\t\n \n \n\u0430_\u200bx")
	f.Fuzz(func(t *testing.T, s string) {
		var joined strings.Builder
		last := unhide.Kind("")
		for _, span := range unhide.Split(s) {
			joined.WriteString(span.Text)
			if span.Text == "" || (span.Count == 0) != (span.Kind == unhide.Plain) {
				t.Fatalf("%+q has span %#v", s, span)
			}
			if span.Kind == last {
				t.Fatalf("%+q has two %s spans in a row", s, last)
			}
			last = span.Kind
			for _, c := range span.Label() {
				if c < ' ' || c > '~' {
					t.Fatalf("label %+q is not printable ASCII", span.Label())
				}
			}
		}
		if joined.String() != s {
			t.Fatalf("got %+q back from %+q", joined.String(), s)
		}
		visible := unhide.Visible(s)
		if again := unhide.Hidden(visible); again != nil {
			t.Fatalf("Visible(%+q) = %+q still hides %+v", s, visible, again)
		}
		if len(unhide.Hidden(s)) == 0 && visible != s {
			t.Fatalf("nothing hides in %+q, yet Visible gives %+q", s, visible)
		}
		for _, c := range []byte(visible) {
			if c < ' ' && c != '\n' && c != '\t' || c == 0x7F {
				t.Fatalf("Visible(%+q) holds control byte %#x", s, c)
			}
		}
	})
}
