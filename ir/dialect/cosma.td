// COSMA's dialect: an abstract operator, and the transfers of a planned program.
//
// What can be said with upstream operations is said with them. The verifiers behind
// `hasVerifier` and the dialect's attribute hooks are in Rust (ir/src/verify.rs).

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
    the operators: `cosma.load` and `cosma.store` are compulsory, `cosma.reload` and `cosma.spill` are not.
    An operation of another dialect that runs on the scratchpad stands in a `cosma.group`. So each of
    them has effects on the scratchpad, and no pass of MLIR merges, drops or moves one.

    Attributes of the dialect:

    - `cosma.machine`, on a module or a function: a dictionary with any of `scratchpad` (bytes),
      `alignment` (bytes), `weights` (`"resident"` or `"streamed"`), `element_bytes` (so many for each
      element of a float tensor, to which it will be quantised) and `weight_computation` (`"folded"`,
      done before the run, or `"run"`). The nearest one counts.
    - `cosma.weight`, on an argument of a function: a constant of the network.
    - `cosma.workspace`, `cosma.macs`, `cosma.in_place`, and between two passes of planning
      `cosma.residencies` and `cosma.workspace_offset`, on operations of other dialects: what `cosma.op`
      has as its own `workspace`, `macs`, `in_place`, `residencies`, `workspace_offset`; without
      `cosma.in_place`, COSMA goes by what it knows of them. `cosma.residencies` also stands on arguments
      of functions.
    - `cosma.plan`, on a function: a dictionary, what is known about its plan.
  }];
  let cppNamespace = "::cosma";
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
}

class Cosma_Op<string mnemonic, list<Trait> traits = []> : Op<Cosma_Dialect, mnemonic, traits> {
  let hasVerifier = 1;
}

def Scratchpad : Resource<"::cosma::Scratchpad">;
def HostMemory : Resource<"::cosma::HostMemory">;

def Cosma_Natural : ConfinedAttr<I64Attr, [IntNonNegative]>;

// What runs as one operator: `cosma.op` and `cosma.group`.
class Cosma_Operator<string mnemonic, list<Trait> traits = []>
    : Cosma_Op<mnemonic, traits # [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let arguments = (ins
    Variadic<AnyType>:$inputs,
    StrAttr:$kind,
    OptionalAttr<Cosma_Natural>:$macs,
    OptionalAttr<Cosma_Natural>:$workspace,
    OptionalAttr<ArrayAttr>:$in_place,
    OptionalAttr<DenseI64ArrayAttr>:$offsets,
    OptionalAttr<Cosma_Natural>:$workspace_offset,
    OptionalAttr<ArrayAttr>:$residencies
  );
  let results = (outs Variadic<AnyType>:$outputs);
  code operatorFormat = [{
    $kind `(` $inputs `)` (`at` $offsets^)? (`macs` $macs^)? (`workspace` $workspace^)?
    (`workspace_at` $workspace_offset^)? (`in_place` $in_place^)? (`residencies` $residencies^)?
    attr-dict `:` functional-type($inputs, $outputs)
  }];
}

