//! Plots as inline SVG.

use super::html::escape;

/// A bar from 0 to 1 with its interval.
pub(super) fn bar(value: f64, low: f64, high: f64) -> String {
    let width = 300.0;
    format!(
        "<svg viewBox=\"0 0 {width} 16\" role=\"img\" aria-label=\"{value:.3}, 95 % interval {low:.3} to {high:.3}\">{}{}{}</svg>",
        rectangle(0.0, 3.0, width, 10.0, "var(--band)"),
        rectangle(0.0, 3.0, width * value.clamp(0.0, 1.0), 10.0, "var(--main)"),
        whisker(width * low.clamp(0.0, 1.0), width * high.clamp(0.0, 1.0), 8.0)
    )
}

/// A row of a bar chart.
pub(super) struct Row<'a> {
    pub(super) label: &'a str,
    pub(super) count: usize,
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Bars from 0 to 1 under each other, labelled, with their intervals.
pub(super) fn bars(rows: &[Row]) -> String {
    let (left, width, step) = (140.0, 160.0, 24.0);
    let height = step * rows.len() as f64 + 4.0;
    let mut shapes = String::new();
    for (index, row) in rows.iter().enumerate() {
        let top = step * index as f64;
        let label = escape(&shortened(row.label, 17));
        shapes.push_str(&format!(
            "<text x=\"0\" y=\"{:.0}\">{label} <tspan class=\"soft\">{}</tspan></text>",
            top + 16.0,
            row.count
        ));
        shapes.push_str(&rectangle(left, top + 6.0, width, 12.0, "var(--band)"));
        shapes.push_str(&rectangle(left, top + 6.0, width * row.value.clamp(0.0, 1.0), 12.0, "var(--main)"));
        let at = |value: f64| left + width * value.clamp(0.0, 1.0);
        shapes.push_str(&whisker(at(row.low), at(row.high), top + 12.0));
        shapes.push_str(&format!(
            "<text x=\"{:.0}\" y=\"{:.0}\">{:.2}</text>",
            left + width + 6.0,
            top + 16.0,
            row.value
        ));
    }
    format!("<svg viewBox=\"0 0 336 {height:.0}\" role=\"img\">{shapes}</svg>")
}

/// A difference with its interval, around a zero line; `reach` is what the half width stands for.
pub(super) fn difference(value: f64, low: f64, high: f64, reach: f64) -> String {
    let (width, middle) = (300.0, 150.0);
    let at = |value: f64| (middle + middle * value / reach.max(1e-9)).clamp(0.0, width);
    let colour = if value < 0.0 { "var(--bad)" } else { "var(--good)" };
    let (from, to) = (middle.min(at(value)), middle.max(at(value)));
    format!(
        "<svg viewBox=\"0 0 {width} 16\" role=\"img\" aria-label=\"{value:+.3}, 95 % interval {low:+.3} to {high:+.3}\">{}{}{}{}</svg>",
        rectangle(0.0, 3.0, width, 10.0, "var(--band)"),
        rectangle(from, 3.0, to - from, 10.0, colour),
        line(middle, 0.0, 16.0, "var(--soft)", ""),
        whisker(at(low), at(high), 8.0)
    )
}

/// A vertical line in a histogram.
pub(super) struct Mark<'a> {
    pub(super) label: &'a str,
    pub(super) value: f64,
}

const HISTOGRAM_WIDTH: f64 = 440.0;
const LEFT: f64 = 34.0;
const TOP: f64 = 46.0;
const PLOT_HEIGHT: f64 = 120.0;
const BINS: usize = 30;

/// How often which value comes up. Values beyond `high` are counted in the last bar.
pub(super) fn histogram(values: &[f64], low: f64, high: f64, marks: &[Mark], unit: &str) -> String {
    let range = if high > low { high - low } else { 1.0 };
    let plot_width = HISTOGRAM_WIDTH - LEFT - 10.0;
    let counts = binned(values, low, range);
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let bar_width = plot_width / BINS as f64;
    let base = TOP + PLOT_HEIGHT;
    let mut shapes = String::new();
    for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = PLOT_HEIGHT * *count as f64 / most as f64;
        let left = LEFT + bar_width * index as f64;
        shapes.push_str(&rectangle(left + 0.5, base - height, bar_width - 1.0, height, "var(--main)"));
    }
    shapes.push_str(&axis(base, plot_width, low, range, unit));
    shapes.push_str(&format!(
        "<text class=\"soft\" x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{most}</text>",
        LEFT - 6.0,
        TOP + 8.0
    ));
    for (index, mark) in marks.iter().enumerate() {
        let x = LEFT + plot_width * ((mark.value - low) / range).clamp(0.0, 1.0);
        // Labels take turns in three heights, so that neighbours do not cover each other.
        let y = 12.0 + 14.0 * (index % 3) as f64;
        shapes.push_str(&line(x, y + 3.0, base, "var(--other)", " stroke-dasharray=\"3 3\""));
        let anchor = if x > HISTOGRAM_WIDTH * 0.8 { "end" } else { "start" };
        let label = escape(mark.label);
        shapes.push_str(&format!("<text x=\"{x:.1}\" y=\"{y:.0}\" text-anchor=\"{anchor}\">{label}</text>"));
    }
    format!("<svg viewBox=\"0 0 {HISTOGRAM_WIDTH} {:.0}\" role=\"img\">{shapes}</svg>", base + 22.0)
}

