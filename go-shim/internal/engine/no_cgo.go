// SPDX-License-Identifier: Apache-2.0

//go:build !cgo

package engine

import "go.opentelemetry.io/collector/pdata/pmetric"

// Prices cannot be made without cgo; its methods exist so that callers compile.
type Prices struct{}

// NewPrices always fails with ErrNoCgo.
func NewPrices([]byte) (*Prices, error) { return nil, ErrNoCgo }

// Version is empty.
func (*Prices) Version() string { return "" }

// Currency is empty.
func (*Prices) Currency() (code string, perUSD float64) { return "", 0 }

// Price knows none.
func (*Prices) Price(PriceRequest) (PriceAnswer, bool) { return PriceAnswer{}, false }

// Close does nothing.
func (*Prices) Close() {}

// SetPrices always fails with ErrNoCgo.
func (*Engine) SetPrices(*Prices) error { return ErrNoCgo }

// Engine cannot be made without cgo; its methods exist so that callers compile.
type Engine struct{}

// Batch cannot be made without cgo.
type Batch struct{}

// New always fails with ErrNoCgo.
func New(Config) (*Engine, error) { return nil, ErrNoCgo }

// Consume always fails with ErrNoCgo.
func (*Engine) Consume(pmetric.Metrics, Metadata) (*Batch, error) { return nil, ErrNoCgo }

// Tick always fails with ErrNoCgo.
func (*Engine) Tick(bool, func(Metadata, pmetric.Metrics) error) error { return ErrNoCgo }

// Maintain always fails with ErrNoCgo.
func (*Engine) Maintain(bool) error { return ErrNoCgo }

// Opening is empty.
func (*Engine) Opening() Opening { return Opening{} }

// Stats is empty.
func (*Engine) Stats() Stats { return Stats{} }

// Close does nothing.
func (*Engine) Close() {}

// InjectPanic does nothing.
func (*Engine) InjectPanic() {}

// InjectFullDisk does nothing.
func (*Engine) InjectFullDisk(bool) {}

// Outcomes is empty.
func (*Batch) Outcomes() Outcomes { return Outcomes{} }

// Refused does nothing.
func (*Batch) Refused() {}

// Release does nothing.
func (*Batch) Release() {}
