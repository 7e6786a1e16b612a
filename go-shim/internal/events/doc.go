// SPDX-License-Identifier: Apache-2.0

// Package events reads requests to models out of the logs and traces of coding agents, and prices them.
//
// Agents report one request several times: as a log record, as a span, and inside metrics. So for each agent exactly
// one signal counts (see CountedSignal); the other may be enriched with a price, but no total is made of it. Who the
// agent is comes from the name of the scope or the prefix of the event's name, never from `service.name`, which users
// overwrite.
//
// Agents also disagree on what "input" is: some include tokens read from a cache, some do not. A Request has classes
// that exclude each other, whatever the agent wrote (see tokens.go).
//
// What is read is a fixed list of attributes. Bodies, prompts, errors' texts and unknown attributes are never copied.
package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

// ConnectorScope is the scope of the metrics that the connector `token_ledger` makes out of events: the processor
// `token_ledger` recognises them by it.
const ConnectorScope = "github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector"
