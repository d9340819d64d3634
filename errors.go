package countersign

import "errors"

// Code names a kind of refusal for programs. Codes are a contract.
type Code string

// The codes.
const (
	CodeDenied          Code = "denied"             // the policy refuses it
	CodeRejected        Code = "rejected"           // a person refused it
	CodeExpired         Code = "expired"            // nobody decided in time
	CodeLapsed          Code = "lapsed"             // approved, and not run in time
	CodeWithdrawn       Code = "withdrawn"          // the requester took it back
	CodeFailed          Code = "failed"             // it ran and failed
	CodeUnknownOutcome  Code = "unknown_outcome"    // nobody knows whether it ran
	CodePending         Code = "pending"            // it waits
	CodeSelfApproval    Code = "self_approval"      // asked for it, owns or made the asker
	CodeNotAReviewer    Code = "not_a_reviewer"     // no stage needs this person
	CodeAssuranceTooLow Code = "assurance_too_low"  // needs a passkey or a session
	CodeAlreadySettled  Code = "already_settled"    // somebody was faster, or it is over
	CodeAlreadyDecided  Code = "already_decided"    // this person has decided it
	CodeViewChanged     Code = "view_changed"       // what was shown is not what is there
	CodeDigestMismatch  Code = "digest_mismatch"    // it is about other bytes
	CodeCannotApprove   Code = "cannot_be_approved" // nobody can, as things stand
	CodeReasonRequired  Code = "reason_required"
	CodeUnknownGroup    Code = "unknown_group"
	CodeNotFound        Code = "not_found"
	CodeBadRequest      Code = "bad_request"
	CodeUnauthenticated Code = "unauthenticated"
	CodeForbidden       Code = "forbidden"
	CodeConflict        Code = "conflict" // it changed meanwhile; look again
	CodeUnavailable     Code = "unavailable"
	CodeTooLarge        Code = "too_large"
	CodeUnknownResource Code = "unknown_resource"
	CodeUnsafeSameUser  Code = "unsafe_same_user"
	CodePasskeyInvalid  Code = "passkey_invalid" // the passkey signed something else, or does not count
	CodeRateLimited     Code = "rate_limited"    // the agent asks too often, or too much of it waits
	CodeInternal        Code = "internal"
)

// An Error is a refusal that survives from where it was found to whoever asked:
// an HTTP problem document, an MCP result, a line on a terminal.
type Error struct {
	Code   Code   `json:"code"`
	Detail string `json:"detail"`         // what and which
	Hint   string `json:"hint,omitempty"` // what to do next
	Rule   string `json:"rule,omitempty"` // the rule that refused
	// RetryAfterSeconds is when asking again may help; 0 says nothing of it.
	RetryAfterSeconds int `json:"retry_after_s,omitempty"`
}

// Error implements error.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Detail
	}
	return e.Detail + "; " + e.Hint
}

// CodeOf returns the code of the Error within err, CodeInternal if there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}
