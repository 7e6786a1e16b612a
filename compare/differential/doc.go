// Package differential sends random delta streams through contrib's processor delta_to_cumulative and through
// token_ledger, side by side in one process and on one faked clock, and explains every difference.
//
// How it works, in the order of a test run:
//
//   - generate makes a Scenario from a seed: requests with delta windows, with the irregularities that clients,
//     networks and proxies cause.
//   - run (in the tests) plays it through both processors and records every delivery.
//   - contribReplay and ledgerReplay predict, each from its own plain restatement, what either processor delivers.
//     Whatever is recorded must be what was predicted, so the explanations below rest on what really happened.
//   - distinctTotals adds up the distinct windows of a scenario, with no notion of order, time or requests: the truth
//     that the totals of token_ledger must equal always.
//   - differences lists where the two disagree, point by point, and each must belong to a class of Classes.
//
// docs/differences.md lists the same classes for users. A test compares the two lists.
//
// A failure prints the seed; TOKENLEDGER_DIFFERENTIAL_SEED plays the same scenarios again.
package differential
