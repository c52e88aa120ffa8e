//go:build fault

package fault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// attempt is how long a client waits for one answer before it asks again, elsewhere.
const attempt = 10 * time.Second

// refusal is an error that a server answered with.
type refusal struct {
	Message    string `json:"message"`
	Extensions struct {
		Code         string `json:"code"`
		RetryAfterMs int    `json:"retryAfterMs"`
	} `json:"extensions"`
}

func (r *refusal) Error() string { return r.Extensions.Code + ": " + r.Message }

// code is that of a refusal; "" for every other error.
func code(err error) string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.Extensions.Code
	}
	return ""
}

// ask sends an operation and decodes its data. The error is a *refusal when the server answered with one.
func ask(ctx context.Context, client *http.Client, url, query string, variables, data any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors []*refusal      `json:"errors"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("status %d: %q: %w", resp.StatusCode, text, err)
	}
	if len(answer.Errors) > 0 {
		return answer.Errors[0]
	}
	return json.Unmarshal(answer.Data, data)
}

// newClient has connections of its own. Call its CloseIdleConnections.
func newClient() *http.Client { return &http.Client{Transport: &http.Transport{}} }

// get returns what a path answers with status 200.
func get(url string) (string, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: attempt}
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return string(text), err
}

// status is the status of a GET; 0 when there is no answer.
func status(url string) int {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: attempt}
	resp, err := client.Get(url)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
