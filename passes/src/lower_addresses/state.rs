//! Lowering of variables to globals in host memory.
//!
//! A value read must not change until the function returns, since a plan may load it at any time. So all writes come
//! at the end, after results that are values read have been copied.

use super::INFO;
use super::arena::size;
use super::buffer::{Buffer, Root};
use super::build::place;
use super::function::Lowering;
use crate::variable::Access;
use cosma_ir::Diagnostic;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{OperationRef, ValueLike};

impl<'c, 'a> Lowering<'_, 'c, 'a> {
    /// Lowers a read to a buffer in host memory, or records a write.
    pub(super) fn variable(
        &mut self,
        operation: OperationRef<'c, 'a>,
        access: Access<'c, 'a>,
    ) -> Result<(), Diagnostic<'c>> {
        let Access { symbol, value, is_write } = access;
        let r#type = self.build.memref(value.r#type(), None, operation)?;
        let memref = match self.variables.get(&symbol) {
            Some(memref) => *memref,
            None => {
                if !self.symbols.variable(&symbol, r#type) {
                    let message = format!("{} does not know the variable @{symbol}", INFO.name);
                    return Err(Diagnostic::at(operation, message));
                }
                let get = place(self.first, self.build.get_global(&symbol, r#type, operation.location()));
                get.result(0).expect("it has one").into()
            }
        };
        self.variables.insert(symbol.clone(), memref);
        if is_write {
            self.writes.push((symbol, value));
        } else {
            self.keep(value, Buffer::host(memref, r#type, size(value)));
        }
        Ok(())
    }

    /// Writes variables before the function returns.
    pub(super) fn write_variables(&mut self, terminator: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let mut copies = Vec::new();
        for (symbol, value) in std::mem::take(&mut self.writes) {
            let Some(mut from) = self.buffer(value)? else {
                let message = format!("{} finds no bytes for what is written to @{symbol}", INFO.name);
                return Err(Diagnostic::at(terminator, message));
            };
            let memref = self.variables[&symbol];
            // The old value of another variable, which may be written first.
            if self.variables.values().any(|it| from.root == Root::Host(*it) && *it != memref) {
                let copy = self.owned(value, terminator)?;
                self.copy(&from, &copy, value.r#type(), terminator);
                from = copy;
            }
            copies.push((
                from,
                Buffer::host(memref, self.build.memref(value.r#type(), None, terminator)?, size(value)),
                value,
            ));
        }
        for (from, to, value) in copies.into_iter().filter(|it| !it.0.is_at(&it.1)) {
            self.copy(&from, &to, value.r#type(), terminator);
        }
        Ok(())
    }
}
