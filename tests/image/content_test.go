//go:build image

package image

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// maxImageBytes is the size that the image may have: half of what its users swap out (contrib's is over 300 MB).
const maxImageBytes = 150_000_000

// configuration is what container engines read of an image.
type configuration struct {
	Architecture string
	Size         int64
	HealthCheck  *struct {
		Test                           []string
		Interval, Timeout, StartPeriod int64
		Retries                        int
	} `json:"Healthcheck"`
	Config struct {
		User            string
		Entrypoint, Cmd []string
		Env             []string
		ExposedPorts    map[string]any
		Volumes         map[string]any
		Labels          map[string]string
	}
}

// TestConfiguration reads the image's configuration. It guarantees what compose files rely on: user, entry point, command,
// ports, the health check, the ledger's volume; the labels of the standard; and the size.
func TestConfiguration(t *testing.T) {
	var images []configuration
	require.NoError(t, json.Unmarshal([]byte(podman(t, "image", "inspect", imageName)), &images))
	image := images[0]
	assert.Equal(t, runtime.GOARCH, image.Architecture)
	assert.Equal(t, "10001:10001", image.Config.User)
	assert.Equal(t, []string{"/otelcol-tokenledger"}, image.Config.Entrypoint)
	assert.Equal(t, []string{"--config", "/etc/otelcol-contrib/config.yaml"}, image.Config.Cmd)
	assert.Contains(t, image.Config.Volumes, "/var/lib/tokenledger")
	assert.Contains(t, image.Config.Env, "TOKENLEDGER_STATE_DIR=/var/lib/tokenledger")
	for _, port := range []string{"4317/tcp", "4318/tcp", "8888/tcp", "8889/tcp", "13133/tcp"} {
		assert.Contains(t, image.Config.ExposedPorts, port)
	}
	for _, label := range []string{"title", "name", "description", "version", "revision", "created", "source"} {
		value := image.Config.Labels["org.opencontainers.image."+label]
		assert.NotEmpty(t, value, label)
		assert.NotEqual(t, "unknown", value, label)
	}
	assert.Equal(t, "Apache-2.0", image.Config.Labels["org.opencontainers.image.licenses"])

	require.NotNil(t, image.HealthCheck, "the image has no health check: was it built in OCI's format?")
	assert.Equal(t, []string{"CMD", "/tokenledger", "health"}, image.HealthCheck.Test)
	assert.Positive(t, image.HealthCheck.StartPeriod)

	assert.LessOrEqual(t, image.Size, int64(maxImageBytes))
}

// file is one of the image's, as the archive has it.
type file struct {
	tar.Header
	content []byte
}

// files are those of build/image.tar, the archive for `docker load`, by their path.
func files(t *testing.T) map[string]file {
	t.Helper()
	archive := entries(t, openArchive(t))
	var manifest []struct{ Layers []string }
	require.NoError(t, json.Unmarshal(archive["/manifest.json"].content, &manifest))
	require.Len(t, manifest, 1)
	all := map[string]file{}
	for _, layer := range manifest[0].Layers {
		maps.Copy(all, entries(t, bytes.NewReader(archive["/"+layer].content)))
	}
	return all
}

func openArchive(t *testing.T) io.Reader {
	t.Helper()
	archive, err := os.Open(filepath.Join(harness.MustRoot(t), "build", "image.tar"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = archive.Close() })
	return archive
}

func entries(t *testing.T, archive io.Reader) map[string]file {
	t.Helper()
	out := map[string]file{}
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		content, err := io.ReadAll(reader)
		require.NoError(t, err)
		out["/"+strings.Trim(header.Name, "/")] = file{*header, content}
	}
}

