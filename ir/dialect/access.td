// The access of an operator to its operands and results.

def Cosma_AccessAttr : Cosma_Attr<"Access", "access"> {
  let summary = "which elements of its operands an operator reads for which elements of its results";
  let description = [{
    An operator is a loop nest, as in linalg. First come the sizes of its loops, `d0`, `d1` and so on: parallel loops,
    which may be split anywhere; after `sum`, reductions that may be split; after `reduced`, reductions that may not;
    after `whole`, loops along which a result is not split, such as the axis of a softmax.
    Then come, for each operand, the indices that an iteration reads, or `whole` if it reads the whole operand;
    several lists joined by `and` if it reads several elements. After the arrow come the indices that it writes.
    An index is a sum of multiples of loops and a constant, divided by a constant and rounded down. Indices outside of
    an operand are padding. Every element of a result is written, and its indices are only a loop plus a constant.
    After `sums` comes the element type of partial sums: signless integers of whole bytes, `f32` or `f64`. A `sum` is
    split only if this is given: the parts run in source order, each adds to the sums of the parts before, and the
    last one computes the results.

    ```mlir
    %0 = cosma.op "Conv"(%x, %w, %b) access <[1, 64, 112, 112, sum 3, sum 7, sum 7],
      (d0, d4, d2 * 2 + d5 - 3, d3 * 2 + d6 - 3), (d1, d4, d5, d6), (d1) -> (d0, d1, d2, d3), sums = i32> : …
    %1 = cosma.op "Softmax"(%0) access <[12, 128, whole 128], (d0, d1, d2) -> (d0, d1, d2)> : …
    ```
  }];
  // `ways` counts the maps of each operand; the maps of the results follow.
  let parameters = (ins
    ArrayRefParameter<"int64_t">:$sizes,
    ArrayRefParameter<"int64_t">:$kinds,
    ArrayRefParameter<"int64_t">:$ways,
    ArrayRefParameter<"::mlir::AffineMap">:$maps,
    OptionalParameter<"::mlir::Type">:$sums
  );
  let hasCustomAssemblyFormat = 1;
}
