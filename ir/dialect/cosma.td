// COSMA's dialect: an abstract operator, and the transfers of a planned program.
//
// It has no operation that upstream dialects have. Verification that needs sizes or the machine is in Rust
// (ir/src/verify.rs), and so is that of discardable attributes.

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Cosma_Dialect : Dialect {
  let name = "cosma";
  let summary = "Operators and transfers of a planned scratchpad";
  let description = [{
    A function in *source form* has one block of operators on static tensors and no transfers.
    In *planned form* the order of the block is the schedule. Every operation that puts a tensor into the
    scratchpad belongs to this dialect and carries a byte offset. Between the operators are transfers:
    `cosma.load` and `cosma.store` are compulsory, `cosma.reload` and `cosma.spill` are not. All four move data
    from or to host memory; `cosma.copy` moves it between two other memories. An `async` transfer begins at its
    place in the block and runs in parallel with the operations after it, up to its `cosma.wait`.
    An operation of another dialect that runs on the scratchpad is wrapped in a `cosma.group`. So each
    operation has effects on the scratchpad, and MLIR's passes do not merge, drop or move it.

    Attributes of the dialect:

    - `cosma.machine`, on a module or a function: a `#cosma.machine`. The innermost one applies.
    - `cosma.weight`, on an argument of a function: the argument is a constant of the network.
    - `cosma.keep`, on such an argument: it stays in the scratchpad from one run of the function to the next.
    - `cosma.at`, on an argument or a result of a function, or on an operation of its block: the offset in bytes at
      which the tensor lies whenever it is in the scratchpad, `cosma.at = 4096 : i64`. An operation with several
      results has one offset for each, or -1 for any: `cosma.at = array<i64: 0, -1>`.
    - `cosma.on_chip`, on an argument: it lies in the scratchpad, and not in host memory, before the first operator
      runs. On a result: it lies in the scratchpad after the last operator has run, and is not stored. If there is no
      `cosma.at`, planning chooses the offset; the planned function has it as `cosma.offset`. In planned form,
      operators read such an argument in the scratchpad, and the function returns such a result there. A lowered
      function neither takes nor returns them: the caller finds their indices and offsets in the function's
      `cosma.on_chip`, `{arguments = [[0, 4096]], results = [[0, 128]]}`. If nothing moves, the name of
      the memory follows an offset that is not in the scratchpad: `[0, 4096, "psram"]`.
    - `cosma.workspace`, `cosma.macs`, `cosma.cycles`, `cosma.in_place`, and between two passes of planning
      `cosma.residencies` and `cosma.workspace_offset`, on operations of other dialects: the counterparts of the
      attributes `workspace`, `macs`, `cycles`, `in_place`, `residencies` and `workspace_offset` of `cosma.op`.
      Without `cosma.in_place`, COSMA uses what it knows about the operation. Arguments of functions can have
      `cosma.residencies` too.
    - `cosma.plan`, on a function: a `#cosma.plan`.
    - `cosma.tiling`, on a function that `cosma-tile` has processed: the bytes, compulsory ones included, that every
      tiling moves (`all_tilings`), and that every tiling without recomputation moves (`without_recomputation`), as
      in `{all_tilings = 3628832 : i64, without_recomputation = 4364064 : i64}`; or `"unknown"`.

    `#cosma.machine`, `#cosma.alias` and `#cosma.residency` each have a *builtin spelling* as well, for
    tools that write source form without knowing the dialect. It is allowed wherever the typed attribute is, and
    means the same; `cosma-opt` converts it to the typed attribute when it reads a module.
  }];
  let cppNamespace = "::cosma";
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
}

class Cosma_Attr<string name, string attributeMnemonic> : AttrDef<Cosma_Dialect, name> {
  let mnemonic = attributeMnemonic;
  let genVerifyDecl = 1;
}

// An attribute with a builtin spelling: `from` converts either spelling, and reports errors in others.
class Cosma_SpelledAttr<string name, string attributeMnemonic> : Cosma_Attr<name, attributeMnemonic> {
  let extraClassDeclaration = [{
    static ::mlir::FailureOr<}] # name # [{Attr> from(
        ::mlir::Attribute attribute, ::llvm::function_ref<::mlir::InFlightDiagnostic()> emitError = {});
    static bool is(::mlir::Attribute attribute);
  }];
}

