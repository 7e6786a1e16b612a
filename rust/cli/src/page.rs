//! Reads the text format of Prometheus pages: as much of it as counters and gauges need.

/// One line of the page: a series with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Name of the metric.
    pub name: String,
    /// Labels in the order of the page.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: f64,
}

impl Sample {
    /// The value of a label, if the series has it.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }
}

/// A line that is neither a comment nor a series with a value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the page is not in the Prometheus text format")]
pub struct NotAPage {
    /// Counted from 1.
    line: usize,
}

/// All series of a page. Time stamps are read over.
pub fn parse(page: &str) -> Result<Vec<Sample>, NotAPage> {
    let lines = page.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    let series = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    series.map(|(number, line)| sample(line).ok_or(NotAPage { line: number })).collect()
}

fn sample(line: &str) -> Option<Sample> {
    let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    (!name.is_empty()).then(|| Sample { name: name.to_owned(), labels, value })
}

type Labels = Vec<(String, String)>;

/// Labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(Labels, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let (value, tail) = quoted_text(quoted)?;
        labels.push((name.trim().to_owned(), value));
        rest = tail;
    }
}

/// Text up to the closing quote, with `\\`, `\"` and `\n` resolved, and what follows it.
fn quoted_text(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[place + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            _ => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a page with comments, labels, escapes, time stamps and special values.
    /// Guarantee: names, labels and values come out.
    #[test]
    fn a_page_is_read() {
        let page = "# HELP a text\n# TYPE a counter\na 1\n\nb_total{x=\"1\",y=\"a\\\"}\\\\\\nb\",} 2.5e3 1700000000000\nc{} +Inf\nd{s=\"\"} NaN\n";
        let samples = parse(page).unwrap();
        assert_eq!(samples.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["a", "b_total", "c", "d"]);
        assert_eq!((samples[0].value, samples[1].value, samples[2].value), (1.0, 2500.0, f64::INFINITY));
        assert_eq!(samples[1].label("y"), Some("a\"}\\\nb"));
        assert_eq!((samples[3].label("s"), samples[3].label("t")), (Some(""), None));
        assert!(samples[3].value.is_nan());
    }

    /// Scenario: something else than a page. Guarantee: the error names the line.
    #[test]
    fn other_text_is_refused() {
        for bad in ["<html>", "a{x=\"1\" 2", "a{x=\"1} 2", "a x", "a"] {
            assert_eq!(parse(&format!("# fine\n{bad}\n")), Err(NotAPage { line: 2 }), "{bad}");
        }
    }
}
