package mcptool

import (
	"context"
	"encoding/json"
)

// CallWatched is Call for a surface that shows how far a walk is.
func (t *Tools) CallWatched(ctx context.Context, who Caller, name string, args json.RawMessage, progress func(context.Context, int, string)) (Answer, error) {
	return t.call(ctx, who, name, args, ask{progress: progress})
}
