package graph

import (
	"context"

	"samjournal/ent"
	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// payload shows a request or response to those who may read it.
func payload(ctx context.Context, stored *model.Payload) (*model.Payload, error) {
	_, scope, err := viewerScope(ctx)
	if err != nil || !scope.Payloads {
		return nil, err
	}
	return stored, nil
}

// payloadState tells what request and response are to the viewer.
func payloadState(ctx context.Context, e *ent.Entry) (model.PayloadState, error) {
	_, scope, err := viewerScope(ctx)
	if err != nil {
		return "", err
	}
	return journal.PayloadStateOf(scope, e), nil
}
