//nolint:gosmopolitan // the entries are of people all over the world
package seed

import "samjournal/internal/journal"

// person is a user, most active first.
type person struct{ username, name string }

func people() []person {
	return []person{
		{"mireille.dupont", "Mireille Dupont"},
		{"ci-deployer", "CI deployer"},
		{"alice", "Alice Moreau"},
		{"tanaka.hanako", "田中 花子"},
		{"bob", "Bob Okafor"},
		{"zoë", "Zoë Lindqvist"},
		{"carmen", "Carmen Ibáñez"},
		{"admin", "Platform Admin"},
		{"dmitri", "Дмитрий Орлов"},
		{"elif", "Elif Yılmaz"},
		{"farid", "Farid Haddad"},
		{"grace", "Grace Kimani"},
		{"hiro", "佐藤 博"},
		{"ines", "Inês Carvalho"},
		{"jonas", "Jonas Müller"},
		{"kofi", "Kofi Mensah"},
		{"lena", "Lena Fischer"},
		{"mateo", "Mateo Rossi"},
		{"nadia", "Nadia Petrova"},
		{"olu", "Olu Adeyemi"},
		{"priya", "Priya Raman"},
		{"quentin", "Quentin Lefèvre"},
		{"rosa", "Rosa Santos"},
		{"søren", "Søren Holm"},
		{"tomasz", "Tomasz Żak"},
		{"uma", "Uma Nair"},
		{"viktor", "Viktor Novák"},
		{"wei", "王 伟"},
		{"ximena", "Ximena Rojas"},
		{"yusuf", "Yusuf Demir"},
		{"zanele", "Zanele Dlamini"},
		{"o.brien", "Sean O’Brien"},
		{"report-bot", "Report bot"},
		{"support+eu", "Support Europe"},
		{"qa", "Quality"},
		{"liam", "Liam Walsh"},
		{"noor", "نور حسن"},
		{"aino", "Aino Virtanen"},
		{"bence", "Bence Tóth"},
		{"chloe", "Chloé Girard"},
	}
}

// Users are the users of the generated entries.
func Users() []journal.UserProfile {
	all := people()
	users := make([]journal.UserProfile, 0, len(all))
	for _, p := range all {
		email := p.username + "@example.com"
		users = append(users, journal.UserProfile{Username: p.username, Email: &email, DisplayName: &p.name})
	}
	return users
}

// Words are written into JSON as they are: none needs an escape.
func questions() []string {
	return []string{
		"Which invoices of the last quarter are still open?", "Summarize the attached contract in three sentences.",
		"Résume le compte rendu d’hier en français, s’il te plaît.", "東京の明日の天気はどうですか?",
		"Write a SQL query that lists customers without orders.", "Why does my deployment fail with exit code 137?",
		"Bitte übersetze die Fehlermeldung ins Deutsche.", "Draft a friendly reminder to a customer 🙂",
		"What changed between version 1.4 and 1.5 of the plugin?", "Explain retrieval augmented generation to a manager.",
		"¿Cuántas llamadas hizo cada plugin esta semana?", "Compare the embedding models that we have enabled.",
	}
}

func phrases() []string {
	return []string{
		"The report lists every open item, the oldest first.", "Three of them are overdue by more than thirty days.",
		"I checked the plugin’s data source and found no matching record.", "Voici ce qu’il faut retenir de la réunion.",
		"明日の東京は晴れ、最高気温は二十六度の見込みです。", "The container ran out of memory; raise the limit to 512 MiB.",
		"Die Verbindung wurde vom Server geschlossen.", "You can filter by customer, by date or by region.",
		"Both models agree within two percent on this benchmark.", "A short example follows below. 🚀",
		"Let me know if you would like a table instead.", "El coste total fue de 1.284,50 € en junio.",
		"The vector store returned seven passages above the threshold.", "Nothing else depends on this connection.",
	}
}

func agents() []string {
	return []string{
		"smarter-cli/0.11.2 (linux; amd64)", "python-requests/2.32.3", "smarter-react-client/1.9.0",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/137.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.4 Safari/605.1.15", "curl/8.14.1",
	}
}

func names() []string {
	return []string{
		"sales-assistant", "everything-bagel", "invoice-lookup", "weather-tokyo", "kb-vectors", "support-eu", "crm-readonly",
		"openai-prod", "mistral-eu", "release-notes", "hr-faq", "données-publiques", "shop-orders", "gutachten", "demo",
	}
}