class Cosma_Enum<string name, string summary, list<EnumCase> cases> : I32Enum<name, summary, cases> {
  let cppNamespace = "::cosma";
}

def Cosma_Weights : Cosma_Enum<"Weights", "the way operators read weights", [
    I32EnumCase<"Resident", 0, "resident">, I32EnumCase<"Streamed", 1, "streamed">, I32EnumCase<"Auto", 2, "auto">
  ]>;

def Cosma_Keep : Cosma_Enum<"Keep", "the weights that stay in the scratchpad from one run to the next", [
    I32EnumCase<"None", 0, "none">, I32EnumCase<"Auto", 1, "auto">
  ]>;

def Cosma_WeightComputation : Cosma_Enum<"WeightComputation", "the time of computation on weights alone", [
    I32EnumCase<"Folded", 0, "folded">, I32EnumCase<"Run", 1, "run">
  ]>;

def Cosma_Moves : Cosma_Enum<"Moves", "what brings tensors from one memory to another", [
    I32EnumCase<"Links", 0, "links">, I32EnumCase<"None", 1, "none">
  ]>;

def Cosma_PlanStatus : Cosma_Enum<"PlanStatus", "the proof status of a plan", [
    I32EnumCase<"Feasible", 0, "feasible">, I32EnumCase<"Optimal", 1, "optimal">
  ]>;

def Cosma_LeastIs : Cosma_Enum<"LeastIs", "the kind of the least scratchpad of a plan", [
    I32EnumCase<"Exact", 0, "exact">, I32EnumCase<"LowerBound", 1, "lower_bound">
  ]>;

def Cosma_AliasAttr : Cosma_SpelledAttr<"Alias", "alias"> {
  let summary = "a result and an operand of an operator that may share bytes";
  let description = [{
    The smaller of the two lies within the larger one, at its start or `at` a byte offset.

    ```mlir
    #cosma.alias<result 0, operand 0>
    #cosma.alias<result 0, operand 1, at 512>
    ```

    Builtin spelling, which the assembly of operators accepts and prints: `[result, operand]` or
    `[result, operand, byte]`.
  }];
  let parameters = (ins
    "int64_t":$result,
    "int64_t":$operand,
    DefaultValuedParameter<"int64_t", "0", "byte offset in the larger one">:$at
  );
  let assemblyFormat = "`<` `result` $result `,` `operand` $operand (`,` `at` $at^)? `>`";
}

def Cosma_ResidencyAttr : Cosma_SpelledAttr<"Residency", "residency"> {
  let summary = "steps of the schedule during which a tensor lies at one place";
  let description = [{
    In the steps `START to END`, half-open, its first byte lies `at` an offset in bytes from the start of the
    scratchpad, or of the memory that it is `in`.

    ```mlir
    #cosma.residency<0 to 3 at 4096>
    #cosma.residency<0 to 3 at 4096 in "flash">
    ```

    Builtin spelling, of one in the scratchpad: `array<i64: offset, first step, end step>`.
  }];
  let parameters = (ins
    "int64_t":$start, "int64_t":$end, "int64_t":$offset, OptionalParameter<"::mlir::StringAttr">:$memory
  );
  let assemblyFormat = "`<` $start `to` $end `at` $offset (`in` $memory^)? `>`";
}

// A number of bytes, or the name of a memory that has a size.
def Cosma_SizeOrName : AttrOrTypeParameter<"::mlir::Attribute", "bytes, or the name of a memory"> {
  let parser = "::cosma::parseSizeOrName($_parser)";
  let printer = "::cosma::printSizeOrName($_printer, $_self)";
  let defaultValue = "::mlir::Attribute()";
}

