package admin

import "net/http"

// A Server is what a running server says of itself.
type Server struct {
	Version string `json:"version"`
	PID     int    `json:"pid"`
	// PublicURL is how people reach the console, Doors the address of the doors.
	PublicURL string `json:"public_url"`
	Doors     string `json:"doors"`
	// Origin names the log.
	Origin string `json:"origin"`
}

func (a *admin) server(*http.Request) (Server, error) { return a.cfg.Server, nil }
