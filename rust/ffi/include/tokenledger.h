/* The C boundary of the Tokenledger engine. Made by cbindgen from rust/ffi: do not edit.
 * Conventions and contracts: rust/ffi/src/lib.rs. */

#ifndef TOKENLEDGER_H
#define TOKENLEDGER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// Random bytes that [`tl_engine_create`] wants.
#define TL_SECRET_BYTES 192

// First four bytes of a buffer.
#define TL_MAGIC 1414283826

// Raised with every change of this file.
#define TL_LAYOUT_VERSION 2

// Every record begins at a multiple of this many bytes.
#define TL_ALIGNMENT 8

// Tag of a [`ResourceRecord`].
#define TL_TAG_RESOURCE 1

// Tag of a [`ScopeRecord`].
#define TL_TAG_SCOPE 2

// Tag of a [`MetricRecord`].
#define TL_TAG_METRIC 3

// Tag of a [`PointRecord`].
#define TL_TAG_POINT 4

// Token classes of [`PriceRequest::tokens`] and [`PriceAnswer::tokens_pico`]: input, output, cache reads, cache
// writes for five minutes and for an hour, reasoning. They exclude each other.
#define TL_TOKEN_CLASSES 6

// Bits of [`PriceRequest::modifiers`].
#define TL_PRICE_FAST 1

// Batch processing.
#define TL_PRICE_BATCH 2

// Flex processing.
#define TL_PRICE_FLEX 4

// Priority processing.
#define TL_PRICE_PRIORITY 8

// Data residency in the United States.
#define TL_PRICE_RESIDENCY_US 16

// A regional endpoint.
#define TL_PRICE_REGIONAL 32

// Bytes of text in an [`Error`]: a message names a path, and [`Error`] is 1 KiB with it.
#define TL_MESSAGE_BYTES 1008

// How many there are.
#define Dimensions_COUNT 8

// How a call ended. Numbers are never used again for something else.
enum tl_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // Done; output parameters are written.
  TL_STATUS_OK = 0,
  // A pointer is null or a length impossible; nothing was done.
  TL_STATUS_INVALID_ARGUMENT = 1,
  // The buffer does not follow its layout; nothing was done.
  TL_STATUS_MALFORMED = 2,
  // The configuration cannot be used; nothing was made.
  TL_STATUS_CONFIGURATION = 3,
  // The engine panicked in this call or an earlier one; the handle is poisoned for good.
  TL_STATUS_POISONED = 4,
  // The ledger could not be written or read, for a reason that has no number of its own. Nothing goes
  // out until it can be; the call may be made again. So it is with the four numbers that follow.
  TL_STATUS_STORAGE = 5,
  // As `Storage`: there is no space left, or a quota is used up.
  TL_STATUS_STORAGE_FULL = 6,
  // As `Storage`: another process, or another engine of this one, has the ledger.
  TL_STATUS_STORAGE_BUSY = 7,
  // As `Storage`: a newer version of this software wrote the ledger.
  TL_STATUS_STORAGE_NEWER = 8,
  // As `Storage`: the ledger may not be written.
  TL_STATUS_STORAGE_READ_ONLY = 9,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tl_status tl_status;
#else
typedef int32_t tl_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What is counted.
enum Measure
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint8_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // Tokens without a kind of their own below.
  MEASURE_OTHER_TOKENS = 0,
  // Tokens of the prompt that were neither read from a cache nor written to one.
  MEASURE_INPUT_TOKENS = 1,
  // Tokens of the answer, thinking included.
  MEASURE_OUTPUT_TOKENS = 2,
  // Tokens read from a cache.
  MEASURE_CACHE_READ_TOKENS = 3,
  // Tokens written to a cache.
  MEASURE_CACHE_CREATION_TOKENS = 4,
  // Dollars as the client reports them.
  MEASURE_REPORTED_COST = 5,
  // Dollars computed from list prices; nothing where no price is known, which is not the same as 0.
  MEASURE_COMPUTED_COST = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum Measure Measure;
