// The physical backup: pg_basebackup's tar archive is taken apart, and one file after the other is given
// to Plakar, the next when the one before is acknowledged.
package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"
)

type physical struct {
	server
}

func newPhysical(_ context.Context, _ *connectors.Options, _ string,
	config map[string]string) (importer.Importer, error) {
	server, err := serverOf(config)
	return &physical{server}, err
}

func (p *physical) Type() string          { return "postgres+bin" }
func (p *physical) Flags() location.Flags { return location.FLAG_STREAM | location.FLAG_NEEDACK }

// pass gives one record to Plakar and waits until it is done with it.
func pass(ctx context.Context, record *connectors.Record, records chan<- *connectors.Record,
	results <-chan *connectors.Result) error {
	select {
	case records <- record:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-results:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func recordOf(header *tar.Header, content io.Reader) *connectors.Record {
	info := objects.FileInfo{
		Lname:      path.Base(header.Name),
		Lsize:      header.Size,
		Lmode:      fs.FileMode(header.Mode) & fs.ModePerm,
		LmodTime:   header.ModTime,
		Luid:       uint64(header.Uid),
		Lgid:       uint64(header.Gid),
		Lnlink:     1,
		Lusername:  header.Uname,
		Lgroupname: header.Gname,
	}
	if header.Typeflag == tar.TypeDir {
		info.Lmode |= fs.ModeDir
	}
	return &connectors.Record{
		Pathname: path.Join("/data", header.Name),
		FileInfo: info,
		Reader:   io.NopCloser(content),
	}
}

func passArchive(ctx context.Context, archive *tar.Reader, records chan<- *connectors.Record,
	results <-chan *connectors.Result) error {
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := pass(ctx, recordOf(header, archive), records, results); err != nil {
			return err
		}
	}
}

func (p *physical) Import(ctx context.Context, records chan<- *connectors.Record,
	results <-chan *connectors.Result) error {
	defer close(records)
	if err := pass(ctx, manifest(), records, results); err != nil {
		return err
	}
	var complaint bytes.Buffer
	command := p.tool(ctx, "pg_basebackup", "-D", "-", "-F", "tar", "-X", "fetch")
	command.Stderr = &complaint
	stdout, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	err = passArchive(ctx, tar.NewReader(stdout), records, results)
	if err == nil {
		_, err = io.Copy(io.Discard, stdout) // what pads the archive's end
	}
	if err != nil {
		command.Process.Kill()
	}
	if ended := command.Wait(); err == nil {
		err = ended
	}
	if err != nil {
		return fmt.Errorf("pg_basebackup: %w: %s", err, strings.TrimSpace(complaint.String()))
	}
	return nil
}
