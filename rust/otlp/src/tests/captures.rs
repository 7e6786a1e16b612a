//! The byte view on what real clients sent (tests/data/captures).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tokenledger::attribute::Attribute;

use crate::ByteView;
use crate::oracle::{self, Shown, ShownValue, show};

fn metric_bodies(client: &str) -> Vec<PathBuf> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/captures");
    let mut bodies: Vec<_> = std::fs::read_dir(captures.join(client).join("two-sessions-protobuf"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with("_v1_metrics.pb"))
        .collect();
    bodies.sort();
    bodies
}

/// Scenario: all metric requests of two recorded sessions.
/// Guarantee: both ways of reading agree, and the deltas shown add up to the known token totals.
#[test]
fn recorded_sessions_add_up() {
    for client in ["claude-code-2.1.197", "claude-code-2.1.329"] {
        let mut totals: BTreeMap<String, f64> = BTreeMap::new();
        for body in metric_bodies(client) {
            let bytes = std::fs::read(&body).unwrap();
            assert_eq!(oracle::compare(&bytes), Ok(true), "{}", body.display());
            add_tokens(&show(&ByteView::new(&bytes).unwrap()).unwrap(), &mut totals);
        }
        let expected =
            [("cacheCreation", 86_420.0), ("cacheRead", 308_640.0), ("input", 340.0), ("output", 1_320.0)];
        assert_eq!(totals, expected.map(|(name, total)| (name.to_owned(), total)).into(), "{client}");
    }
}

fn add_tokens(shown: &[Shown], totals: &mut BTreeMap<String, f64>) {
    let mut is_tokens = false;
    for element in shown {
        match element {
            Shown::Metric { name, .. } => is_tokens = name == b"claude_code.token.usage",
            Shown::Point { attributes, value, .. } if is_tokens => {
                let ShownValue::Double(bits) = value else { panic!("this client sends doubles: {value:?}") };
                let attribute = |key: &[u8]| {
                    let mut attributes = attributes.iter().map(|record| Attribute::parse(record).unwrap());
                    attributes.find(|attribute| attribute.key == key).unwrap().value
                };
                let name = String::from_utf8(attribute(b"type").to_vec()).unwrap();
                *totals.entry(name).or_default() += f64::from_bits(*bits);
            }
            _ => {}
        }
    }
}
