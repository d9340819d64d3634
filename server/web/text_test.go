package web

import (
	"html"
	"regexp"
	"strings"
)

var (
	unseen = regexp.MustCompile(`(?s)<head>.*?</head>|<svg.*?</svg>`)
	tag    = regexp.MustCompile(`<[^>]*>`)
)

// textOf is what people read of a page, without its head and its drawings.
func textOf(page string) string {
	return strings.TrimSpace(html.UnescapeString(tag.ReplaceAllString(unseen.ReplaceAllString(page, ""), "")))
}
