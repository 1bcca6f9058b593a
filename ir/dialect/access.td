// How an operator accesses its operands and results.

def Cosma_AccessAttr : Cosma_Attr<"Access", "access"> {
  let summary = "which elements of its operands an operator reads for which elements of its results";
  let description = [{
    An operator is a loop nest, as in linalg. First come the sizes of its loops, `d0`, `d1` and so on: those that
    may be cut anywhere; behind `sum`, those whose iterations add up and may be cut too; behind `reduced`,
    those that may not; behind `whole`, those along which a result is not cut, such as the axis of a softmax.
    Then come, for each operand, the indices that a point of the loops reads, or `whole` where it reads all of the
    operand; several lists joined by `and` where it reads several elements. Behind the arrow follow those that it
    writes. Indices are sums of multiples of loops and a number, divided by a number and rounded down. What lies
    outside of an operand is padding; of each result every element is written, and nothing but one loop plus a number
    is an index of it. Behind `sums` stands the element type of partial sums: signless integers of whole bytes, `f32` or
    `f64`. Only where it is said is a `sum` split: parts run in source order, each adds to the sums of the parts before,
    and the last one makes the results.

    ```mlir
    %0 = cosma.op "Conv"(%x, %w, %b) access <[1, 64, 112, 112, sum 3, sum 7, sum 7],
      (d0, d4, d2 * 2 + d5 - 3, d3 * 2 + d6 - 3), (d1, d4, d5, d6), (d1) -> (d0, d1, d2, d3), sums = i32> : …
    %1 = cosma.op "Softmax"(%0) access <[12, 128, whole 128], (d0, d1, d2) -> (d0, d1, d2)> : …
    ```
  }];
  // By operand, `ways` counts the maps that read it; then follow those of the results.
  let parameters = (ins
    ArrayRefParameter<"int64_t">:$sizes,
    ArrayRefParameter<"int64_t">:$kinds,
    ArrayRefParameter<"int64_t">:$ways,
    ArrayRefParameter<"::mlir::AffineMap">:$maps,
    OptionalParameter<"::mlir::Type">:$sums
  );
  let hasCustomAssemblyFormat = 1;
}
