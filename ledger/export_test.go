package ledger

import "time"

// What the tests outside the package hold against it.
var ErrNoPermit = errNoPermit

const (
	FlagUserPresent  = flagUserPresent
	FlagUserVerified = flagUserVerified
	FlagBackupAble   = flagBackupAble
	FlagBackedUp     = flagBackedUp
	FlagAttested     = flagAttested
	FlagExtended     = flagExtended
)

// PermitAt is another permit for the same command, released at another time.
func PermitAt(p *Permit, at time.Time) *Permit {
	return &Permit{command: p.command, at: at, leaf: Hash{1}}
}

// Remembered is how many spent permits are kept in mind.
func Remembered(s *Spent) int { return len(s.spent) }
