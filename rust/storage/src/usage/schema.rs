//! The schema of `usage.db`: tables by version, and views over them.
//!
//! `docs/usage.md` documents both for people who query the file.

/// Marks a file as ours: "TLus".
pub(super) const APPLICATION_ID: i32 = 0x544C_7573;

/// What brings a file from each version to the next; the first makes version 1 of an empty file.
/// A step is never changed once it was released: another is added.
pub(super) const MIGRATIONS: [&str; 2] = [VERSION_1, VERSION_2];

/// The version that this software writes.
pub(super) const VERSION: i32 = MIGRATIONS.len() as i32;

/// Names of the dimensions' columns, in the order of [`tokenledger::usage::Dimensions`].
pub(super) const DIMENSIONS: [&str; 8] =
    ["agent", "model", "provider", "user", "team", "project", "cost_center", "organization"];

/// Names of the columns of amounts, in the order of [`tokenledger::usage::Measure`].
/// All but the last are NOT NULL.
pub(super) const AMOUNTS: [&str; 7] = [
    "other_tokens",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "reported_cost_pico",
    COMPUTED,
];

/// The amount that is NULL where nothing was computed: no price is known, or none was asked for.
const COMPUTED: &str = "computed_cost_pico";

/// Key in `meta`: the hour in which this file was begun.
pub(super) const BEGAN: &str = "began_unix_hour";
/// Key in `meta`: hours before this one were removed by retention; 0 if none were.
pub(super) const PRUNED: &str = "pruned_before_unix_hour";

/// `applied.ledger` and `applied.through` hold unsigned numbers of 64 bits as signed ones.
/// `computed_cost_pico` is NULL where no cost was computed from prices.
const VERSION_1: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE applied (ledger INTEGER PRIMARY KEY, through INTEGER NOT NULL) STRICT;
CREATE TABLE dimension (
    id INTEGER PRIMARY KEY,
    agent TEXT NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL, user TEXT NOT NULL,
    team TEXT NOT NULL, project TEXT NOT NULL, cost_center TEXT NOT NULL, organization TEXT NOT NULL,
    UNIQUE (agent, model, provider, user, team, project, cost_center, organization)
) STRICT;
CREATE TABLE usage (
    unix_hour INTEGER NOT NULL,
    dimension_id INTEGER NOT NULL REFERENCES dimension (id),
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_creation_tokens INTEGER NOT NULL,
    other_tokens INTEGER NOT NULL,
    reported_cost_pico INTEGER NOT NULL,
    computed_cost_pico INTEGER,
    PRIMARY KEY (unix_hour, dimension_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE session (id INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE usage_session (
    unix_hour INTEGER NOT NULL,
    dimension_id INTEGER NOT NULL REFERENCES dimension (id),
    session_id INTEGER NOT NULL REFERENCES session (id),
    PRIMARY KEY (unix_hour, dimension_id, session_id)
) STRICT, WITHOUT ROWID;
";

/// Which price tables computed costs come from (`priced`).
const VERSION_2: &str = "
CREATE TABLE price_table (
    id INTEGER PRIMARY KEY,
    version TEXT NOT NULL,
    since_unix_hour INTEGER NOT NULL
) STRICT;
CREATE TABLE usage_price_table (
    unix_hour INTEGER NOT NULL,
    price_table_id INTEGER NOT NULL REFERENCES price_table (id),
    PRIMARY KEY (unix_hour, price_table_id)
) STRICT, WITHOUT ROWID;
";

/// Sums that never fail, whatever a client sent: `sum()` ends the query with an error where a total
/// leaves 64 bits, `total()` does not, and is exact up to 2⁵³.
const SUMS: &str = "
    CAST(total(input_tokens) AS INTEGER) AS input_tokens,
    CAST(total(output_tokens) AS INTEGER) AS output_tokens,
    CAST(total(cache_read_tokens) AS INTEGER) AS cache_read_tokens,
    CAST(total(cache_creation_tokens) AS INTEGER) AS cache_creation_tokens,
    CAST(total(other_tokens) AS INTEGER) AS other_tokens,
    CAST(total(total_tokens) AS INTEGER) AS total_tokens,
    total(reported_cost_usd) AS reported_cost_usd,
    sum(computed_cost_usd) AS computed_cost_usd,
    count(DISTINCT nullif(user, '')) AS users";

/// Views by period and dimension: name, period, dimensions beside it.
const SUMMARIES: [(&str, &str, &[&str]); 11] = [
    ("usage_by_day", "day", &[]),
    ("usage_by_day_and_user", "day", &["user"]),
    ("usage_by_month", "month", &[]),
    ("usage_by_agent", "month", &["agent"]),
    ("usage_by_model", "month", &["provider", "model"]),
    ("usage_by_user", "month", &["user"]),
    ("usage_by_team", "month", &["team"]),
    ("usage_by_project", "month", &["project"]),
    ("usage_by_cost_center", "month", &["cost_center"]),
    ("usage_by_organization", "month", &["organization"]),
    ("usage_by_day_and_model", "day", &["provider", "model"]),
];

/// Statements that make all views anew. Views hold no data, so they are replaced whenever a file is
/// brought to this version.
pub(super) fn views() -> String {
    let dimensions = DIMENSIONS.join(", ");
    let period = "
    strftime('%Y-%m', unix_hour * 3600, 'unixepoch') AS month,
    strftime('%Y-%m-%d', unix_hour * 3600, 'unixepoch') AS day,
    strftime('%Y-%m-%d %H:00', unix_hour * 3600, 'unixepoch') AS hour";
    let tokens = "input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, other_tokens";
    // As floats where they are added, so that absurd amounts cannot end the query.
    let total = tokens.replace(", ", " + 0.0 + ");
    let mut sql = format!(
        "
CREATE VIEW usage_by_hour AS SELECT {period}, {dimensions}, {tokens},
    CAST({total} AS INTEGER) AS total_tokens,
    reported_cost_pico / 1e12 AS reported_cost_usd,
    computed_cost_pico / 1e12 AS computed_cost_usd
FROM usage JOIN dimension ON dimension.id = dimension_id;
CREATE VIEW session_by_hour AS SELECT {period}, {dimensions}, session
FROM usage_session JOIN dimension ON dimension.id = dimension_id JOIN session ON session.id = session_id;
CREATE VIEW price_table_by_hour AS SELECT {period}, version AS price_table
FROM usage_price_table JOIN price_table ON price_table.id = price_table_id;
CREATE VIEW usage_by_token_type AS
"
    );
    let by_type = AMOUNTS.iter().filter_map(|column| column.strip_suffix("_tokens")).map(|token_type| {
        let column = format!("{token_type}_tokens");
        format!(
            "SELECT month, day, hour, {dimensions}, '{token_type}' AS token_type, {column} AS tokens
FROM usage_by_hour WHERE {column} <> 0"
        )
    });
    sql.push_str(&by_type.collect::<Vec<_>>().join("\nUNION ALL "));
    sql.push_str(";\n");
    for (name, period, by) in SUMMARIES {
        let keys = [&[period], by].concat().join(", ");
        sql.push_str(&format!(
            "CREATE VIEW {name} AS SELECT amounts.*, coalesce(sessions, 0) AS sessions
FROM (SELECT {keys}, {SUMS} FROM usage_by_hour GROUP BY {keys}) AS amounts
LEFT JOIN (SELECT {keys}, count(DISTINCT session) AS sessions FROM session_by_hour GROUP BY {keys})
USING ({keys});\n"
        ));
    }
    sql
}
