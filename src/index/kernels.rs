//! Dot products, compiled several times: for the baseline, for AVX2 and for AVX-512, with the choice
//! made when they run. On `AArch64` the baseline has NEON.
//!
//! Each is written once, in plain Rust whose loops the compiler turns into vector instructions. The
//! sums of integers are exact, and those of floats are added in a fixed order without fused
//! operations, so that all versions give the same bits: an index ranks alike on every machine.

/// Defines a function that runs `$body` with the widest instructions the processor has, and `$avx2` where those
/// are AVX2's.
macro_rules! dispatched {
    ($(#[$documentation:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty = $body:ident, $avx2:ident) => {
        $(#[$documentation])*
        #[must_use]
        #[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "calls of functions with target features, right after the processor was asked for them"))]
        $visibility fn $name($($argument: $type),*) -> $result {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn avx2($($argument: $type),*) -> $result {
                    $avx2($($argument),*)
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
                fn avx512($($argument: $type),*) -> $result {
                    $body($($argument),*)
                }
                if has_avx512() {
                    // SAFETY: the processor has what the function is compiled for; its body is safe code.
                    return unsafe { avx512($($argument),*) };
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: as above.
                    return unsafe { avx2($($argument),*) };
                }
            }
            $body($($argument),*)
        }
    };
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512vl")
        && std::arch::is_x86_feature_detected!("avx512dq")
}

dispatched! {
    /// The dot product of two vectors of equal length: of unit vectors, their cosine.
    pub fn dot(first: &[f32], second: &[f32]) -> f32 = dot_plain, dot_plain
}

dispatched! {
    /// The dot product of two vectors of small integers, of equal length (at most 2^16: no overflow).
    pub(super) fn dot_bytes(first: &[i8], second: &[i8]) -> i32 = dot_bytes_plain, dot_bytes_avx2
}

dispatched! {
    /// The dot product of a vector of 16-bit integers and one of bytes, of equal length: the caller keeps
    /// the sum within 32 bits.
    pub(super) fn dot_codes(first: &[i16], second: &[i8]) -> i32 = dot_codes_plain, dot_codes_avx2
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "it must be compiled with the features of its caller")]
fn dot_codes_plain(first: &[i16], second: &[i8]) -> i32 {
    let products = first.iter().zip(second).map(|(left, right)| i32::from(*left) * i32::from(*right));
    // Without the checks of a debug build, in which loops with them are not vectorised.
    products.fold(0, i32::wrapping_add)
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "it must be compiled with the features of its caller")]
fn dot_plain(first: &[f32], second: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (first_blocks, first_rest) = first.as_chunks::<LANES>();
    let (second_blocks, second_rest) = second.as_chunks::<LANES>();
    for (left, right) in first_blocks.iter().zip(second_blocks) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest: f32 = first_rest.iter().zip(second_rest).map(|(left, right)| left * right).sum();
    sums.iter().sum::<f32>() + rest
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "it must be compiled with the features of its caller")]
fn dot_bytes_plain(first: &[i8], second: &[i8]) -> i32 {
    first.iter().zip(second).map(|(left, right)| i32::from(*left) * i32::from(*right)).sum()
}

/// Components that an instruction of AVX2 multiplies at once.
#[cfg(target_arch = "x86_64")]
const WIDE: usize = 16;

/// [`dot_codes_plain`], for which the compiler uses half of each register.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn dot_codes_avx2(first: &[i16], second: &[i8]) -> i32 {
    use std::arch::x86_64::{__m256i, _mm256_cvtepi8_epi16};
    let (first, first_rest) = first.as_chunks::<WIDE>();
    let (second, second_rest) = second.as_chunks::<WIDE>();
    let products = first.iter().zip(second).map(|(left, right)| {
        (bytemuck::cast::<_, __m256i>(*left), _mm256_cvtepi8_epi16(bytemuck::cast(*right)))
    });
    sum_of_products(products).wrapping_add(dot_codes_plain(first_rest, second_rest))
}

/// [`dot_bytes_plain`] in the same way.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn dot_bytes_avx2(first: &[i8], second: &[i8]) -> i32 {
    use std::arch::x86_64::_mm256_cvtepi8_epi16;
    let (first, first_rest) = first.as_chunks::<WIDE>();
    let (second, second_rest) = second.as_chunks::<WIDE>();
    let products = first.iter().zip(second).map(|(left, right)| {
        let wide = |values: [i8; WIDE]| _mm256_cvtepi8_epi16(bytemuck::cast(values));
        (wide(*left), wide(*right))
    });
    sum_of_products(products).wrapping_add(dot_bytes_plain(first_rest, second_rest))
}

/// The sum of the products of pairs of registers with 16 numbers of 16 bits each.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn sum_of_products(
    pairs: impl Iterator<Item = (std::arch::x86_64::__m256i, std::arch::x86_64::__m256i)>,
) -> i32 {
    use std::arch::x86_64::{_mm256_add_epi32, _mm256_madd_epi16, _mm256_setzero_si256};
    let mut sums = _mm256_setzero_si256();
    for (left, right) in pairs {
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(left, right));
    }
    let sums: [i32; 8] = bytemuck::cast(sums);
    sums.iter().fold(0, |sum, part| sum.wrapping_add(*part))
}

/// Asks for the cache lines of `values` ahead of their use. Only a hint: nothing is read.
#[inline]
#[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "a prefetch takes a pointer"))]
pub(super) fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const LINE: usize = 64;
        let start = values.as_ptr().cast::<i8>();
        for line in 0..size_of_val(values).div_ceil(LINE) {
            // SAFETY: a prefetch never faults, whatever the address; this one lies inside `values`.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line * LINE)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_handles_every_length() {
        for length in [0, 1, 15, 16, 17, 40] {
            let values: Vec<f32> = (0..length).map(|value| value as f32).collect();
            let expected: f32 = values.iter().map(|value| value * value).sum();
            assert!((dot(&values, &values) - expected).abs() < 1e-3);
        }
    }

    proptest::proptest! {
        #[test]
        fn the_widest_version_gives_the_bits_of_the_plain_one(
            pairs in proptest::collection::vec((-1.0_f32..1.0, -1.0_f32..1.0), 0..900),
            bytes in proptest::collection::vec(proptest::num::i8::ANY, 0..1_800),
        ) {
            let (first, second): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let double: f64 = first.iter().zip(&second).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let found = dot(&first, &second);
            proptest::prop_assert_eq!(found.to_bits(), dot_plain(&first, &second).to_bits());
            proptest::prop_assert!((f64::from(found) - double).abs() < 1e-3);
            let (left, right) = bytes.split_at(bytes.len() / 2);
            let right = &right[..left.len()];
            let exact: i64 = left.iter().zip(right).map(|(a, b)| i64::from(*a) * i64::from(*b)).sum();
            proptest::prop_assert_eq!(i64::from(dot_bytes(left, right)), exact);
            proptest::prop_assert_eq!(dot_bytes_plain(left, right), dot_bytes(left, right));
            // The widest codes that a question of this length may have.
            let most = (i32::MAX / 128 / left.len().max(1) as i32).min(i32::from(i16::MAX));
            let codes: Vec<i16> = left.iter().map(|value| (i32::from(*value) * most / 128) as i16).collect();
            let exact: i64 = codes.iter().zip(right).map(|(a, b)| i64::from(*a) * i64::from(*b)).sum();
            proptest::prop_assert_eq!(i64::from(dot_codes(&codes, right)), exact);
            proptest::prop_assert_eq!(dot_codes_plain(&codes, right), dot_codes(&codes, right));
        }
    }
}
