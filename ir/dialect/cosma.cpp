// The part of COSMA that MLIR wants in C++: the dialect's classes, a pass that calls back, and the
// three calls that its C interface lacks. Everything that decides something is in Rust.
//
// To be compiled by clang, not g++: MLIR finds traits by names that the compiler makes, and across
// libMLIR.so those of g++ differ.

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Support.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/SourceMgr.h"
#include <csetjmp>
#include <map>
#include <mutex>

using namespace mlir;

// Rust's side. Each returns whether all is well; what is not, it has said through MLIR.
extern "C" {
bool cosmaVerifyOperation(MlirOperation operation);
bool cosmaVerifyAttribute(MlirOperation operation, MlirStringRef name, MlirAttribute value);
// `argument` is -1 for the result of a function.
bool cosmaVerifyArgumentAttribute(MlirOperation operation, intptr_t argument, MlirStringRef name,
                                  MlirAttribute value);
}

//===-- Dialect ------------------------------------------------------------------------------===//

namespace cosma {
struct Scratchpad : SideEffects::Resource::Base<Scratchpad> {
  StringRef getName() final { return "Scratchpad"; }
};
struct HostMemory : SideEffects::Resource::Base<HostMemory> {
  StringRef getName() final { return "HostMemory"; }
};
} // namespace cosma

//===-- Assembly of regions ------------------------------------------------------------------===//

namespace {
ParseResult parseIntegers(OpAsmParser &parser, DenseI64ArrayAttr &integers) {
  SmallVector<int64_t> values;
  auto parseOne = [&] { return parser.parseInteger(values.emplace_back()); };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseOne))
    return failure();
  integers = parser.getBuilder().getDenseI64ArrayAttr(values);
  return success();
}

// `[offsets] [sizes]`, or nothing.
ParseResult parseRegion(OpAsmParser &parser, DenseI64ArrayAttr &offsets, DenseI64ArrayAttr &sizes) {
  SmallVector<int64_t> values;
  auto parseOne = [&] { return parser.parseInteger(values.emplace_back()); };
  if (failed(parser.parseOptionalLSquare()))
    return success();
  if (failed(parser.parseOptionalRSquare()) &&
      (parser.parseCommaSeparatedList(parseOne) || parser.parseRSquare()))
    return failure();
  offsets = parser.getBuilder().getDenseI64ArrayAttr(values);
  return parseIntegers(parser, sizes);
}

void printRegion(OpAsmPrinter &printer, Operation *, DenseI64ArrayAttr offsets, DenseI64ArrayAttr sizes) {
  if (!offsets && !sizes)
    return;
  auto print = [&](DenseI64ArrayAttr integers) {
    printer << '[';
    if (integers)
      llvm::interleaveComma(integers.asArrayRef(), printer);
    printer << ']';
  };
  print(offsets);
  printer << ' ';
  print(sizes);
}

// `source`, or `source -> target` where they differ.
ParseResult parsePieceType(OpAsmParser &parser, Type &source, Type &target) {
  if (parser.parseType(source))
    return failure();
  target = source;
  return failure(succeeded(parser.parseOptionalArrow()) && failed(parser.parseType(target)));
}

void printPieceType(OpAsmPrinter &printer, Operation *, Type source, Type target) {
  printer << source;
  if (source != target)
    printer << " -> " << target;
}

// `source`, or `source into destination`; the latter is the result's type as well.
ParseResult parseIntoType(OpAsmParser &parser, Type &source, Type &destination, Type &target) {
  if (parser.parseType(source))
    return failure();
  target = source;
  if (failed(parser.parseOptionalKeyword("into")))
    return success();
  if (parser.parseType(destination))
    return failure();
  target = destination;
  return success();
}

void printIntoType(OpAsmPrinter &printer, Operation *, Type source, Type destination, Type) {
  printer << source;
  if (destination)
    printer << " into " << destination;
}
} // namespace

#include "cosma_dialect.h.inc"
#define GET_OP_CLASSES
#include "cosma_ops.h.inc"

#include "cosma_dialect.cpp.inc"
#define GET_OP_CLASSES
#include "cosma_ops.cpp.inc"

namespace cosma {
void CosmaDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "cosma_ops.cpp.inc"
      >();
}

LogicalResult CosmaDialect::verifyOperationAttribute(Operation *operation, NamedAttribute attribute) {
  return success(cosmaVerifyAttribute(wrap(operation), wrap(attribute.getName().getValue()),
                                      wrap(attribute.getValue())));
}

LogicalResult CosmaDialect::verifyRegionArgAttribute(Operation *operation, unsigned, unsigned argument,
                                                     NamedAttribute attribute) {
  return success(cosmaVerifyArgumentAttribute(wrap(operation), argument,
                                              wrap(attribute.getName().getValue()),
                                              wrap(attribute.getValue())));
}

