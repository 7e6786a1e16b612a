package tests

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/workload"
)

// Scenario: SIGHUP makes a collector read its configuration anew while senders send: unchanged, with a trimming rule more,
// and with one less. Guarantee: totals go on; added up without the attributes that the rule is about they are exact, and
// where the rule is in force there is one series for each of them, brought together anew (L6).
func TestReloadKeepsTotals(t *testing.T) {
	t.Parallel()
	plain, ruled := pageConfig(keeping("sync: process")), pageConfig(keeping("sync: process"), ledgerRules())
	for name, configs := range map[string]struct {
		before, after string
		without       []string
	}{
		"unchanged":    {plain, plain, nil},
		"rule added":   {plain, ruled, ledgerTrimmed},
		"rule removed": {ruled, plain, ledgerTrimmed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			collector := harness.StartCollector(t, harness.Setup{Config: configs.before})
			l := workload.Start(t, collector, 1, 5*time.Millisecond, mixedSources(t, 1, nil)...)
			l.Resume()
			time.Sleep(time.Second) // some work before
			collector.Rewrite(t, configs.after)
			collector.Signal(t, syscall.SIGHUP)
			harness.Eventually(t, harness.Patience, "reload", func() error {
				if ready := collector.ReadyCount(); ready < 2 {
					return fmt.Errorf("ready %d times", ready)
				}
				return nil
			})
			time.Sleep(time.Second) // and after
			l.Finish()
			showsAll(t, collector, l, configs.without...)
			assert.NotContains(t, collector.Log(), startAnewMessage)
			if configs.after == ruled {
				shown, err := harness.FetchShown(collector.PageURL())
				require.NoError(t, err)
				assert.Equal(t, shown.Totals, shown.Totals.Without(ledgerTrimmed...), "one series for each")
			}
		})
	}
}
