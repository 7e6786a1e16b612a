// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// signal is a kind of telemetry, used as an index.
type signal int

const (
	signalMetrics signal = iota
	signalLogs
	signalTraces
	signalCount
)

var signalNames = [signalCount]string{"metrics", "logs", "traces"}

// String returns the signal's name as configurations write it.
func (s signal) String() string { return signalNames[s] }

// receivedData is when data of each signal was last received by any processor of one collector. A new user sees from
// it whether a client's settings work.
type receivedData struct {
	unixNano [signalCount]atomic.Int64 // 0: nothing yet
}

// note records that data of a signal came in, and logs the first of each signal, whichever pipeline brought it.
func (r *receivedData) note(s signal, at time.Time, logger *zap.Logger) {
	if r.unixNano[s].Swap(at.UnixNano()) == 0 {
		logger.Info("first "+s.String()+" received", zap.String("signal", s.String()))
	}
}

// seconds returns when data of a signal was last received, in seconds since 1970, and false if it never was.
func (r *receivedData) seconds(s signal) (float64, bool) {
	nano := r.unixNano[s].Load()
	return float64(nano) / float64(time.Second), nano != 0
}