def OperatorOp : Cosma_Operator<"op"> {
  let summary = "an abstract operator";
  let description = [{
    Reads its operands and computes its results; `kind` says how, to those who know.

    `macs` counts its multiply-accumulates. `workspace` is the room in bytes that it needs for
    itself while it runs. `in_place` lists pairs `[result, operand]` of indices: they may share
    bytes, if no other operator is still to read the operand. The smaller one lies within the larger
    one, from its start, or from the byte that `[result, operand, byte]` says: so a concatenation
    whose operands lie where its result has them moves nothing, and neither does a split. What is a
    part of another is in no second pair, and parts of one tensor have no byte in common. A planner
    adds `offsets`, one for each result, and `workspace_offset`; and before addresses are known,
    `residencies`: for each result, a list of `[offset, first step, end step]`.

    In source form it has no effect on memory unless it has no result, so equal ones can be
    merged and unused ones dropped. With offsets it reads and writes the scratchpad, and stays
    where it is.

    ```mlir
    %0 = cosma.op "Conv"(%x, %w) macs 4608 : (tensor<1x8x8xi8>, tensor<8x3x3xi8>) -> tensor<8x8x8xi8>
    %1 = cosma.op "Relu"(%0) at [512] in_place [[0, 0]] : (tensor<8x8x8xi8>) -> tensor<8x8x8xi8>
    %2 = cosma.op "Concat"(%1, %1b) in_place [[0, 0], [0, 1, 512]]
      : (tensor<8x8x8xi8>, tensor<8x8x8xi8>) -> tensor<16x8x8xi8>
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

class Cosma_Transfer<string mnemonic, list<MemoryEffect> effects>
    : Cosma_Op<mnemonic, [MemoryEffects<effects>]> {
  let results = (outs AnyStaticShapeTensor:$target);
}

class Cosma_BringIn<string mnemonic>
    : Cosma_Transfer<mnemonic, [MemRead<HostMemory>, MemWrite<Scratchpad>]> {
  let arguments = (ins
    AnyStaticShapeTensor:$source,
    OptionalAttr<DenseI64ArrayAttr>:$static_offsets,
    OptionalAttr<DenseI64ArrayAttr>:$static_sizes,
    OptionalAttr<I64Attr>:$offset,
    UnitAttr:$streamed
  );
  let assemblyFormat = [{
    $source `` custom<Region>($static_offsets, $static_sizes) (`at` $offset^)? (`streamed` $streamed^)? attr-dict
    `:` custom<PieceType>(type($source), type($target))
  }];
}

class Cosma_TakeOut<string mnemonic>
    : Cosma_Transfer<mnemonic, [MemRead<Scratchpad>, MemWrite<HostMemory>]> {
  let arguments = (ins
    AnyStaticShapeTensor:$source,
    Optional<AnyStaticShapeTensor>:$destination,
    OptionalAttr<DenseI64ArrayAttr>:$static_offsets,
    OptionalAttr<DenseI64ArrayAttr>:$static_sizes
  );
  let assemblyFormat = [{
    $source (`into` $destination^)? `` custom<Region>($static_offsets, $static_sizes) attr-dict
    `:` custom<IntoType>(type($source), type($destination), type($target))
  }];
}

def LoadOp : Cosma_BringIn<"load"> {
  let summary = "host memory to scratchpad, an argument's first time";
  let description = [{
    Compulsory traffic. The result lies `at` an offset in bytes; or it is `streamed`, passes by
    on the way to the next operator, and has no address.

    With a region, `[offsets] [sizes]`, it brings in that part of the tensor alone: in the scratchpad its
    elements lie side by side, in host memory in rows of the whole tensor.

    ```mlir
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
    as `cosma.load`: of an argument, or a region that was spilled or stored as such.

    ```mlir
    %3 = cosma.reload %copy at 0 : tensor<64xi8>
    %4 = cosma.reload %y[11, 0] [2, 16] at 512 : tensor<16x16xi8> -> tensor<2x16xi8>
    ```
  }];
}

def SpillOp : Cosma_TakeOut<"spill"> {
  let summary = "scratchpad to host memory, of a tensor that has to come back";
  let description = [{
    Non-compulsory traffic. The result is the host copy. With a region, as `cosma.store`.

    ```mlir
    %copy = cosma.spill %3 : tensor<64xi8>
    ```
  }];
}

def StoreOp : Cosma_TakeOut<"store"> {
  let summary = "scratchpad to host memory, of a result of the function";
  let description = [{
    Compulsory traffic. The result is the host copy, which the function returns.

    `into` a region of a tensor in host memory, it puts out a part of that: the result is the tensor with
    the region written. The first one writes into a `tensor.empty`, each other one into what the one before
    returned; regions share no element.

    ```mlir
    %4 = cosma.store %3 : tensor<64xi8>
    %h1 = cosma.store %a into %h0[0, 0] [12, 16] : tensor<12x16xi8> into tensor<16x16xi8>
    %h2 = cosma.store %b into %h1[12, 0] [4, 16] : tensor<4x16xi8> into tensor<16x16xi8>
    ```
  }];
}
