//! Tokens of a chunk side by side, 32 in a register, and sums of a question's components looked up for all of them by
//! one instruction.

use std::array;

/// Tokens in a register.
const WIDTH: usize = 32;
/// Sums of this many tables still fit in 16 bits without a sign: 260 x 252.
const MOST_TABLES: usize = 260;

/// The signs of a chunk's tokens, turned round: a row holds one byte (8 dimensions) of 32 tokens.
pub(super) struct Lanes {
    rows: Vec<[u8; WIDTH]>,
    bytes_per_token: usize,
}

impl Lanes {
    /// What makes every sum of four components positive.
    const BIAS: i32 = 128;

    /// The tokens of `words` words each, where there are any, the processor can look up, and sums fit.
    pub(super) fn of(signs: &[u64], words: usize) -> Option<Self> {
        if signs.is_empty() || words * 16 > MOST_TABLES || !can_look_up() {
            return None;
        }
        let bytes_per_token = words * 8;
        let tokens: Vec<&[u64]> = signs.chunks_exact(words).collect();
        let mut rows = Vec::with_capacity(tokens.len().div_ceil(WIDTH) * bytes_per_token);
        for block in tokens.chunks(WIDTH) {
            // The last token again where there are no more: it cannot win against itself.
            let token = |lane: usize| block[lane.min(block.len() - 1)];
            for word in 0..words {
                rows.extend(turned(|lane| token(lane)[word].to_le()));
            }
        }
        Some(Self { rows, bytes_per_token })
    }

    /// For each four components, their sums over the 16 patterns of signs, plus [`Lanes::BIAS`]: 0 to 252. As many
    /// tables as a token has half bytes.
    pub(super) fn tables(levels: &[i8]) -> Vec<[u8; 16]> {
        let sum = |levels: &[i8], pattern: usize| -> i32 {
            let is_in = |(bit, _): &(usize, &i8)| pattern >> bit & 1 == 1;
            levels.iter().enumerate().filter(is_in).map(|(_, level)| i32::from(*level)).sum()
        };
        let mut tables: Vec<[u8; 16]> = levels
            .chunks(4)
            .map(|levels| array::from_fn(|pattern| (sum(levels, pattern) + Self::BIAS) as u8))
            .collect();
        tables.resize(levels.len().div_ceil(64) * 16, [Self::BIAS as u8; 16]);
        tables
    }

    /// The largest sum over a token's signs.
    pub(super) fn best(&self, tables: &[[u8; 16]]) -> i32 {
        i32::from(self.largest(tables)) - Self::BIAS * tables.len() as i32
    }

    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "a call of a function with a target feature")]
    fn largest(&self, tables: &[[u8; 16]]) -> u16 {
        // SAFETY: lanes are only made where the processor was found to have AVX2; the function is safe code.
        unsafe { largest_with_avx2(&self.rows, self.bytes_per_token, tables) }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn largest(&self, _tables: &[[u8; 16]]) -> u16 {
        debug_assert!(self.bytes_per_token == 0, "lanes are only made where they can be looked up");
        0
    }
}

/// The eight bytes of one word of each lane as eight rows of one byte of each: an 8 x 8 transpose of bytes for every
/// eight lanes, four at a time, by exchanging halves, quarters and single bytes (H. S. Warren, "Hacker's Delight",
/// 2nd edition, section 7-3).
fn turned(word: impl Fn(usize) -> u64) -> [[u8; WIDTH]; 8] {
    let mut rows: [[u64; 4]; 8] = array::from_fn(|place| array::from_fn(|group| word(group * 8 + place)));
    for (distance, kept) in
        [(4, 0x0000_0000_ffff_ffff), (2, 0x0000_ffff_0000_ffff), (1, 0x00ff_00ff_00ff_00ff)]
    {
        let shift = distance * 8;
        for low in (0..8).filter(|place| place & distance == 0) {
            let (before, after) = rows.split_at_mut(low + distance);
            for (first, second) in before[low].iter_mut().zip(&mut after[0]) {
                let exchanged = (*first >> shift ^ *second) & kept;
                *first ^= exchanged << shift;
                *second ^= exchanged;
            }
        }
    }
    rows.map(|row| bytemuck::cast(row.map(u64::to_le)))
}

#[cfg(target_arch = "x86_64")]
fn can_look_up() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

#[cfg(not(target_arch = "x86_64"))]
fn can_look_up() -> bool {
    false
}

/// The largest biased sum. `rows` are blocks of `bytes` rows; `tables` has two for each row of a block.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn largest_with_avx2(rows: &[[u8; WIDTH]], bytes: usize, tables: &[[u8; 16]]) -> u16 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm256_add_epi16, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_max_epu16,
        _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi16, _mm256_srli_epi16,
        _mm256_sub_epi16,
    };
    let table = |table: &[u8; 16]| _mm256_broadcastsi128_si256(bytemuck::cast::<_, __m128i>(*table));
    let half_byte = _mm256_set1_epi8(0x0f);
    let mut largest = _mm256_setzero_si256();
    for block in rows.chunks_exact(bytes) {
        // 16 bits hold two neighbours: `both` adds them up at once, `odd` the upper one alone, which is taken away
        // from the lower one's carries in the end.
        let (mut both, mut odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        for (row, [low, high]) in block.iter().zip(tables.as_chunks::<2>().0) {
            let signs: __m256i = bytemuck::cast(*row);
            let sums = _mm256_shuffle_epi8(table(low), _mm256_and_si256(signs, half_byte));
            both = _mm256_add_epi16(both, sums);
            odd = _mm256_add_epi16(odd, _mm256_srli_epi16::<8>(sums));
            let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(signs), half_byte);
            let sums = _mm256_shuffle_epi8(table(high), upper);
            both = _mm256_add_epi16(both, sums);
            odd = _mm256_add_epi16(odd, _mm256_srli_epi16::<8>(sums));
        }
        let even = _mm256_sub_epi16(both, _mm256_slli_epi16::<8>(odd));
        largest = _mm256_max_epu16(largest, _mm256_max_epu16(even, odd));
    }
    let lanes: [u16; 16] = bytemuck::cast(largest);
    lanes.into_iter().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_holds_one_byte_of_every_lane() {
        let word = |lane: usize| u64::from_le_bytes(array::from_fn(|byte| (lane * 8 + byte) as u8));
        let rows = turned(word);
        for (byte, row) in rows.iter().enumerate() {
            for (lane, value) in row.iter().enumerate() {
                assert_eq!(*value, (lane * 8 + byte) as u8, "byte {byte} of lane {lane}");
            }
        }
    }
}
