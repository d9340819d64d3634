package channeltest_test

import (
	"testing"

	"github.com/countersignhq/countersign/channel/channeltest"
)

func TestRoom(t *testing.T) { channeltest.Test(t, channeltest.NewRoom) }
