//! A node with the known facts about its inputs.

use crate::attributes::Attributes;
use crate::content::Content;
use crate::graph::{Node, Type, Value};

/// Why a rule fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The types cannot be inferred, but the model may declare them.
    Unknown(String),
    /// The node is invalid.
    Wrong(String),
}

/// The result of a rule: a type for each result that the operator can have.
pub type Answer = Result<Vec<Type>, Failure>;

/// Fails with a message about an invalid node.
pub fn wrong<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Wrong(message.into()))
}

/// A node with the known facts about its inputs.
pub struct Call<'a> {
    pub node: &'a Node,
    pub values: &'a [Value],
    pub opset: i64,
}

impl<'a> Call<'a> {
    pub fn attributes(&self) -> &'a Attributes {
        &self.node.attributes
    }

    fn value(&self, index: usize) -> Option<&'a Value> {
        self.node.inputs.get(index).copied().flatten().map(|it| &self.values[it])
    }

    /// The type of an optional input.
    pub fn optional(&self, index: usize) -> Option<&'a Type> {
        self.value(index)?.r#type.as_ref()
    }

    /// The type of a required input.
    pub fn input(&self, index: usize) -> Result<&'a Type, Failure> {
        self.optional(index).ok_or_else(|| Failure::Wrong(format!("input {index} is missing")))
    }

    /// The elements of an input, if it is present and a small constant.
    pub fn content(&self, index: usize) -> Option<&'a Content> {
        self.value(index)?.content.as_ref()
    }

    /// The integers of an optional input.
    ///
    /// # Errors
    /// If it is present, but not a small constant of integers.
    pub fn ints(&self, index: usize) -> Result<Option<&'a [i64]>, Failure> {
        let Some(value) = self.value(index) else { return Ok(None) };
        match value.content.as_ref() {
            Some(content) => match content.ints() {
                Some(ints) => Ok(Some(ints)),
                None => wrong(format!("input {index} ('{}') is not a tensor of integers", value.name)),
            },
            None => Err(self.depends_on_data(index)),
        }
    }

    /// The failure of a rule that needs the elements of an input that are unknown.
    pub fn depends_on_data(&self, index: usize) -> Failure {
        let value = self.value(index);
        let name = value.map_or("", |it| &it.name);
        let why = value.and_then(|it| it.absent.as_ref()).map_or(String::new(), |it| format!(": {it}"));
        Failure::Unknown(format!("the shape depends on the data of input {index} ('{name}'){why}"))
    }

    /// Integers that are an attribute in old operator sets and an input in new ones.
    pub fn ints_of(&self, attribute: &str, index: usize) -> Result<Option<&'a [i64]>, Failure> {
        match self.attributes().ints(attribute) {
            Some(ints) => Ok(Some(ints)),
            None => self.ints(index),
        }
    }

    /// The number of requested results.
    pub fn n_outputs(&self) -> usize {
        self.node.outputs.len()
    }

    /// Whether its results do not depend on the inputs of the model: it reads only constants or shapes.
    pub fn is_constant(&self) -> bool {
        let kind = self.node.kind.as_str();
        let is_own = self.node.domain.is_empty();
        if is_own && matches!(kind, "Shape" | "Size" | "EyeLike") {
            return true;
        }
        let is_random = is_own && (kind.starts_with("Random") || matches!(kind, "Bernoulli" | "Multinomial"));
        // A foreign operator without inputs may do anything.
        let has_source = !self.node.inputs.is_empty() || is_own;
        has_source && !is_random && self.node.inputs.iter().flatten().all(|it| self.values[*it].is_constant)
    }
}

/// Normalises an axis, which counts from the end if it is negative.
pub fn axis(axis: i64, rank: usize) -> Result<usize, Failure> {
    let rank = rank as i64;
    let from_start = if axis < 0 { axis.saturating_add(rank) } else { axis };
    if (0..rank).contains(&from_start) {
        Ok(from_start as usize)
    } else {
        wrong(format!("there is no axis {axis} in a tensor of rank {rank}"))
    }
}

/// Normalises axes, which must be distinct.
pub fn axes(list: &[i64], rank: usize) -> Result<Vec<usize>, Failure> {
    let mut axes = Vec::new();
    for it in list {
        let axis = self::axis(*it, rank)?;
        if axes.contains(&axis) {
            return wrong(format!("axis {it} is given twice"));
        }
        axes.push(axis);
    }
    Ok(axes)
}

/// A dimension as a signed integer. Dimensions were checked to fit.
pub fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// A computed dimension.
///
/// # Errors
/// If it is negative or larger than `i64::MAX`.
pub fn size(value: i128) -> Result<u64, Failure> {
    match u64::try_from(value) {
        Ok(size) if size <= i64::MAX as u64 => Ok(size),
        _ => wrong(format!("a dimension of its result would be {value}")),
    }
}

/// A list of `n` elements; if it is absent, `n` times the default.
pub fn list(given: Option<&[i64]>, n: usize, default: i64, name: &str) -> Result<Vec<i64>, Failure> {
    match given {
        None => Ok(vec![default; n]),
        Some(list) if list.len() == n => Ok(list.to_vec()),
        Some(list) => wrong(format!("{name} has {} elements instead of {n}", list.len())),
    }
}
