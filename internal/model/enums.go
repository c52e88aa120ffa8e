package model

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// spelling is one row of the table of names: everything the product knows about one value of Thing or Command.
type spelling struct {
	stored  string   // what the database holds and what Smarter writes: "ApiPlugin"
	graphql string   // what GraphQL shows: "API_PLUGIN"
	label   string   // what people read: "ApiPlugin", "Chat config"
	past    string   // past tense for a sentence (commands only): "fetched chat_config"
	old     []string // names of older versions, met on import
}

// Thing is the kind of object an operation acted on. Its value is the stored spelling.
type Thing string

// Command is what an operation did. Its value is the stored spelling.
type Command string

// Things in the order of Smarter's documentation, later ones last.
const (
	ThingPlugin            Thing = "Plugin"
	ThingAPIPlugin         Thing = "ApiPlugin"
	ThingSQLPlugin         Thing = "SqlPlugin"
	ThingAPIConnection     Thing = "ApiConnection"
	ThingSQLConnection     Thing = "SqlConnection"
	ThingAccount           Thing = "Account"
	ThingSmarterAuthToken  Thing = "SmarterAuthToken"
	ThingUser              Thing = "User"
	ThingPrompt            Thing = "Prompt"
	ThingChatConfig        Thing = "ChatConfig"
	ThingPromptHistory     Thing = "PromptHistory"
	ThingPromptPluginUsage Thing = "PromptPluginUsage"
	ThingPromptToolCall    Thing = "PromptToolCall"
	ThingLLMClient         Thing = "LLMClient"
	ThingProvider          Thing = "Provider"
	ThingSecret            Thing = "Secret"
	ThingVectorstore       Thing = "Vectorstore"
	ThingProxy             Thing = "Proxy"
)

// Commands in the order of Smarter's documentation.
const (
	CommandApply           Command = "apply"
	CommandPrompt          Command = "prompt"
	CommandChatConfig      Command = "chat_config"
	CommandDelete          Command = "delete"
	CommandDeploy          Command = "deploy"
	CommandDescribe        Command = "describe"
	CommandGet             Command = "get"
	CommandJournal         Command = "journal"
	CommandLogs            Command = "logs"
	CommandExampleManifest Command = "example_manifest"
	CommandStatus          Command = "status"
	CommandJSONSchema      Command = "json_schema"
	CommandVersion         Command = "version"
	CommandUndeploy        Command = "undeploy"
	CommandWhoami          Command = "whoami"
)

// thingTable is the one place that knows the spellings of things.
func thingTable() []spelling {
	return []spelling{
		{stored: "Plugin", graphql: "PLUGIN", label: "Plugin"},
		{stored: "ApiPlugin", graphql: "API_PLUGIN", label: "ApiPlugin"},
		{stored: "SqlPlugin", graphql: "SQL_PLUGIN", label: "SqlPlugin"},
		{stored: "ApiConnection", graphql: "API_CONNECTION", label: "ApiConnection"},
		{stored: "SqlConnection", graphql: "SQL_CONNECTION", label: "SqlConnection"},
		{stored: "Account", graphql: "ACCOUNT", label: "Account"},
		{stored: "SmarterAuthToken", graphql: "SMARTER_AUTH_TOKEN", label: "SmarterAuthToken", old: []string{"AuthToken"}},
		{stored: "User", graphql: "USER", label: "User"},
		{stored: "Prompt", graphql: "PROMPT", label: "Prompt", old: []string{"Chat"}},
		{stored: "ChatConfig", graphql: "CHAT_CONFIG", label: "ChatConfig"},
		{stored: "PromptHistory", graphql: "PROMPT_HISTORY", label: "PromptHistory", old: []string{"ChatHistory"}},
		{stored: "PromptPluginUsage", graphql: "PROMPT_PLUGIN_USAGE", label: "PromptPluginUsage", old: []string{"ChatPluginUsage"}},
		{stored: "PromptToolCall", graphql: "PROMPT_TOOL_CALL", label: "PromptToolCall", old: []string{"ChatToolCall"}},
		{stored: "LLMClient", graphql: "LLM_CLIENT", label: "LLMClient", old: []string{"Chatbot", "ChatBot"}},
		{stored: "Provider", graphql: "PROVIDER", label: "Provider"},
		{stored: "Secret", graphql: "SECRET", label: "Secret"},
		{stored: "Vectorstore", graphql: "VECTORSTORE", label: "Vectorstore"},
		{stored: "Proxy", graphql: "PROXY", label: "Proxy"},
	}
}

