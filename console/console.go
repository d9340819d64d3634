// Package console is the browser console: one script, one style sheet and one
// sprite of icons, made from web/ by build/ and committed, so that a build of the
// product needs Go alone. Package server/web serves them, and the fonts, which it
// has for its own pages too.
//
// To change the console, edit web/ and run
//
//	go run ./console/build
package console

import "embed"

// Dist holds dist/console.js, dist/console.css and dist/icons.svg, and the licence
// of what the script is made with. Their names never change; whoever serves them
// names a version by its hash. The icons stand in the page that loads the script;
// the style sheet wants the folder fonts beside it.
//
//go:embed dist
var Dist embed.FS
