// COSMA's dialect: an abstract operator, and the transfers of a planned program.
//
// What can be said with upstream operations is said with them. What the verifiers behind `hasVerifier` need
// sizes and the machine for is in Rust (ir/src/verify.rs), as is what discardable attributes may be.

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Cosma_Dialect : Dialect {
  let name = "cosma";
  let summary = "Operators and transfers of a planned scratchpad";
  let description = [{
    A function in *source form* has one block of operators on static tensors and no transfer.
    In *planned form* the order of the block is the schedule, every operation that puts a tensor
    into the scratchpad is one of this dialect and carries its byte offset, and transfers stand between
    the operators: `cosma.load` and `cosma.store` are compulsory, `cosma.reload` and `cosma.spill` are not. All four
    pass the border of host memory; `cosma.copy` leads from one of several other memories to another.
    An `async` transfer begins where it stands and goes on beside what follows, up to the `cosma.wait` for it.
    An operation of another dialect that runs on the scratchpad stands in a `cosma.group`. So each of
    them has effects on the scratchpad, and no pass of MLIR merges, drops or moves one.

    Attributes of the dialect:

    - `cosma.machine`, on a module or a function: a `#cosma.machine`. The nearest one counts.
    - `cosma.weight`, on an argument of a function: a constant of the network.
    - `cosma.keep`, on such an argument: it stays in the scratchpad from one run of the function to the next.
    - `cosma.at`, on an argument or a result of a function, or on an operation of its block: whenever that tensor is in
      the scratchpad, it lies at this offset in bytes, `cosma.at = 4096 : i64`. An operation of several results has an
      offset for each, or -1 for any: `cosma.at = array<i64: 0, -1>`.
    - `cosma.on_chip`, on an argument: it lies in the scratchpad, and not in host memory, before the first operator
      runs. On a result: it lies in the scratchpad when the last operator has run, and is not stored. With or without
      `cosma.at`; planning says where, in `cosma.offset`. An operator of a function in planned form reads such an
      argument where it lies, and the function returns such a result from where it lies. A function in lowered form
      neither takes nor returns them: the caller finds their numbers and offsets in the function's own `cosma.on_chip`,
      `{arguments = [[0, 4096]], results = [[0, 128]]}`.
    - `cosma.workspace`, `cosma.macs`, `cosma.cycles`, `cosma.in_place`, and between two passes of planning
      `cosma.residencies` and `cosma.workspace_offset`, on operations of other dialects: what `cosma.op`
      has as its own `workspace`, `macs`, `cycles`, `in_place`, `residencies`, `workspace_offset`; without
      `cosma.in_place`, COSMA goes by what it knows of them. `cosma.residencies` also stands on arguments
      of functions.
    - `cosma.plan`, on a function: a `#cosma.plan`.
    - `cosma.tiling`, on a function that `cosma-tile` looked at: how many bytes every tiling moves
      (`all_tilings`) and every one that computes no element twice (`without_recomputation`), compulsory ones
      included, as `{all_tilings = 3628832 : i64, without_recomputation = 4364064 : i64}`; or `"unknown"`.

    `#cosma.machine`, `#cosma.alias` and `#cosma.residency` each have a *builtin spelling* as well, for
    tools that write source form and do not know the dialect. Each stands wherever the typed one may, and
    means the same; `cosma-opt` makes it typed as it reads.
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

// What has a builtin spelling: `from` takes either, and says what is wrong with others.
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

def Cosma_Weights : Cosma_Enum<"Weights", "how weights reach their operators", [
    I32EnumCase<"Resident", 0, "resident">, I32EnumCase<"Streamed", 1, "streamed">, I32EnumCase<"Auto", 2, "auto">
  ]>;

def Cosma_Keep : Cosma_Enum<"Keep", "which weights stay in the scratchpad from one run to the next", [
    I32EnumCase<"None", 0, "none">, I32EnumCase<"Auto", 1, "auto">
  ]>;

def Cosma_WeightComputation : Cosma_Enum<"WeightComputation", "when what depends on weights alone is computed", [
    I32EnumCase<"Folded", 0, "folded">, I32EnumCase<"Run", 1, "run">
  ]>;

def Cosma_PlanStatus : Cosma_Enum<"PlanStatus", "how good a plan is known to be", [
    I32EnumCase<"Feasible", 0, "feasible">, I32EnumCase<"Optimal", 1, "optimal">
  ]>;

def Cosma_LeastIs : Cosma_Enum<"LeastIs", "what the least scratchpad of a plan is", [
    I32EnumCase<"Exact", 0, "exact">, I32EnumCase<"LowerBound", 1, "lower_bound">
  ]>;

def Cosma_AliasAttr : Cosma_SpelledAttr<"Alias", "alias"> {
  let summary = "a result and an operand of an operator that may share bytes";
  let description = [{
    The smaller of the two lies within the larger one, from its start or `at` a byte of it.

    ```mlir
    #cosma.alias<result 0, operand 0>
    #cosma.alias<result 0, operand 1, at 512>
    ```

    Builtin spelling, which the operators' own assembly takes and prints: `[result, operand]` or
    `[result, operand, byte]`.
  }];
  let parameters = (ins
    "int64_t":$result,
    "int64_t":$operand,
    DefaultValuedParameter<"int64_t", "0", "byte of the larger one">:$at
  );
  let assemblyFormat = "`<` `result` $result `,` `operand` $operand (`,` `at` $at^)? `>`";
}

def Cosma_ResidencyAttr : Cosma_SpelledAttr<"Residency", "residency"> {
  let summary = "steps of the schedule during which a tensor lies at one place";
  let description = [{
    From the first step to before the second one, its first byte lies `at` an offset in bytes from the start
    of the scratchpad.

    ```mlir
    #cosma.residency<0 to 3 at 4096>
    ```

    Builtin spelling: `array<i64: offset, first step, end step>`.
  }];
  let parameters = (ins "int64_t":$start, "int64_t":$end, "int64_t":$offset);
  let assemblyFormat = "`<` $start `to` $end `at` $offset `>`";
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
    Any of `scratchpad` (its bytes), `alignment` (addresses are multiples of that many bytes), `weights`
    (`resident` in the scratchpad, `streamed` past it, or `auto`: use by use what moves less), `keep` (`auto`: weights stay in the scratchpad from one run
    of the function to the next where that saves traffic; or `none`), `element_bytes` (that many for each element of a
    float tensor, to which it will be quantised) and `weight_computation` (`folded`: done before the run; or
    `run`).

    `reserved` lists addresses of the scratchpad that are not to be used, each as `[first, end]` in bytes, half-open: a
    stack, or what another program keeps there.

    `links` gives it a clock: how fast transfers are, one entry each way between `host` and `scratchpad`. A link
    moves `rate` bytes per cycle, a ratio of integers such as 16, "3.75" or "15/4", and keeps its `channel` busy
    for `setup` cycles more; a transfer of fewer than `burst` bytes takes as long as one of that many; and it is
    complete `latency` cycles after the channel is done with it. A channel carries out its transfers one by one,
    in their order. With `links` there may be `compute`: the `cycles_per_mac` of an operator that does not say its
    own `cycles`, the `bytes_per_cycle` that operators read and write in the scratchpad, and the `least_cycles`
    that one takes.

    `memories` describes more than a scratchpad and host memory: each by its name, with any of `size` in bytes,
    `alignment` (else that of the machine, else 64), `reserved` as above, and `banks`: so many equal parts, and no tensor
    lies across two of them; `apart` asks that what one operator reads lies in different ones, and `apart = 64` that each two
    operands in one bank cost as much as 64 bytes of traffic. A memory without a size is as large as it needs
    to be, and is *home*, where arguments lie and results go; where several have none, `home` names one of them.
    `scratchpad` then is the name of a memory with a size. Each entry of `links` leads from one memory to another, and
    copies go over no other way; its `price` is what a byte costs. If it is not said, it is 1, or, with three memories or
    more, the cycles in which 65,536 bytes pass at its rate. Either each has a rate and a
    channel as well, or none has.

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
    ```

    Builtin spelling: a dictionary of 64-bit integers and strings,
    `{scratchpad = 524288, alignment = 64, weights = "streamed"}`, and `reserved`, `links`, `compute` and `memories` as
    above.
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
    OptionalParameter<"::mlir::StringAttr">:$home
  );
  let assemblyFormat = "`<` struct(params) `>`";
}

def Cosma_PlanAttr : Cosma_Attr<"Plan", "plan"> {
  let summary = "what is known about the plan of a function";
  let description = [{
    Everything but `operators` is in bytes. `total` is what is moved, `compulsory` what every plan moves, and
    `non_compulsory` the rest, of which `fragmentation` is caused by addresses; no plan has less of it than
    `lower_bound`. `peak` is the most that lies in the scratchpad at once. With less than `min_scratchpad` the
    function cannot run; with that much it can, unless `min_scratchpad_is` a `lower_bound`. After `cosma-tile`,
    `proof` says among which programs none moves less, if this plan reaches its bound: `all tilings`, `all
    tilings without recomputation`, `these tiles` or `this order`, to which `lower_bound` belongs.

    Where weights stay in the scratchpad from run to run, `total` and its parts are what each further run moves, and
    the first one moves `prologue` more.

    For a machine of several memories, all transfers together cost `cost` by the prices of links, and no program costs
    less than `cost_bound`. The bytes are those from and to home.

    For a machine with a clock, no program of these transfers takes less than `cycles_bound` cycles, as is known by
    `cycles_bound_rule`; and no program of any order less than `any_order_bound`, if that is another one.
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
  let summary = "which operator a tile is of, and which part of it";
  let description = [{
    The name of an operator of the network before it was cut, and the part of its loops that the tile runs:
    where that begins and how many iterations it has, loop by loop, in the order of the operator's access.

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

// All memories but host memory: passes of MLIR's know no more of what lies where.
def Scratchpad : Resource<"::cosma::Scratchpad">;
def HostMemory : Resource<"::cosma::HostMemory">;

def Cosma_Natural : ConfinedAttr<I64Attr, [IntNonNegative]>;

def Cosma_NotEmpty : AttrConstraint<
  CPred<"!::llvm::cast<::mlir::StringAttr>($_self).getValue().empty()">, "that is not empty">;

// What runs as one operator: `cosma.op` and `cosma.group`.
//
// `in_place` is no destination-passing style: it permits, where `outs` decide; a result may have several
// operands to choose from, or a part of one, and most results have none. And a group has no interface by which
// passes know what flows into its region (RegionBranchOpInterface): remove-dead-values would drop operands and
// results, while `in_place`, `offsets` and `residencies` still count those that were there.
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
    OptionalAttr<Cosma_Natural>:$workspace_offset,
    OptionalAttr<Cosma_Residencies>:$residencies,
    OptionalAttr<Cosma_AccessAttr>:$access
  );
  let results = (outs Variadic<AnyType>:$outputs);
  code operatorFormat = [{
    $kind `(` $inputs `)` (`tile` $tile^)? (`access` $access^)? (`at` $offsets^)? (`macs` $macs^)? (`cycles` $cycles^)?
    (`workspace` $workspace^)? (`workspace_at` $workspace_offset^)? (`in_place` custom<Aliases>($in_place)^)?
    (`residencies` custom<Residencies>($residencies)^)?
    attr-dict `:` functional-type($inputs, $outputs)
  }];
}

def OperatorOp : Cosma_Operator<"op"> {
  let summary = "an abstract operator";
  let description = [{
    Reads its operands and computes its results; `kind` says how, to those who know.

    `access` says which elements of its operands it reads for which of its results, and so how it may be split.
    `macs` counts its multiply-accumulates; `cycles` is how long it computes, whatever the machine says of
    multiply-accumulates. `workspace` is the room in bytes that it needs for
    itself while it runs. `in_place` lists pairs of a result and an operand (`#cosma.alias`): they may
    share bytes, if no other operator is still to read the operand. So a concatenation whose operands lie
    where its result has them moves nothing, and neither does a split. What is a part of another is in no
    second pair, and parts of one tensor have no byte in common. A planner adds `offsets`, one for each
    result, and `workspace_offset`; and before transfers stand in the block, `residencies`: for each
    result, a list of `#cosma.residency`.

    `tile` says that it is a part of an operator that was cut; its operands and results are pieces of that one's.

    In source form it has no effect on memory unless it has no result, so equal ones can be
    merged and unused ones dropped. With offsets it reads and writes the scratchpad, and stays
    where it is.

    ```mlir
    %0 = cosma.op "Conv"(%x, %w) macs 4608 : (tensor<1x8x8xi8>, tensor<8x3x3xi8>) -> tensor<8x8x8xi8>
    %1 = cosma.op "Relu"(%0) at [512] in_place [[0, 0]] : (tensor<8x8x8xi8>) -> tensor<8x8x8xi8>
    %2 = cosma.op "Concat"(%1, %1b) in_place [[0, 0], [0, 1, 512]]
      : (tensor<8x8x8xi8>, tensor<8x8x8xi8>) -> tensor<16x8x8xi8>
    %3 = cosma.op "Relu"(%2) residencies [[2 to 4 at 0]] : (tensor<16x8x8xi8>) -> tensor<16x8x8xi8>
    ```
  }];
  let assemblyFormat = operatorFormat;
}

def GroupOp : Cosma_Operator<"group", [
    IsolatedFromAbove, SingleBlockImplicitTerminator<"YieldOp">, RecursiveMemoryEffects, RecursivelySpeculatable
  ]> {
  let summary = "operations that run as one operator";
  let description = [{
    What an accelerator does in one go, a convolution with its padding and its activation say: to a
    planner one operator, whose operands and results need room, and nothing between them. The region
    says what it computes, in operations of any dialect; its arguments are the operands, what
    `cosma.yield` is given are the results. `kind` names the operator that the others joined. The other
    attributes are those of `cosma.op`.

    It has the effects on memory of what is in it. With offsets it reads and writes the scratchpad as
    well. In planned form, each operation of another dialect that runs on the scratchpad is in a group,
    if need be alone: by itself it would be a function of its operands to MLIR, which could merge it
    with an equal one whose place was overwritten in between.

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
  let summary = "what a group computes";
  let arguments = (ins Variadic<AnyType>:$values);
  let builders = [OpBuilder<(ins), [{ /* of nothing */ }]>];
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def Cosma_TransitType : TypeDef<Cosma_Dialect, "Transit"> {
  let mnemonic = "transit";
  let summary = "a tensor on its way from one memory to another";
  let description = [{
    What an `async` transfer returns. No operator can read it; `cosma.wait` gives the tensor.

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

def WaitOp : Cosma_Op<"wait", [MemoryEffects<[
    MemRead<HostMemory>, MemWrite<HostMemory>, MemRead<Scratchpad>, MemWrite<Scratchpad>
  ]>]> {
  let summary = "until a transfer is complete";
  let description = [{
    Gives the tensor that an `async` transfer moves: in the scratchpad after a load, a reload or a copy, or in the memory
    that it names; in host memory after a spill or a store. Until then nothing can read it, and the place that it comes from is not free. Each
    transfer is waited for once, in its block; the slices of one tensor by one wait.

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
  let summary = "host memory to scratchpad, an argument's first time";
  let description = [{
    Compulsory traffic. The result lies `at` an offset in bytes; or, without an offset, it is `streamed`: it
    passes by on the way to the next operator, and has no address.

    With a region, `[offsets] [sizes]`, it brings in that part of the tensor alone: in the scratchpad its
    elements lie side by side, in host memory in rows of the whole tensor.

    `async`, it returns a `!cosma.transit`, for which a `cosma.wait` stands further down. It may then move a
    `slice` of the bytes that it would move without, from the first one to before the second one: the slices of
    one tensor go to one place, have no byte in common and are all of it. The bytes of a slice need their place
    only from there on.

    A weight that is `kept` is loaded once, before the first run of the function: each further one finds it there.
    Such loads stand before all else.

    The offset is one in the scratchpad, or `in` the memory that is named: one of those that `cosma.machine` describes, to
    which a link leads from home.

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
  let summary = "host memory to scratchpad, each time after the first";
  let description = [{
    Non-compulsory traffic. The operand is an argument, or what a spill or a store returned. With a region,
    as `cosma.load`: of an argument, or of a tensor that is put together in host memory by spills and stores
    `into` regions of it, as far as that was put out before. What is still on its way out can come back too, behind
    it in the queue of their channel.

    ```mlir
    %3 = cosma.reload %copy at 0 : tensor<64xi8>
    %5 = cosma.reload %copy at 512 in "l2" : tensor<64xi8>
    %t1 = cosma.reload async %t0 at 0 : !cosma.transit<tensor<64xi8>>
    %4 = cosma.reload %y[11, 0] [2, 16] at 512 : tensor<16x16xi8> -> tensor<2x16xi8>
    ```
  }];
}

def CopyOp : Cosma_Transfer<"copy", [MemRead<Scratchpad>, MemWrite<Scratchpad>]> {
  let summary = "from one memory to another, neither of them host memory";
  let description = [{
    No traffic over the border of host memory. The operand lies in the scratchpad or in another memory that
    `cosma.machine` describes, and stays there until something else is put over it. The result lies `at` an offset in the
    scratchpad, or `in` the memory that is named. `async` and `slice` are those of `cosma.load`; what is still on its way
    to a memory can be copied from there behind it, in the queue of one channel.

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
  let summary = "scratchpad to host memory, of a tensor that has to come back";
  let description = [{
    Non-compulsory traffic. The result is the host copy. With a region, as `cosma.store`: other regions of the
    whole can be reloaded, which have elements of several spills.

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

    `into` a region of a tensor in host memory, it puts out a part of that: the result is the tensor with
    the region written. The first one writes into a `tensor.empty`, each other one into what the one before
    returned; regions share no element. What an `async` one returns, which is waited for later, can be written into
    as well.

    ```mlir
    %4 = cosma.store %3 : tensor<64xi8>
    %t = cosma.store async %3 : tensor<64xi8>
    %h1 = cosma.store %a into %h0[0, 0] [12, 16] : tensor<12x16xi8> into tensor<16x16xi8>
    %h2 = cosma.store %b into %h1[12, 0] [4, 16] : tensor<4x16xi8> into tensor<16x16xi8>
    ```
  }];
}
