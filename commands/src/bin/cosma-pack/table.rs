//! Tables of intervals as CSV, in MiniMalloc's format.

use cosma::Bytes;
use cosma_planner::pack::{Gap, Interval};
use csv::{ByteRecord, ReaderBuilder, Trim, Writer};
use std::collections::{BTreeSet, HashMap};
use std::fmt;

/// A table of intervals with its original text.
#[derive(Debug)]
pub struct Table {
    /// The intervals, one per row. Steps are renumbered in the same order.
    pub intervals: Vec<Interval>,
    /// Warnings about the table.
    pub warnings: Vec<Complaint>,
    header: ByteRecord,
    rows: Vec<ByteRecord>,
    places: Vec<Place>,
    columns: Columns,
}

/// An error or a warning at a place in the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Complaint {
    place: Place,
    text: String,
}

/// A line, and a column of the table; both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.place.line, self.place.column, self.text)
    }
}

impl Place {
    fn error(self, text: impl fmt::Display) -> Complaint {
        Complaint { place: self, text: format!("error: {text}") }
    }
}

/// The index of each known column.
#[derive(Debug)]
struct Columns {
    id: usize,
    lower: usize,
    upper: usize,
    size: usize,
    alignment: Option<usize>,
    offset: Option<usize>,
    gaps: Option<usize>,
    /// What to add to the value in `upper` to make it exclusive: 1 if the column is called `end`.
    addend: i128,
}

/// An interval whose steps are those of the file.
struct Timed {
    interval: Interval,
    steps: (i128, i128),
    gaps: Vec<(i128, i128)>,
}

impl Table {
    /// Parses a table.
    ///
    /// # Errors
    /// The first error in it.
    pub fn parse(text: &[u8]) -> Result<Table, Complaint> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut reader = ReaderBuilder::new().has_headers(false).trim(Trim::All).flexible(true).from_reader(text);
        let mut records = reader.byte_records();
        let nothing = Place { line: 1, column: 1 };
        let unread = |it: csv::Error| nothing.error(it);
        let header = records.next().ok_or_else(|| nothing.error("there is no header"))?.map_err(unread)?;
        let line = line_of(text, &header);
        let (columns, warnings) = Columns::of(&header, line)?;
        let (mut timed, mut rows, mut places) = (Vec::new(), Vec::new(), Vec::new());
        let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut lines = Lines { text, at: 0, line: 1 };
        for row in records {
            let row = row.map_err(unread)?;
            let line = lines.of(&row);
            if row.len() != header.len() {
                let place = Place { line, column: row.len().min(header.len()) };
                return Err(place.error(format!("{} fields instead of {}", row.len(), header.len())));
            }
            timed.push(columns.read(&row, line)?);
            let place = Place { line, column: columns.id + 1 };
            if let Some(first) = known.insert(row[columns.id].to_vec(), line) {
                let id = String::from_utf8_lossy(&row[columns.id]);
                return Err(place.error(format!("'{id}' is not unique: it is in line {first}, too")));
            }
            places.push(place);
            rows.push(row);
        }
        Ok(Table { intervals: renumber(timed), warnings, header, rows, places, columns })
    }

    /// The same table with an offset for each interval.
    pub fn with_offsets(&self, offsets: &[Bytes]) -> String {
        let mut writer = Writer::from_writer(Vec::new());
        let mut put = |row: &ByteRecord, offset: &str| {
            let mut fields: Vec<&[u8]> = row.iter().collect();
            match self.columns.offset {
                Some(column) => fields[column] = offset.as_bytes(),
                None => fields.push(offset.as_bytes()),
            }
            writer.write_record(fields).expect("memory takes rows of one length");
        };
        put(&self.header, "offset");
        for (row, offset) in self.rows.iter().zip(offsets) {
            put(row, &offset.0.to_string());
        }
        let bytes = writer.into_inner().expect("memory takes it");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// An interval as text for messages: its name, line, steps, size and constraints.
    pub fn describe(&self, at: usize) -> String {
        let row = &self.rows[at];
        let field = |column: usize| String::from_utf8_lossy(&row[column]).into_owned();
        let c = &self.columns;
        let mut text = format!(
            "{} (line {}): {} to {}, {} B",
            field(c.id),
            self.places[at].line,
            field(c.lower),
            field(c.upper),
            field(c.size)
        );
        for (name, column) in [("alignment", c.alignment), ("offset", c.offset), ("gaps", c.gaps)] {
            if let Some(column) = column.filter(|it| !row[*it].is_empty()) {
                text += &format!(", {name} {}", field(column));
            }
        }
        text
    }

    /// The error that sizes are too large to add up, at the interval where they overflow.
    pub fn too_large(&self, at: usize) -> Complaint {
        let place = Place { column: self.columns.size + 1, ..self.places[at] };
        place.error("sizes, alignments and offsets add up to 2^62 B or more, which is too large")
    }
}

