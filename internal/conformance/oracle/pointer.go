package oracle

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

// marker is what stands in the place of a masked value, or of the secret part of a string.
const marker = "[REDACTED]"

// decode reads one JSON value. Numbers keep their text, so none is too large.
func decode(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the value")
	}
	return value, nil
}

// isMarker tells that a value stands for a payload that was too long.
func isMarker(value any) bool {
	object, ok := value.(map[string]any)
	if !ok || len(object) != 4 || object["truncated"] != true {
		return false
	}
	_, isBytes := object["bytes"].(json.Number)
	sum, isSum := object["sha256"].(string)
	_, isHead := object["head"].(string)
	return isBytes && isSum && keyPattern.MatchString(sum) && isHead
}

// masked checks that each pointer into the payload of this name leads to a masked value.
func (c *check) masked(at, name string, value any, pointers []string) {
	for _, pointer := range pointers {
		prefix, rest, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
		c.thatf(strings.HasPrefix(pointer, "/") && (prefix == "request" || prefix == "response"),
			"%s: redacted path %q is in neither payload", at, pointer)
		if prefix != name {
			continue
		}
		if len(pointer) == 1+len(prefix) { // the payload as a whole
			text, err := json.Marshal(value)
			c.thatf(err == nil && strings.Contains(string(text), marker), "%s: %s is not masked at all", at, name)
			continue
		}
		found, ok := follow(value, strings.Split(rest, "/"))
		text, isText := found.(string)
		c.thatf(ok && isText && strings.Contains(text, marker), "%s: redacted path %q leads to no masked value", at, pointer)
	}
}

// follow takes the steps of a JSON Pointer (RFC 6901).
func follow(value any, steps []string) (any, bool) {
	for _, step := range steps {
		step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		switch container := value.(type) {
		case map[string]any:
			member, ok := container[step]
			if !ok {
				return nil, false
			}
			value = member
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(container) {
				return nil, false
			}
			value = container[i]
		default:
			return nil, false
		}
	}
	return value, true
}
