package workload

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// sender sends the requests of one source in order, each until it is acknowledged.
type sender struct {
	load    *Load
	number  int
	source  Source
	random  *rand.Rand
	clients []*harness.Client
	sent    []Request // the last acknowledged ones
}

// remembered is how many acknowledged requests a sender may send again: all are within the 30 minutes of rule D3a.
const remembered = 50

// repeats: one of so many requests is followed by one that was acknowledged before, as if its answer had been lost.
const repeats = 8

func (s *sender) run() {
	for s.load.enter(true) {
		request, err := s.source.Next()
		if err != nil {
			s.load.leave(func() { s.load.tb.Error(err) })
			return
		}
		s.load.set(func() { s.load.inFlight[s.number] = request.Adds })
		if !s.deliver(request) {
			return
		}
		s.sent = append(s.sent[max(0, len(s.sent)+1-remembered):], request)
		if s.random.IntN(repeats) == 0 && !s.repeat() {
			return
		}
		time.Sleep(time.Duration(s.random.Int64N(int64(s.load.pause) + 1))) // so that several loads share a machine
	}
}

// deliver sends a request until it is acknowledged. The sender has entered already. False: the load has to end.
func (s *sender) deliver(request Request) bool {
	for {
		taken := s.attempt(request, func() {
			addTo(s.load.taken, request.Adds)
			delete(s.load.inFlight, s.number)
			s.load.counts.Acknowledged++
		})
		if taken {
			return true
		}
		time.Sleep(10 * time.Millisecond) // clients wait, too, and longer
		if !s.load.enter(false) {
			return false
		}
	}
}

// repeat sends an acknowledged request again, once; the last one as often as all others together.
func (s *sender) repeat() bool {
	if !s.load.enter(false) {
		return false
	}
	place := len(s.sent) - 1
	if s.random.IntN(2) == 0 {
		place = s.random.IntN(len(s.sent))
	}
	s.attempt(s.sent[place], func() { s.load.counts.Repeated++ })
	return true
}

// attempt sends a request once and leaves.
func (s *sender) attempt(request Request, acknowledged func()) (taken bool) {
	client := s.clients[s.random.IntN(len(s.clients))]
	err := client.Send(s.load.tb.Context(), request.Request)
	s.load.leave(func() {
		switch {
		case err == nil:
			acknowledged()
		case !answered(err):
			s.load.counts.Unanswered++
		default:
			s.load.counts.Refused++
			if !Retryable(err) && s.load.tb.Context().Err() == nil {
				s.load.tb.Errorf("an answer after which clients throw a request away: %v", err)
			}
		}
	})
	return err == nil
}

// answered says whether a collector answered over HTTP; gRPC does not tell its own errors from those of the other side.
func answered(err error) bool {
	var answer *harness.StatusError
	if errors.As(err, &answer) {
		return true
	}
	_, remote := status.FromError(err)
	return remote
}

// Retryable says whether clients send a request again after this error: the statuses of the OTLP specification, and no
// answer at all. ResourceExhausted is retryable only where it says when, which the collector does not.
func Retryable(err error) bool {
	var answer *harness.StatusError
	if errors.As(err, &answer) {
		switch answer.Code {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	if !answered(err) {
		return true
	}
	switch status.Code(err) {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss:
		return true
	}
	return false
}
