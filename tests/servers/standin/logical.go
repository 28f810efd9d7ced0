// The logical backup: pg_dumpall's roles and tablespaces and pg_dump's archive of each database, as they
// are printed. A tool is started when its record is announced.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"
)

type logical struct {
	server
}

func newLogical(_ context.Context, _ *connectors.Options, _ string,
	config map[string]string) (importer.Importer, error) {
	server, err := serverOf(config)
	return &logical{server}, err
}

func (l *logical) Type() string          { return "postgresql" }
func (l *logical) Flags() location.Flags { return location.FLAG_STREAM }

// output is what a tool prints; its end is an error if the tool has failed.
type output struct {
	io.Reader
	command   *exec.Cmd
	complaint bytes.Buffer
	ended     bool
}

func start(command *exec.Cmd) (*output, error) {
	out := &output{command: command}
	command.Stderr = &out.complaint
	pipe, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	out.Reader = pipe
	return out, command.Start()
}

func (o *output) Read(into []byte) (int, error) {
	n, err := o.Reader.Read(into)
	if err == io.EOF && !o.ended {
		o.ended = true
		if failed := o.command.Wait(); failed != nil {
			return n, fmt.Errorf("%s: %w: %s", o.command.Path, failed, o.complaint.String())
		}
	}
	return n, err
}

func (o *output) Close() error {
	if o.ended {
		return nil
	}
	o.ended = true
	o.command.Process.Kill()
	return o.command.Wait()
}

func (l *logical) databases(ctx context.Context) ([]string, error) {
	if l.database() != "" {
		return []string{l.database()}, nil
	}
	listed, err := l.tool(ctx, "psql", "-XAt", "-d", "postgres", "-c",
		"SELECT datname FROM pg_database WHERE datallowconn ORDER BY datname").Output()
	return strings.Split(strings.TrimSpace(string(listed)), "\n"), err
}

func (l *logical) Import(ctx context.Context, records chan<- *connectors.Record,
	_ <-chan *connectors.Result) error {
	defer close(records)
	names, err := l.databases(ctx)
	if err != nil {
		return err
	}
	records <- manifest()
	pass := func(name string, command *exec.Cmd) error {
		out, err := start(command)
		if err != nil {
			return err
		}
		records <- &connectors.Record{
			Pathname: "/" + name,
			FileInfo: objects.FileInfo{Lname: name, Lmode: 0o444, Lnlink: 1},
			Reader:   out,
		}
		return nil
	}
	if err := pass("00000-globals.sql", l.tool(ctx, "pg_dumpall", "--globals-only")); err != nil {
		return err
	}
	for i, name := range names {
		command := l.tool(ctx, "pg_dump", "-Fc", "-Z0", "-d", name)
		if err := pass(fmt.Sprintf("%05d-%s.dump", i+1, name), command); err != nil {
			return err
		}
	}
	return nil
}
