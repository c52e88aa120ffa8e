package httpserver

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// message is what graphql-transport-ws sends in both directions.
type message struct {
	kind    string
	id      string
	payload any
	// has says which of id and payload are there.
	hasID, hasPayload bool
}

var errBadMessage = errors.New("Invalid message received") //nolint:staticcheck // the protocol's own words

// messageOf checks the form of a decoded message. Members that the protocol does not name are ignored.
func messageOf(value any) (message, error) {
	object, ok := value.(map[string]any)
	if !ok {
		return message{}, fmt.Errorf("%w: a message must be a JSON object", errBadMessage)
	}

	var m message

	if m.kind, ok = object["type"].(string); !ok {
		return message{}, fmt.Errorf(`%w: "type" must be a string`, errBadMessage)
	}

	if id, present := object["id"]; present {
		m.hasID = true

		if m.id, ok = id.(string); !ok {
			return message{}, fmt.Errorf(`%w: "id" must be a string`, errBadMessage)
		}
	}

	m.payload, m.hasPayload = object["payload"]

	return m, nil
}

// handle carries one message out and returns false when the connection ends by it.
func (c *socket) handle(text []byte) bool {
	value, err := decodeWithin(c.ctx, text, &c.input)
	if c.server.intakeRefusal(err) != nil {
		return c.endUnread(err)
	}

	if err != nil {
		return c.handleUndecodable(text, err)
	}

	c.input.shrink(int64(cap(text)))

	m, err := messageOf(value)
	if err != nil {
		return c.end(closeBadRequest, err.Error())
	}

	switch m.kind {
	case "connection_init":
		return c.handleInit(m)
	case "ping":
		return c.handlePing(m)
	case "pong":
		return true
	case "subscribe":
		return c.handleSubscribe(m)
	case "complete":
		return c.handleComplete(m)
	default:
		return c.end(closeBadRequest, errBadMessage.Error()+`: "type" must be one of the protocol's`)
	}
}

// handleUndecodable gives a subscribe message whose content is refused (a duplicate name, a lone surrogate) an error of its
// own: the connection and its other operations have done nothing wrong.
func (c *socket) handleUndecodable(text []byte, cause error) bool {
	value, err := decodeLenientJSON(text)
	if err != nil {
		return c.end(closeBadRequest, "Invalid message received: "+errorText(cause))
	}

	m, err := messageOf(value)
	if err != nil || m.kind != "subscribe" || !validOperationID(m) || !c.inited {
		return c.end(closeBadRequest, "Invalid message received: "+errorText(cause))
	}

	return c.sendErrors(m.id, gqlerror.List{badJSON(cause, "", "message")})
}

func errorText(err error) string {
	_, reason := jsonFault(err, "")

	return reason
}

// end closes the connection; false is for the reading loop.
func (c *socket) end(code websocket.StatusCode, reason string) bool {
	c.close(code, reason)

	return false
}

func (c *socket) handleInit(m message) bool {
	if c.inited {
		return c.end(closeTooManyInits, "Too many initialisation requests")
	}

	c.inited = true
	c.initTimer.Stop()

	init, ok := m.payload.(map[string]any)
	if m.payload != nil && !ok {
		return c.end(closeBadRequest, errBadMessage.Error()+`: "payload" must be an object or null`)
	}

	ctx, refused := c.server.authenticate(c.ctx, c.request, init)
	if refused != nil {
		return c.end(viewerCloseCode(codeOf(refused)), refused.Message)
	}

	c.ctx, c.viewer = ctx, c.server.viewerName(ctx)
	c.conn.SetReadLimit(c.server.cfg.MaxBodyBytes)
	c.unwatch = c.server.watch(c.ctx, c.dismiss)

	c.request = nil

	return c.send([]byte(`{"type":"connection_ack"}`))
}

