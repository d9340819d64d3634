package slack

import (
	"errors"
	"fmt"

	"github.com/slack-go/slack"

	"github.com/countersignhq/countersign/channel"
)

func isRetry(err error) bool {
	_, ok := errors.AsType[*channel.RetryError](err)
	return ok
}

// slackWord is Slack's own word for what is wrong: "channel_not_found".
func slackWord(err error) string {
	if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return e.Err
	}
	return ""
}

func tooLong(err error) bool {
	switch slackWord(err) {
	case "msg_blocks_too_long", "msg_too_long", "invalid_blocks", "invalid_blocks_format":
		return true
	}
	return false
}

// failure is Slack's error in the words of package channel.
func failure(err error) error {
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return &channel.RetryError{After: limited.RetryAfter, Err: err}
	}
	switch word := slackWord(err); word {
	case "is_archived", "message_not_found", "cant_update_message", "edit_window_closed", "user_not_found",
		"user_disabled", "cannot_dm_bot":
		return fmt.Errorf("%s: %w", word, channel.ErrGone)
	case "channel_not_found", "not_in_channel":
		return fmt.Errorf("%w; invite the app there: /invite @Countersign", err)
	case "missing_scope":
		return fmt.Errorf("%w; install the app again with the manifest of docs/slack.md", err)
	case "invalid_auth", "account_inactive", "token_revoked", "token_expired", "not_authed":
		return fmt.Errorf("%w; install the app again and set its new token", err)
	}
	return err
}