#else
typedef uint8_t Measure;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What becomes of one input point.
enum tl_action
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint8_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // The point is removed from the batch: held, coalesced, recognised or refused.
  TL_ACTION_DROP = 0,
  // The point carries start, time and value of the verdict.
  TL_ACTION_WRITE = 1,
  // As `Write`, with a zero that stands for the held value; the point's exemplars go (D6, D10).
  TL_ACTION_WRITE_ZERO = 2,
  // As `Write`, and the attributes give way to `otel.metric.overflow = true` (T5).
  TL_ACTION_WRITE_OVERFLOW = 3,
  // Start, time and value stay as they are (D14, T4); attributes may still be removed.
  TL_ACTION_KEEP = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tl_action tl_action;
#else
typedef uint8_t tl_action;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What kind of metric the points belong to. Summaries are never shown to the engine.
enum tl_metric_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint8_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // A sum, monotonic or not.
  TL_METRIC_KIND_SUM = 1,
  // A gauge; only shown where a rule may remove attributes (T4).
  TL_METRIC_KIND_GAUGE = 2,
  // A histogram with explicit bounds (D12).
  TL_METRIC_KIND_EXPLICIT_HISTOGRAM = 3,
  // A histogram with exponential buckets (D13).
  TL_METRIC_KIND_EXPONENTIAL_HISTOGRAM = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tl_metric_kind tl_metric_kind;
#else
typedef uint8_t tl_metric_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Whether a point says what was added since the last one, or since the start.
enum tl_temporality
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint8_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // The increase of one window. Gauges, which have no temporality, carry this one too.
  TL_TEMPORALITY_DELTA = 1,
  // The total since the point's start (T3).
  TL_TEMPORALITY_CUMULATIVE = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tl_temporality tl_temporality;
#else
typedef uint8_t tl_temporality;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// An engine behind the boundary. After a panic it answers every call with [`Status::Poisoned`].
typedef struct tl_engine tl_engine;

// A price table; immutable, so several threads may use it at once.
typedef struct tl_prices tl_prices;

// Answers to one batch, reused by the caller for the next.
typedef struct tl_result tl_result;

// One tick under way, with the payloads of its current chunk.
typedef struct tl_tick tl_tick;

// Sizes as this library was compiled with them; the caller compares them with its own at start.
typedef struct {
  // [`layout::LAYOUT_VERSION`].
  uint32_t layout_version;
  // Bytes of a batch header.
  uint32_t batch_header;
  // Bytes of a resource record.
  uint32_t resource_record;
  // Bytes of a scope record.
  uint32_t scope_record;
  // Bytes of a metric record.
  uint32_t metric_record;
  // Bytes of a point record.
  uint32_t point_record;
  // Bytes of a verdict.
  uint32_t verdict;
  // Bytes of an added point.
  uint32_t added_point;
  // Bytes of an attribute edit.
  uint32_t attribute_edit;
  // Bytes of a batch view.
  uint32_t batch_view;
  // Bytes of the stats.
  uint32_t stats;
  // Bytes of an opening.
  uint32_t opening;
  // Bytes of an error.
  uint32_t error;
  // Bytes of a price request.
  uint32_t price_request;
  // Bytes of a price answer.
  uint32_t price_answer;
} tl_abi_sizes_t;

// What was found at the start.
typedef struct {
  // 1 if there was a ledger, 0 if it is new.
  uint64_t restored;
  // Ledger streams that are back.
  uint64_t streams;
  // Source streams and members that are back.
  uint64_t source_streams;
  // Rows and snapshots that were damaged and kept aside.
  uint64_t damaged;
  // When the ledger was made, Unix nanoseconds.
  uint64_t created_unix_nano;
  // The latest moment that it knows, Unix nanoseconds.
  uint64_t last_written_unix_nano;
  // How far the clock lies behind that moment, in nanoseconds; 0 if it does not.
  uint64_t clock_behind_nano;
  // 1 if trimming or identity settings changed, so that streams were brought together anew.
  uint64_t settings_changed;
  // How long it took, in nanoseconds: for the caller to fill in, as the engine reads no clock.
  uint64_t nanos;
} tl_opening;

// What went wrong, in memory of the caller; nothing is allocated across the boundary.
typedef struct {
  // Place in the input where that makes sense, else 0.
  uint64_t offset;
  // Bytes of `message` that are set.
  uint32_t length;
  // 1 if the panic behind `Poisoned` happened in this very call, else 0.
  uint32_t fresh;
  // UTF-8 text without a final zero.
  uint8_t message[TL_MESSAGE_BYTES];
} tl_error;