def Cosma_MachineAttr : Cosma_SpelledAttr<"Machine", "machine"> {
  let summary = "the accelerator that a module or a function is for";
  let description = [{
    All fields are optional:

    - `scratchpad`: its size in bytes.
    - `alignment`: addresses are multiples of this many bytes.
    - `weights`: `resident` in the scratchpad, `streamed` past it, or `auto`: whichever moves less, for each use.
    - `keep`: `auto`, weights stay in the scratchpad from one run of the function to the next where that saves
      traffic; or `none`.
    - `element_bytes`: the bytes of each element of a float tensor, for networks that will be quantised.
    - `weight_computation`: `folded`, done before the run; or `run`.

    `reserved` lists address ranges of the scratchpad that must not be used, such as a stack or the memory of
    another program, each as `[first, end]` in bytes, half-open.

    `links` gives the machine a clock: it has the speed of transfers, with one entry for each direction between `host`
    and `scratchpad`. A link moves `rate` bytes per cycle, a ratio of integers such as 16, "3.75" or "15/4", and keeps
    its `channel` busy for another `setup` cycles. A transfer of fewer than `burst` bytes takes as long as one of
    `burst` bytes. A transfer is complete `latency` cycles after the channel has finished it. A channel executes its
    transfers one at a time, in order. With `links` there may be `compute`: `cycles_per_mac` for operators without
    `cycles` of their own, the `bytes_per_cycle` that operators read and write in the scratchpad, and the
    `least_cycles` of any operator.

    `memories` describes machines with more than a scratchpad and host memory. Each memory has a name and any of
    `size` in bytes, `alignment` (by default that of the machine, else 64), `reserved` as above, and `banks`: the
    number of equal parts, where no tensor lies across two of them. With `apart`, the operands of one operator must lie
    in different banks, and with `apart = 64`, each two of them in one bank cost as much as 64 bytes of traffic, on
    machines where tensors move. A memory without a size is as large as it needs to be, and is *home*, which holds arguments and results; if several have no size, `home` names one of
    them. `scratchpad` is then the name of a memory with a size. Each entry of `links` leads from one memory to
    another, and there are no copies between memories without a link. The `price` of a link is the cost of a byte. Its
    default is 1, or with three or more memories, the cycles that 65,536 bytes take at the rate of the link. Either
    all links have a rate and a channel, or none has.

    `moves = none`, beside `memories`, says that nothing brings a tensor from one memory to another: each has one memory
    and one place there for good, and operators read and write it there. A link is no way for copies then. Over one to the
    scratchpad operators read a memory, over one from the scratchpad they write to it, and its `price` is what a byte costs
    beyond one of the scratchpad. A memory to which no link leads is read-only.

    ```mlir
    #cosma.machine<scratchpad = 524288, alignment = 64, weights = streamed>
    #cosma.machine<scratchpad = 524288, reserved = [[0, 1024], [262144, 266240]]>
    #cosma.machine<scratchpad = 524288, links = [
      {from = "host", to = "scratchpad", channel = "dma", rate = "15/4", latency = 500, burst = 128},
      {from = "scratchpad", to = "host", channel = "dma", rate = "15/4", latency = 250, burst = 128}
      ], compute = {cycles_per_mac = "1/512", bytes_per_cycle = 64}>
    #cosma.machine<scratchpad = "l1", links = [
      {from = "dram", to = "l2", price = 4}, {from = "l2", to = "dram", price = 4},
      {from = "l2", to = "l1"}, {from = "l1", to = "l2"}
      ], memories = {dram = {}, l1 = {size = 262144}, l2 = {size = 2097152, alignment = 16}}>
    #cosma.machine<scratchpad = "sram", links = [
      {from = "flash", to = "sram"}
      ], memories = {flash = {}, sram = {size = 262144}}, moves = none>
    ```

    Builtin spelling: a dictionary of 64-bit integers and strings,
    `{scratchpad = 524288, alignment = 64, weights = "streamed"}`, with `reserved`, `links`, `compute` and `memories`
    as above.
  }];
  let parameters = (ins
    Cosma_SizeOrName:$scratchpad,
    OptionalParameter<"std::optional<int64_t>", "bytes">:$alignment,
    OptionalParameter<"std::optional<::cosma::Weights>">:$weights,
    OptionalParameter<"std::optional<::cosma::Keep>">:$keep,
    OptionalParameter<"std::optional<int64_t>", "bytes">:$element_bytes,
    OptionalParameter<"std::optional<::cosma::WeightComputation>">:$weight_computation,
    OptionalParameter<"::mlir::ArrayAttr">:$reserved,
    OptionalParameter<"::mlir::ArrayAttr">:$links,
    OptionalParameter<"::mlir::DictionaryAttr">:$compute,
    OptionalParameter<"::mlir::DictionaryAttr">:$memories,
    OptionalParameter<"::mlir::StringAttr">:$home,
    OptionalParameter<"std::optional<::cosma::Moves>">:$moves
  );
  let assemblyFormat = "`<` struct(params) `>`";
}

