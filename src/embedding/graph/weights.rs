//! A matrix of a network: in full precision, or in int8 with one scale a row or column.

use prost::bytes::Bytes;

/// Along which dimension an int8 matrix has its scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// One scale a row: a table of embeddings.
    Row,
    /// One scale a column: a layer's weights, [in, out].
    Column,
}

/// The values of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Values {
    F32(Vec<f32>),
    /// value = int8 x scale of its channel, no zero point.
    Int8 {
        values: Bytes,
        scales: Vec<f32>,
        channel: Channel,
    },
}

/// A row-major matrix.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matrix {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) values: Values,
}

impl Matrix {
    /// The same matrix in full precision.
    pub(super) fn to_f32(&self) -> Vec<f32> {
        match &self.values {
            Values::F32(values) => values.clone(),
            Values::Int8 { values, scales, channel } => {
                let scale = |index: usize| match channel {
                    Channel::Row => scales[index / self.columns],
                    Channel::Column => scales[index % self.columns],
                };
                values
                    .iter()
                    .enumerate()
                    .map(|(index, value)| f32::from(value.cast_signed()) * scale(index))
                    .collect()
            }
        }
    }

    /// The same matrix in int8 with scales along `channel`: as it is where it has them already,
    /// else symmetric, the largest magnitude of a channel at 127.
    pub(super) fn to_int8(&self, channel: Channel) -> (Bytes, Vec<f32>) {
        if let Values::Int8 { values, scales, channel: own } = &self.values
            && *own == channel
        {
            return (values.clone(), scales.clone());
        }
        let full = self.to_f32();
        let place = |index: usize| match channel {
            Channel::Row => index / self.columns,
            Channel::Column => index % self.columns,
        };
        let channels = if channel == Channel::Row { self.rows } else { self.columns };
        let mut largest = vec![0.0_f32; channels];
        for (index, value) in full.iter().enumerate() {
            largest[place(index)] = largest[place(index)].max(value.abs());
        }
        let scales: Vec<f32> =
            largest.iter().map(|largest| if *largest > 0.0 { largest / 127.0 } else { 1.0 }).collect();
        let quantized = full.iter().enumerate().map(|(index, value)| {
            let steps = (value / scales[place(index)]).round().clamp(-127.0, 127.0);
            (steps as i8).cast_unsigned()
        });
        (quantized.collect::<Vec<u8>>().into(), scales)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Matrix {
        Matrix { rows: 2, columns: 3, values: Values::F32(vec![1.0, -2.0, 0.0, 0.5, 4.0, 0.0]) }
    }

    #[test]
    fn quantizing_keeps_each_value_within_half_a_step_of_its_channel() {
        for channel in [Channel::Row, Channel::Column] {
            let (values, scales) = matrix().to_int8(channel);
            let largest = scales.iter().copied().fold(0.0, f32::max);
            let back = Matrix { values: Values::Int8 { values, scales, channel }, ..matrix() }.to_f32();
            for (back, value) in back.iter().zip(matrix().to_f32()) {
                assert!((back - value).abs() <= largest / 2.0, "{back} for {value}");
            }
        }
    }

    #[test]
    fn a_column_keeps_its_own_scale() {
        let (_, scales) = matrix().to_int8(Channel::Column);
        assert_eq!(scales, [1.0 / 127.0, 4.0 / 127.0, 1.0]);
    }

    #[test]
    fn int8_with_the_wanted_scales_is_taken_as_it_is() {
        let values = Bytes::from_static(&[1, 2, 3, 4, 5, 6]);
        let scales = vec![0.25, 0.5, 2.0];
        let int8 = Values::Int8 { values: values.clone(), scales: scales.clone(), channel: Channel::Column };
        assert_eq!(Matrix { values: int8, ..matrix() }.to_int8(Channel::Column), (values, scales));
    }
}
