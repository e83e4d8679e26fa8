//! Comma-separated values: RFC 4180, with line feeds alone between records.

/// Appends one record.
pub(super) fn write_record<'field>(output: &mut String, fields: impl IntoIterator<Item = &'field str>) {
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            output.push(',');
        }
        write_field(output, field);
    }
    output.push('\n');
}

fn write_field(output: &mut String, field: &str) {
    if !field.contains([',', '"', '\n', '\r']) {
        output.push_str(field);
        return;
    }
    output.push('"');
    output.push_str(&field.replace('"', "\"\""));
    output.push('"');
}

/// The first field of a record, unquoted.
pub(super) fn first_field(record: &str) -> String {
    match record.strip_prefix('"') {
        None => record.split([',', '\n', '\r']).next().unwrap_or_default().to_owned(),
        Some(quoted) => {
            let mut field = String::new();
            let mut characters = quoted.chars().peekable();
            while let Some(character) = characters.next() {
                if character == '"' && characters.next_if_eq(&'"').is_none() {
                    break;
                }
                field.push(character);
            }
            field
        }
    }
}

/// Whether a record goes on after `text`, which then ends within quotes.
pub(super) fn is_open(text: &[u8]) -> bool {
    text.iter().fold(false, |open, byte| open != (*byte == b'"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &[&str]) -> String {
        let mut output = String::new();
        write_record(&mut output, fields.iter().copied());
        output
    }

    #[test]
    fn what_needs_quotes_gets_them() {
        assert_eq!(record(&["a", "", "b c"]), "a,,b c\n");
        assert_eq!(
            record(&["say \"so\"", "1,5", "two\nlines"]),
            "\"say \"\"so\"\"\",\"1,5\",\"two\nlines\"\n"
        );
    }

    proptest::proptest! {
        #[test]
        fn the_first_field_comes_back(first in "[a,\"\n é]{0,8}", second in "[a,\"\n]{0,8}") {
            let text = record(&[&first, &second]);
            proptest::prop_assert_eq!(first_field(&text), first);
            proptest::prop_assert!(!is_open(text.as_bytes()));
        }
    }
}