// A text inside the memory of its handle.
typedef struct {
  // UTF-8 without a final zero; null if it is empty.
  const uint8_t *text;
  // Bytes of the text.
  uint64_t text_bytes;
} tl_text_view;

// The answer to one input point, in input order. Read in place by the C boundary's caller.
typedef struct {
  // Start of the cumulative stream in Unix nanoseconds.
  uint64_t start_unix_nano;
  // Output time in Unix nanoseconds, a whole millisecond (D4).
  uint64_t time_unix_nano;
  // The total: bits of an `i64` or of an `f64`; for histograms where the total begins among the
  // batch's distribution words, counted in words.
  uint64_t value_bits;
  // Attributes to remove (T1): bit `i` is the point's attribute number `i`, the first is 0.
  uint32_t remove;
  // Attributes whose value becomes [`OTHER`] (T2), as `remove`.
  uint32_t replace;
  // An [`Action`].
  uint8_t action;
  // 1 if the value is a double, 0 if it is an integer.
  uint8_t is_double;
  // 1 if the batch's list of edits has more attributes of this point: those beyond the first 32.
  uint8_t has_edits;
  // Zero; room for later rules.
  uint8_t reserved[5];
} tl_verdict;

// A zero point to put beside an input point: same metric, same attributes (D6).
typedef struct {
  // Start of the cumulative stream in Unix nanoseconds.
  uint64_t start_unix_nano;
  // Output time in Unix nanoseconds, before that of the point it stands beside.
  uint64_t time_unix_nano;
  // Number of the input point, counted from 0 in input order.
  uint32_t point;
  // 1 if the zero is a double, 0 if it is an integer.
  uint8_t is_double;
  // 1 if the attributes are those of the overflow stream (T5).
  uint8_t overflow;
  // Zero; room for later rules.
  uint8_t reserved[2];
} tl_added_point;

// One attribute to remove or replace, where a verdict's bits do not reach: on resources, and on
// points beyond the first 32 attributes. Sorted by owner and attribute.
typedef struct {
  // Number of the point, or of the resource, in the order of the batch.
  uint32_t owner;
  // Number of the attribute, the first is 0.
  uint32_t attribute;
  // 1 if its value becomes [`OTHER`] (T2), 0 if it is removed (T1).
  uint32_t replace;
} tl_attribute_edit;

// How many points of a batch ended how. Each point has exactly one outcome.
typedef struct {
  // Added to its stream.
  uint64_t accepted;
  // Recognised as a retransmission; added nothing (D3).
  uint64_t duplicate;
  // Added, but not after the last emitted time; goes out with a later point or tick (D4).
  uint64_t late;
  // Not a number, infinite, negative on a monotonic sum, or beyond every limit (D8).
  uint64_t invalid;
  // Added to the overflow stream of its metric (T5).
  uint64_t overflow;
  // Carried the flag `NO_RECORDED_VALUE` (D9).
  uint64_t no_value;
  // Cumulative or gauge, and not newer than what is known; added nothing (T3, T4).
  uint64_t superseded;
  // First sight of a cumulative member that may have been counted before: its value became the
  // base of what comes (T3).
  uint64_t baseline;
  // Found no room at all: cumulative without room for a member, or overflow without room (T5).
  uint64_t refused;
  // Passed on untouched: cumulative points that no rule concerns (D14).
  uint64_t untouched;
} tl_outcomes;

// The answers to one batch, inside the memory of its result handle.
typedef struct {
  // One verdict per point record, in order; null if there are none.
  const tl_verdict *verdicts;
  // Number of verdicts.
  uint64_t verdict_count;
  // Points to add; null if there are none.
  const tl_added_point *added;
  // Number of points to add.
  uint64_t added_count;
  // Attributes of points to remove or replace beyond the verdicts' bits, sorted; null if there are none.
  const tl_attribute_edit *point_edits;
  // Number of those.
  uint64_t point_edit_count;
  // Attributes of resources to remove, sorted; null if there are none.
  const tl_attribute_edit *resource_edits;
  // Number of those.
  uint64_t resource_edit_count;
  // Distribution words that verdicts of histogram points name; null if there are none.
  const uint64_t *words;
  // Number of words.
  uint64_t word_count;
  // What became of the points.
  tl_outcomes outcomes;
  // Before the batch is passed on or acknowledged `tl_engine_settle` has to be `Ok` for this number; 0 if
  // there is nothing to wait for.
  uint64_t ticket;
  // Memory that the result handle holds; a caller that keeps handles frees large ones.
  uint64_t scratch_bytes;
} tl_batch_view;

