// Command standin does the work of the official PostgreSQL integration in the same way, where the
// official one cannot be had: a Go plugin on Plakar's own plugin library, which runs the stock tools of
// PostgreSQL and pipes what they print, or read, through Plakar's protocol, one record after the other.
// Its name says which plugin it is: physical, logical or restore.
//
// It does less than the official one besides: it asks the server nothing for its manifest.
package main

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	sdk "github.com/PlakarKorp/go-kloset-sdk"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"
)

// server is where the tools are, and which server they are to ask.
type server struct {
	folder string
	url    *url.URL
}

func serverOf(config map[string]string) (server, error) {
	location, err := url.Parse(config["location"])
	return server{config["pg_bin_dir"], location}, err
}

func (s server) Origin() string              { return s.url.Hostname() }
func (s server) Root() string                { return "/" }
func (s server) Ping(context.Context) error  { return nil }
func (s server) Close(context.Context) error { return nil }
func (s server) database() string            { return strings.TrimPrefix(s.url.Path, "/") }

func (s server) tool(ctx context.Context, name string, args ...string) *exec.Cmd {
	args = append([]string{"-w", "-h", s.url.Hostname(), "-p", s.url.Port(), "-U",
		s.url.User.Username()}, args...)
	return exec.CommandContext(ctx, filepath.Join(s.folder, name), args...)
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

func main() {
	switch filepath.Base(os.Args[0]) {
	case "physical":
		sdk.EntrypointImporter(os.Args, newPhysical)
	case "logical":
		sdk.EntrypointImporter(os.Args, newLogical)
	case "restore":
		sdk.EntrypointExporter(os.Args, newRestore)
	}
	os.Exit(2)
}
