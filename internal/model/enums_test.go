package model_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"

	"samjournal/internal/model"
)

// The tables of the system whose journal this is, as its documentation has them: stored value, GraphQL value, label, past
// tense, older names. Entries hold the stored values for ever, so none may change; new ones come at the end.
func thingFacts() []model.Spelling {
	return []model.Spelling{
		{Stored: "Plugin", GraphQL: "PLUGIN", Label: "Plugin"},
		{Stored: "ApiPlugin", GraphQL: "API_PLUGIN", Label: "ApiPlugin"},
		{Stored: "SqlPlugin", GraphQL: "SQL_PLUGIN", Label: "SqlPlugin"},
		{Stored: "ApiConnection", GraphQL: "API_CONNECTION", Label: "ApiConnection"},
		{Stored: "SqlConnection", GraphQL: "SQL_CONNECTION", Label: "SqlConnection"},
		{Stored: "Account", GraphQL: "ACCOUNT", Label: "Account"},
		{Stored: "SmarterAuthToken", GraphQL: "SMARTER_AUTH_TOKEN", Label: "SmarterAuthToken", Old: []string{"AuthToken"}},
		{Stored: "User", GraphQL: "USER", Label: "User"},
		{Stored: "Prompt", GraphQL: "PROMPT", Label: "Prompt", Old: []string{"Chat"}},
		{Stored: "ChatConfig", GraphQL: "CHAT_CONFIG", Label: "ChatConfig"},
		{Stored: "PromptHistory", GraphQL: "PROMPT_HISTORY", Label: "PromptHistory", Old: []string{"ChatHistory"}},
		{
			Stored: "PromptPluginUsage", GraphQL: "PROMPT_PLUGIN_USAGE", Label: "PromptPluginUsage",
			Old: []string{"ChatPluginUsage"},
		},
		{Stored: "PromptToolCall", GraphQL: "PROMPT_TOOL_CALL", Label: "PromptToolCall", Old: []string{"ChatToolCall"}},
		{Stored: "LLMClient", GraphQL: "LLM_CLIENT", Label: "LLMClient", Old: []string{"Chatbot", "ChatBot"}},
		{Stored: "Provider", GraphQL: "PROVIDER", Label: "Provider"},
		{Stored: "Secret", GraphQL: "SECRET", Label: "Secret"},
		{Stored: "Vectorstore", GraphQL: "VECTORSTORE", Label: "Vectorstore"},
		{Stored: "Proxy", GraphQL: "PROXY", Label: "Proxy"},
	}
}

func commandFacts() []model.Spelling {
	return []model.Spelling{
		{Stored: "apply", GraphQL: "APPLY", Label: "Apply", PastTense: "applied"},
		{Stored: "prompt", GraphQL: "PROMPT", Label: "Prompt", PastTense: "prompted", Old: []string{"chat"}},
		{Stored: "chat_config", GraphQL: "CHAT_CONFIG", Label: "Chat config", PastTense: "fetched chat_config"},
		{Stored: "delete", GraphQL: "DELETE", Label: "Delete", PastTense: "deleted"},
		{Stored: "deploy", GraphQL: "DEPLOY", Label: "Deploy", PastTense: "deployed"},
		{Stored: "describe", GraphQL: "DESCRIBE", Label: "Describe", PastTense: "described"},
		{Stored: "get", GraphQL: "GET", Label: "Get", PastTense: "got"},
		{Stored: "journal", GraphQL: "JOURNAL", Label: "Journal", PastTense: "journaled"},
		{Stored: "logs", GraphQL: "LOGS", Label: "Logs", PastTense: "logged"},
		{
			Stored: "example_manifest", GraphQL: "EXAMPLE_MANIFEST", Label: "Example manifest",
			PastTense: "fetched example manifest",
		},
		{Stored: "status", GraphQL: "STATUS", Label: "Status", PastTense: "fetched status"},
		{
			Stored: "json_schema", GraphQL: "JSON_SCHEMA", Label: "JSON schema", PastTense: "fetched json schema",
			Old: []string{"schema"},
		},
		{Stored: "version", GraphQL: "VERSION", Label: "Version", PastTense: "fetched version"},
		{Stored: "undeploy", GraphQL: "UNDEPLOY", Label: "Undeploy", PastTense: "undeployed"},
		{Stored: "whoami", GraphQL: "WHOAMI", Label: "Whoami", PastTense: "fetched identity"},
	}
}

