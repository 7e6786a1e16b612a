//! Changed copies of corpus files, the same in every run.

/// Random numbers (splitmix64) from a seed.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `limit`, which must not be 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        // Borders of signed, unsigned and variable-length numbers more often than the rest.
        const INTERESTING: [u8; 8] = [0x00, 0x01, 0x7f, 0x80, 0x81, 0xfe, 0xff, 0x04];
        if self.below(2) == 0 { INTERESTING[self.below(INTERESTING.len())] } else { self.below(256) as u8 }
    }
}

/// `data` with one to four changes; some of them take a part of `other`.
pub fn mutate(data: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = data.to_vec();
    for _ in 0..1 + dice.below(4) {
        let place = dice.below(bytes.len() + 1);
        let length = dice.below(16).min(bytes.len() - place);
        let part = place..place + length;
        match dice.below(7) {
            0 => bytes[part].iter_mut().take(1).for_each(|byte| *byte = dice.byte()),
            1 => bytes[part].iter_mut().take(1).for_each(|byte| *byte ^= 1 << dice.below(8)),
            2 => bytes[part].fill(dice.byte()),
            3 => bytes.insert(place, dice.byte()),
            4 => drop(bytes.drain(part)),
            5 => bytes.truncate(place),
            _ => {
                let begin = dice.below(other.len() + 1);
                let end = begin + dice.below(64).min(other.len() - begin);
                bytes.splice(part, other[begin..end].iter().copied());
            }
        }
    }
    bytes
}
