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

/// The fields of a record, unquoted.
pub(super) fn fields(record: &str) -> Vec<String> {
    let record = record.strip_suffix('\n').unwrap_or(record);
    let (mut fields, mut field) = (Vec::new(), String::new());
    let mut is_quoted = false;
    let mut characters = record.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(std::mem::take(&mut field)),
            _ => field.push(character),
        }
    }
    fields.push(field);
    fields
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
        fn fields_come_back(first in "[a,\"\n é]{0,8}", second in "[a,\"\n]{0,8}") {
            let text = record(&[&first, &second]);
            proptest::prop_assert_eq!(fields(&text), [first, second]);
            proptest::prop_assert!(!is_open(text.as_bytes()));
        }
    }
}