// TestFiles looks at every file of the image. It guarantees that there are only those that are wanted, that no name of the
// entry point costs a copy, that both default places show the configuration of the repository, that the programs need no
// loader, that certificates are there, and that the ledger's folder belongs to the user and to nobody else.
func TestFiles(t *testing.T) {
	all := files(t)
	var names []string
	for name, file := range all {
		if file.Typeflag != tar.TypeDir {
			names = append(names, name)
		}
	}
	assert.ElementsMatch(t, []string{
		"/otelcol", "/otelcol-contrib", "/otelcol-tokenledger", "/tokenledger",
		"/etc/otelcol/config.yaml", "/etc/otelcol-contrib/config.yaml", "/etc/otelcol-tokenledger/config.yaml",
		"/etc/ssl/certs/ca-certificates.crt", "/usr/share/sbom/tokenledger.cdx.json",
		"/usr/share/doc/tokenledger/LICENSE", "/usr/share/doc/tokenledger/THIRD_PARTY.md",
	}, names)

	for _, name := range []string{"/otelcol", "/otelcol-contrib"} {
		assert.Equal(t, "otelcol-tokenledger", all[name].Linkname, name)
	}
	wanted, err := os.ReadFile(harness.DefaultConfig(harness.MustRoot(t)))
	require.NoError(t, err)
	assert.Equal(t, string(wanted), string(all["/etc/otelcol/config.yaml"].content))
	for _, name := range []string{"/etc/otelcol-contrib/config.yaml", "/etc/otelcol-tokenledger/config.yaml"} {
		assert.Equal(t, "../otelcol/config.yaml", all[name].Linkname, name)
	}
	for _, name := range []string{"/otelcol-tokenledger", "/tokenledger"} {
		requireStatic(t, name, all[name].content)
	}
	bundle := all["/etc/ssl/certs/ca-certificates.crt"].content
	assert.True(t, x509.NewCertPool().AppendCertsFromPEM(bundle))
	assert.Greater(t, strings.Count(string(bundle), "BEGIN CERTIFICATE"), 50)

	state := all["/var/lib/tokenledger"]
	assert.Equal(t, os.FileMode(0o750), state.FileInfo().Mode().Perm())
	assert.Equal(t, [2]int{10001, 10001}, [2]int{state.Uid, state.Gid})
}

func requireStatic(t *testing.T, name string, program []byte) {
	t.Helper()
	binary, err := elf.NewFile(bytes.NewReader(program))
	require.NoError(t, err, name)
	for _, segment := range binary.Progs {
		assert.NotEqual(t, elf.PT_INTERP, segment.Type, "%s wants a loader, which an empty image does not have", name)
	}
}

// TestSBOM reads the list of what the image consists of. It guarantees that it is CycloneDX and names both halves: crates
// of the engine and the command line, modules of the collector, each once and with its version.
func TestSBOM(t *testing.T) {
	var document struct {
		BOMFormat   string `json:"bomFormat"`
		SpecVersion string `json:"specVersion"`
		Components  []struct {
			Name, Version, PURL string
		}
	}
	require.NoError(t, json.Unmarshal(files(t)["/usr/share/sbom/tokenledger.cdx.json"].content, &document))
	assert.Equal(t, "CycloneDX", document.BOMFormat)
	assert.NotEmpty(t, document.SpecVersion)
	urls := map[string]bool{}
	for _, component := range document.Components {
		assert.False(t, urls[component.PURL], "%s is listed twice", component.PURL)
		urls[component.PURL] = true
		assert.Regexp(t, `^pkg:(golang|cargo)/.+@.+`, component.PURL)
	}
	for _, wanted := range []string{
		"pkg:cargo/tokenledger@", "pkg:cargo/tokenledger-ffi@", "pkg:cargo/rusqlite@", "pkg:cargo/clap@",
		"pkg:golang/std@", "pkg:golang/go.opentelemetry.io/collector/receiver/otlpreceiver@",
		"pkg:golang/github.com/open-telemetry/opentelemetry-collector-contrib/exporter/prometheusexporter@",
	} {
		assert.True(t, anyBeginsWith(urls, wanted), "%s is missing", wanted)
	}
	for _, unwanted := range []string{"pkg:cargo/proptest@", "pkg:cargo/cbindgen@"} {
		assert.False(t, anyBeginsWith(urls, unwanted), "%s is not in the image", unwanted)
	}
}

func anyBeginsWith(urls map[string]bool, beginning string) bool {
	for url := range urls {
		if strings.HasPrefix(url, beginning) {
			return true
		}
	}
	return false
}
