package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// busy is processor time used so far, of all cores together.
type busy struct {
	server  time.Duration // the product's process; on SQLite the database is in it
	callers time.Duration // this process
	machine time.Duration // of everything that runs, these two included
}

func readBusy(product *server) (b busy, err error) {
	if b.server, err = processorTime(product.process.Process.Pid); err != nil {
		return b, err
	}
	if b.callers, err = processorTime(os.Getpid()); err != nil {
		return b, err
	}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return b, err
	}
	b.machine, err = machineTime(string(text))
	return b, err
}

// machineTime adds up what /proc/stat says of all cores: user, nice, system, and the two kinds of interrupts; neither idle nor
// waiting for disks, nor what a hypervisor gave to others.
func machineTime(stat string) (total time.Duration, err error) {
	const tick = time.Second / 100
	first, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(first)
	if len(fields) < 8 || fields[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat begins with %q", first)
	}
	for _, i := range []int{1, 2, 3, 6, 7} {
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %w", err)
		}
		total += time.Duration(n) * tick
	}
	return total, nil
}

// add counts what was used between two readings.
func (b *busy) add(before, after busy) {
	b.server += after.server - before.server
	b.callers += after.callers - before.callers
	b.machine += after.machine - before.machine
}

// processorLines is a table of who used the cores while the product appended.
func processorLines(cells []*callersCell, line func(string, ...any)) {
	line("")
	line("| callers | cores busy | samjournal | the callers | all else | samjournal's processor time for an entry |")
	line("|---:|---:|---:|---:|---:|---:|")
	for _, c := range cells {
		cores := func(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()/c.took.Seconds()) }
		line("| %d | %s | %s | %s | %s | %d µs |", c.callers, cores(c.busy.machine), cores(c.busy.server), cores(c.busy.callers),
			cores(c.busy.machine-c.busy.server-c.busy.callers), (c.busy.server / time.Duration(max(c.entries, 1))).Microseconds())
	}
}
