//! Byte offsets to line numbers.

/// The offsets at which the lines of a text begin.
pub(super) struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    pub(super) fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(offset, _)| offset + 1));
        Self { starts }
    }

    /// The number of the line that holds the byte at `offset`, from 1.
    pub(super) fn line_of(&self, offset: usize) -> u32 {
        u32::try_from(self.starts.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::LineIndex;

    #[test]
    fn lines_count_from_one() {
        let index = LineIndex::new("a\nbc\n\nd");
        let lines: Vec<u32> = (0..7).map(|offset| index.line_of(offset)).collect();
        assert_eq!(lines, [1, 1, 2, 2, 2, 3, 4]);
    }
}
