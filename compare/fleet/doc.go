// Package fleet holds a test: fleets of recorded sessions through the usual chains of contrib's processors, which lose,
// and through token_ledger, which does not. tests/fleet_test.go sends the same fleets through the built collector.
package fleet
