// Regions of the results of linalg operations; MLIR's interfaces for these are only in C++.

#include "mlir/CAPI/IR.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/TilingInterface.h"

using namespace mlir;

// The loops of a linalg operation with static shapes: for each, the number of iterations and whether it is a reduction.
// Null for any other operation.
extern "C" MlirAttribute cosmaLoops(MlirOperation operation) {
  auto op = dyn_cast<linalg::LinalgOp>(unwrap(operation));
  if (!op || op.hasDynamicShape() || !op.hasPureTensorSemantics())
    return MlirAttribute{nullptr};
  SmallVector<int64_t> loops;
  for (auto [size, kind] : llvm::zip_equal(op.getStaticLoopRanges(), op.getIteratorTypesArray()))
    loops.append({size, kind == utils::IteratorType::parallel ? 0 : 1});
  return wrap(DenseI64ArrayAttr::get(op->getContext(), loops));
}

// Inserts, before an operation, one that computes a region of a result of another operation from `tensor.extract_slice`
// of its operands. Null if MLIR cannot.
extern "C" MlirOperation cosmaSliceResult(MlirOperation operation, intptr_t result, const int64_t *offsets,
                                          const int64_t *sizes, intptr_t rank, MlirOperation before) {
  auto op = dyn_cast<TilingInterface>(unwrap(operation));
  if (!op)
    return MlirOperation{nullptr};
  OpBuilder builder(unwrap(before));
  auto indices = [&](const int64_t *numbers) {
    SmallVector<OpFoldResult> attributes;
    for (int64_t number : ArrayRef(numbers, rank))
      attributes.push_back(builder.getIndexAttr(number));
    return attributes;
  };
  FailureOr<TilingResult> tiled = op.generateResultTileValue(builder, result, indices(offsets), indices(sizes));
  bool isOne = succeeded(tiled) && tiled->tiledOps.size() == 1;
  return isOne ? wrap(tiled->tiledOps.front()) : MlirOperation{nullptr};
}