impl Columns {
    fn of(header: &ByteRecord, line: usize) -> Result<(Columns, Vec<Complaint>), Complaint> {
        let mut found: HashMap<&str, usize> = HashMap::new();
        let mut addend = 0;
        let mut warnings = Vec::new();
        for (at, name) in header.iter().enumerate() {
            let place = Place { line, column: at + 1 };
            let name = std::str::from_utf8(name).map_err(|_| place.error("the name of a column is not UTF-8"))?;
            let known = match name {
                "id" | "buffer" | "buffer_id" => "id",
                "lower" | "begin" | "start" => "lower",
                "upper" | "end" => "upper",
                "size" | "alignment" | "offset" | "gaps" => name,
                other => {
                    let text = format!("warning: column '{other}' is unknown and copied unchanged");
                    warnings.push(Complaint { place, text });
                    continue;
                }
            };
            addend += i128::from(name == "end");
            if found.insert(known, at).is_some() {
                return Err(place.error(format!("there are two columns '{known}'")));
            }
        }
        let needed = |name: &str| {
            let missing = || Place { line, column: 1 }.error(format!("there is no column '{name}'"));
            found.get(name).copied().ok_or_else(missing)
        };
        let columns = Columns {
            id: needed("id")?,
            lower: needed("lower")?,
            upper: needed("upper")?,
            size: needed("size")?,
            alignment: found.get("alignment").copied(),
            offset: found.get("offset").copied(),
            gaps: found.get("gaps").copied(),
            addend,
        };
        Ok((columns, warnings))
    }

    fn read(&self, row: &ByteRecord, line: usize) -> Result<Timed, Complaint> {
        let place = |column: usize| Place { line, column: column + 1 };
        let text = |column: usize| {
            std::str::from_utf8(&row[column]).map_err(|_| place(column).error("the field is not UTF-8"))
        };
        let bytes = |column: usize, what: &str| bytes(text(column)?, what).map_err(|it| place(column).error(it));
        let step = |column: usize, what: &str| step(text(column)?, what).map_err(|it| place(column).error(it));
        text(self.id)?;
        let (lower, last) = (step(self.lower, "lower")?, step(self.upper, "upper")?);
        let upper = last + self.addend;
        if upper < lower {
            return Err(place(self.upper).error(format!("it ends at {last}, before it starts at {lower}")));
        }
        let mut interval = Interval::new(0, 0, bytes(self.size, "size")?);
        let given = |column: Option<usize>| column.filter(|it| !row[*it].is_empty());
        if let Some(column) = given(self.alignment) {
            interval.alignment = bytes(column, "alignment")?;
            if interval.alignment == Bytes::ZERO {
                return Err(place(column).error("alignment is 0, but must be at least 1"));
            }
        }
        if let Some(column) = given(self.offset) {
            interval.fixed = Some(bytes(column, "offset")?);
        }
        let mut gaps = Vec::new();
        if let Some(column) = given(self.gaps) {
            let mut known = BTreeSet::new();
            for gap in text(column)?.split_whitespace() {
                let (steps, window) =
                    self.gap(gap, (lower, upper), interval.size, &known).map_err(|it| place(column).error(it))?;
                gaps.push(steps);
                known.insert(steps);
                interval.gaps.push(Gap { start: 0, end: 0, window });
            }
        }
        Ok(Timed { interval, steps: (lower, upper), gaps })
    }

    /// Steps and window of a gap, as `3-5@0:16`.
    #[expect(clippy::type_complexity, reason = "taken apart where it is called")]
    fn gap(
        &self,
        text: &str,
        life: (i128, i128),
        size: Bytes,
        others: &BTreeSet<(i128, i128)>,
    ) -> Result<((i128, i128), Option<(Bytes, Bytes)>), String> {
        let malformed = || format!("'{text}' is not a gap: write its steps, as 3-5, or steps and bytes, as 3-5@0:16");
        let (steps, window) = match text.split_once('@') {
            Some((steps, window)) => (steps, Some(window.split_once(':').ok_or_else(malformed)?)),
            None => (text, None),
        };
        // The first may be negative.
        let dash = steps.char_indices().skip(1).find(|it| it.1 == '-').ok_or_else(malformed)?.0;
        let (start, last) = (step(&steps[..dash], "gap")?, step(&steps[dash + 1..], "gap")?);
        let end = last + self.addend;
        if end < start {
            return Err(format!("gap '{text}' ends before it starts"));
        }
        if start < life.0 || life.1 < end {
            return Err(format!("gap '{text}' is not within the interval"));
        }
        // None of the others overlap, so only the two beside it can.
        let mut beside =
            others.range(..(start, end)).next_back().into_iter().chain(others.range((start, end)..).next());
        if beside.any(|it| it.0 < end && start < it.1) {
            return Err(format!("gap '{text}' overlaps another"));
        }
        let Some((low, high)) = window else { return Ok(((start, end), None)) };
        let (low, high) = (bytes(low, "window")?, bytes(high, "window")?);
        if high < low || size < high {
            return Err(format!("the bytes of gap '{text}' are not within the {size} B of the interval"));
        }
        Ok(((start, end), Some((low, high))))
    }
}

