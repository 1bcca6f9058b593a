//! Places for good, on machines where nothing moves: `cosma.place`, and the memories of an operator's results.

use crate::edit::as_mut;
use crate::fact::{read_array, read_string};
use crate::operation::{fact, maker, name, spelling};
use crate::transfer::{At, maker_at, place_attributes};
use melior::ir::operation::{OperationBuilder, OperationMutLike};
use melior::ir::{Location, Operation, OperationRef, Value, ValueLike};

pub(crate) const PLACE: &str = "cosma.place";
pub(crate) const MEMORIES: &str = "memories";

/// Whether an operation says where an argument or a constant lies.
pub fn is_place(operation: OperationRef) -> bool {
    name(operation) == PLACE
}

/// Says where an argument or a constant lies.
pub fn place<'c>(source: Value<'c, '_>, at: At, location: Location<'c>) -> Operation<'c> {
    let builder = OperationBuilder::new(PLACE, location)
        .add_operands(&[source])
        .add_results(&[source.r#type()])
        .add_attributes(&place_attributes(maker_at(location), at));
    builder.build().expect("nothing is inferred that could fail")
}

/// The names of the memories in which the results of an operator lie, by result; `None` where all lie in the scratchpad.
pub fn memories(operation: OperationRef) -> Option<Vec<String>> {
    read_array(fact(operation, MEMORIES)?)?.into_iter().map(read_string).collect()
}

/// Sets the names of the memories in which the results of an operator lie, one for each.
pub fn set_memories(operation: OperationRef, memories: &[&str]) {
    let maker = maker(operation);
    let names = maker.array(memories.iter().map(|it| maker.string(it)));
    as_mut(operation).set_attribute(&spelling(operation, MEMORIES), names);
}