def Cosma_PlanAttr : Cosma_Attr<"Plan", "plan"> {
  let summary = "what is known about the plan of a function";
  let description = [{
    Everything except `operators` is in bytes. `total` is the traffic: `compulsory`, which every plan moves, and
    `non_compulsory`, the rest, of which addresses cause `fragmentation`. `lower_bound` is a lower bound on the
    non-compulsory bytes of every plan. `peak` is the most that lies in the scratchpad at once. The function cannot
    run with less than `min_scratchpad`; it can run with that much, unless `min_scratchpad_is` a `lower_bound`. After
    `cosma-tile`, `proof` is the set of programs that `lower_bound` holds for: `all tilings`, `all tilings without
    recomputation`, `these tiles` or `this order`. A plan that reaches the bound moves the least of all of these.

    If weights stay in the scratchpad from run to run, `total` and its parts are those of each run after the first,
    and the first run moves `prologue` more.

    On a machine with several memories, all transfers together cost `cost` by the prices of links, and no program
    costs less than `cost_bound`. Bytes are those from and to home. If nothing
    moves, the cost is that of all accesses of operators, and bytes are those that they read and write in home.

    On a machine with a clock, no program with these transfers takes less than `cycles_bound` cycles;
    `cycles_bound_rule` names the rule of the bound. `any_order_bound`, if it differs, is a lower bound for every order
    of the operators.
  }];
  let parameters = (ins
    "int64_t":$operators,
    EnumParameter<Cosma_PlanStatus>:$status,
    "int64_t":$total,
    "int64_t":$compulsory,
    "int64_t":$non_compulsory,
    "int64_t":$lower_bound,
    DefaultValuedParameter<"int64_t", "0">:$fragmentation,
    DefaultValuedParameter<"int64_t", "0">:$prologue,
    "int64_t":$peak,
    "int64_t":$min_scratchpad,
    DefaultValuedParameter<"::cosma::LeastIs", "::cosma::LeastIs::Exact">:$min_scratchpad_is,
    "::mlir::StringAttr":$solver,
    OptionalParameter<"::mlir::StringAttr">:$proof,
    OptionalParameter<"std::optional<int64_t>">:$cycles_bound,
    OptionalParameter<"::mlir::StringAttr">:$cycles_bound_rule,
    OptionalParameter<"std::optional<int64_t>">:$any_order_bound,
    OptionalParameter<"::mlir::StringAttr">:$any_order_rule,
    OptionalParameter<"std::optional<int64_t>">:$cost,
    OptionalParameter<"std::optional<int64_t>">:$cost_bound
  );
  let assemblyFormat = "`<` struct(params) `>`";
}

def Cosma_TileAttr : Cosma_Attr<"Tile", "tile"> {
  let summary = "the operator that a tile is part of, and which part";
  let description = [{
    The name of an operator of the network before it was split, and the part of its loops that the tile runs:
    the first iteration and the number of iterations of each loop, in the order of the operator's access.

    ```mlir
    #cosma.tile<"Conv_3", [0, 0, 12, 0, 0, 0, 0] [1, 16, 4, 16, 8, 3, 3]>
    ```
  }];
  let parameters = (ins
    "::mlir::StringAttr":$of,
    "::mlir::DenseI64ArrayAttr":$offsets,
    "::mlir::DenseI64ArrayAttr":$sizes
  );
  let assemblyFormat = "`<` $of `,` $offsets $sizes `>`";
}

include "access.td"

def Cosma_Aliases : TypedArrayAttrBase<
  Attr<CPred<"::cosma::AliasAttr::is($_self)">>,
  "list of #cosma.alias, [result, operand] or [result, operand, byte]">;

def Cosma_Residencies : TypedArrayAttrBase<
  TypedArrayAttrBase<Attr<CPred<"::cosma::ResidencyAttr::is($_self)">>, "">,
  "list of lists of #cosma.residency, or of arrays of offset, first step and end step">;

