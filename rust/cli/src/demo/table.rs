//! The comparison as a table for people.

use super::comparison::{COST, Row};
use crate::output;

/// Prints a block per session and a last line with the result.
pub fn print(rows: &[Row]) {
    lines(rows).iter().for_each(|line| output::line(line));
}

fn lines(rows: &[Row]) -> Vec<String> {
    let mut lines = Vec::new();
    for session in rows.chunk_by(|a, b| a.session_id == b.session_id) {
        if let Some(Row { session_id, model, .. }) = session.first() {
            let model = if model.is_empty() { "not in truth.json" } else { model };
            lines.push(format!("session {session_id} ({model})"));
        }
        lines.push(columns(["type", "truth", "exposed", "difference"]));
        lines.extend(session.iter().map(row));
        lines.push(String::new());
    }
    let wrong = rows.iter().filter(|row| !row.is_exact()).count();
    lines.push(match wrong {
        0 => format!("all {} totals are exact", rows.len()),
        _ => format!("{wrong} of {} totals differ", rows.len()),
    });
    lines
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
        assert_eq!(lines(&rows), expected);
        assert_eq!(lines(&rows[..2]).last().unwrap(), "all 2 totals are exact");
    }
}
