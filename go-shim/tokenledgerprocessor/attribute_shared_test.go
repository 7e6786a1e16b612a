// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// reports are what one pipeline is told.
type reports struct {
	mu       sync.Mutex
	statuses []error
	changes  int
}

func (r *reports) report(reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statuses = append(r.statuses, reason)
}

func (r *reports) changed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes++
}

func (r *reports) count() (statuses, changes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.statuses), r.changes
}

// replaceFile puts a finished file in the place of another one.
func replaceFile(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", []byte(content), 0o600))
	past := time.Now().Add(-time.Minute)
	require.NoError(t, os.Chtimes(path+".new", past, past))
	require.NoError(t, os.Rename(path+".new", path))
}

// teamOf is the team that a point of a user gets now.
func teamOf(a *attributor, email string) string {
	md := pmetric.NewMetrics()
	metric := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName("claude_code.token.usage")
	sum := metric.SetEmptySum()
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	attributes := sum.DataPoints().AppendEmpty().Attributes()
	attributes.PutStr("user.email", email)
	a.Metrics(md)
	team, _ := attributes.Get("team")
	return team.Str()
}

func fileConfig(t *testing.T, content string) *AttributionConfig {
	t.Helper()
	cfg := defaultAttribution()
	cfg.enabled, cfg.File = true, filepath.Join(t.TempDir(), "users.csv")
	cfg.ReloadInterval = time.Millisecond // below what Validate allows, so that tests do not wait
	replaceFile(t, cfg.File, content)
	return &cfg
}

// Scenario: a component is in three pipelines; its file changes, goes bad, and is repaired.
// Guarantee: one attributor reads it; each pipeline is told of everything; a bad file changes nothing; the watch ends
// with the last pipeline.
func TestAttributorIsShared(t *testing.T) {
	var all attributors
	cfg := fileConfig(t, "email,team\nann@example.com,one\n")
	id := component.NewID(metadata.Type)
	a := all.of(id, cfg, zap.NewNop())
	require.Same(t, a, all.of(id, cfg, zap.NewNop()))
	pipelines := make([]*reports, 3)
	users := make([]*attributorUser, 3)
	for i := range pipelines {
		pipelines[i] = &reports{}
		var err error
		users[i], err = a.join(pipelines[i].report, pipelines[i].changed)
		require.NoError(t, err)
	}
	require.Equal(t, "one", teamOf(a, "ann@example.com"))
	eventually := func(statuses, changes int) {
		t.Helper()
		for _, p := range pipelines {
			require.Eventually(t, func() bool {
				s, c := p.count()
				return s == statuses && c == changes
			}, 10*time.Second, time.Millisecond)
		}
	}
	replaceFile(t, cfg.File, "email,team\nann@example.com,two\n")
	eventually(0, 1)
	assert.Equal(t, "two", teamOf(a, "ann@example.com"))
	replaceFile(t, cfg.File, "email,team\nann@example.com\n")
	eventually(1, 1)
	require.ErrorContains(t, pipelines[2].statuses[0], "line 2: it has 1 fields, the header has 2")
	assert.Equal(t, "two", teamOf(a, "ann@example.com"))

	late := &reports{}
	user, err := a.join(late.report, late.changed)
	require.NoError(t, err)
	require.Len(t, late.statuses, 1, "who comes later learns that it is bad")
	require.NoError(t, user.leave(t.Context()))

	replaceFile(t, cfg.File, "email,team\nann@example.com,three\n")
	eventually(2, 2)
	require.NoError(t, pipelines[0].statuses[1])
	for _, user := range users {
		require.NoError(t, user.leave(t.Context()))
		require.NoError(t, user.leave(t.Context()))
	}
	assert.Nil(t, a.watcher)
	require.NotSame(t, a, all.of(id, fileConfig(t, "email\nx\n"), zap.NewNop()), "another configuration")
}

// Scenario: pipelines are stopped and started again, as a reload of another collector in the same process would; the
// file is missing at a start.
// Guarantee: the first pipeline's start fails and names the file; after a repair it starts.
func TestAttributorStartsAgain(t *testing.T) {
	cfg := fileConfig(t, "email,team\nann@example.com,one\n")
	a := newAttributor(cfg, zap.NewNop())
	r := &reports{}
	for range 2 {
		user, err := a.join(r.report, r.changed)
		require.NoError(t, err)
		require.NoError(t, user.leave(t.Context()))
	}
	require.NoError(t, os.Remove(cfg.File))
	_, err := a.join(r.report, r.changed)
	require.ErrorContains(t, err, "cannot use the attribution file "+cfg.File+": it does not exist")
	replaceFile(t, cfg.File, "email,team\nann@example.com,two\n")
	user, err := a.join(r.report, r.changed)
	require.NoError(t, err)
	require.NoError(t, user.leave(t.Context()))
	assert.Equal(t, "two", teamOf(a, "ann@example.com"))
}

// Scenario: attribution is off; it is on without a file.
// Guarantee: nothing is added, watched or sent; aliases and agents are added.
func TestAttributorWithoutFile(t *testing.T) {
	var all attributors
	off := defaultAttribution()
	a := all.of(component.NewID(metadata.Type), &off, zap.NewNop())
	require.Nil(t, a)
	user, err := a.join(nil, nil)
	require.NoError(t, err)
	a.Metrics(pmetric.NewMetrics())
	a.Logs(plog.NewLogs())
	a.Traces(ptrace.NewTraces())
	assert.Empty(t, a.budgets())
	require.NoError(t, user.leave(t.Context()))

	on := defaultAttribution()
	on.enabled = true
	a = all.of(component.NewID(metadata.Type), &on, zap.NewNop())
	r := &reports{}
	user, err = a.join(r.report, r.changed)
	require.NoError(t, err)
	ld := plog.NewLogs()
	record := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.SetEventName("codex.sse_event")
	record.Attributes().PutStr("squad", "s")
	a.Logs(ld)
	assert.Equal(t, map[string]any{"squad": "s", "team": "s", "agent": "codex"}, record.Attributes().AsRaw())
	td := ptrace.NewTraces()
	span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetName("claude_code.llm_request")
	a.Traces(td)
	assert.Equal(t, map[string]any{"agent": "claude-code"}, span.Attributes().AsRaw())
	require.NoError(t, user.leave(context.Background()))
}
