package client

import "time"

// Links are the chat accounts that are the caller's.
type Links struct {
	Links []Link `json:"links"`
	// Chats are those that are connected, in which an account can be linked: "slack".
	Chats []string `json:"chats"`
}

// A Link is an account of a chat whose clicks are a person's.
type Link struct {
	Chat      string    `json:"chat"` // "slack"
	Workspace string    `json:"workspace"`
	Account   string    `json:"account"`
	Name      string    `json:"name,omitempty"` // as the chat calls it; a claim
	Since     time.Time `json:"since"`
}

// A LinkCode links the account of whoever types it in the chat, once.
type LinkCode struct {
	Code string `json:"code"`
	// Type is the whole command.
	Type      string    `json:"type"`
	ExpiresAt time.Time `json:"expires_at"`
}
