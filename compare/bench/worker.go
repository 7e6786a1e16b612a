package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// order is one job for a worker. Exactly one field is set.
type order struct {
	// Populate makes streams; the orders after it use them.
	Populate *PopulateCase `json:"populate,omitempty"`
	// Warm runs one round on the populated streams.
	Warm *WarmCase `json:"warm,omitempty"`
	// Memory makes streams in a fresh processor and weighs them.
	Memory *PopulateCase `json:"memory,omitempty"`
	// Restore fills a ledger and starts again with it.
	Restore *PopulateCase `json:"restore,omitempty"`
	// Stall lets a fresh processor grow and times each request.
	Stall *StallCase `json:"stall,omitempty"`
}

// answer is what a worker says to an order: a figure, or what went wrong.
type answer struct {
	Round   *Round         `json:"round,omitempty"`
	Memory  *MemoryResult  `json:"memory,omitempty"`
	Stall   *StallResult   `json:"stall,omitempty"`
	Restore *RestoreResult `json:"restore,omitempty"`
	Error   string         `json:"error,omitempty"`
}

// worker is one processor in a process of its own, seen from the parent.
type worker interface {
	// do carries one order out and waits for its answer.
	do(order) (answer, error)
	// end lets the process go.
	end() error
}

// spawner starts a worker for a processor.
type spawner func(subject string) (worker, error)

// process is a worker in a child process, which gets orders and gives answers as JSON lines.
type process struct {
	command *exec.Cmd
	input   io.WriteCloser
	orders  *json.Encoder
	answers *json.Decoder
}

func newProcess(input io.WriteCloser, output io.Reader) process {
	return process{input: input, orders: json.NewEncoder(input), answers: json.NewDecoder(output)}
}

// spawn starts this program once more, as a worker.
func spawn(subject string) (worker, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command(path, "--worker", subject)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := newProcess(input, output)
	p.command = command
	return &p, nil
}

func (p *process) do(o order) (answer, error) {
	if err := p.orders.Encode(o); err != nil {
		return answer{}, fmt.Errorf("worker: %w", err)
	}
	var a answer
	if err := p.answers.Decode(&a); err != nil {
		return answer{}, fmt.Errorf("worker ended before its answer (out of memory?): %w", err)
	}
	if a.Error != "" {
		return answer{}, errors.New(a.Error)
	}
	return a, nil
}

func (p *process) end() error {
	return errors.Join(p.input.Close(), p.command.Wait())
}

// serve is the worker's side: orders until the parent has no more.
func serve(subject string, input io.Reader, output io.Writer) error {
	orders, answers := json.NewDecoder(input), json.NewEncoder(output)
	bench := &workbench{subject: subject}
	defer bench.clear()
	for {
		var o order
		switch err := orders.Decode(&o); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		a, err := bench.do(o)
		if err != nil {
			a = answer{Error: fmt.Sprintf("%s: %v", subject, err)}
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

// workbench carries orders out for one processor.
type workbench struct {
	subject string
	warm    *warmBench
}

func (b *workbench) do(o order) (answer, error) {
	switch {
	case o.Populate != nil:
		b.clear()
		warm, err := newWarmBench(b.subject, *o.Populate)
		b.warm = warm
		return answer{}, err
	case o.Warm != nil && b.warm != nil:
		round, err := b.warm.round(*o.Warm)
		return answer{Round: round}, err
	case o.Memory != nil:
		memory, err := weigh(b.subject, *o.Memory)
		return answer{Memory: memory}, err
	case o.Restore != nil:
		restored, err := restore(b.subject, *o.Restore)
		return answer{Restore: restored}, err
	case o.Stall != nil:
		stall, err := grow(b.subject, *o.Stall)
		return answer{Stall: stall}, err
	}
	return answer{}, fmt.Errorf("order %+v makes no sense here", o)
}

// clear ends the processor with its streams.
func (b *workbench) clear() {
	if b.warm != nil {
		b.warm.end()
		b.warm = nil
	}
}
