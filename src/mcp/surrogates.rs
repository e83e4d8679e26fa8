//! Halves of surrogate pairs in JSON, which programs leave that cut text in the middle of an emoji.
//!
//! RFC 8259, section 8.2, leaves open what to make of them, and our reader refuses the whole message:
//! over standard input and output its client would wait for an answer for ever. Here each is read as
//! U+FFFD, as decoders of text do with what is none.

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader, duplex};

/// Bytes that are under way between the client and the protocol.
const PASSING: usize = 1 << 16;
/// The longest part of a line that is looked at as a whole; the protocol refuses such lines anyway.
const LONGEST: u64 = 1 << 25;

/// `input`, a message a line, without halves.
pub(super) fn mended(
    input: impl AsyncRead + Send + Unpin + 'static,
) -> impl AsyncRead + Send + Unpin + 'static {
    let (mut inner, outer) = duplex(PASSING);
    tokio::spawn(async move {
        let mut input = BufReader::new(input);
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut input).take(LONGEST).read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => mend(&mut line),
            }
            if inner.write_all(&line).await.is_err() {
                return;
            }
        }
    });
    outer
}

/// Replaces each half, in place: what takes its place is as long.
pub(super) fn mend(json: &mut [u8]) {
    const REPLACEMENT: &[u8] = b"\\ufffd";
    let mut place = 0;
    while let Some(next) = json.get(place..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        place += next;
        match unit(json, place) {
            Some(0xD800..=0xDBFF) if matches!(unit(json, place + 6), Some(0xDC00..=0xDFFF)) => place += 12,
            Some(0xD800..=0xDFFF) => {
                json[place..place + 6].copy_from_slice(REPLACEMENT);
                place += 6;
            }
            // Whatever is escaped, its second letter begins no other escape.
            _ => place += 2,
        }
    }
}

/// The code unit that is escaped at `place`, if one is.
fn unit(json: &[u8], place: usize) -> Option<u32> {
    let digits = json.get(place..place + 6)?.strip_prefix(b"\\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        let mut bytes = json.as_bytes().to_vec();
        mend(&mut bytes);
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn halves_are_replaced_and_pairs_stay() {
        assert_eq!(text(r#""a\ud83d""#), "a\u{fffd}");
        assert_eq!(text(r#""\uDE00b""#), "\u{fffd}b");
        assert_eq!(text(r#""\ud83d\ude00""#), "😀");
        assert_eq!(text(r#""\ud83d\ud83d\ude00\ude00""#), "\u{fffd}😀\u{fffd}");
        assert_eq!(text(r#""\\ud83d \n \u00e4""#), "\\ud83d \n ä");
    }

    #[test]
    fn what_is_no_json_stays_as_it_is() {
        for text in ["", "\\", "\\u", "\\ud8", "{\"a\": \\ud83", "\\uzzzz"] {
            let mut bytes = text.as_bytes().to_vec();
            mend(&mut bytes);
            assert_eq!(bytes, text.as_bytes(), "{text}");
        }
    }

    #[tokio::test]
    async fn lines_pass_whole_and_in_order() {
        let long = format!("\"{}\"\n", "x".repeat(3 * PASSING));
        let input = format!("\"\\ud83d\"\n{long}no end");
        let mut output = String::new();
        mended(std::io::Cursor::new(input.into_bytes())).read_to_string(&mut output).await.unwrap();
        assert_eq!(output, format!("\"\\ufffd\"\n{long}no end"));
    }
}
