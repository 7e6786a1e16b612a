// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

/*
#cgo noescape tl_prices_request
#cgo nocallback tl_prices_request
#include "tokenledger.h"
*/
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// Prices is a price table: the built-in one with a user's file before it. It does not change; several goroutines may
// use it.
type Prices struct {
	lock    sync.RWMutex
	handle  *C.tl_prices // nil after Close
	version string
	code    string
	perUSD  float64
}

// NewPrices makes a price table. file is the user's, TOML; empty means none. The error says what is wrong with it.
func NewPrices(file []byte) (*Prices, error) {
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	p := &Prices{}
	var failed C.tl_error
	status := C.tl_prices_create(firstByte(file), C.size_t(len(file)), &p.handle, &failed)
	if status != C.TL_STATUS_OK {
		return nil, priceFileError(status, &failed)
	}
	var text C.tl_text_view
	if C.tl_prices_version(p.handle, &text) {
		p.version = viewText(&text)
	}
	var perUSD C.double
	if C.tl_prices_currency(p.handle, &text, &perUSD) {
		p.code, p.perUSD = viewText(&text), float64(perUSD)
	}
	return p, nil
}

// Version names the table, and the user's file where there is one.
func (p *Prices) Version() string { return p.version }

// Currency is the user's: its code in ISO 4217, and units of it per dollar; empty if there is none.
func (p *Prices) Currency() (code string, perUSD float64) { return p.code, p.perUSD }

// Price says what a request cost; false if no price is known, or after Close.
func (p *Prices) Price(request PriceRequest) (PriceAnswer, bool) {
	p.lock.RLock()
	defer p.lock.RUnlock()
	if p.handle == nil {
		return PriceAnswer{}, false
	}
	asked := C.tl_price_request{
		web_searches: C.uint64_t(request.WebSearches),
		unix_nano:    C.uint64_t(request.Time.UnixNano()),
		modifiers:    request.bits(),
	}
	for class, tokens := range request.Tokens {
		asked.tokens[class] = C.uint64_t(tokens)
	}
	var found C.tl_price_answer
	var failed C.tl_error
	model, provider := []byte(request.Model), []byte(request.Provider)
	status := C.tl_prices_request(p.handle, firstByte(model), C.size_t(len(model)),
		firstByte(provider), C.size_t(len(provider)), &asked, &found, &failed)
	runtime.KeepAlive(p)
	if status != C.TL_STATUS_OK || found.known == 0 {
		return PriceAnswer{}, false
	}
	answer := PriceAnswer{
		Provider:        viewText(&found.provider),
		Model:           viewText(&found.model),
		LongContext:     found.long_context != 0,
		WebSearchesPico: int64(found.web_searches_pico),
		TotalPico:       int64(found.total_pico),
		ListPico:        int64(found.list_pico),
		SavingsPico:     int64(found.savings_pico),
	}
	for class := range answer.TokensPico {
		answer.TokensPico[class] = int64(found.tokens_pico[class])
	}
	return answer, true
}

// Close gives the table's memory back; engines that use the table go on with it. It may be called again.
func (p *Prices) Close() {
	p.lock.Lock()
	defer p.lock.Unlock()
	C.tl_prices_destroy(p.handle)
	p.handle = nil
}

// SetPrices makes the engine compute costs from the table, if its configuration says so.
func (e *Engine) SetPrices(p *Prices) error {
	e.open.RLock()
	defer e.open.RUnlock()
	p.lock.RLock()
	defer p.lock.RUnlock()
	if e.handle == nil || p.handle == nil {
		return ErrClosed
	}
	var failed C.tl_error
	if status := C.tl_engine_set_prices(e.handle, p.handle, &failed); status != C.TL_STATUS_OK {
		return failure(status, &failed)
	}
	return nil
}

func (m PriceModifiers) bits() C.uint32_t {
	var bits C.uint32_t
	for _, modifier := range []struct {
		bit C.uint32_t
		on  bool
	}{
		{C.TL_PRICE_FAST, m.Fast},
		{C.TL_PRICE_BATCH, m.Batch},
		{C.TL_PRICE_FLEX, m.Flex},
		{C.TL_PRICE_PRIORITY, m.Priority},
		{C.TL_PRICE_RESIDENCY_US, m.ResidencyUS},
		{C.TL_PRICE_REGIONAL, m.Regional},
	} {
		if modifier.on {
			bits |= modifier.bit
		}
	}
	return bits
}

// priceFileError is what the library says of a file; the component names the file.
func priceFileError(status C.tl_status, reported *C.tl_error) error {
	if status == C.TL_STATUS_CONFIGURATION {
		return &PriceFileError{C.GoStringN((*C.char)(unsafe.Pointer(&reported.message[0])), C.int(reported.length))}
	}
	return failure(status, reported)
}

func viewText(view *C.tl_text_view) string {
	return string(libraryBytes(view.text, view.text_bytes))
}
