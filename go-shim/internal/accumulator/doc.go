// SPDX-License-Identifier: Apache-2.0

// Package accumulator is the metrics processor that the collector components share: lifecycle, delivery, periodic
// output, log lines and the status of health. A component brings its configuration and its telemetry along.
//
// What becomes of a point is decided by the library behind internal/engine. Rules are named as in the project's
// design: D for delta input, T for trimming and limits, L for lifetime and output.
package accumulator
