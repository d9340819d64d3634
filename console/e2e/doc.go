// Package e2e holds the tests of the console in a real browser. fixtures/ is a
// server with the product's own policy for pages and canned answers; started by
// itself it is also how to look at every page in every state:
//
//	node console/e2e/fixtures/server.mjs 8090
package e2e
