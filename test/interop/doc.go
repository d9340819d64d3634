// Package interop asks programs that other people wrote whether they agree with
// what Countersign writes: tessera's fsck and golang.org/x/mod's TileHashReader
// on the log, transparency-dev/merkle on proofs, gowebpki/jcs on canonical JSON.
//
// It is a module of its own, so that the product depends on none of them. There
// are only tests: go test ./...
package interop