// The current chunk of a tick, inside the memory of its tick handle.
typedef struct {
  // Number of payloads; read each with `tl_tick_payload`.
  uint64_t payload_count;
  // 1 if this is the last chunk, else 0.
  uint8_t done;
} tl_tick_view;

// One payload of a tick.
typedef struct {
  // Client metadata as attribute records; null if there is none.
  const uint8_t *metadata;
  // Bytes of metadata.
  uint64_t metadata_bytes;
  // An OTLP `ExportMetricsServiceRequest`; null if it is empty.
  const uint8_t *request;
  // Bytes of the request.
  uint64_t request_bytes;
} tl_payload_view;

// What an engine holds at a moment.
typedef struct {
  // Live ledger streams, overflow streams included.
  uint64_t streams;
  // Limit of ordinary ledger streams, and of source streams.
  uint64_t max_streams;
  // Source streams and members of cumulative input that are told apart beneath the ledger streams.
  uint64_t source_streams;
  // Forgotten members of cumulative input whose last value is still known (T3).
  uint64_t tombstones;
  // Streams that wait for a tick (an upper bound).
  uint64_t pending_streams;
  // Streams forgotten to make room for others (T5), since the start.
  uint64_t evicted_streams;
  // Bytes of stream state: entries, tables, attribute lists, request digests.
  uint64_t state_bytes;
  // Bytes of interned text and its tables.
  uint64_t text_bytes;
  // Bytes of scratch that callers hold.
  uint64_t scratch_bytes;
  // Limit of the three sums of bytes above together (T5); 0 = none.
  uint64_t max_memory_bytes;
  // How often the wall clock stepped back by more than a minute.
  uint64_t clock_steps_back;
  // Bytes of the ledger's files; 0 without a ledger, as all that follows.
  uint64_t ledger_file_bytes;
  // Bytes of journal that no snapshot contains yet.
  uint64_t ledger_journal_bytes;
  // Transactions written.
  uint64_t ledger_commits;
  // Transactions that could not be written.
  uint64_t ledger_failed_commits;
  // Whole snapshots made.
  uint64_t ledger_snapshots;
  // Snapshots that could not be made.
  uint64_t ledger_failed_snapshots;
  // Rows and snapshots found damaged at the start.
  uint64_t ledger_damaged;
  // 1 while nothing can be written, and so nothing is taken in.
  uint64_t ledger_stopped;
  // Usage entries that are not in the usage file yet.
  uint64_t usage_pending;
} tl_stats;

// One request to a model.
typedef struct {
  // Tokens by class.
  uint64_t tokens[TL_TOKEN_CLASSES];
  // Searches of the web.
  uint64_t web_searches;
  // When it was made, Unix nanoseconds: decides on the row.
  uint64_t unix_nano;
  // The bits above.
  uint32_t modifiers;
  // Zero.
  uint32_t reserved;
} tl_price_request;

// What a request cost, in 10⁻¹² dollars; amounts stop at the ends of 64 bits.
typedef struct {
  // After discounts, by class.
  int64_t tokens_pico[TL_TOKEN_CLASSES];
  // Searches of the web, after discounts.
  int64_t web_searches_pico;
  // The sum of the above.
  int64_t total_pico;
  // The same at list price.
  int64_t list_pico;
  // What reading from caches saved.
  int64_t savings_pico;
  // Who sells, and the model as the table names it; inside the memory of the price table.
  tl_text_view provider;
  // See `provider`.
  tl_text_view model;
  // 1 if a price is known; else nothing above means anything.
  uint8_t known;
  // 1 if the request was billed at long-context prices.
  uint8_t long_context;
} tl_price_answer;