class Cosma_Op<string mnemonic, list<Trait> traits = []> : Op<Cosma_Dialect, mnemonic, traits> {
  let hasVerifier = 1;
}

// All memories except host memory: MLIR's passes do not distinguish them.
def Scratchpad : Resource<"::cosma::Scratchpad">;
def HostMemory : Resource<"::cosma::HostMemory">;

def Cosma_Natural : ConfinedAttr<I64Attr, [IntNonNegative]>;

def Cosma_NotEmpty : AttrConstraint<
  CPred<"!::llvm::cast<::mlir::StringAttr>($_self).getValue().empty()">, "that is not empty">;

// Operations that are one operator: `cosma.op` and `cosma.group`.
//
// `in_place` is not destination-passing style. It permits sharing, while `outs` requires it; a result may have
// several candidate operands, or a part of one, and most results have none. A group does not implement
// RegionBranchOpInterface, because remove-dead-values would then drop operands and results, but not their entries in
// `in_place`, `offsets` and `residencies`.
class Cosma_Operator<string mnemonic, list<Trait> traits = []>
    : Cosma_Op<mnemonic, traits # [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let arguments = (ins
    Variadic<AnyType>:$inputs,
    ConfinedAttr<StrAttr, [Cosma_NotEmpty]>:$kind,
    OptionalAttr<Cosma_TileAttr>:$tile,
    OptionalAttr<Cosma_Natural>:$macs,
    OptionalAttr<Cosma_Natural>:$cycles,
    OptionalAttr<Cosma_Natural>:$workspace,
    OptionalAttr<Cosma_Aliases>:$in_place,
    OptionalAttr<DenseI64ArrayAttr>:$offsets,
    OptionalAttr<StrArrayAttr>:$memories,
    OptionalAttr<Cosma_Natural>:$workspace_offset,
    OptionalAttr<Cosma_Residencies>:$residencies,
    OptionalAttr<Cosma_AccessAttr>:$access
  );
  let results = (outs Variadic<AnyType>:$outputs);
  code operatorFormat = [{
    $kind `(` $inputs `)` (`tile` $tile^)? (`access` $access^)? (`at` $offsets^)? (`in` $memories^)? (`macs` $macs^)? (`cycles` $cycles^)?
    (`workspace` $workspace^)? (`workspace_at` $workspace_offset^)? (`in_place` custom<Aliases>($in_place)^)?
    (`residencies` custom<Residencies>($residencies)^)?
    attr-dict `:` functional-type($inputs, $outputs)
  }];
}

def OperatorOp : Cosma_Operator<"op"> {
  let summary = "an abstract operator";
  let description = [{
    Reads its operands and computes its results. `kind` names what it computes; COSMA does not interpret it.

    `access` says which elements of its operands it reads for which of its results, and so how it may be split.
    `macs` is its number of multiply-accumulates. `cycles` is its compute time, which overrides the time that follows
    from `macs`. `workspace` is the bytes of scratchpad that it needs for itself while it runs. `in_place` lists pairs
    of a result and an operand (`#cosma.alias`) that may share bytes if no later operator reads the operand. So a
    concatenation whose operands lie at their places in its result moves nothing, and neither does a split. A
    tensor that is a part of another is in no second pair, and the parts of one tensor have no byte in common. A
    planner adds `offsets`, one for each result, and `workspace_offset`. Before transfers are inserted, it adds
    `residencies`: a list of `#cosma.residency` for each result. If nothing moves, results can lie in other memories
    than the scratchpad: `in` then names the memory of each result.

    An operator with `tile` is a part of an operator that was split; its operands and results are pieces of the
    operands and results of that operator.

    In source form it has no effect on memory unless it has no result, so equal operators can be merged and unused
    ones dropped. With offsets it reads and writes the scratchpad, and stays in place.

    ```mlir
    %0 = cosma.op "Conv"(%x, %w) macs 4608 : (tensor<1x8x8xi8>, tensor<8x3x3xi8>) -> tensor<8x8x8xi8>
    %1 = cosma.op "Relu"(%0) at [512] in_place [[0, 0]] : (tensor<8x8x8xi8>) -> tensor<8x8x8xi8>
    %2 = cosma.op "Concat"(%1, %1b) in_place [[0, 0], [0, 1, 512]]
      : (tensor<8x8x8xi8>, tensor<8x8x8xi8>) -> tensor<16x8x8xi8>
    %3 = cosma.op "Relu"(%2) residencies [[2 to 4 at 0]] : (tensor<16x8x8xi8>) -> tensor<16x8x8xi8>
    %4 = cosma.op "Relu"(%3) at [512] in ["psram"] : (tensor<16x8x8xi8>) -> tensor<16x8x8xi8>
    ```
  }];
  let assemblyFormat = operatorFormat;
}