// commandTable is the one place that knows the spellings of commands.
func commandTable() []spelling {
	return []spelling{
		{stored: "apply", graphql: "APPLY", label: "Apply", past: "applied"},
		{stored: "prompt", graphql: "PROMPT", label: "Prompt", past: "prompted", old: []string{"chat"}},
		{stored: "chat_config", graphql: "CHAT_CONFIG", label: "Chat config", past: "fetched chat_config"},
		{stored: "delete", graphql: "DELETE", label: "Delete", past: "deleted"},
		{stored: "deploy", graphql: "DEPLOY", label: "Deploy", past: "deployed"},
		{stored: "describe", graphql: "DESCRIBE", label: "Describe", past: "described"},
		{stored: "get", graphql: "GET", label: "Get", past: "got"},
		{stored: "journal", graphql: "JOURNAL", label: "Journal", past: "journaled"},
		{stored: "logs", graphql: "LOGS", label: "Logs", past: "logged"},
		{stored: "example_manifest", graphql: "EXAMPLE_MANIFEST", label: "Example manifest", past: "fetched example manifest"},
		{stored: "status", graphql: "STATUS", label: "Status", past: "fetched status"},
		{stored: "json_schema", graphql: "JSON_SCHEMA", label: "JSON schema", past: "fetched json schema", old: []string{"schema"}},
		{stored: "version", graphql: "VERSION", label: "Version", past: "fetched version"},
		{stored: "undeploy", graphql: "UNDEPLOY", label: "Undeploy", past: "undeployed"},
		{stored: "whoami", graphql: "WHOAMI", label: "Whoami", past: "fetched identity"},
	}
}

// names indexes a table by each of its spellings. No text is a spelling of two values; a test holds the tables to that.
type names struct {
	rows      []spelling
	byStored  map[string]*spelling
	byGraphQL map[string]*spelling
	byOld     map[string]*spelling
}

func index(rows []spelling) *names {
	n := &names{
		rows: rows, byStored: map[string]*spelling{}, byGraphQL: map[string]*spelling{}, byOld: map[string]*spelling{},
	}
	for i := range rows {
		row := &rows[i]
		n.byStored[row.stored], n.byGraphQL[row.graphql] = row, row
		for _, old := range row.old {
			n.byOld[old] = row
		}
	}
	return n
}

//nolint:gochecknoglobals // read-only lookup tables, built once from the functions above
var (
	things   = index(thingTable())
	commands = index(commandTable())
)

func (n *names) stored() []string {
	values := make([]string, len(n.rows))
	for i, row := range n.rows {
		values[i] = row.stored
	}
	return values
}

func (n *names) graphQL() []string {
	values := make([]string, len(n.rows))
	for i, row := range n.rows {
		values[i] = row.graphql
	}
	return values
}

// parse accepts the stored, the old and the GraphQL spelling.
func (n *names) parse(kind, s string) (stored string, err error) {
	for _, by := range []map[string]*spelling{n.byStored, n.byOld, n.byGraphQL} {
		if row := by[s]; row != nil {
			return row.stored, nil
		}
	}
	return "", &InputError{
		Path:   []any{kind},
		Reason: fmt.Sprintf("%s is not a %s; allowed: %s", strconv.Quote(clip(s)), kind, strings.Join(n.stored(), ", ")),
	}
}

func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// ParseThing returns the thing that s names by its stored spelling ("ApiPlugin"), its GraphQL spelling ("API_PLUGIN") or the
// name an older version gave it ("Chat"). Anything else is an *InputError that lists what is allowed.
func ParseThing(s string) (Thing, error) {
	stored, err := things.parse("thing", s)
	return Thing(stored), err
}