fn binned(values: &[f64], low: f64, range: f64) -> Vec<usize> {
    let mut counts = vec![0; BINS];
    for value in values {
        let bin = ((value - low) / range * BINS as f64).max(0.0) as usize;
        counts[bin.min(BINS - 1)] += 1;
    }
    counts
}

fn axis(base: f64, plot_width: f64, low: f64, range: f64, unit: &str) -> String {
    let mut shapes = format!(
        "<line x1=\"{LEFT}\" y1=\"{base}\" x2=\"{:.0}\" y2=\"{base}\" stroke=\"var(--soft)\"/>",
        LEFT + plot_width
    );
    let digits = [2.0, 20.0].into_iter().filter(|limit| range < *limit).count();
    for step in 0..=4 {
        let part = f64::from(step) / 4.0;
        let anchor = match step {
            0 => "start",
            4 => "end",
            _ => "middle",
        };
        let unit = if step == 4 && !unit.is_empty() { format!(" {unit}") } else { String::new() };
        shapes.push_str(&format!(
            "<text class=\"soft\" x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"{anchor}\">{:.digits$}{unit}</text>",
            LEFT + plot_width * part,
            base + 15.0,
            low + range * part
        ));
    }
    shapes
}

/// Two groups as rows of dots over one axis.
pub(super) fn dots(groups: &[(&str, &str, Vec<f64>)]) -> String {
    let all = || groups.iter().flat_map(|(_, _, values)| values).copied();
    let low = all().fold(f64::INFINITY, f64::min);
    let high = all().fold(f64::NEG_INFINITY, f64::max);
    let range = if high > low { high - low } else { 1.0 };
    let (left, step) = (LEFT, 56.0);
    let plot_width = HISTOGRAM_WIDTH - left - 10.0;
    let base = step * groups.len() as f64 + 4.0;
    let mut shapes = String::new();
    for (row, (label, colour, values)) in groups.iter().enumerate() {
        let top = step * row as f64;
        shapes.push_str(&format!("<text x=\"{left}\" y=\"{:.0}\">{}</text>", top + 14.0, escape(label)));
        for (index, value) in values.iter().enumerate() {
            let x = left + plot_width * (value - low) / range;
            let y = top + 24.0 + (index % 7) as f64 * 4.0;
            shapes.push_str(&format!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.0}\" r=\"3\" fill=\"{colour}\" fill-opacity=\"0.55\"/>"
            ));
        }
    }
    shapes.push_str(&axis(base, plot_width, low, range, ""));
    format!("<svg viewBox=\"0 0 {HISTOGRAM_WIDTH} {:.0}\" role=\"img\">{shapes}</svg>", base + 22.0)
}

fn rectangle(x: f64, y: f64, width: f64, height: f64, colour: &str) -> String {
    format!("<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>")
}

fn line(x: f64, from: f64, to: f64, colour: &str, more: &str) -> String {
    format!("<line x1=\"{x:.1}\" y1=\"{from:.1}\" x2=\"{x:.1}\" y2=\"{to:.1}\" stroke=\"{colour}\"{more}/>")
}

fn whisker(low: f64, high: f64, y: f64) -> String {
    let ends =
        line(low, y - 3.0, y + 3.0, "var(--ink)", "") + &line(high, y - 3.0, y + 3.0, "var(--ink)", "");
    format!(
        "<line x1=\"{low:.1}\" y1=\"{y:.1}\" x2=\"{high:.1}\" y2=\"{y:.1}\" stroke=\"var(--ink)\"/>{ends}"
    )
}

fn shortened(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_a_bar_of_the_histogram() {
        let counts = binned(&[0.0, 5.0, 9.999, 10.0, 99.0, -1.0], 0.0, 10.0);
        assert_eq!(counts.iter().sum::<usize>(), 6);
        assert_eq!((counts[0], counts[BINS / 2], counts[BINS - 1]), (2, 1, 3));
    }

    #[test]
    fn plots_of_nothing_and_of_one_value_hold_no_impossible_numbers() {
        let plots = [
            histogram(&[], 0.0, 0.0, &[], "ms"),
            histogram(&[3.0], 3.0, 3.0, &[Mark { label: "p50", value: 3.0 }], "ms"),
            dots(&[("a", "red", vec![0.5]), ("b", "blue", vec![0.5])]),
            bars(&[Row { label: "a<b", count: 1, value: 2.0, low: -1.0, high: 3.0 }]),
            difference(0.0, 0.0, 0.0, 0.0),
        ];
        for plot in plots {
            assert!(!plot.contains("NaN") && !plot.contains("inf") && !plot.contains("a<b"), "{plot}");
        }
    }

    #[test]
    fn long_labels_are_cut() {
        assert_eq!(shortened("troubleshooting", 14), "troubleshooti…");
        assert_eq!(shortened("how-to", 14), "how-to");
    }
}