def GroupOp : Cosma_Operator<"group", [
    IsolatedFromAbove, SingleBlockImplicitTerminator<"YieldOp">, RecursiveMemoryEffects, RecursivelySpeculatable
  ]> {
  let summary = "operations that run as one operator";
  let description = [{
    Operations that an accelerator executes together, such as a convolution with its padding and its activation. A
    planner sees one operator: its operands and results need space in the scratchpad, and the values between them do
    not. The region computes the results in operations of any dialect: its arguments are the operands, and the
    operands of `cosma.yield` are the results. `kind` names the main operator of the group. The other attributes are
    those of `cosma.op`.

    It has the memory effects of the operations in it. With offsets it also reads and writes the scratchpad. In
    planned form, each operation of another dialect that runs on the scratchpad is in a group, alone if necessary.
    Outside of one, it would be a pure function of its operands to MLIR, which could merge it with an equal operation
    whose result was overwritten in between.

    ```mlir
    %0 = cosma.group "tosa.conv2d"(%x, %w, %b) : (…) -> tensor<1x8x8x4xf32> {
    ^bb0(%a0: tensor<1x8x8x3xf32>, %a1: tensor<4x1x1x3xf32>, %a2: tensor<4xf32>):
      %1 = tosa.conv2d %a0, %a1, %a2, …
      %2 = tosa.clamp %1 …
      cosma.yield %2 : tensor<1x8x8x4xf32>
    }
    ```
  }];
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = operatorFormat # "$body";
}

def YieldOp : Op<Cosma_Dialect, "yield", [Pure, ReturnLike, Terminator, HasParent<"GroupOp">]> {
  let summary = "the results of a group";
  let arguments = (ins Variadic<AnyType>:$values);
  let builders = [OpBuilder<(ins), [{ /* without operands */ }]>];
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def Cosma_TransitType : TypeDef<Cosma_Dialect, "Transit"> {
  let mnemonic = "transit";
  let summary = "a tensor on its way from one memory to another";
  let description = [{
    The result of an `async` transfer. No operator can read it; `cosma.wait` returns the tensor.

    ```mlir
    !cosma.transit<tensor<64xi8>>
    ```
  }];
  let parameters = (ins "::mlir::RankedTensorType":$tensor);
  let assemblyFormat = "`<` $tensor `>`";
}

def Cosma_Moved : AnyTypeOf<[AnyStaticShapeTensor, Cosma_TransitType], "statically shaped tensor, or one in transit">;

class Cosma_Transfer<string mnemonic, list<MemoryEffect> effects>
    : Cosma_Op<mnemonic, [MemoryEffects<effects>]> {
  let results = (outs Cosma_Moved:$target);
}

class Cosma_BringIn<string mnemonic, dag others = (ins), string format = "">
    : Cosma_Transfer<mnemonic, [MemRead<HostMemory>, MemWrite<Scratchpad>]> {
  let arguments = !con((ins
    Cosma_Moved:$source,
    OptionalAttr<DenseI64ArrayAttr>:$static_offsets,
    OptionalAttr<DenseI64ArrayAttr>:$static_sizes,
    OptionalAttr<DenseI64ArrayAttr>:$slice,
    OptionalAttr<Cosma_Natural>:$offset,
    OptionalAttr<StrAttr>:$memory,
    UnitAttr:$async
  ), others);
  let assemblyFormat = [{
    custom<Async>($async) `` $source `` custom<Region>($static_offsets, $static_sizes) (`slice` $slice^)?
    custom<Placement>($offset) (`in` $memory^)? }] # format # [{ attr-dict `:` custom<PieceType>(ref($async), type($source), type($target))
  }];
}

