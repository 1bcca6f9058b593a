//! The symbols of a module: kernels, constants and variables.

use cosma_ir::melior::Context;
use cosma_ir::melior::ir::attribute::{StringAttribute, TypeAttribute};
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike};
use cosma_ir::melior::ir::r#type::FunctionType;
use cosma_ir::melior::ir::{
    Attribute, BlockLike, BlockRef, Identifier, Location, Operation, OperationRef, Region, Type,
};
use std::collections::{BTreeMap, BTreeSet};

use crate::form::{operations, symbol};
use cosma_ir::{erase, is_symbol_unused, name};

/// The symbols of a module, which its functions share.
pub(super) struct Symbols<'c, 'a> {
    context: &'c Context,
    block: BlockRef<'c, 'a>,
    names: BTreeSet<String>,
    /// The values of constant globals, by name.
    globals: BTreeMap<String, Attribute<'c>>,
    /// The next number to append to each name.
    numbers: BTreeMap<String, u64>,
    /// The memref types of variables that functions read or write, by name.
    variables: BTreeMap<String, Type<'c>>,
    /// The names of kernels, by kind and signature.
    kernels: BTreeMap<(String, String), String>,
}

impl<'c, 'a> Symbols<'c, 'a> {
    /// The symbols of the module with this block.
    pub(super) fn new(context: &'c Context, block: BlockRef<'c, 'a>) -> Self {
        let is_global = |it: &OperationRef| name(*it) == "ml_program.global";
        let value = |it: OperationRef<'c, 'a>| Some((symbol(it), it.attribute("value").ok()?));
        Symbols {
            context,
            block,
            names: operations(block).map(symbol).collect(),
            globals: operations(block).filter(is_global).filter_map(value).collect(),
            numbers: BTreeMap::new(),
            variables: BTreeMap::new(),
            kernels: BTreeMap::new(),
        }
    }

    /// A unique name derived from `like`.
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

    /// Takes a name, if it is free.
    pub(super) fn claim(&mut self, name: &str) -> bool {
        self.names.insert(name.to_owned())
    }

    /// Inserts a function after another one.
    pub(super) fn insert_after(
        &mut self,
        function: OperationRef<'c, 'a>,
        operation: Operation<'c>,
    ) -> OperationRef<'c, 'a> {
        self.block.insert_operation_after(function, operation)
    }

    /// The name of the external function for operators of a kind with a signature.
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

    /// The name of a global in host memory with a constant value.
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

    /// Records that a function reads or writes a variable. Returns whether it exists.
    pub(super) fn variable(&mut self, symbol: &str, r#type: Type<'c>) -> bool {
        let is_there = self.definition(symbol).is_some();
        if is_there {
            self.variables.insert(symbol.to_owned(), r#type);
        }
        is_there
    }

    fn definition(&self, symbol: &str) -> Option<OperationRef<'c, 'a>> {
        let is_variable = |it: &OperationRef| matches!(name(*it).as_str(), "ml_program.global" | "tosa.variable");
        operations(self.block).filter(is_variable).find(|it| crate::form::symbol(*it) == symbol)
    }

    /// Replaces variables that functions read or write by globals of memrefs with the same names, and erases private
    /// globals of tensors without uses.
    pub(super) fn finish_variables(&self, module: OperationRef<'c, 'a>) {
        let context = self.context;
        for (symbol, r#type) in &self.variables {
            let definition = self.definition(symbol).expect("it was there");
            let value = ["value", "initial_value"].into_iter().find_map(|it| definition.attribute(it).ok());
            let mut attributes = vec![
                (Identifier::new(context, "sym_name"), StringAttribute::new(context, symbol).into()),
                (Identifier::new(context, "type"), TypeAttribute::new(*r#type).into()),
                // A unit attribute declares uninitialised content.
                (Identifier::new(context, "initial_value"), value.unwrap_or_else(|| Attribute::unit(context))),
            ];
            let visibility = definition.attribute("sym_visibility").ok();
            attributes.extend(visibility.map(|it| (Identifier::new(context, "sym_visibility"), it)));
            let global = OperationBuilder::new("memref.global", definition.location()).add_attributes(&attributes);
            self.block.insert_operation_before(definition, global.build().expect("nothing is inferred"));
            erase(definition);
        }
        let is_private =
            |it: &OperationRef| it.attribute("sym_visibility").is_ok_and(|it| it.to_string() == "\"private\"");
        let is_left =
            |it: &OperationRef| name(*it) == "ml_program.global" && is_private(it) && is_symbol_unused(*it, module);
        operations(self.block).filter(is_left).collect::<Vec<_>>().into_iter().for_each(erase);
    }

    /// The value of a global of the module.
    pub(super) fn global_value(&self, symbol: &str) -> Option<Attribute<'c>> {
        self.globals.get(symbol).copied()
    }

    fn prepend(&self, builder: OperationBuilder<'c>) {
        self.block.insert_operation(0, builder.build().expect("nothing is inferred"));
    }
}
