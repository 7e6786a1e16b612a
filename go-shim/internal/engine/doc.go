// SPDX-License-Identifier: Apache-2.0

// Package engine puts the Rust engine behind a Go API. It is the only package with cgo.
//
// One batch makes one call: Consume walks the pdata into a flat buffer (encode*.go; the layout is
// that of the C header), the library answers with one verdict per point, and a second walk writes
// the verdicts in place (apply*.go). What both walks look at is one decision (selection.go), and a
// histogram has one form in both directions (distribution.go). Nothing here knows about identity,
// prices or time rules.
//
// Built without cgo the package compiles, and New says what is missing (no_cgo.go).
package engine