class Cosma_TakeOut<string mnemonic>
    : Cosma_Transfer<mnemonic, [MemRead<Scratchpad>, MemWrite<HostMemory>]> {
  let arguments = (ins
    AnyStaticShapeTensor:$source,
    Optional<Cosma_Moved>:$destination,
    OptionalAttr<DenseI64ArrayAttr>:$static_offsets,
    OptionalAttr<DenseI64ArrayAttr>:$static_sizes,
    UnitAttr:$async
  );
  let assemblyFormat = [{
    custom<Async>($async) `` $source (`into` $destination^)? `` custom<Region>($static_offsets, $static_sizes) attr-dict
    `:` custom<IntoType>(ref($async), type($source), type($destination), type($target))
  }];
}

def PlaceOp : Cosma_Op<"place", [
    AllTypesMatch<["source", "target"]>, MemoryEffects<[MemRead<HostMemory>, MemWrite<Scratchpad>]>
  ]> {
  let summary = "where an argument or a constant lies, for good";
  let description = [{
    Moves nothing: on a machine with `moves = none`, what no operator computes lies in its place before the function runs.
    The result is the operand there, `at` an offset in the scratchpad or `in` the memory that is named; in one without a
    size, at 0. Such operations stand before all operators, one for each argument and constant that is used.

    ```mlir
    %0 = cosma.place %x at 0 : tensor<64xi8>
    %1 = cosma.place %w at 4096 in "flash" : tensor<1024xi8>
    ```
  }];
  let arguments = (ins
    AnyStaticShapeTensor:$source,
    Cosma_Natural:$offset,
    OptionalAttr<StrAttr>:$memory
  );
  let results = (outs AnyStaticShapeTensor:$target);
  let assemblyFormat = "$source `at` $offset (`in` $memory^)? attr-dict `:` type($source)";
}

def WaitOp : Cosma_Op<"wait", [MemoryEffects<[
    MemRead<HostMemory>, MemWrite<HostMemory>, MemRead<Scratchpad>, MemWrite<Scratchpad>
  ]>]> {
  let summary = "waits until a transfer is complete";
  let description = [{
    Returns the tensor that an `async` transfer moves: after a load, a reload or a copy, in the scratchpad or in the
    memory that the transfer names; after a spill or a store, in host memory. Before the wait, nothing can read the
    tensor, and its source is not free. Each transfer has one wait, in the same block; all slices of one tensor share
    one wait.

    ```mlir
    %t0 = cosma.load async %x at 0 : tensor<64xi8>
    %t1 = cosma.load async %w slice [0, 512] at 64 : tensor<1024xi8>
    %t2 = cosma.load async %w slice [512, 1024] at 64 : tensor<1024xi8>
    %1 = cosma.wait %t0 : tensor<64xi8>
    %2 = cosma.op "Relu"(%1) at [1088] : (tensor<64xi8>) -> tensor<64xi8>
    %3 = cosma.wait %t1, %t2 : tensor<1024xi8>
    ```
  }];
  let arguments = (ins Variadic<Cosma_TransitType>:$transits);
  let results = (outs AnyStaticShapeTensor:$target);
  let assemblyFormat = "$transits attr-dict `:` custom<Awaited>(ref($transits), type($transits), type($target))";
}

def LoadOp : Cosma_BringIn<"load", (ins UnitAttr:$kept), "(`kept` $kept^)?"> {
  let summary = "host memory to scratchpad, the first load of an argument";
  let description = [{
    Compulsory traffic. The result lies `at` an offset in bytes; or it has no offset and is `streamed`: it goes to
    the next operator without an address in the scratchpad.

    With a region, `[offsets] [sizes]`, it loads only that part of the tensor. The elements of the region are
    contiguous in the scratchpad, and in rows of the whole tensor in host memory.

    An `async` load returns a `!cosma.transit`, which a later `cosma.wait` takes. It may move only a `slice` of the
    bytes, half-open. The slices of one tensor have the same destination, are disjoint and together are the whole
    tensor. The destination of a slice must be free only from that slice on.

    A `kept` weight is loaded once, before the first run of the function; later runs find it in the scratchpad. Such
    loads come before all other operations.

    The offset is in the scratchpad, or `in` the named memory: one of those that `cosma.machine` describes, with a link
    from home.

    ```mlir
    %5 = cosma.load %z at 0 in "l2" : tensor<64xi8>
    %0 = cosma.load %k at 8192 kept : tensor<64xi8>
    %1 = cosma.load %x at 4096 : tensor<64xi8>
    %2 = cosma.load %w streamed : tensor<64xi8>
    %3 = cosma.load %y[11, 0] [2, 16] at 512 : tensor<16x16xi8> -> tensor<2x16xi8>
    ```
  }];
}

