//! One file's bytes to text: size, binary and encoding are checked before anyone parses it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::SkipReason;

/// How many bytes are looked at for a zero byte, as git and grep do.
const BINARY_PROBE: usize = 8 * 1024;

/// A file as text, with the hash of the bytes it was read from.
#[derive(Debug, Clone)]
pub struct FileText {
    /// The text, without a byte-order mark.
    pub text: String,
    /// blake3 of the file's bytes, in hexadecimal.
    pub hash: String,
}

/// The bytes of the file at `path`, and their blake3 in hexadecimal.
///
/// # Errors
/// The reason to skip the file: too large or unreadable.
pub fn read_bytes(path: &Path, max_bytes: u64) -> Result<(Vec<u8>, String), SkipReason> {
    let unreadable = |error: std::io::Error| SkipReason::Unreadable { message: error.to_string() };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // One byte more than allowed: a file that grew since the walk is still caught.
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > max_bytes {
        let size = std::fs::metadata(path).map_or(bytes.len() as u64, |metadata| metadata.len());
        return Err(SkipReason::TooLarge { bytes: size, limit: max_bytes });
    }
    let hash = blake3::hash(&bytes).to_hex().to_string();
    Ok((bytes, hash))
}

/// `bytes` as text: UTF-8, or UTF-16 with a byte-order mark. The mark is dropped.
///
/// # Errors
/// The reason to skip the file: binary, or not UTF-8.
pub fn text_of(mut bytes: Vec<u8>) -> Result<String, SkipReason> {
    match bytes.as_slice() {
        [0xEF, 0xBB, 0xBF, ..] => {
            bytes.drain(..3);
        }
        [0xFF, 0xFE, rest @ ..] => return decode_utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => return decode_utf16(rest, u16::from_be_bytes),
        _ => {}
    }
    if bytes[..bytes.len().min(BINARY_PROBE)].contains(&0) {
        return Err(SkipReason::Binary);
    }
    String::from_utf8(bytes)
        .map_err(|error| SkipReason::NotUtf8 { offset: error.utf8_error().valid_up_to() as u64 })
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, SkipReason> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect();
    match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(SkipReason::NotUtf8 { offset: 0 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<String, SkipReason> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        text_of(read_bytes(file.path(), 64)?.0)
    }

    #[test]
    fn byte_order_marks_are_understood_and_dropped() {
        assert_eq!(read(b"\xEF\xBB\xBFhi").unwrap(), "hi");
        assert_eq!(read(b"\xFF\xFEh\0i\0").unwrap(), "hi");
        assert_eq!(read(b"\xFE\xFF\0h\0i").unwrap(), "hi");
    }

    #[test]
    fn what_is_not_text_says_why() {
        assert_eq!(read(b"ab\0cd"), Err(SkipReason::Binary));
        assert_eq!(read(b"ab\xE9d"), Err(SkipReason::NotUtf8 { offset: 2 }));
        assert_eq!(read(&[b'x'; 65]), Err(SkipReason::TooLarge { bytes: 65, limit: 64 }));
        assert!(matches!(read_bytes(Path::new("/no/such/file"), 64), Err(SkipReason::Unreadable { .. })));
    }
}
