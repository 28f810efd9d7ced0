// Command standin-importer does the work of the official PostgreSQL integration's physical backup in
// the same way, where the official one cannot be had: a Go plugin on Plakar's own plugin library,
// which runs the stock pg_basebackup, takes the tar archive on its standard output apart, and gives
// one file after the other to Plakar, the next when the one before is acknowledged.
//
// It does less than the official one besides: it asks the server nothing for its manifest.
package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	sdk "github.com/PlakarKorp/go-kloset-sdk"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"
)

type standin struct {
	program string
	server  *url.URL
}

func newStandin(_ context.Context, _ *connectors.Options, _ string,
	config map[string]string) (importer.Importer, error) {
	server, err := url.Parse(config["location"])
	if err != nil {
		return nil, err
	}
	return &standin{
		program: filepath.Join(config["pg_bin_dir"], "pg_basebackup"),
		server:  server,
	}, nil
}

func (s *standin) Origin() string             { return s.server.Hostname() }
func (s *standin) Type() string               { return "postgres+bin" }
func (s *standin) Root() string               { return "/" }
func (s *standin) Flags() location.Flags      { return location.FLAG_STREAM | location.FLAG_NEEDACK }
func (s *standin) Ping(context.Context) error { return nil }
func (s *standin) Close(context.Context) error {
	return nil
}

func (s *standin) command(ctx context.Context) *exec.Cmd {
	return exec.CommandContext(ctx, s.program, "-w", "-h", s.server.Hostname(),
		"-p", s.server.Port(), "-U", s.server.User.Username(), "-D", "-", "-F", "tar", "-X", "fetch")
}

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

func manifest() *connectors.Record {
	text := []byte("{\"version\": 2}\n")
	return &connectors.Record{
		Pathname: "/manifest.json",
		FileInfo: objects.FileInfo{
			Lname: "manifest.json", Lsize: int64(len(text)), Lmode: 0o444, LmodTime: time.Now(), Lnlink: 1,
		},
		Reader: io.NopCloser(bytes.NewReader(text)),
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

func (s *standin) Import(ctx context.Context, records chan<- *connectors.Record,
	results <-chan *connectors.Result) error {
	defer close(records)
	if err := pass(ctx, manifest(), records, results); err != nil {
		return err
	}
	var complaint bytes.Buffer
	command := s.command(ctx)
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

func main() {
	sdk.EntrypointImporter(os.Args, newStandin)
}