// Begins a buffer; the attribute records of the client metadata follow.
typedef struct {
  // [`MAGIC`].
  uint32_t magic;
  // [`LAYOUT_VERSION`].
  uint32_t layout_version;
  // Length of the whole buffer in bytes.
  uint64_t total_bytes;
  // The wall clock, Unix nanoseconds.
  uint64_t wall_unix_nano;
  // The monotonic clock, nanoseconds since any fixed moment.
  uint64_t monotonic_nano;
  // Number of point records.
  uint32_t point_count;
  // Length of the metadata's attribute records.
  uint32_t metadata_bytes;
} tl_batch_header;

// A resource; attribute records and schema URL follow.
typedef struct {
  // [`TAG_RESOURCE`].
  uint8_t tag;
  // Zero.
  uint8_t reserved[3];
  // Length of the attribute records.
  uint32_t attribute_bytes;
  // Length of the schema URL.
  uint32_t schema_url_bytes;
  // Zero.
  uint32_t padding;
} tl_resource_record;

// A scope of the last resource; attribute records, name, version and schema URL follow.
typedef struct {
  // [`TAG_SCOPE`].
  uint8_t tag;
  // Zero.
  uint8_t reserved[3];
  // Length of the attribute records.
  uint32_t attribute_bytes;
  // Length of the name.
  uint32_t name_bytes;
  // Length of the version.
  uint32_t version_bytes;
  // Length of the schema URL.
  uint32_t schema_url_bytes;
  // Zero.
  uint32_t padding;
} tl_scope_record;

// A metric of the last scope; name, unit and description follow. Its kind is a
// [`tokenledger::batch::MetricKind`], its temporality a [`tokenledger::batch::Temporality`].
typedef struct {
  // [`TAG_METRIC`].
  uint8_t tag;
  // 1 if the sum may only grow, else 0; 1 for histograms, 0 for gauges.
  uint8_t monotonic;
  // 1 sum, 2 gauge, 3 explicit histogram, 4 exponential histogram.
  uint8_t kind;
  // 1 delta, 2 cumulative; 1 for gauges.
  uint8_t temporality;
  // Length of the name.
  uint32_t name_bytes;
  // Length of the unit.
  uint32_t unit_bytes;
  // Length of the description.
  uint32_t description_bytes;
} tl_metric_record;

// A point of the last metric; its attribute records follow. Those of a histogram's point are
// followed, at the next multiple of 8 bytes, by its distribution words ([`tokenledger::distribution`]).
typedef struct {
  // [`TAG_POINT`].
  uint8_t tag;
  // 1 if the value is a double, 0 if it is an integer.
  uint8_t is_double;
  // 1 if the point says that it carries no value (`NO_RECORDED_VALUE`).
  uint8_t no_recorded_value;
  // Zero.
  uint8_t reserved;
  // Length of the attribute records.
  uint32_t attribute_bytes;
  // Start of the window, Unix nanoseconds, 0 = unknown.
  uint64_t start_unix_nano;
  // End of the window, Unix nanoseconds, 0 = unknown.
  uint64_t time_unix_nano;
  // Bits of an `i64` or an `f64`; for histograms the number of distribution words.
  uint64_t value_bits;
} tl_point_record;

// All of them, in the order of their numbers.
#define Measure_ALL { Measure_OtherTokens, Measure_InputTokens, Measure_OutputTokens, Measure_CacheReadTokens, Measure_CacheCreationTokens, Measure_ReportedCost, Measure_ComputedCost, }



#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Digest of the sources that this library was built from: a string that ends with a zero and lives
// as long as the process. `unset` in a build that was not made by `make lib`.
const char *tl_content_digest(void);

// Fills in the sizes of all structs that cross the boundary.
//
// # Safety
// `sizes` is null or points to writable memory for an `AbiSizes`.
void tl_abi_sizes(tl_abi_sizes_t *sizes);

// Engines alive in this process, for leak tests.
uint64_t tl_live_engines(void);

