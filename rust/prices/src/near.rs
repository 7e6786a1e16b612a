//! Names that look like another, for people who mistyped one.

/// Up to three of `names` that are at most a fifth of `name` (at least two letters) away from it, the nearest first.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    const MOST: usize = 3;
    if name.is_empty() {
        return Vec::new();
    }
    let farthest = (name.len() / 5).max(2);
    let mut near: Vec<(usize, &str)> = names
        .filter(|other| other.len().abs_diff(name.len()) <= farthest)
        .map(|other| (distance(name.as_bytes(), other.as_bytes()), other))
        .filter(|(distance, _)| *distance <= farthest)
        .collect();
    near.sort_unstable();
    near.truncate(MOST);
    near.into_iter().map(|(_, name)| name).collect()
}

/// Letters to add, remove or change (Levenshtein).
fn distance(left: &[u8], right: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], above + 1);
        for (at, other) in right.iter().enumerate() {
            let change = diagonal + usize::from(letter != other);
            diagonal = row[at + 1];
            row[at + 1] = change.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: words with known distances. Guarantee: those.
    #[test]
    fn distances_are_counted() {
        for (left, right, expected) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("opus", "opus", 0), ("flaw", "lawn", 2)]
        {
            assert_eq!(distance(left.as_bytes(), right.as_bytes()), expected, "{left} {right}");
            assert_eq!(distance(right.as_bytes(), left.as_bytes()), expected, "{right} {left}");
        }
    }

    /// Scenario: a mistyped name among several. Guarantee: the nearest first, none that is far.
    #[test]
    fn the_nearest_comes_first() {
        let names = ["claude-opus-4-8", "claude-opus-4-7", "claude-sonnet-5", "gpt-5"];
        assert_eq!(nearest("claude-opus-4-8x", names.into_iter())[0], "claude-opus-4-8");
        assert_eq!(nearest("claude-opus-4-7", names.into_iter()), ["claude-opus-4-7", "claude-opus-4-8"]);
        assert!(nearest("mixtral-8x7b", names.into_iter()).is_empty());
        assert!(nearest("", ["o1"].into_iter()).is_empty());
    }
}
