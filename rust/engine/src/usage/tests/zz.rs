use super::support::*;
use crate::batch::MetricKind;
use crate::number::Number;
use crate::usage::*;
#[test]
#[ignore]
fn speed() {
    let book = UsageBook::new();
    book.begin(1, Some(0));
    let rule = MetricRule::of(b"claude_code.token.usage", MetricKind::Sum, true).unwrap();
    for n in [1000_u32, 100_000] {
        let ids: Vec<_> = (0..n).map(identity).collect();
        let now = u64::from(NOW_HOUR) * NANOS_PER_HOUR + 5;
        let desc = |i: u32| {
            move |d: &mut Describer| {
                point(d, "user.email", &format!("user{}@example.invalid", i / 400));
                point(d, "session.id", &format!("eec3945a-5a85-4c3c-9aa2-39e4b8{:06}", i / 4));
                point(d, "model", "claude-opus-5-5");
                point(d, "team.id", "platform");
                point(d, "organization.id", "eec3945a-5a85-4c3c-9aa2-39e4b8");
                point(d, "type", ["input", "output", "cacheRead", "cacheCreation"][i as usize % 4]);
            }
        };
        for (i, id) in ids.iter().enumerate() {
            book.add(*id, rule, [now, now], Number::Double(7.0), desc(i as u32));
        }
        let mut out = Vec::new();
        let mut seq = 1;
        let c = book.take_journal(&mut out).unwrap();
        book.committed(c, seq);
        let rounds = 2_000_000 / n;
        let (mut t_add, mut t_cut, mut t_com) = (0u128, 0, 0);
        for _ in 0..rounds {
            out.clear();
            let t = std::time::Instant::now();
            for (i, id) in ids.iter().enumerate() {
                book.add(*id, rule, [now, now], Number::Double(7.0), desc(i as u32));
            }
            t_add += t.elapsed().as_nanos();
            let t = std::time::Instant::now();
            let c = book.take_journal(&mut out).unwrap();
            t_cut += t.elapsed().as_nanos();
            seq += 1;
            let t = std::time::Instant::now();
            book.committed(c, seq);
            t_com += t.elapsed().as_nanos();
        }
        let total = u128::from(rounds * n);
        println!(
            "n {n} add {} cut {} committed {} ns; segment {} bytes/point",
            t_add / total,
            t_cut / total,
            t_com / total,
            out.len() / n as usize
        );
        let t = std::time::Instant::now();
        for (i, id) in ids.iter().enumerate() {
            for _ in 0..10 {
                book.add(*id, rule, [now, now], Number::Double(7.0), desc(i as u32));
            }
        }
        println!("same cut add {} ns", t.elapsed().as_nanos() / u128::from(n * 10));
        println!("{} bytes", book.bytes());
    }
}