func TestThingsAreThoseOfTheOriginal(t *testing.T) {
	t.Parallel()
	require.Equal(t, thingFacts(), model.ThingSpellings())
}

func TestCommandsAreThoseOfTheOriginal(t *testing.T) {
	t.Parallel()
	require.Equal(t, commandFacts(), model.CommandSpellings())
}

func TestEverySpellingOfAThingIsUnderstood(t *testing.T) {
	t.Parallel()
	for _, row := range thingFacts() {
		for _, spelling := range append([]string{row.Stored, row.GraphQL}, row.Old...) {
			thing, err := model.ParseThing(spelling)
			require.NoError(t, err)
			require.Equal(t, model.Thing(row.Stored), thing, spelling)
		}
		thing := model.Thing(row.Stored)
		require.True(t, thing.Valid())
		require.Equal(t, row.Label, thing.Label())
		require.Equal(t, row.GraphQL, thing.GraphQL())
		require.Equal(t, `"`+row.GraphQL+`"`, written(thing))
	}
}

func TestEverySpellingOfACommandIsUnderstood(t *testing.T) {
	t.Parallel()
	for _, row := range commandFacts() {
		for _, spelling := range append([]string{row.Stored, row.GraphQL}, row.Old...) {
			command, err := model.ParseCommand(spelling)
			require.NoError(t, err)
			require.Equal(t, model.Command(row.Stored), command, spelling)
		}
		command := model.Command(row.Stored)
		require.True(t, command.Valid())
		require.Equal(t, row.Label, command.Label())
		require.Equal(t, row.PastTense, command.PastTense())
		require.Equal(t, row.GraphQL, command.GraphQL())
		require.Equal(t, `"`+row.GraphQL+`"`, written(command))
	}
}

// No text names two things or two commands, so that reading a name never depends on which spelling is looked up first.
func TestSpellingsAreUnique(t *testing.T) {
	t.Parallel()
	for _, rows := range [][]model.Spelling{model.ThingSpellings(), model.CommandSpellings()} {
		owner := map[string]string{}
		for _, row := range rows {
			spellings := append([]string{row.Stored, row.GraphQL}, row.Old...)
			slices.Sort(spellings)
			for _, spelling := range slices.Compact(spellings) {
				require.Empty(t, owner[spelling], "%s also names %s", spelling, row.Stored)
				owner[spelling] = row.Stored
			}
		}
	}
}

// The constants and the table are written down separately.
func TestTheConstantsAreTheTable(t *testing.T) {
	t.Parallel()
	require.Equal(t, model.Thing("").Values(), texts(
		model.ThingPlugin, model.ThingAPIPlugin, model.ThingSQLPlugin, model.ThingAPIConnection, model.ThingSQLConnection,
		model.ThingAccount, model.ThingSmarterAuthToken, model.ThingUser, model.ThingPrompt, model.ThingChatConfig,
		model.ThingPromptHistory, model.ThingPromptPluginUsage, model.ThingPromptToolCall, model.ThingLLMClient,
		model.ThingProvider, model.ThingSecret, model.ThingVectorstore, model.ThingProxy))
	require.Equal(t, model.Command("").Values(), texts(
		model.CommandApply, model.CommandPrompt, model.CommandChatConfig, model.CommandDelete, model.CommandDeploy,
		model.CommandDescribe, model.CommandGet, model.CommandJournal, model.CommandLogs, model.CommandExampleManifest,
		model.CommandStatus, model.CommandJSONSchema, model.CommandVersion, model.CommandUndeploy, model.CommandWhoami))
}

func texts[S ~string](values ...S) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}

// A spelling fits the column of the original, varchar(24), so that a journal can go back there.
func TestStoredSpellingsFitTheOriginalsColumn(t *testing.T) {
	t.Parallel()
	for _, stored := range append(model.Thing("").Values(), model.Command("").Values()...) {
		require.LessOrEqual(t, len(stored), 24)
	}
}

func TestNamesOfNothingAreRefusedWithWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "plugin", "Apiplugin", "API-PLUGIN", " Plugin", "Plugin\n", "apply", "Prompts", "\xff", strings.Repeat("x", 1<<20),
	} {
		_, err := model.ParseThing(name)
		var input *model.InputError
		require.ErrorAs(t, err, &input)
		require.Equal(t, []any{"thing"}, input.Path)
		require.Contains(t, input.Reason, " is not a thing; allowed: Plugin, ApiPlugin, ")
		require.Less(t, len(input.Reason), 600)
		require.False(t, model.Thing(name).Valid())
	}
	for _, name := range []string{"", "Apply", "applied", "Plugin", "chat config", "schemas"} {
		_, err := model.ParseCommand(name)
		var input *model.InputError
		require.ErrorAs(t, err, &input)
		require.Equal(t, []any{"command"}, input.Path)
		require.Contains(t, input.Reason, " is not a command; allowed: apply, prompt, ")
		require.False(t, model.Command(name).Valid())
	}
}

// Old names are for imports: a column never holds one.
func TestOldNamesAreNotValidValues(t *testing.T) {
	t.Parallel()
	for _, row := range model.ThingSpellings() {
		for _, old := range row.Old {
			require.False(t, model.Thing(old).Valid(), old)
		}
	}
	for _, row := range model.CommandSpellings() {
		for _, old := range row.Old {
			require.False(t, model.Command(old).Valid(), old)
		}
	}
}

func TestGraphQLTakesOnlyItsOwnSpelling(t *testing.T) {
	t.Parallel()
	var thing model.Thing
	require.NoError(t, thing.UnmarshalGQL("API_PLUGIN"))
	require.Equal(t, model.ThingAPIPlugin, thing)
	var command model.Command
	require.NoError(t, command.UnmarshalGQL("CHAT_CONFIG"))
	require.Equal(t, model.CommandChatConfig, command)
	for _, v := range []any{"ApiPlugin", "AuthToken", "chat", "chat_config", "api_plugin", "", nil, 5, true, []any{"PLUGIN"}} {
		requireRefused(t, thing.UnmarshalGQL(v))
		requireRefused(t, command.UnmarshalGQL(v))
	}
	require.Equal(t, model.ThingAPIPlugin, thing, "a refused value changes nothing")
	require.Equal(t, model.CommandChatConfig, command, "a refused value changes nothing")
}

func TestStatesAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	type enum interface {
		graphql.Marshaler
		graphql.Unmarshaler
	}
	origin, state, role := new(model.Origin), new(model.PayloadState), new(model.Role)
	for value, texts := range map[enum][]string{
		origin: {"API", "IMPORT", "SEED"},
		state:  {"STORED", "TRUNCATED", "ERASED", "HIDDEN"},
		role:   {"WRITER", "READER", "AUDITOR", "ADMIN", "OPERATOR"},
	} {
		for _, text := range texts {
			require.NoError(t, value.UnmarshalGQL(text))
			require.Equal(t, `"`+text+`"`, written(value))
		}
		for _, v := range []any{"", "api", "stored", "OWNER", nil, 1, strings.Repeat("x", 1<<20)} {
			require.Less(t, len(requireRefused(t, value.UnmarshalGQL(v)).Reason), 400)
		}
	}
}

// ERASED and HIDDEN follow from the entry and from who asks; no row holds them.
func TestValuesOfTheColumns(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"API", "IMPORT", "SEED"}, model.Origin("").Values())
	require.Equal(t, []string{"STORED", "TRUNCATED"}, model.PayloadState("").Values())
}

func TestSummaryIsASentence(t *testing.T) {
	t.Parallel()
	alice := "alice"
	require.Equal(t, "alice applied Plugin", model.Summary(&alice, model.CommandApply, model.ThingPlugin))
	require.Equal(t, "anonymous fetched json schema LLMClient", model.Summary(nil, model.CommandJSONSchema, model.ThingLLMClient))
	require.Equal(t, "alice someday Thing", model.Summary(&alice, "someday", "Thing"), "values of a later version read as they are")
}