// Makes an engine from a JSON configuration and [`SECRET_BYTES`] random bytes, which make identities
// unpredictable. `storage` is JSON with the fields of `tokenledger_storage::Settings`: the engine goes on
// where the ledger in that place ended, and `opening` says what was found. Empty: without a ledger. Free
// the engine with [`tl_engine_destroy`], which gives the ledger free too.
//
// # Safety
// `config` points to `config_bytes` readable bytes, `storage` to `storage_bytes` and `secret` to
// `secret_bytes` of them; `engine` to writable memory for a pointer, `opening` for an `Opening`; `error` is
// null or points to writable memory for an `Error`.
tl_status tl_engine_create(const uint8_t *config,
                           size_t config_bytes,
                           const uint8_t *storage,
                           size_t storage_bytes,
                           const uint8_t *secret,
                           size_t secret_bytes,
                           uint64_t wall_unix_nano,
                           uint64_t monotonic_nano,
                           tl_engine **engine,
                           tl_opening *opening,
                           tl_error *error);

// One warning about the place where the ledger is (a network file system, for example), counted from 0;
// false if there is none of that number.
//
// # Safety
// `engine` is a live handle; `view` points to writable memory for a `TextView`.
bool tl_engine_warning(const tl_engine *engine,
                       uint64_t number,
                       tl_text_view *view);

// Ends an engine; null is fine.
//
// # Safety
// `engine` is null or comes from [`tl_engine_create`], is not used by any other thread and not
// used again.
void tl_engine_destroy(tl_engine *engine);

// Makes an empty result handle. Free it with [`tl_result_destroy`].
tl_result *tl_result_create(void);

// Ends a result handle; null is fine.
//
// # Safety
// As [`tl_engine_destroy`], with [`tl_result_create`].
void tl_result_destroy(tl_result *result);

// Makes an empty tick handle. Free it with [`tl_tick_destroy`].
tl_tick *tl_tick_create(void);

// Ends a tick handle; null is fine.
//
// # Safety
// As [`tl_engine_destroy`], with [`tl_tick_create`].
void tl_tick_destroy(tl_tick *tick);

// Takes a flat buffer (layout in `layout.rs`) in and answers every point of it. While what was taken in
// before cannot be written the answer is `Storage`, or one of its kind, and nothing is taken in.
//
// # Safety
// `engine` and `result` are live handles, `result` used by no other thread; `buffer` points to
// `buffer_bytes` readable bytes; `view` to writable memory for a `BatchView`; `error` as in
// [`tl_engine_create`].
tl_status tl_engine_consume(const tl_engine *engine,
                            const uint8_t *buffer,
                            size_t buffer_bytes,
                            tl_result *result,
                            tl_batch_view *view,
                            tl_error *error);

// Returns when everything up to `ticket` ([`BatchView::ticket`]) is in the ledger; the answer for one ticket is
// that for all before it. `Storage` or one of its kind: the batch is in the totals, but not in the ledger. It
// must be neither passed on nor acknowledged; its sender repeats it, and it is recognised then (D3).
//
// # Safety
// `engine` is a live handle; `error` as in [`tl_engine_create`].
tl_status tl_engine_settle(const tl_engine *engine,
                           uint64_t ticket,
                           uint64_t wall_unix_nano,
                           uint64_t monotonic_nano,
                           tl_error *error);

// Background work of the ledger: snapshots, usage, small files. Called about once a second, by one thread at a
// time beside all others, and with `last` = 1 after the last tick. May take long.
//
// # Safety
// As [`tl_engine_settle`].
tl_status tl_engine_maintain(const tl_engine *engine,
                             uint64_t wall_unix_nano,
                             uint64_t monotonic_nano,
                             uint8_t last,
                             tl_error *error);

// The next consumer refused the batch that `result` answered (L4).
//
// # Safety
// As [`tl_engine_consume`].
tl_status tl_engine_refused(const tl_engine *engine,
                            const tl_result *result,
                            uint64_t wall_unix_nano,
                            uint64_t monotonic_nano,
                            tl_error *error);

// Collects the next chunk of what is due; call until `done`. `last` = 1 at Shutdown (L5). With `Storage` or one
// of its kind nothing goes out: what is due is not in the ledger yet. A later tick brings it.
//
// # Safety
// `engine` and `tick` are live handles, `tick` used by no other thread; `view` points to writable
// memory for a `TickView`; `error` as in [`tl_engine_create`].
tl_status tl_engine_tick(const tl_engine *engine,
                         tl_tick *tick,
                         uint64_t wall_unix_nano,
                         uint64_t monotonic_nano,
                         uint8_t last,
                         tl_tick_view *view,
                         tl_error *error);

