package seed

import (
	"math/rand/v2"
	"sort"
	"strings"

	"samjournal/internal/model"
)

// choice picks values as often as their weights say.
type choice[T any] struct {
	values []T
	sums   []int
}

func (c *choice[T]) add(weight int, value T) {
	sum := weight
	if n := len(c.sums); n > 0 {
		sum += c.sums[n-1]
	}
	c.values, c.sums = append(c.values, value), append(c.sums, sum)
}

func (c *choice[T]) pick(random *rand.Rand) T {
	x := random.IntN(c.sums[len(c.sums)-1])
	return c.values[sort.SearchInts(c.sums, x+1)]
}

// kind is the shape of a successful answer.
type kind int

const (
	completion kind = iota
	manifest
	list
	configuration
	logs
	short
)

// operation is something people do, and how often.
type operation struct {
	thing   model.Thing
	command model.Command
	method  string
	kind    kind
	path    string
}

// operations makes the mix of a platform in use: prompts dominate, and every thing and command comes up now and then.
func operations() *choice[operation] {
	c := &choice[operation]{}
	add := func(weight int, thing model.Thing, command model.Command, method string, kind kind) {
		path := "/api/v1/cli/" + string(command) + "/" + strings.ToLower(string(thing)) + "/"
		c.add(weight, operation{thing, command, method, kind, path})
	}
	add(5400, model.ThingPrompt, model.CommandPrompt, "POST", completion)
	add(700, model.ThingLLMClient, model.CommandPrompt, "POST", completion)
	add(800, model.ThingChatConfig, model.CommandChatConfig, "POST", configuration)
	add(420, model.ThingPromptHistory, model.CommandGet, "GET", list)
	add(260, model.ThingPromptToolCall, model.CommandGet, "GET", list)
	add(220, model.ThingPromptPluginUsage, model.CommandGet, "GET", list)
	for _, thing := range []model.Thing{
		model.ThingPlugin, model.ThingAPIPlugin, model.ThingSQLPlugin, model.ThingAPIConnection, model.ThingSQLConnection,
		model.ThingAccount, model.ThingSmarterAuthToken, model.ThingUser, model.ThingLLMClient, model.ThingProvider,
		model.ThingSecret, model.ThingVectorstore, model.ThingProxy,
	} {
		add(50, thing, model.CommandApply, "POST", manifest)
		add(40, thing, model.CommandDescribe, "POST", manifest)
		add(35, thing, model.CommandGet, "GET", list)
		add(8, thing, model.CommandDelete, "POST", short)
		add(6, thing, model.CommandExampleManifest, "POST", manifest)
		add(5, thing, model.CommandJSONSchema, "POST", configuration)
	}
	for _, thing := range []model.Thing{model.ThingLLMClient, model.ThingPlugin, model.ThingVectorstore} {
		add(60, thing, model.CommandDeploy, "POST", short)
		add(15, thing, model.CommandUndeploy, "POST", short)
		add(25, thing, model.CommandLogs, "POST", logs)
	}
	add(130, model.ThingAccount, model.CommandStatus, "POST", short)
	add(90, model.ThingUser, model.CommandWhoami, "POST", short)
	add(60, model.ThingAccount, model.CommandVersion, "POST", short)
	add(30, model.ThingAccount, model.CommandJournal, "POST", list)
	return c
}

// failure is an answer that is no success.
type failure struct {
	status      int
	class       string
	description string
}

func failures() *choice[failure] {
	c := &choice[failure]{}
	c.add(9100, failure{status: 200})
	c.add(180, failure{status: 201})
	c.add(210, failure{400, "SAMValidationError", "spec.data.description: this field is required"})
	c.add(60, failure{401, "NotAuthenticated", "authentication credentials were not provided"})
	c.add(90, failure{403, "PermissionDenied", "you do not have permission to perform this action"})
	c.add(190, failure{404, "SmarterNotFoundError", "no such resource in this account"})
	c.add(15, failure{405, "MethodNotAllowed", "method PUT not allowed"})
	c.add(45, failure{429, "RateLimitError", "the provider's rate limit is reached, retry in 20 s"})
	c.add(70, failure{500, "OperationalError", "connection to the database was lost – näheres im Log"})
	c.add(25, failure{503, "ProviderUnavailable", "upstream answered 503 (modèle surchargé)"})
	c.add(15, failure{504, "ReadTimeout", "no answer from the provider within 60 s"})
	return c
}

// authors follows Zipf's law: the k-th user is 1/k as active as the first. Nobody, who is not logged in, is one in 25.
func authors() *choice[*string] {
	c := &choice[*string]{}
	const first = 100_000
	all := 0
	for i, p := range people() {
		c.add(first/(i+1), &p.username)
		all += first / (i + 1)
	}
	c.add(all/24, nil)
	return c
}
