package client

// An OnCall is an on-call group and who of its pool is on duty.
type OnCall struct {
	Group  string   `json:"group"` // "oncall:payments"
	Pool   string   `json:"pool"`
	People []string `json:"people"` // names; empty: nobody is
}