LogicalResult CosmaDialect::verifyRegionResultAttribute(Operation *operation, unsigned, unsigned,
                                                        NamedAttribute attribute) {
  return success(cosmaVerifyArgumentAttribute(wrap(operation), -1, wrap(attribute.getName().getValue()),
                                              wrap(attribute.getValue())));
}

LogicalResult OperatorOp::verify() { return success(cosmaVerifyOperation(wrap(getOperation()))); }
LogicalResult GroupOp::verify() { return success(cosmaVerifyOperation(wrap(getOperation()))); }
LogicalResult LoadOp::verify() { return success(cosmaVerifyOperation(wrap(getOperation()))); }
LogicalResult ReloadOp::verify() { return success(cosmaVerifyOperation(wrap(getOperation()))); }
LogicalResult SpillOp::verify() { return success(cosmaVerifyOperation(wrap(getOperation()))); }
LogicalResult StoreOp::verify() { return success(cosmaVerifyOperation(wrap(getOperation()))); }

// A planned operator reads and writes the scratchpad; one without a result is there for something that
// only it knows.
template <typename Op>
static void operatorEffects(Op op, SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  if (!op.getOffsets() && op->getNumResults() != 0)
    return;
  effects.emplace_back(MemoryEffects::Read::get(), Scratchpad::get());
  effects.emplace_back(MemoryEffects::Write::get(), Scratchpad::get());
}

void OperatorOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  operatorEffects(*this, effects);
}

// To which the trait adds those of its region.
void GroupOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  operatorEffects(*this, effects);
}
} // namespace cosma

extern "C" void cosmaInsertDialect(MlirDialectRegistry registry) {
  unwrap(registry)->insert<cosma::CosmaDialect>();
}

//===-- Passes -------------------------------------------------------------------------------===//

extern "C" {
struct CosmaOption {
  MlirStringRef name, description, initial;
};
struct CosmaPass {
  MlirStringRef name, description, anchor;
  const CosmaOption *options;
  intptr_t numOptions;
  // Handed to every run.
  const void *user;
  bool (*run)(MlirOperation operation, const void *user, const MlirStringRef *values, intptr_t numValues);
};
}

namespace {
// A pass as it was registered; lives as long as the process.
struct Registered {
  struct Option {
    std::string name, description, initial;
  };
  std::string name, description, anchor;
  std::vector<Option> options;
  const void *user;
  decltype(CosmaPass::run) run;
  TypeIDAllocator types;
  TypeID type = types.allocate();
};

class CallbackPass : public Pass {
public:
  explicit CallbackPass(const Registered &registered)
      : Pass(registered.type, StringRef(registered.anchor)), registered(registered) {
    for (const Registered::Option &option : registered.options)
      values.push_back(std::make_unique<Option<std::string>>(
          *this, option.name, llvm::cl::desc(option.description), llvm::cl::init(option.initial)));
  }

  StringRef getName() const override { return registered.name; }
  StringRef getArgument() const override { return registered.name; }
  StringRef getDescription() const override { return registered.description; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<cosma::CosmaDialect, arith::ArithDialect, func::FuncDialect, memref::MemRefDialect>();
    // What runs on a module lowers it, with passes of MLIR's.
    if (registered.anchor == "builtin.module")
      registry.insert<affine::AffineDialect, bufferization::BufferizationDialect, index::IndexDialect,
                      linalg::LinalgDialect, math::MathDialect, scf::SCFDialect, tensor::TensorDialect,
                      tosa::TosaDialect>();
  }

protected:
  bool canScheduleOn(RegisteredOperationName name) const override {
    return name.getStringRef() == registered.anchor;
  }
  // The option values follow: MLIR copies them into every clone.
  std::unique_ptr<Pass> clonePass() const override { return std::make_unique<CallbackPass>(registered); }
  void runOnOperation() override {
    std::vector<MlirStringRef> strings;
    for (const std::unique_ptr<Option<std::string>> &value : values)
      strings.push_back(wrap(StringRef(value->getValue())));
    if (!registered.run(wrap(getOperation()), registered.user, strings.data(), strings.size()))
      signalPassFailure();
  }

private:
  const Registered &registered;
  std::vector<std::unique_ptr<Option<std::string>>> values;
};
} // namespace

extern "C" void cosmaRegisterPass(const CosmaPass *pass) {
  static std::mutex mutex;
  // Never destroyed: MLIR's own registry, which outlives it, refers to what is in here.
  static auto &passes = *new std::map<std::string, Registered>();
  std::lock_guard<std::mutex> lock(mutex);
  auto [entry, isNew] = passes.try_emplace(unwrap(pass->name).str());
  if (!isNew)
    return;
  Registered &registered = entry->second;
  registered.name = unwrap(pass->name).str();
  registered.description = unwrap(pass->description).str();
  registered.anchor = unwrap(pass->anchor).str();
  for (const CosmaOption &option : llvm::ArrayRef(pass->options, pass->numOptions))
    registered.options.push_back(
        {unwrap(option.name).str(), unwrap(option.description).str(), unwrap(option.initial).str()});
  registered.user = pass->user;
  registered.run = pass->run;
  registerPass([&registered] { return std::make_unique<CallbackPass>(registered); });
}

