package redact

import (
	"context"
	"encoding"
	"fmt"
	"log/slog"
	"slices"
)

// A Handler takes secrets out of what is logged: out of the message, out of
// every text, error and other value among the attributes, and whole where an
// attribute's key names a secret.
type Handler struct{ next slog.Handler }

// NewHandler returns a handler that hands on to next.
func NewHandler(next slog.Handler) Handler { return Handler{next} }

// Enabled implements slog.Handler.
func (h Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h Handler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, Strip(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(stripped(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (h Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	attrs = slices.Clone(attrs)
	for i, a := range attrs {
		attrs[i] = stripped(a)
	}
	return Handler{h.next.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h Handler) WithGroup(name string) slog.Handler { return Handler{h.next.WithGroup(name)} }

func stripped(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindGroup:
		var inner []slog.Attr
		for _, member := range v.Group() {
			inner = append(inner, stripped(member))
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(inner...)}
	case slog.KindBool, slog.KindDuration, slog.KindTime:
		return slog.Attr{Key: a.Key, Value: v}
	}
	text := textOf(v)
	if what := nameOf(a.Key); what != "" && !isReference(text) {
		return slog.String(a.Key, "["+Secret{0, len(text), what}.Says(text)+"]")
	}
	if v.Kind() != slog.KindString && v.Kind() != slog.KindAny {
		return slog.Attr{Key: a.Key, Value: v}
	}
	clean := Strip(text)
	if doc, ok := JSON([]byte(text)); ok {
		clean = replaced(text, doc.Raw())
	}
	return slog.String(Strip(a.Key), clean)
}

func textOf(v slog.Value) string {
	if v.Kind() != slog.KindAny {
		return v.String()
	}
	switch x := v.Any().(type) {
	case error:
		return x.Error()
	case []byte:
		return string(x)
	case encoding.TextMarshaler:
		if text, err := x.MarshalText(); err == nil {
			return string(text)
		}
		return fmt.Sprintf("%+v", x)
	case fmt.Stringer:
		return x.String()
	default:
		return fmt.Sprintf("%+v", x)
	}
}
