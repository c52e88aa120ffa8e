package seed

import "strconv"

// request writes the HTTP request as the original serializes it.
func (g *generator) request(op operation, user *string) {
	name := g.one(g.names)
	g.text(`{"url":"https://platform.example.com`, op.path, `?name=`, name, `","method":"`, op.method,
		`","GET":{"name":"`, name, `"`)
	if op.kind == list {
		g.text(`,"limit":"`)
		g.number(1, 100)
		g.text(`"`)
	}
	g.text(`},"POST":{`)
	switch {
	case op.kind == completion:
		g.text(`"messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"`,
			g.one(g.questions), `"}],"temperature":0.`)
		g.number(1, 9)
		g.text(`,"max_tokens":`)
		g.number(64, 2048)
	case op.kind == manifest && op.method == "POST":
		g.manifest(op, name)
	}
	g.text(`},"COOKIES":{`)
	if user != nil {
		g.text(`"csrftoken":"`)
		g.digits(32)
		g.text(`","sessionid":"`)
		g.digits(32)
		g.text(`"`)
	}
	g.text(`},"META":{"REMOTE_ADDR":"10.`)
	g.number(0, 31)
	g.text(`.`)
	g.number(0, 255)
	g.text(`.`)
	g.number(1, 254)
	g.text(`","HTTP_USER_AGENT":"`, g.one(g.agents), `"`)
	if user != nil {
		g.text(`,"HTTP_AUTHORIZATION":"Token `)
		g.digits(64)
		g.text(`"`)
	}
	g.text(`,"HTTP_HOST":"platform.example.com","HTTP_X_REQUEST_ID":"`)
	g.digits(32)
	g.text(`","CONTENT_TYPE":"application/json"},"path":"`, op.path, `","encoding":"utf-8","content_type":"application/json"`)
	if user != nil {
		g.text(`,"user":"`, *user, `"`)
	}
	g.text(`}`)
}

// response writes the body of the answer.
func (g *generator) response(op operation, outcome failure) {
	g.text(`{"api":"smarter.sh/v1","thing":"`, string(op.thing), `","metadata":{"command":"`, string(op.command),
		`","thing":"`, string(op.thing), `"},`)
	if outcome.class != "" {
		g.failure(op, outcome)
		return
	}
	g.text(`"data":{`)
	switch op.kind {
	case completion:
		g.completion()
	case manifest:
		g.manifest(op, g.one(g.names))
	case list:
		g.list(op)
	case configuration:
		g.configuration()
	case logs:
		g.logs()
	case short:
		g.text(`"name":"`, g.one(g.names), `","version":"0.`)
		g.number(8, 14)
		g.text(`.`)
		g.number(0, 30)
		g.text(`","healthy":true,"replicas":`)
		g.number(1, 6)
	}
	g.text(`},"message":"`, string(op.thing), ` `, string(op.command), `: successful"}`)
}

func (g *generator) failure(op operation, outcome failure) {
	line := strconv.Itoa(100 + g.random.IntN(700))
	g.text(`"error":{"errorClass":"`, outcome.class,
		`","stacktrace":"Traceback (most recent call last):\n  File \"smarter/lib/drf/views.py\", line `, line,
		`, in dispatch\n    response = handler(request, *args, **kwargs)\nsmarter.`, outcome.class, `: `, outcome.description,
		`\n","description":"`, outcome.description, `","status":"`, strconv.Itoa(outcome.status),
		`","args":"url=https://platform.example.com`, op.path, `","cause":"Python Exception","context":"thing=`, string(op.thing),
		`, command=`, string(op.command), `","thing":"`, string(op.thing), `","command":"`, string(op.command), `"}}`)
}

func (g *generator) completion() {
	g.text(`"id":"chatcmpl-`)
	g.digits(16)
	g.text(`","model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"`)
	for i := range 1 + g.random.IntN(8) {
		if i > 0 {
			g.text(` `)
		}
		g.text(g.one(g.phrases))
	}
	g.text(`"},"finish_reason":"stop"}],"usage":{"prompt_tokens":`)
	g.number(20, 900)
	g.text(`,"completion_tokens":`)
	g.number(8, 700)
	g.text(`},"plugins":["`, g.one(g.names), `"]`)
}

func (g *generator) manifest(op operation, name string) {
	g.text(`"apiVersion":"smarter.sh/v1","kind":"`, string(op.thing), `","metadata":{"name":"`, name, `","description":"`,
		g.one(g.phrases), `","version":"1.`)
	g.number(0, 9)
	g.text(`.`)
	g.number(0, 40)
	g.text(`"},"spec":{"enabled":true,"timeout":`)
	g.number(1, 120)
	g.text(`,"threshold":0.`)
	g.number(10, 99)
	g.text(`,"tags":["`, g.one(g.names), `"]}`)
}

func (g *generator) list(op operation) {
	g.text(`"kind":"`, string(op.thing), `","items":[`)
	for i := range 1 + g.random.IntN(7) {
		if i > 0 {
			g.text(`,`)
		}
		g.text(`{"id":`)
		g.number(1000, 999999)
		g.text(`,"name":"`, g.one(g.names), `","score":0.`)
		g.number(100000, 999999)
		g.text(`,"active":true,"note":"`, g.one(g.phrases), `"}`)
	}
	g.text(`]`)
}

func (g *generator) configuration() {
	g.text(`"session_key":"`)
	g.digits(64)
	g.text(`","sandbox_mode":false,"debug_mode":false,"chatbot":{"id":`)
	g.number(1, 900)
	g.text(`,"name":"`, g.one(g.names), `","app_welcome_message":"`, g.one(g.phrases), `","default_temperature":0.`)
	g.number(1, 9)
	g.text(`,"default_max_tokens":`)
	g.number(256, 4096)
	g.text(`},"history":[],"plugins":{"meta_data":{"total_plugins":`)
	g.number(0, 12)
	g.text(`},"plugins":["`, g.one(g.names), `","`, g.one(g.names), `"]}`)
}

func (g *generator) logs() {
	g.text(`"lines":[`)
	for i := range 2 + g.random.IntN(8) {
		if i > 0 {
			g.text(`,`)
		}
		g.text(`"INFO smarter.`, g.one(g.names), ` request `)
		g.number(1, 1<<20)
		g.text(` took `)
		g.number(1, 4000)
		g.text(` ms: `, g.one(g.phrases), `"`)
	}
	g.text(`]`)
}
