//! Names short enough for boxes, without their common prefixes.
//!
//! Exported models name tensors by the path to the layer that made them, as in `/model/layers.0/mlp/Mul_output_0`, so
//! the first half carries no information. Names that begin with the same segment lose the longest run of segments
//! that four in five of them share. Tips and searches use whole names.

use std::collections::{BTreeMap, BTreeSet};

/// Fewer names than this with the same first segment keep it.
const FEWEST: usize = 3;

/// The prefixes that labels omit.
pub(crate) struct Names {
    /// Each ends in a separator; none is a prefix of another.
    prefixes: Vec<String>,
}

impl Names {
    pub fn new<'a>(names: impl Iterator<Item = &'a str>) -> Names {
        let names: BTreeSet<&str> = names.collect();
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for name in &names {
            if let Some(end) = segment_end(name, 0) {
                groups.entry(&name[..end]).or_default().push(name);
            }
        }
        groups.retain(|_, it| FEWEST <= it.len());
        let prefixes = groups.into_iter().filter_map(|(first, group)| {
            let prefix = common(first, &group);
            // The rest still is a name, and whose it is stays clear.
            let mut rests = group.iter().filter_map(|it| it.strip_prefix(prefix));
            let is_clear = |it: &str| it.contains(char::is_alphabetic) && !names.contains(it);
            rests.all(is_clear).then(|| prefix.to_owned())
        });
        let mut all = Names { prefixes: prefixes.collect() };
        let shorts: BTreeSet<&str> = names.iter().map(|it| all.short(it)).collect();
        if shorts.len() < names.len() {
            all.prefixes.clear();
        }
        all
    }

    /// A name as it appears in labels.
    pub fn short<'a>(&self, name: &'a str) -> &'a str {
        self.prefixes.iter().find_map(|it| name.strip_prefix(it.as_str())).unwrap_or(name)
    }

    /// A note on the prefixes that labels omit.
    pub fn prefixes(&self) -> &[String] {
        &self.prefixes
    }
}

/// The longest prefix of whole segments that four in five names share.
fn common<'a>(first: &'a str, names: &[&'a str]) -> &'a str {
    let mut prefix = first;
    loop {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in names.iter().filter(|it| it.starts_with(prefix)) {
            if let Some(end) = segment_end(name, prefix.len()) {
                *counts.entry(&name[..end]).or_default() += 1;
            }
        }
        match counts.into_iter().max_by_key(|it| it.1) {
            Some((longer, count)) if 4 * names.len() <= 5 * count => prefix = longer,
            _ => return prefix,
        }
    }
}

/// The end of the segment that begins at `from`, after its separator; `None` for the last one. Dots separate segments
/// if there are no slashes.
/// are no slashes.
fn segment_end(name: &str, from: usize) -> Option<usize> {
    let separator = if name.contains('/') { '/' } else { '.' };
    let end = from + name[from..].find(separator)? + 1;
    (end < name.len()).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::Names;

    fn shortened(names: &[&str]) -> Vec<String> {
        let all = Names::new(names.iter().copied());
        names.iter().map(|it| all.short(it).to_owned()).collect()
    }

    #[test]
    fn names_lose_what_most_begin_with() {
        let names = ["/model/0.a/Mul", "/model/0.a/Add", "/model/0.a/Sub", "/model/1.b/Mul", "/lm_head/MatMul", "in"];
        let expected = ["0.a/Mul", "0.a/Add", "0.a/Sub", "1.b/Mul", "/lm_head/MatMul", "in"];
        assert_eq!(shortened(&names), expected);
        assert_eq!(shortened(&["tosa.add_0", "tosa.abs_1", "tosa.mul_2", "arg0"]), ["add_0", "abs_1", "mul_2", "arg0"]);
    }

    #[test]
    fn names_that_would_say_nothing_stay() {
        for names in [["layers.0", "layers.1", "layers.2"], ["a.x", "a.y", "x"], ["a.x", "a.y", "y."], ["", ".", "/"]] {
            assert_eq!(shortened(&names), names);
        }
        // Two of one name in two places.
        let names = ["a/x", "a/y", "a/z", "b/x", "b/v", "b/w"];
        assert_eq!(shortened(&names), names);
    }
}
