//! Scales and ticks of axes.

/// Maps numbers to positions on an axis.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    low: f64,
    high: f64,
    is_log: bool,
}

impl Scale {
    /// A linear scale.
    pub fn linear(low: f64, high: f64) -> Scale {
        Scale { low, high, is_log: false }
    }

    /// A logarithmic scale. Both ends are positive.
    pub fn log(low: f64, high: f64) -> Scale {
        Scale { low: low.max(f64::MIN_POSITIVE), high, is_log: true }
    }

    /// The position of a number: 0 at the low end, 1 at the high end.
    pub fn part(&self, value: f64) -> f64 {
        let Scale { low, high, is_log } = *self;
        let part = if is_log { (value / low).ln() / (high / low).ln() } else { (value - low) / (high - low) };
        if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.5 }
    }
}

/// A unit of an axis.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// For example `MiB`.
    pub name: &'static str,
    bytes: f64,
}

impl Unit {
    /// Of numbers that are no bytes.
    pub const ONE: Unit = Unit { name: "", bytes: 1.0 };
}

const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

fn unit(power: usize) -> Unit {
    Unit { name: UNITS[power], bytes: 1024_f64.powi(power as i32) }
}

/// The unit for an axis that ends at `most` bytes and is `extent` bytes long.
pub fn unit_of(most: f64, extent: f64) -> Unit {
    let fits = |power: &usize| 4.0 <= most / unit(*power).bytes && 0.5 <= extent / unit(*power).bytes;
    unit((0..UNITS.len()).rev().find(fits).unwrap_or(0))
}

/// Formats bytes in the largest unit not above them: `1.5 MiB`.
pub fn with_unit(bytes: f64) -> String {
    let unit = unit((0..UNITS.len()).rev().find(|it| unit(*it).bytes <= bytes).unwrap_or(0));
    format!("{} {}", plain(bytes / unit.bytes, 2), unit.name)
}

/// Formats a number with at most `digits` decimals and no trailing zeros.
fn plain(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// The ticks of a traffic axis in bytes, with their texts in `unit`.
pub fn traffic_ticks(low: f64, high: f64, unit: &Unit) -> Vec<(f64, String)> {
    let (low, high) = (low / unit.bytes, high / unit.bytes);
    let step = round_step((high - low) / 6.0);
    let digits = (-step.log10().floor()).max(0.0) as usize;
    multiples(low, high, step).map(|it| (it * unit.bytes, plain(it, digits))).collect()
}

/// The ticks of a size axis in bytes, with their texts.
pub fn size_ticks(scale: &Scale) -> Vec<(f64, String)> {
    let Scale { low, high, is_log } = *scale;
    let of_sums = || -> Vec<(f64, String)> {
        // Three decimals distinguish the ticks.
        let fits = |power: &usize| 1.0 <= high / unit(*power).bytes && 0.02 <= (high - low) / unit(*power).bytes;
        let unit = unit((0..UNITS.len()).rev().find(fits).unwrap_or(0));
        let step = round_step((high - low) / unit.bytes / 7.0).max(1.0 / unit.bytes);
        let ticks = multiples(low / unit.bytes, high / unit.bytes, step);
        ticks.map(|it| (it * unit.bytes, format!("{} {}", plain(it, 3), unit.name))).collect()
    };
    let of_factors = |parts: u32| -> Vec<f64> {
        // Each power of two, and equal divisions of the interval to the next.
        let powers = (low.log2().floor() as i32)..=(high.log2().ceil() as i32);
        let part = move |power: i32, it: u32| 2_f64.powi(power) * (1.0 + f64::from(it) / f64::from(parts));
        let sizes = powers.flat_map(|power| (0..parts).map(move |it| part(power, it)));
        sizes.filter(|it| low <= *it && *it <= high && it.fract() == 0.0).collect()
    };
    // A linear axis may begin at zero, below which there are infinitely many powers of two.
    let found = if is_log { [1, 2, 4, 8].map(of_factors).into_iter().find(|it| 4 <= it.len()) } else { None };
    match found {
        Some(ticks) => {
            let every = ticks.len().div_ceil(9);
            ticks.into_iter().step_by(every).map(|it| (it, with_unit(it))).collect()
        }
        // On a short interval, a logarithmic axis is nearly linear.
        None => of_sums(),
    }
}

/// The smallest number of the form 1, 2 or 5 times a power of ten that is at least `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(f64::MIN_POSITIVE).log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].map(|it| it * power);
    round.into_iter().find(|it| least <= *it * (1.0 + 1e-9)).unwrap_or(10.0 * power)
}

fn multiples(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let first = (low / step - 1e-9).ceil();
    // At most 50, in case the step vanishes beside the numbers.
    (0..50).map(move |it| (first + f64::from(it)) * step).take_while(move |it| *it <= high * (1.0 + 1e-12))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(ticks: Vec<(f64, String)>) -> String {
        ticks.into_iter().map(|it| it.1).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn sizes_are_round_in_binary() {
        let log = |low: f64, high: f64| texts(size_ticks(&Scale::log(low, high)));
        assert_eq!(log(200_000.0, 4e6), "256 KiB, 512 KiB, 1 MiB, 2 MiB");
        assert_eq!(log(1.0e6, 2.2e6), "1 MiB, 1.25 MiB, 1.5 MiB, 1.75 MiB, 2 MiB");
        assert_eq!(log(256.0, 448.0), "256 B, 320 B, 384 B, 448 B");
        assert_eq!(log(2.40e6, 2.59e6), "2.3 MiB, 2.35 MiB, 2.4 MiB, 2.45 MiB");
        let linear = |low: f64, high: f64| texts(size_ticks(&Scale::linear(low, high)));
        assert_eq!(linear(0.0, 4.2e6), "0 MiB, 1 MiB, 2 MiB, 3 MiB, 4 MiB");
    }

    #[test]
    fn traffic_is_round_in_decimal() {
        let ticks = |low: f64, high: f64| {
            let unit = unit_of(high, high - low);
            (texts(traffic_ticks(low, high, &unit)), unit.name)
        };
        assert_eq!(ticks(0.0, 700.0), ("0, 200, 400, 600".into(), "B"));
        let mebi = 1048576.0;
        assert_eq!(ticks(24.9 * mebi, 26.1 * mebi), ("25, 25.2, 25.4, 25.6, 25.8, 26".into(), "MiB"));
        assert_eq!(ticks(0.0, 0.0), ("0".into(), "B"));
    }
}
