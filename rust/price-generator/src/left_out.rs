//! The list in docs/prices.md of what the sources name and the table leaves out.

use std::collections::BTreeMap;

use crate::Failure;
use crate::merge::LeftOut;

const BEGIN: &str = "<!-- begin: written by make prices -->";
const END: &str = "<!-- end: written by make prices -->";

/// The page with its list renewed.
pub fn into_page(page: &str, left_out: &[LeftOut]) -> Result<String, Failure> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        return Err(Failure(format!("docs/prices.md has no place for the list: `{BEGIN}` and `{END}`")));
    };
    Ok(format!("{before}{BEGIN}\n{}{END}{after}", list(left_out)))
}

/// By reason, as many share one.
fn list(left_out: &[LeftOut]) -> String {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in left_out {
        by_reason.entry(&one.reason).or_default().push(&one.name);
    }
    let line = |(reason, names): (&str, Vec<&str>)| format!("* {reason}: {}\n", names.join(", "));
    by_reason.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a page with an old list between the marks.
    /// Guarantee: the list is replaced, the text around it stays; a page without the marks is an error.
    #[test]
    fn the_list_is_replaced() {
        let left_out = [LeftOut { name: "xai/grok-9".into(), reason: "the tables differ".into() }];
        let page = into_page(&format!("Text\n{BEGIN}\nold\n{END}\nmore\n"), &left_out).unwrap();
        assert_eq!(page, format!("Text\n{BEGIN}\n* the tables differ: xai/grok-9\n{END}\nmore\n"));
        assert!(into_page("Text", &left_out).is_err());
    }
}
