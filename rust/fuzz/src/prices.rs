//! Price files of users, and names of models: both are other people's text.

use tokenledger_prices::{Modifiers, Prices, Tokens};

/// Reads `data` up to a zero byte as a price file, and what follows as the name of a model.
///
/// Promises: no panic; a file is an error or a table; a name is found alike twice; no amount is below zero, a
/// discount never makes dearer, and classes add up to the total.
pub fn price_file(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let file = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let name = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let Ok(prices) = Prices::with_user_file(&file) else { return };
    for name in [&*name, "claude-sonnet-4-5-20250929"] {
        let found = prices.find(name, "");
        let again = prices.find(name, "");
        let model = |found: &Option<tokenledger_prices::Found<'_>>| found.map(|found| found.model.to_owned());
        assert_eq!(model(&found), model(&again), "{name:?} is found alike twice");
        let Some(found) = found else { continue };
        for unix_nano in [0, 1_790_000_000_000_000_000, u64::MAX] {
            for fast in [false, true] {
                check(&found, unix_nano, Modifiers { fast, batch: !fast, ..Modifiers::default() });
            }
        }
    }
}

fn check(found: &tokenledger_prices::Found<'_>, unix_nano: u64, modifiers: Modifiers) {
    for tokens in [Tokens::default(), Tokens([1; 6]), Tokens([u64::MAX; 6])] {
        let Some(answer) = found.price(&tokens, 3, unix_nano, modifiers) else { continue };
        let (paid, list) = (answer.amounts.total(), answer.list.total());
        assert!(answer.amounts.tokens.iter().all(|amount| *amount >= 0), "{answer:?}");
        assert!((0..=list).contains(&paid), "{paid} of {list}");
        let sum = answer.amounts.tokens.iter().sum::<i128>() + answer.amounts.web_searches;
        assert_eq!(sum, paid);
    }
}