// ParseCommand is ParseThing for commands: "chat_config", "CHAT_CONFIG", or the old "chat".
func ParseCommand(s string) (Command, error) {
	stored, err := commands.parse("command", s)
	return Command(stored), err
}

// Values lists the stored spellings in their documented order; Ent uses it for the column's values.
func (Thing) Values() []string { return things.stored() }

// Values lists the stored spellings in their documented order; Ent uses it for the column's values.
func (Command) Values() []string { return commands.stored() }

// Label is the name shown to people (Django's get_thing_display).
func (t Thing) Label() string { return labelOf(things, string(t)) }

// Label is the name shown to people (Django's get_command_display).
func (c Command) Label() string { return labelOf(commands, string(c)) }

// GraphQL is the spelling that the API shows: "API_PLUGIN".
func (t Thing) GraphQL() string { return graphQLOf(things, string(t)) }

// GraphQL is the spelling that the API shows: "CHAT_CONFIG".
func (c Command) GraphQL() string { return graphQLOf(commands, string(c)) }

// PastTense is the command in a sentence: "applied", "fetched chat_config".
func (c Command) PastTense() string {
	if row := commands.byStored[string(c)]; row != nil {
		return row.past
	}
	return string(c)
}

// Valid tells whether t is one of the stored spellings.
func (t Thing) Valid() bool { return things.byStored[string(t)] != nil }

// Valid tells whether c is one of the stored spellings.
func (c Command) Valid() bool { return commands.byStored[string(c)] != nil }

func labelOf(n *names, stored string) string {
	if row := n.byStored[stored]; row != nil {
		return row.label
	}
	return stored
}

func graphQLOf(n *names, stored string) string {
	if row := n.byStored[stored]; row != nil {
		return row.graphql
	}
	return stored
}

// MarshalGQL writes the GraphQL spelling.
func (t Thing) MarshalGQL(w io.Writer) { writeQuoted(w, t.GraphQL()) }

// MarshalGQL writes the GraphQL spelling.
func (c Command) MarshalGQL(w io.Writer) { writeQuoted(w, c.GraphQL()) }

// UnmarshalGQL reads the GraphQL spelling.
func (t *Thing) UnmarshalGQL(v any) error {
	row, err := fromGraphQL(things, "Thing", v)
	if err == nil {
		*t = Thing(row.stored)
	}
	return err
}

// UnmarshalGQL reads the GraphQL spelling.
func (c *Command) UnmarshalGQL(v any) error {
	row, err := fromGraphQL(commands, "Command", v)
	if err == nil {
		*c = Command(row.stored)
	}
	return err
}

func fromGraphQL(n *names, kind string, v any) (*spelling, error) {
	s, ok := v.(string)
	if !ok {
		return nil, &InputError{Reason: kind + " must be one of its enum values"}
	}
	if row := n.byGraphQL[s]; row != nil {
		return row, nil
	}
	return nil, &InputError{
		Reason: fmt.Sprintf("%s is not a %s; allowed: %s", strconv.Quote(clip(s)), kind, strings.Join(n.graphQL(), ", ")),
	}
}

// Spelling is one row of the table of names as documentation and the schema generator need it.
type Spelling struct {
	Stored, GraphQL, Label, PastTense string
	Old                               []string
}

// ThingSpellings lists all things in their documented order.
func ThingSpellings() []Spelling { return spellings(things) }

// CommandSpellings lists all commands in their documented order.
func CommandSpellings() []Spelling { return spellings(commands) }

func spellings(n *names) []Spelling {
	rows := make([]Spelling, len(n.rows))
	for i, r := range n.rows {
		rows[i] = Spelling{Stored: r.stored, GraphQL: r.graphql, Label: r.label, PastTense: r.past, Old: r.old}
	}
	return rows
}

// Summary is the entry in a sentence: "alice applied Plugin"; an entry without user was made by "anonymous".
func Summary(username *string, c Command, t Thing) string {
	who := "anonymous"
	if username != nil {
		who = *username
	}
	return who + " " + c.PastTense() + " " + t.Label()
}

func writeQuoted(w io.Writer, s string) {
	_, _ = io.WriteString(w, `"`+s+`"`) // gqlgen's writers keep the error for the transport
}
