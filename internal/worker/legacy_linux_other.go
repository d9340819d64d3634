//go:build linux && !amd64

package worker

func legacy() []uint32 { return nil }
