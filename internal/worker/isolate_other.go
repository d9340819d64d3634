//go:build !linux

package worker

import (
	"os"
	"os/exec"
	"time"
)

func command(handler string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return exec.Command(self, Verb, handler), nil
}

func processorTime(*os.Process) time.Duration { return untold }

func killGroup(p *os.Process) { p.Kill() }

// isolate can do no more here than what the parent did: no environment, no
// descriptors but the two pipes.
func isolate() error { return nil }
