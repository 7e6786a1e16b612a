//! Amounts as exact decimals; no floats on the way.

/// Units of 10⁻¹² in one.
const PICO: u128 = 1_000_000_000_000;

/// Dollars from units of 10⁻¹²: all digits there are, at least two after the point.
pub(super) fn dollars(pico: i128) -> String {
    let sign = if pico < 0 { "-" } else { "" };
    let size = pico.unsigned_abs();
    let fraction = format!("{:012}", size % PICO);
    let digits = fraction.trim_end_matches('0').len().max(2);
    format!("{sign}{}.{}", size / PICO, &fraction[..digits])
}

/// `part` of `whole` in percent with two digits, rounded half away from zero; `None` of nothing.
pub(super) fn percent(part: i128, whole: i128) -> Option<String> {
    if whole <= 0 {
        return None;
    }
    // At most 2¹⁰³ (2⁴⁰ rows of 64 bits) times 20,000.
    let twice = part * 20_000 / whole;
    let hundredths = (twice + twice.signum()) / 2;
    let sign = if hundredths < 0 { "-" } else { "" };
    let size = hundredths.unsigned_abs();
    Some(format!("{sign}{}.{:02}", size / 100, size % 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: amounts of all sizes and signs. Guarantee: every digit, no more.
    #[test]
    fn dollars_are_exact() {
        for (pico, text) in [
            (0, "0.00"),
            (1, "0.000000000001"),
            (2_765_190_000, "0.00276519"),
            (1_500_000_000_000, "1.50"),
            (-1_500_000_000_000, "-1.50"),
            (i128::from(i64::MAX) * 10, "92233720.36854775807"),
        ] {
            assert_eq!(dollars(pico), text);
        }
    }

    /// Scenario: shares that need rounding, and shares of nothing. Guarantee: two digits, half up.
    #[test]
    fn shares_are_rounded() {
        assert_eq!(percent(1, 3).as_deref(), Some("33.33"));
        assert_eq!(percent(2, 3).as_deref(), Some("66.67"));
        assert_eq!(percent(1, 20_000).as_deref(), Some("0.01"));
        assert_eq!(percent(-1, 3).as_deref(), Some("-33.33"));
        assert_eq!(percent(5, 5).as_deref(), Some("100.00"));
        assert_eq!(percent(0, 0), None);
    }
}
