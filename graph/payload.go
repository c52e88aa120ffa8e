package graph

import (
	"context"

	"samjournal/ent"
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

// payloadState tells what request and response are. An erased entry has lost its salt with them.
func payloadState(ctx context.Context, e *ent.Entry) (model.PayloadState, error) {
	_, scope, err := viewerScope(ctx)
	switch {
	case err != nil:
		return "", err
	case e.PayloadSalt == nil:
		return model.PayloadErased, nil
	case !scope.Payloads:
		return model.PayloadHidden, nil
	}
	return e.PayloadState, nil
}
