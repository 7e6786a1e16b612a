//! The golden table of names: every name of the sources and the model that it leads to.

use tokenledger_prices::Prices;

use crate::Failure;
use crate::sources::Published;

/// Lines of `name<TAB>provider/model`, or `unpriced` in place of the latter.
pub fn table(published: &Published) -> Result<String, Failure> {
    let prices = Prices::built_in().map_err(|error| Failure(format!("the built-in table: {error}")))?;
    let mut text = String::new();
    for name in &published.names {
        let found = prices.find(name, "");
        let place =
            found.map_or("unpriced".to_string(), |found| format!("{}/{}", found.provider, found.model));
        text.push_str(&format!("{name}\t{place}\n"));
    }
    Ok(text)
}