// One payload of the tick's current chunk, counted from 0; false if there is none of that number.
//
// # Safety
// `tick` is a live handle used by no other thread; `view` points to writable memory for a
// `PayloadView`.
bool tl_tick_payload(const tl_tick *tick, uint64_t number, tl_payload_view *view);

// The next consumer refused one payload of the tick's current chunk, counted from 0 (L4).
//
// # Safety
// As [`tl_engine_tick`].
tl_status tl_engine_tick_refused(const tl_engine *engine,
                                 const tl_tick *tick,
                                 uint64_t payload,
                                 tl_error *error);

// What the engine holds.
//
// # Safety
// `engine` is a live handle; `stats` points to writable memory for a `Stats`; `error` as in
// [`tl_engine_create`].
tl_status tl_engine_stats(const tl_engine *engine, tl_stats *stats, tl_error *error);

// Whether some rule removes the attribute `key` from points of the metric `name` (T1): for exemplars,
// whose own attributes do not cross the boundary (D10). False for null pointers.
//
// # Safety
// `engine` is a live handle; `name` points to `name_bytes` readable bytes, `key` to `key_bytes`.
bool tl_engine_removes_attribute(const tl_engine *engine,
                                 const uint8_t *name,
                                 size_t name_bytes,
                                 const uint8_t *key,
                                 size_t key_bytes);

// A drill: the engine's next call panics inside, to show that the caller survives it.
//
// # Safety
// `engine` is null or a live handle.
void tl_engine_inject_panic(const tl_engine *engine);

// A drill: from now on the engine's ledger cannot be written, as if the disk were full; with `full` = 0 it can
// be again. Without effect on an engine without a ledger.
//
// # Safety
// `engine` is null or a live handle.
void tl_engine_inject_full_disk(const tl_engine *engine,
                                uint8_t full);

// Makes a price table from the built-in one and a user's file (TOML; empty: none). `Configuration` says what is
// wrong with the file. Free it with [`tl_prices_destroy`].
//
// # Safety
// `file` points to `file_bytes` readable bytes; `prices` to writable memory for a pointer; `error` is null or
// points to writable memory for an `Error`.
tl_status tl_prices_create(const uint8_t *file,
                           size_t file_bytes,
                           tl_prices **prices,
                           tl_error *error);

// Ends a price table; null is fine. Engines that use it go on with it.
//
// # Safety
// `prices` is null or comes from [`tl_prices_create`], is not used by any other thread and not used again.
void tl_prices_destroy(tl_prices *prices);

// Names the table: its version, and the user's file where there is one. False for null pointers.
//
// # Safety
// `prices` is a live handle; `view` points to writable memory for a `TextView`.
bool tl_prices_version(const tl_prices *prices, tl_text_view *view);

// The user's currency: its code, and units of it per dollar. False if there is none.
//
// # Safety
// `prices` is a live handle; `code` points to writable memory for a `TextView`, `per_usd` for a double.
bool tl_prices_currency(const tl_prices *prices,
                        tl_text_view *code,
                        double *per_usd);

// What one request cost. `provider` is what the client says of who serves the model; empty if it does not.
//
// # Safety
// `prices` is a live handle; `model` points to `model_bytes` readable bytes, `provider` to `provider_bytes`;
// `request` to a `PriceRequest`; `found` to writable memory for a `PriceAnswer`; `error` as in
// [`tl_prices_create`].
tl_status tl_prices_request(const tl_prices *prices,
                            const uint8_t *model,
                            size_t model_bytes,
                            const uint8_t *provider,
                            size_t provider_bytes,
                            const tl_price_request *request,
                            tl_price_answer *found,
                            tl_error *error);

// The engine computes costs from this table from now on, where its configuration says so. The handle may be
// freed afterwards.
//
// # Safety
// `engine` and `prices` are live handles; `error` as in [`tl_prices_create`].
tl_status tl_engine_set_prices(const tl_engine *engine,
                               const tl_prices *prices,
                               tl_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TOKENLEDGER_H */
