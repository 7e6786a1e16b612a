//! The comparison as a table for people.

use super::comparison::{COST, Estimate, Row};
use crate::output;

/// Prints a block per session and a last line with the result.
pub fn print(rows: &[Row], estimates: &[Estimate]) {
    lines(rows, estimates).iter().for_each(|line| output::line(line));
}

/// What a computed cost means and why it can differ from the reported one.
const ESTIMATE: &str = "at list price: computed by the collector from these tokens, an estimate and not a bill. It is less than what the\n\
                        client reports where a cache that was written lives longer than metrics tell (pricing.cache_writes).";

fn lines(rows: &[Row], estimates: &[Estimate]) -> Vec<String> {
    let mut lines = Vec::new();
    for session in rows.chunk_by(|a, b| a.session_id == b.session_id) {
        if let Some(Row { session_id, model, .. }) = session.first() {
            let model = if model.is_empty() { "not in truth.json" } else { model };
            lines.push(format!("session {session_id} ({model})"));
        }
        lines.push(columns(["type", "truth", "exposed", "difference"]));
        lines.extend(session.iter().map(row));
        let of_session =
            |estimate: &&Estimate| session.iter().any(|row| row.session_id == estimate.session_id);
        lines.extend(estimates.iter().find(of_session).map(estimate));
        lines.push(String::new());
    }
    let wrong = rows.iter().filter(|row| !row.is_exact()).count();
    lines.push(match wrong {
        0 => format!("all {} totals are exact", rows.len()),
        _ => format!("{wrong} of {} totals differ", rows.len()),
    });
    if !estimates.is_empty() {
        lines.extend(ESTIMATE.lines().map(str::to_owned));
    }
    lines
}

fn estimate(estimate: &Estimate) -> String {
    columns(["at list price", "", &format!("{:.9}", estimate.computed_usd), ""]).trim_end().to_owned()
}

fn row(row: &Row) -> String {
    let number = |value: f64| if row.kind == COST { format!("{value:.9}") } else { format!("{value}") };
    let exposed = row.exposed.map_or("missing".to_owned(), number);
    let difference = if row.difference == 0.0 { "0".to_owned() } else { number(row.difference) };
    columns([&row.kind, &number(row.truth), &exposed, &difference])
}

fn columns([kind, truth, exposed, difference]: [&str; 4]) -> String {
    format!("  {kind:<14}{truth:>14}{exposed:>14}{difference:>14}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(kind: &str, truth: f64, exposed: Option<f64>) -> Row {
        Row {
            session_id: "s".into(),
            model: "m".into(),
            kind: kind.into(),
            truth,
            exposed,
            difference: exposed.unwrap_or(0.0) - truth,
        }
    }

    /// Scenario: an exact total, a cost, a missing total. Guarantee: aligned columns, and a last line that counts.
    #[test]
    fn the_table_is_readable() {
        let rows = [
            example("input", 170.0, Some(170.0)),
            example(COST, 0.225966, Some(0.225966)),
            example("output", 660.0, None),
        ];
        let expected = [
            "session s (m)",
            "  type                   truth       exposed    difference",
            "  input                    170           170             0",
            "  cost_usd         0.225966000   0.225966000             0",
            "  output                   660       missing          -660",
            "",
            "1 of 3 totals differ",
        ];
        assert_eq!(lines(&rows, &[]), expected);
        assert_eq!(lines(&rows[..2], &[]).last().unwrap(), "all 2 totals are exact");
    }

    /// Scenario: a cost was computed as well, for one session of two.
    /// Guarantee: it stands below what the client reports, and a line says what it is.
    #[test]
    fn computed_costs_are_explained() {
        let mut rows = [example(COST, 0.225966, Some(0.225966)), example(COST, 0.1, Some(0.1))];
        rows[1].session_id = "other".into();
        let lines = lines(&rows, &[Estimate { session_id: "s".into(), computed_usd: 0.2187435 }]);
        assert_eq!(lines[3], "  at list price                  0.218743500");
        assert_eq!(lines.iter().filter(|line| line.starts_with("  at list")).count(), 1);
        assert!(lines.last().unwrap().contains("pricing.cache_writes"));
        assert!(lines.iter().any(|line| line.contains("not a bill")));
    }
}