// dismiss ends the connection of a viewer that is none any more. Whatever the client does, nothing begins from now on, and after
// the close frame nothing is sent.
func (c *socket) dismiss(err error) {
	c.mu.Lock()
	c.draining = true
	c.mu.Unlock()

	shown := c.server.present(c.writes, err)

	go c.close(viewerCloseCode(codeOf(shown)), shown.Message)
}

// viewerCloseCode tells a refusal that a new attempt cannot mend from one that it can.
func viewerCloseCode(code string) websocket.StatusCode {
	switch code {
	case codeForbidden:
		return closeForbidden
	case codeBadUserInput:
		return closeBadRequest
	case codeUnavailable, codeRateLimited:
		return closeOverload
	case codeInternal:
		return closeInternal
	default:
		return closeUnauthorized
	}
}

// handlePing answers with the same payload.
func (c *socket) handlePing(m message) bool {
	if !m.hasPayload {
		return c.send([]byte(`{"type":"pong"}`))
	}

	var b bytes.Buffer

	b.WriteString(`{"type":"pong","payload":`)
	encodeJSON(&b, m.payload)
	b.WriteByte('}')

	return c.send(b.Bytes())
}

func validOperationID(m message) bool {
	return m.hasID && m.id != "" && len(m.id) <= maxOperationIDLength
}

func (c *socket) handleSubscribe(m message) bool {
	if !c.inited {
		return c.end(closeUnauthorized, "Unauthorized")
	}

	if !validOperationID(m) {
		return c.end(closeBadRequest, fmt.Sprintf(`%v: "id" must be a string of 1 to %d bytes`, errBadMessage, maxOperationIDLength))
	}

	params, fault := paramsOf(m.payload)
	if fault != nil {
		return c.end(closeBadRequest, "Invalid message received: "+fault.Message)
	}

	c.mu.Lock()
	_, taken := c.operations[m.id]
	full := c.active >= c.server.cfg.MaxOperations
	draining := c.draining
	c.mu.Unlock()

	switch {
	case taken:
		return c.end(closeDuplicateID, "Subscriber for "+m.id+" already exists")
	case draining:
		return true // the close that is on its way makes the client send it again, elsewhere
	case full:
		return c.sendErrors(m.id, gqlerror.List{codedError(codeRateLimited,
			"this connection has %d operations running, which is the limit (SAMJOURNAL_MAX_CONNECTION_OPERATIONS)",
			c.server.cfg.MaxOperations)})
	}

	c.start(m.id, params)

	return true
}

// handleComplete ends an operation on the client's behalf. An id that is not known is one whose end has crossed this message.
func (c *socket) handleComplete(m message) bool {
	if !validOperationID(m) {
		return c.end(closeBadRequest, fmt.Sprintf(`%v: "id" must be a string of 1 to %d bytes`, errBadMessage, maxOperationIDLength))
	}

	c.mu.Lock()
	op := c.operations[m.id]
	delete(c.operations, m.id)
	c.mu.Unlock()

	if op != nil {
		op.silence()
	}

	return true
}

// sendErrors ends an operation with the protocol's error message.
func (c *socket) sendErrors(id string, errs gqlerror.List) bool {
	var b bytes.Buffer

	beginMessage(&b, "error", id)
	b.WriteString(`,"payload":`)
	encodeJSON(&b, errs)
	b.WriteByte('}')

	return c.send(b.Bytes())
}

// beginMessage writes a message up to its payload.
func beginMessage(b *bytes.Buffer, kind, id string) {
	b.WriteString(`{"id":`)
	encodeJSON(b, id)
	b.WriteString(`,"type":"` + kind + `"`)
}

// beginNext writes a message that carries a response, up to the response.
func beginNext(b *bytes.Buffer, id string) {
	beginMessage(b, "next", id)
	b.WriteString(`,"payload":`)
}

func socketRequestID(connection string, serial int) string {
	return connection + "-" + strconv.Itoa(serial)
}