fn bytes(text: &str, what: &str) -> Result<Bytes, String> {
    let number = whole(text, what)?;
    match u64::try_from(number) {
        Ok(number) if number < 1 << 62 => Ok(Bytes(number)),
        _ if number < 0 => Err(format!("{what} is {number}, and cannot be negative")),
        _ => Err(format!("{what} is {number}, which is too large: it is less than 2^62")),
    }
}

fn step(text: &str, what: &str) -> Result<i128, String> {
    let number = whole(text, what)?;
    match i64::try_from(number) {
        Ok(_) => Ok(number),
        Err(_) => Err(format!("{what} is {number}, which is too large: it is less than 2^63")),
    }
}

fn whole(text: &str, what: &str) -> Result<i128, String> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse().map_err(|error: std::num::ParseIntError| match error.kind() {
        PosOverflow | NegOverflow => format!("{what} is '{text}', which is too large"),
        _ => format!("{what} is '{text}', which is not an integer"),
    })
}

/// Intervals whose steps are the numbers of those at which something starts or ends.
fn renumber(timed: Vec<Timed>) -> Vec<Interval> {
    let mut steps: Vec<i128> =
        timed.iter().flat_map(|it| std::iter::once(&it.steps).chain(&it.gaps)).flat_map(|it| [it.0, it.1]).collect();
    steps.sort_unstable();
    steps.dedup();
    let number = |step: i128| steps.partition_point(|it| *it < step) as u32;
    let renumbered = |it: Timed| {
        let mut interval = it.interval;
        (interval.start, interval.end) = (number(it.steps.0), number(it.steps.1));
        for (gap, steps) in interval.gaps.iter_mut().zip(it.gaps) {
            (gap.start, gap.end) = (number(steps.0), number(steps.1));
        }
        interval
    };
    timed.into_iter().map(renumbered).collect()
}

/// Counts lines from one row to the next.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line in which a row begins; rows come in order.
    fn of(&mut self, row: &ByteRecord) -> usize {
        let from = row.position().map_or(0, |it| it.byte() as usize).min(self.text.len());
        // What is empty before a row counts as its beginning for the reader.
        let skipped = self.text[from..].iter().take_while(|it| it.is_ascii_whitespace()).count();
        let to = (from + skipped).max(self.at);
        self.line += self.text[self.at..to].iter().filter(|it| **it == b'\n').count();
        self.at = to;
        self.line
    }
}

fn line_of(text: &[u8], row: &ByteRecord) -> usize {
    Lines { text, at: 0, line: 1 }.of(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Fields that are nearly right more often than not.
    fn field() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => (0..9_i64).prop_map(|it| it.to_string()),
            1 => any::<i64>().prop_map(|it| it.to_string()),
            1 => any::<i128>().prop_map(|it| it.to_string()),
            1 => "[-0-9@: ]{0,9}",
            1 => "[0-9]{1,2}-[0-9]{1,2}@[0-9]:[0-9]",
            1 => ".{0,5}",
            1 => Just("\"".to_string()),
        ]
    }

    fn header() -> impl Strategy<Value = Vec<String>> {
        let names = ["id", "lower", "upper", "size", "alignment", "offset", "gaps"].map(String::from);
        prop_oneof![
            4 => Just(names.to_vec()).prop_shuffle(),
            1 => proptest::collection::vec("(id|lower|upper|end|begin|start|size|offset|gaps|x)", 0..8),
        ]
    }

    proptest! {
        #[test]
        fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Table::parse(&bytes);
        }

        #[test]
        fn tables_never_panic_and_are_the_same_when_written(
            header in header(),
            rows in proptest::collection::vec(proptest::collection::vec(field(), 7), 0..6),
        ) {
            let lines = std::iter::once(&header).chain(&rows).map(|it| it.join(","));
            let text = lines.collect::<Vec<_>>().join("\n");
            if let Ok(table) = Table::parse(text.as_bytes()) {
                let offsets: Vec<Bytes> = (0..table.intervals.len() as u64).map(Bytes).collect();
                let written = table.with_offsets(&offsets);
                let again = Table::parse(written.as_bytes());
                let again = again.unwrap_or_else(|error| panic!("{error}: {written}"));
                prop_assert_eq!(again.intervals.len(), table.intervals.len());
                for (at, interval) in again.intervals.iter().enumerate() {
                    prop_assert_eq!(interval.fixed, Some(Bytes(at as u64)));
                    let original = Interval { fixed: interval.fixed, ..table.intervals[at].clone() };
                    prop_assert_eq!(interval, &original);
                    let _ = (table.describe(at), table.too_large(at));
                }
                prop_assert_eq!(again.with_offsets(&offsets), written);
            }
        }
    }
}