//===-- Calls of compiled code ---------------------------------------------------------------===//

// Where the call of this thread is left to.
static thread_local std::jmp_buf *callEnd = nullptr;

// Calls compiled code; gives whether it came to its end, or was left before.
extern "C" bool cosmaCall(void (*code)(void **), void **arguments) {
  std::jmp_buf end;
  callEnd = &end;
  if (setjmp(end) != 0) {
    callEnd = nullptr;
    return false;
  }
  code(arguments);
  callEnd = nullptr;
  return true;
}

// Leaves the call of this thread, from a function that compiled code has called. No frame in between may
// have anything to destroy.
extern "C" [[noreturn]] void cosmaLeave() {
  if (!callEnd)
    std::abort();
  std::longjmp(*callEnd, 1);
}

//===-- What the C interface lacks -----------------------------------------------------------===//

extern "C" MlirModule cosmaParse(MlirContext context, MlirStringRef text, MlirStringRef name) {
  llvm::SourceMgr sources;
  // The copy is aligned as bytecode wants it, and ends in the NUL that the lexer wants.
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(unwrap(text), unwrap(name)), llvm::SMLoc());
  return wrap(parseSourceFile<ModuleOp>(sources, ParserConfig(unwrap(context))).release());
}

extern "C" void cosmaEmit(MlirLocation location, bool isError, MlirStringRef message,
                          const MlirLocation *noteLocations, const MlirStringRef *notes, intptr_t numNotes) {
  Location at = unwrap(location);
  InFlightDiagnostic diagnostic = isError ? emitError(at) : emitWarning(at);
  diagnostic << unwrap(message);
  for (intptr_t index = 0; index < numNotes; ++index)
    diagnostic.attachNote(unwrap(noteLocations[index])) << unwrap(notes[index]);
}

// The attributes of a function's argument, or null.
extern "C" MlirAttribute cosmaArgumentAttribute(MlirOperation function, intptr_t argument, MlirStringRef name) {
  auto op = dyn_cast<FunctionOpInterface>(unwrap(function));
  if (!op || op.getNumArguments() <= argument)
    return MlirAttribute{nullptr};
  return wrap(op.getArgAttr(argument, unwrap(name)));
}

// A null value removes it.
extern "C" void cosmaSetArgumentAttribute(MlirOperation function, intptr_t argument, MlirStringRef name,
                                          MlirAttribute value) {
  auto op = dyn_cast<FunctionOpInterface>(unwrap(function));
  if (!op || op.getNumArguments() <= argument)
    return;
  if (value.ptr)
    op.setArgAttr(argument, unwrap(name), unwrap(value));
  else
    op.removeArgAttr(argument, StringAttr::get(op->getContext(), unwrap(name)));
}

// What traits and interfaces say, of whatever dialect.
extern "C" bool cosmaIsElementwise(MlirOperation operation) {
  return unwrap(operation)->hasTrait<OpTrait::Elementwise>();
}

extern "C" bool cosmaIsMemoryEffectFree(MlirOperation operation) { return isMemoryEffectFree(unwrap(operation)); }

extern "C" bool cosmaIsCall(MlirOperation operation) { return isa<CallOpInterface>(unwrap(operation)); }

extern "C" bool cosmaHasRecursiveEffects(MlirOperation operation) {
  return unwrap(operation)->hasTrait<OpTrait::HasRecursiveMemoryEffects>();
}

// The element, or null.
extern "C" MlirAttribute cosmaSplatValue(MlirAttribute attribute) {
  auto elements = dyn_cast<DenseElementsAttr>(unwrap(attribute));
  return elements && elements.isSplat() ? wrap(elements.getSplatValue<Attribute>()) : MlirAttribute{nullptr};
}

extern "C" bool cosmaIsSymbolUnused(MlirOperation symbol, MlirOperation module) {
  return SymbolTable::symbolKnownUseEmpty(unwrap(symbol), unwrap(module));
}

// Takes a linalg.pack or linalg.unpack of tensors apart, which is gone then; gives whether that went well.
extern "C" bool cosmaDecomposePack(MlirOperation operation) {
  Operation *op = unwrap(operation);
  IRRewriter rewriter(op->getContext());
  rewriter.setInsertionPoint(op);
  if (auto pack = dyn_cast<linalg::PackOp>(op))
    return succeeded(linalg::lowerPack(rewriter, pack));
  if (auto unpack = dyn_cast<linalg::UnPackOp>(op))
    return succeeded(linalg::lowerUnPack(rewriter, unpack));
  return false;
}