def ReloadOp : Cosma_BringIn<"reload"> {
  let summary = "host memory to scratchpad, every load after the first";
  let description = [{
    Non-compulsory traffic. The operand is an argument, or the result of a spill or a store. It may have a region, as
    `cosma.load` does: of an argument, or of a tensor that spills and stores assemble in host memory with `into`,
    as far as its elements have been written. A tensor whose `async` spill or store is not complete can be reloaded
    through the same channel, which executes the reload after it.

    ```mlir
    %3 = cosma.reload %copy at 0 : tensor<64xi8>
    %5 = cosma.reload %copy at 512 in "l2" : tensor<64xi8>
    %t1 = cosma.reload async %t0 at 0 : !cosma.transit<tensor<64xi8>>
    %4 = cosma.reload %y[11, 0] [2, 16] at 512 : tensor<16x16xi8> -> tensor<2x16xi8>
    ```
  }];
}

def CopyOp : Cosma_Transfer<"copy", [MemRead<Scratchpad>, MemWrite<Scratchpad>]> {
  let summary = "copy between two memories, neither of them host memory";
  let description = [{
    No traffic from or to host memory. The operand lies in the scratchpad or in another memory that `cosma.machine`
    describes, and stays there until it is overwritten. The result lies `at` an offset in the scratchpad, or `in` the
    named memory. `async` and `slice` are as in `cosma.load`. A tensor whose `async` transfer to a memory is not
    complete can be copied from there through the same channel, which executes the copy after it.

    ```mlir
    %y = cosma.load %x at 512 in "l2" : tensor<64xi8>
    %0 = cosma.copy %y at 0 : tensor<64xi8>
    %1 = cosma.copy %0 at 64 in "l2" : tensor<64xi8>
    %t = cosma.copy async %1 at 128 : tensor<64xi8>
    ```
  }];
  let arguments = (ins
    Cosma_Moved:$source,
    OptionalAttr<DenseI64ArrayAttr>:$slice,
    Cosma_Natural:$offset,
    OptionalAttr<StrAttr>:$memory,
    UnitAttr:$async
  );
  let assemblyFormat = [{
    custom<Async>($async) `` $source (`slice` $slice^)? `at` $offset (`in` $memory^)? attr-dict
    `:` custom<PieceType>(ref($async), type($source), type($target))
  }];
}

def SpillOp : Cosma_TakeOut<"spill"> {
  let summary = "scratchpad to host memory, of a tensor that is reloaded later";
  let description = [{
    Non-compulsory traffic. The result is the host copy. It may have a region, as `cosma.store` does. The regions that
    are reloaded may differ and have elements of several spills.

    ```mlir
    %copy = cosma.spill %3 : tensor<64xi8>
    %h1 = cosma.spill %a into %h0[0, 0] [12, 16] : tensor<12x16xi8> into tensor<16x16xi8>
    ```
  }];
}

def StoreOp : Cosma_TakeOut<"store"> {
  let summary = "scratchpad to host memory, of a result of the function";
  let description = [{
    Compulsory traffic. The result is the host copy, which the function returns.

    With `into`, it writes a region of a tensor in host memory; the result is the tensor with the region written. The
    first such store writes into a `tensor.empty`, every other one into the result of the one before; regions are
    disjoint. A store can also write into the result of an `async` store before its wait.

    ```mlir
    %4 = cosma.store %3 : tensor<64xi8>
    %t = cosma.store async %3 : tensor<64xi8>
    %h1 = cosma.store %a into %h0[0, 0] [12, 16] : tensor<12x16xi8> into tensor<16x16xi8>
    %h2 = cosma.store %b into %h1[12, 0] [4, 16] : tensor<4x16xi8> into tensor<16x16xi8>
    ```
  }];
}
