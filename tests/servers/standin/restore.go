// The restore: what comes goes into the standard input of pg_restore or psql, as its name says.
package main

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
	"github.com/PlakarKorp/kloset/location"
)

type restore struct {
	server
	noGlobals bool
}

func newRestore(_ context.Context, _ *connectors.Options, _ string,
	config map[string]string) (exporter.Exporter, error) {
	server, err := serverOf(config)
	return &restore{server, config["no_globals"] == "true"}, err
}

func (r *restore) Type() string          { return "postgresql" }
func (r *restore) Flags() location.Flags { return 0 }

// target is the URI's database, or the one that the file is named after.
func (r *restore) target(name string) string {
	if r.database() != "" {
		return r.database()
	}
	return strings.TrimPrefix(strings.TrimLeft(strings.TrimSuffix(name, ".dump"), "0123456789"), "-")
}

func (r *restore) put(ctx context.Context, record *connectors.Record) error {
	name := path.Base(record.Pathname)
	args := []string{"psql", "-d", "postgres"}
	switch {
	case record.FileInfo.Lmode.IsDir() || name == "manifest.json":
		return nil
	case name == "00000-globals.sql" && r.noGlobals:
		return nil
	case strings.HasSuffix(name, ".dump"):
		args = []string{"pg_restore", "-d", r.target(name)}
	case name != "00000-globals.sql":
		return fmt.Errorf("unable to restore file %q", record.Pathname)
	}
	command := r.tool(ctx, args[0], args[1:]...)
	command.Stdin = record.Reader
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.1000s", args[0], err, said)
	}
	return nil
}

func (r *restore) Export(ctx context.Context, records <-chan *connectors.Record,
	results chan<- *connectors.Result) error {
	defer close(results)
	for record := range records {
		if err := r.put(ctx, record); err != nil {
			results <- record.Error(err)
		} else {
			results <- record.Ok()
		}
	}
	return nil
}
