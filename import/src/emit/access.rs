//! How operators access their operands, as the dialect writes it in `#cosma.access`.

use super::List;
use crate::network::OperatorAccess;
use cosma_tile::{Dim, DimKind, Expr, Map, Sums};
use std::fmt;

/// An access of an operator with so many operands.
pub(super) struct AccessOf<'a>(pub &'a OperatorAccess, pub usize);

impl fmt::Display for AccessOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AccessOf(OperatorAccess { access, operands }, n_operands) = self;
        write!(f, "<[{}]", List(access.domain.iter().map(DimOf)))?;
        for operand in 0..*n_operands {
            let ways = operands.iter().zip(&access.operands).filter(|it| *it.0 == operand).map(|it| it.1);
            for (index, way) in ways.enumerate() {
                write!(f, "{}{}", if index == 0 { ", " } else { " and " }, MapOf(way))?;
            }
        }
        write!(f, " -> {}", List(access.results.iter().map(MapOf)))?;
        match access.sums {
            Some(Sums::Integer(bits)) => write!(f, ", sums = i{bits}>"),
            Some(Sums::Float(bits)) => write!(f, ", sums = f{bits}>"),
            None => f.write_str(">"),
        }
    }
}

struct DimOf<'a>(&'a Dim);

impl fmt::Display for DimOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0.kind {
            DimKind::Parallel => "",
            DimKind::Reduced { splittable: true } => "sum ",
            DimKind::Reduced { splittable: false } => "reduced ",
            DimKind::Whole => "whole ",
        };
        write!(f, "{kind}{}", self.0.size)
    }
}

struct MapOf<'a>(&'a Map);

impl fmt::Display for MapOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", List(self.0.0.iter().map(ExprOf)))
    }
}

struct ExprOf<'a>(&'a Expr);

impl fmt::Display for ExprOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Expr { terms, constant, divisor } = self.0;
        let term = |(dim, coefficient): &(usize, i64)| match coefficient {
            1 => format!("d{dim}"),
            _ => format!("d{dim} * {coefficient}"),
        };
        let parts: Vec<String> = terms.iter().map(term).collect();
        let sum = match *constant {
            0 if !parts.is_empty() => parts.join(" + "),
            constant if parts.is_empty() => constant.to_string(),
            constant if constant < 0 => format!("{} - {}", parts.join(" + "), constant.unsigned_abs()),
            constant => format!("{} + {constant}", parts.join(" + ")),
        };
        if *divisor == 1 { f.write_str(&sum) } else { write!(f, "({sum}) floordiv {divisor}") }
    }
}
