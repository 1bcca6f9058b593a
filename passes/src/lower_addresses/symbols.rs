//! What the functions of a module share: names, kernels, constants.

use cosma_ir::melior::Context;
use cosma_ir::melior::ir::attribute::{StringAttribute, TypeAttribute};
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike};
use cosma_ir::melior::ir::r#type::FunctionType;
use cosma_ir::melior::ir::{Attribute, BlockLike, BlockRef, Identifier, Location, OperationRef, Region, Type};
use std::collections::{BTreeMap, BTreeSet};

use crate::form::{operations, symbol};
use cosma_ir::name;

/// What the functions of a module share.
pub(super) struct Symbols<'c, 'a> {
    context: &'c Context,
    block: BlockRef<'c, 'a>,
    names: BTreeSet<String>,
    /// By name: the constant values of globals.
    globals: BTreeMap<String, Attribute<'c>>,
    /// By plain name: the number that comes next.
    numbers: BTreeMap<String, u64>,
    /// By kind and signature.
    kernels: BTreeMap<(String, String), String>,
}

impl<'c, 'a> Symbols<'c, 'a> {
    /// Of the module with this block.
    pub(super) fn new(context: &'c Context, block: BlockRef<'c, 'a>) -> Self {
        let is_global = |it: &OperationRef| name(*it) == "ml_program.global";
        let value = |it: OperationRef<'c, 'a>| Some((symbol(it), it.attribute("value").ok()?));
        Symbols {
            context,
            block,
            names: operations(block).map(symbol).collect(),
            globals: operations(block).filter(is_global).filter_map(value).collect(),
            numbers: BTreeMap::new(),
            kernels: BTreeMap::new(),
        }
    }

    /// A name like this one that nobody has.
    fn unique(&mut self, like: &str) -> String {
        let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '.';
        let plain: String = like.chars().map(|it| if is_plain(it) { it } else { '_' }).collect();
        let next = self.numbers.entry(plain.clone()).or_insert(0);
        loop {
            let name = if *next == 0 { plain.clone() } else { format!("{plain}_{next}") };
            *next += 1;
            if self.names.insert(name.clone()) {
                return name;
            }
        }
    }

    /// The external function for operators of a kind with a signature.
    pub(super) fn kernel(&mut self, kind: &str, r#type: FunctionType<'c>, location: Location<'c>) -> String {
        let key = (kind.to_owned(), r#type.to_string());
        if let Some(name) = self.kernels.get(&key) {
            return name.clone();
        }
        let name = self.unique(kind);
        let context = self.context;
        let declaration = OperationBuilder::new("func.func", location)
            .add_attributes(&[
                (Identifier::new(context, "sym_name"), StringAttribute::new(context, &name).into()),
                (Identifier::new(context, "function_type"), TypeAttribute::new(r#type.into()).into()),
                (Identifier::new(context, "sym_visibility"), StringAttribute::new(context, "private").into()),
            ])
            .add_regions([Region::new()]);
        self.prepend(declaration);
        self.kernels.insert(key, name.clone());
        name
    }

    /// A constant in host memory.
    pub(super) fn global(&mut self, r#type: Type<'c>, value: Attribute<'c>, location: Location<'c>) -> String {
        let name = self.unique("constant");
        let context = self.context;
        let global = OperationBuilder::new("memref.global", location).add_attributes(&[
            (Identifier::new(context, "sym_name"), StringAttribute::new(context, &name).into()),
            (Identifier::new(context, "type"), TypeAttribute::new(r#type).into()),
            (Identifier::new(context, "sym_visibility"), StringAttribute::new(context, "private").into()),
            (Identifier::new(context, "initial_value"), value),
            (Identifier::new(context, "constant"), Attribute::unit(context)),
        ]);
        self.prepend(global);
        name
    }

    /// The value of a global of the module.
    pub(super) fn global_value(&self, symbol: &str) -> Option<Attribute<'c>> {
        self.globals.get(symbol).copied()
    }

    fn prepend(&self, builder: OperationBuilder<'c>) {
        self.block.insert_operation(0, builder.build().expect("nothing is inferred"));
    }
}
