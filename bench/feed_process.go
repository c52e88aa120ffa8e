package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// slack is what a load client may take longer than its task, before it is killed.
const slack = 5 * time.Minute

// loadProcess is a load client in a process of its own, so that its work does not show in a server's figures.
type loadProcess struct {
	process *exec.Cmd
	stdin   io.WriteCloser
	answers *json.Decoder
	ready   loadReady
}

// startLoad returns when all subscribers are connected and have had an entry.
func startLoad(ctx context.Context, spec loadSpec) (*loadProcess, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &loadProcess{process: exec.CommandContext(ctx, self, loadArg, string(text))}
	p.process.Stderr = os.Stderr
	p.process.WaitDelay = patience
	if p.stdin, err = p.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.answers = json.NewDecoder(out)
	if err := p.process.Start(); err != nil {
		return nil, err
	}
	if err := p.answer(&p.ready, 0); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

func (p *loadProcess) run(task loadTask) (result loadResult, err error) {
	if err := json.NewEncoder(p.stdin).Encode(task); err != nil {
		return result, err
	}
	err = p.answer(&result, task.For)
	return result, err
}

// answer waits for the client's next answer. One that takes too long is the client's last.
func (p *loadProcess) answer(into any, within time.Duration) error {
	late := time.AfterFunc(within+slack, func() { _ = p.process.Process.Kill() })
	err := p.answers.Decode(into)
	if !late.Stop() {
		return fmt.Errorf("the load client did not answer within %s", within+slack)
	}
	if err != nil {
		return fmt.Errorf("the load client has failed: %w", err)
	}
	return nil
}

// stop disconnects all subscribers.
func (p *loadProcess) stop() error {
	err := p.stdin.Close()
	late := time.AfterFunc(patience, func() { _ = p.process.Process.Kill() })
	defer late.Stop()
	return errors.Join(err, p.process.Wait())
}

// startFeedProduct starts the product with room for all subscribers, and for those before who are not quite gone.
func startFeedProduct(ctx context.Context, cfg feedSettings, databaseURL string, subscribers int) (*server, error) {
	command := exec.CommandContext(ctx, cfg.product, "serve", "--listen=127.0.0.1:0")
	command.Env = append(os.Environ(), "DATABASE_URL="+databaseURL,
		"SAMJOURNAL_MAX_CONNECTIONS="+strconv.Itoa(subscribers+1000))
	return start(ctx, command)
}

func startBare(ctx context.Context) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, self, bareArg)
	if _, err := command.StdinPipe(); err != nil { // closed when we end, however we end
		return nil, err
	}
	return start(ctx, command)
}

// footprint is a server's memory, in bytes, and its goroutines. Anonymous memory leaves out what is mapped from files: the
// program, which the bare server shares with the load client, and SQLite's index of its log.
type footprint struct{ rss, anonymous, goroutines float64 }

func (f footprint) minus(g footprint) footprint {
	return footprint{f.rss - g.rss, f.anonymous - g.anonymous, f.goroutines - g.goroutines}
}

func (f footprint) over(n int) footprint {
	return footprint{f.rss / float64(n), f.anonymous / float64(n), f.goroutines / float64(n)}
}

func footprintOf(ctx context.Context, s *server) (f footprint, err error) {
	name := fmt.Sprintf("/proc/%d/status", s.process.Process.Pid)
	text, err := os.ReadFile(name)
	if err != nil {
		return f, err
	}
	for field, into := range map[string]*float64{"VmRSS": &f.rss, "RssAnon": &f.anonymous} {
		found := regexp.MustCompile(`(?m)^` + field + `:\s+([0-9]+) kB$`).FindSubmatch(text)
		if found == nil {
			return f, fmt.Errorf("%s says nothing of %s", name, field)
		}
		if *into, err = strconv.ParseFloat(string(found[1]), 64); err != nil {
			return f, err
		}
		*into *= 1 << 10
	}
	metrics, _, err := question{server: s, path: "/metrics"}.ask(ctx)
	if err != nil {
		return f, err
	}
	found := regexp.MustCompile(`(?m)^go_goroutines ([0-9]+)$`).FindSubmatch(metrics)
	if found == nil {
		return f, errors.New("/metrics says nothing of go_goroutines")
	}
	f.goroutines, err = strconv.ParseFloat(string(found[1]), 64)
	return f, err
}

// processorTime is what a process has used so far, of user and system, in the kernel's ticks.
func processorTime(pid int) (time.Duration, error) {
	const tick = time.Second / 100 // on Linux, whatever the kernel's own
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name before may have anything in it
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %q", pid, text)
	}
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick, err
}

// checkSystem refuses a run that would end in the middle, for want of descriptors or ports.
func checkSystem(subscribers int) error {
	const others = 500 // descriptors and ports
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	// Go raises the soft limit of its programs, the servers and the clients, to the hard one.
	if need := uint64(subscribers + others); files.Max < need {
		return fmt.Errorf("%d subscribers need %d open files, the hard limit is %d: raise it (ulimit -Hn %d as root, "+
			"LimitNOFILE= of a service, docker run --ulimit nofile=%d) or set SAMJOURNAL_BENCH_SUBSCRIBERS to fewer",
			subscribers, need, files.Max, need, need)
	}
	const file = "/proc/sys/net/ipv4/ip_local_port_range"
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	var first, last int
	if _, err := fmt.Sscan(string(text), &first, &last); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if ports := last - first + 1; ports < subscribers+others {
		return fmt.Errorf("%d subscribers need as many local ports, there are %d: sysctl -w net.ipv4.ip_local_port_range=\"%d %d\"",
			subscribers, ports, 1<<15, 1<<16-1)
	}
	return nil
}
