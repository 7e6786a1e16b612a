// SPDX-License-Identifier: Apache-2.0

// Package attribution adds to telemetry of coding agents whose usage it is: attributes that a file gives to each user
// (team, cost centre, ...), one attribute for the spellings that clients use, and which agent it comes from.
//
// For each attribute that may be added, the first of these that is known is taken:
//
//  1. what the file says of the user, which also replaces what a client wrote itself: the file is the platform team's
//     word, what a client sends is whatever somebody has exported in a shell;
//  2. what the point, record or span has under the attribute's own name;
//  3. for `agent`: the agent that the metric's, event's or span's name or the scope tells, never `service.name`, which
//     users overwrite;
//  4. the first of the attribute's spellings that is present; of one spelling the point's before the resource's, as the
//     ledger's reports have it too. The resource's attribute of the same name comes before all spellings;
//  5. for attributes of the file: the text for usage that nobody is known to be responsible for.
//
// Only telemetry of known agents is touched, and what has the attribute that the file is keyed by. Nothing is removed,
// and nothing but the named attributes is ever added.
//
// A change of the file counts from that moment on: a point gets what the file said at the point's time, one of a
// cumulative stream what it said at the stream's start. So a point that is sent again after a change is still the same
// point (D3), and a cumulative stream does not become another member, which would count its whole total again (T3).
package attribution
