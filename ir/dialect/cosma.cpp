// The C++ part of COSMA: the dialect's classes, a pass that calls back into Rust, and functions that MLIR's C interface
// lacks. All decisions are in Rust.
//
// It must be compiled with clang, not g++: MLIR identifies traits by compiler-generated names, and those of g++ differ
// across libMLIR.so.

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/CAPI/AffineMap.h"
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
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/SourceMgr.h"
#include <csetjmp>
#include <map>
#include <mutex>

using namespace mlir;

extern "C" {
// -1 if absent.
struct CosmaMachine {
  int64_t scratchpad, alignment, elementBytes, weights, keep, weightComputation;
  // Null if absent; the scratchpad has a size or a name.
  MlirAttribute reserved, links, compute, memories, home, scratchpadName;
};
}

// Functions in Rust. Each returns whether it succeeded; errors were emitted through MLIR.
extern "C" {
bool cosmaVerifyOperator(MlirOperation operation);
bool cosmaVerifyTransfer(MlirOperation operation);
bool cosmaVerifyWait(MlirOperation operation);
// Appends the error, if any, to `append`.
bool cosmaVerifyMachine(const CosmaMachine *machine, MlirStringCallback append, void *user);
bool cosmaVerifyAttribute(MlirOperation operation, MlirStringRef name, MlirAttribute value);
// `argument` is -1 for the first result of a function, -2 for the second one, and so on.
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

//===-- Assembly of parameters ---------------------------------------------------------------===//

namespace cosma {
static FailureOr<Attribute> parseSizeOrName(AsmParser &parser) {
  std::string name;
  if (succeeded(parser.parseOptionalString(&name)))
    return Attribute(StringAttr::get(parser.getContext(), name));
  int64_t bytes;
  if (parser.parseInteger(bytes))
    return failure();
  return Attribute(IntegerAttr::get(IntegerType::get(parser.getContext(), 64), bytes));
}

static void printSizeOrName(AsmPrinter &printer, Attribute sizeOrName) {
  if (auto bytes = dyn_cast<IntegerAttr>(sizeOrName))
    printer << bytes.getInt();
  else
    printer << sizeOrName;
}
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

// `at` an offset, or `streamed` without one.
ParseResult parsePlacement(OpAsmParser &parser, IntegerAttr &offset) {
  SMLoc location = parser.getCurrentLocation();
  if (succeeded(parser.parseOptionalKeyword("streamed")))
    return success();
  if (failed(parser.parseOptionalKeyword("at")))
    return parser.emitError(location) << "needs an offset, as 'at 64', or 'streamed'";
  if (parser.parseAttribute(offset, parser.getBuilder().getIntegerType(64)))
    return failure();
  location = parser.getCurrentLocation();
  if (succeeded(parser.parseOptionalKeyword("streamed")))
    return parser.emitError(location) << "has both an offset and 'streamed'";
  return success();
}

void printPlacement(OpAsmPrinter &printer, Operation *, IntegerAttr offset) {
  if (offset)
    printer << "at " << offset.getValue();
  else
    printer << "streamed";
}

} // namespace

#include "cosma_dialect.h.inc"
#include "cosma_enums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "cosma_attributes.h.inc"
#define GET_TYPEDEF_CLASSES
#include "cosma_types.h.inc"
#define GET_OP_CLASSES
#include "cosma_ops.h.inc"

//===-- Assembly of the types of transfers ---------------------------------------------------===//

// The result type of a transfer of a tensor.
static Type movedType(Type tensor, bool isAsync) {
  auto ranked = dyn_cast<RankedTensorType>(tensor);
  return isAsync && ranked ? Type(cosma::TransitType::get(tensor.getContext(), ranked)) : tensor;
}

static Type tensorOf(Type moved) {
  auto transit = dyn_cast_or_null<cosma::TransitType>(moved);
  return transit ? Type(transit.getTensor()) : moved;
}

static ParseResult parseAsync(OpAsmParser &parser, UnitAttr &async) {
  if (succeeded(parser.parseOptionalKeyword("async")))
    async = parser.getBuilder().getUnitAttr();
  return success();
}

static void printAsync(OpAsmPrinter &printer, Operation *, UnitAttr async) {
  if (async)
    printer << "async ";
}

// `source`, or `source -> target` if their tensors differ; the target's tensor, asynchronous or not.
static ParseResult parsePieceType(OpAsmParser &parser, UnitAttr async, Type &source, Type &target) {
  if (parser.parseType(source))
    return failure();
  target = tensorOf(source);
  if (succeeded(parser.parseOptionalArrow()) && failed(parser.parseType(target)))
    return failure();
  target = movedType(target, bool(async));
  return success();
}

static void printPieceType(OpAsmPrinter &printer, Operation *, UnitAttr, Type source, Type target) {
  printer << source;
  if (tensorOf(source) != tensorOf(target))
    printer << " -> " << tensorOf(target);
}

// `source`, or `source into destination`; the latter is also the result's tensor.
static ParseResult parseIntoType(OpAsmParser &parser, UnitAttr async, Type &source, Type &destination,
                                 Type &target) {
  if (parser.parseType(source))
    return failure();
  target = tensorOf(source);
  if (succeeded(parser.parseOptionalKeyword("into"))) {
    if (parser.parseType(destination))
      return failure();
    target = tensorOf(destination);
  }
  target = movedType(target, bool(async));
  return success();
}

static void printIntoType(OpAsmPrinter &printer, Operation *, UnitAttr, Type source, Type destination, Type) {
  printer << source;
  if (destination)
    printer << " into " << destination;
}

// The tensor; each operand is in transit to it.
static ParseResult parseAwaited(OpAsmParser &parser, ArrayRef<OpAsmParser::UnresolvedOperand> transits,
                                SmallVectorImpl<Type> &types, Type &target) {
  if (parser.parseType(target))
    return failure();
  if (!isa<RankedTensorType>(target))
    return parser.emitError(parser.getNameLoc()) << "waits for " << target << ", which is not a ranked tensor";
  types.assign(transits.size(), movedType(target, true));
  return success();
}

static void printAwaited(OpAsmPrinter &printer, Operation *, OperandRange, TypeRange, Type target) {
  printer << target;
}

//===-- Assembly of the operators' lists -----------------------------------------------------===//

static ParseResult parseAliases(OpAsmParser &parser, ArrayAttr &aliases) {
  SmallVector<Attribute> elements;
  auto parseElement = [&]() -> ParseResult {
    SMLoc location = parser.getCurrentLocation();
    Attribute spelling;
    if (parser.parseAttribute(spelling))
      return failure();
    auto emitError = [&] { return parser.emitError(location) << "an element of 'in_place' "; };
    FailureOr<cosma::AliasAttr> alias = cosma::AliasAttr::from(spelling, emitError);
    if (failed(alias))
      return failure();
    elements.push_back(*alias);
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseElement))
    return failure();
  aliases = parser.getBuilder().getArrayAttr(elements);
  return success();
}

static void printAliases(OpAsmPrinter &printer, Operation *, ArrayAttr aliases) {
  auto printElement = [&](Attribute element) {
    FailureOr<cosma::AliasAttr> alias = cosma::AliasAttr::from(element);
    if (failed(alias)) {
      printer << element;
      return;
    }
    printer << '[' << alias->getResult() << ", " << alias->getOperand();
    if (alias->getAt() != 0)
      printer << ", " << alias->getAt();
    printer << ']';
  };
  printer << '[';
  llvm::interleaveComma(aliases, printer, printElement);
  printer << ']';
}

static ParseResult parseResidency(OpAsmParser &parser, Attribute &residency) {
  SMLoc location = parser.getCurrentLocation();
  auto emitError = [&] { return parser.emitError(location) << "an element of 'residencies' "; };
  int64_t start, end, offset;
  OptionalParseResult isShort = parser.parseOptionalInteger(start);
  if (isShort.has_value()) {
    if (failed(*isShort) || parser.parseKeyword("to") || parser.parseInteger(end) || parser.parseKeyword("at") ||
        parser.parseInteger(offset))
      return failure();
    residency = cosma::ResidencyAttr::getChecked(emitError, parser.getContext(), start, end, offset);
    return success(residency != nullptr);
  }
  Attribute spelling;
  if (parser.parseAttribute(spelling))
    return failure();
  FailureOr<cosma::ResidencyAttr> typed = cosma::ResidencyAttr::from(spelling, emitError);
  if (failed(typed))
    return failure();
  residency = *typed;
  return success();
}

static ParseResult parseResidencies(OpAsmParser &parser, ArrayAttr &residencies) {
  SmallVector<Attribute> ofResults;
  auto parseOfResult = [&]() -> ParseResult {
    SmallVector<Attribute> elements;
    auto parseElement = [&] { return parseResidency(parser, elements.emplace_back()); };
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseElement))
      return failure();
    ofResults.push_back(parser.getBuilder().getArrayAttr(elements));
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseOfResult))
    return failure();
  residencies = parser.getBuilder().getArrayAttr(ofResults);
  return success();
}

static void printResidencies(OpAsmPrinter &printer, Operation *, ArrayAttr residencies) {
  auto printElement = [&](Attribute element) {
    auto residency = cosma::ResidencyAttr::from(element);
    if (failed(residency))
      printer << element;
    else
      printer << residency->getStart() << " to " << residency->getEnd() << " at " << residency->getOffset();
  };
  auto printOfResult = [&](Attribute ofResult) {
    auto elements = dyn_cast<ArrayAttr>(ofResult);
    if (!elements) {
      printer << ofResult;
      return;
    }
    printer << '[';
    llvm::interleaveComma(elements, printer, printElement);
    printer << ']';
  };
  printer << '[';
  llvm::interleaveComma(residencies, printer, printOfResult);
  printer << ']';
}

#include "cosma_dialect.cpp.inc"
#include "cosma_enums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "cosma_attributes.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "cosma_types.cpp.inc"
#define GET_OP_CLASSES
#include "cosma_ops.cpp.inc"

//===-- Attributes ---------------------------------------------------------------------------===//

namespace cosma {
using EmitError = llvm::function_ref<InFlightDiagnostic()>;

// If `emitError` is null, the failure is only returned.
template <typename... Parts>
static LogicalResult fail(EmitError emitError, const Parts &...parts) {
  if (emitError) {
    InFlightDiagnostic diagnostic = emitError();
    (diagnostic << ... << parts);
  }
  return failure();
}

static std::optional<int64_t> integerOf(Attribute attribute) {
  auto integer = dyn_cast<IntegerAttr>(attribute);
  return integer && integer.getType().isSignlessInteger(64) ? std::optional(integer.getInt()) : std::nullopt;
}

// The elements of an array; none if it is not an array of integers.
static SmallVector<int64_t> integersOf(Attribute attribute) {
  SmallVector<int64_t> integers;
  auto array = dyn_cast<ArrayAttr>(attribute);
  for (Attribute element : array ? array.getValue() : ArrayRef<Attribute>()) {
    std::optional<int64_t> integer = integerOf(element);
    if (!integer)
      return {};
    integers.push_back(*integer);
  }
  return integers;
}

// The result of `getChecked`.
template <typename T>
static FailureOr<T> orFailure(T attribute) {
  return attribute ? FailureOr<T>(attribute) : FailureOr<T>(failure());
}

LogicalResult AliasAttr::verify(EmitError emitError, int64_t result, int64_t operand, int64_t at) {
  for (auto [what, number] : {std::pair("result", result), std::pair("operand", operand), std::pair("byte", at)})
    if (number < 0)
      return fail(emitError, "has a negative ", what, ": ", number);
  return success();
}

FailureOr<AliasAttr> AliasAttr::from(Attribute attribute, EmitError emitError) {
  if (auto typed = dyn_cast<AliasAttr>(attribute))
    return typed;
  SmallVector<int64_t> numbers = integersOf(attribute);
  if (numbers.size() != 2 && numbers.size() != 3)
    return fail(emitError, "must be [result, operand], [result, operand, byte] or #cosma.alias, not ", attribute);
  int64_t at = numbers.size() == 3 ? numbers[2] : 0;
  return orFailure(getChecked(emitError, attribute.getContext(), numbers[0], numbers[1], at));
}

bool AliasAttr::is(Attribute attribute) { return succeeded(from(attribute)); }

LogicalResult ResidencyAttr::verify(EmitError emitError, int64_t start, int64_t end, int64_t offset) {
  if (start < 0)
    return fail(emitError, "has a negative step: ", start);
  if (end <= start)
    return fail(emitError, "has no steps: ", start, " to ", end);
  if (offset < 0)
    return fail(emitError, "has a negative offset: ", offset);
  return success();
}

LogicalResult TileAttr::verify(EmitError emitError, StringAttr of, DenseI64ArrayAttr offsets,
                               DenseI64ArrayAttr sizes) {
  if (of.getValue().empty())
    return fail(emitError, "has no operator");
  if (offsets.size() != sizes.size())
    return fail(emitError, "has ", offsets.size(), " offsets and ", sizes.size(), " sizes");
  for (auto [offset, size] : llvm::zip(offsets.asArrayRef(), sizes.asArrayRef()))
    if (offset < 0 || size < 1)
      return fail(emitError, "has a loop from ", offset, " of ", size, " iterations");
  return success();
}

FailureOr<ResidencyAttr> ResidencyAttr::from(Attribute attribute, EmitError emitError) {
  if (auto typed = dyn_cast<ResidencyAttr>(attribute))
    return typed;
  auto spelling = dyn_cast<DenseI64ArrayAttr>(attribute);
  if (!spelling || spelling.size() != 3)
    return fail(emitError, "must be array<i64: offset, first step, end step> or #cosma.residency, not ", attribute);
  return orFailure(getChecked(emitError, attribute.getContext(), spelling[1], spelling[2], spelling[0]));
}

bool ResidencyAttr::is(Attribute attribute) { return succeeded(from(attribute)); }

// -1 or null if absent.
static CosmaMachine describe(Attribute scratchpad, std::optional<int64_t> alignment, std::optional<Weights> weights,
                             std::optional<Keep> keep, std::optional<int64_t> elementBytes,
                             std::optional<WeightComputation> weightComputation, ArrayAttr reserved, ArrayAttr links,
                             DictionaryAttr compute, DictionaryAttr memories, StringAttr home) {
  auto number = [](auto value) { return value ? static_cast<int64_t>(*value) : -1; };
  auto bytes = dyn_cast_or_null<IntegerAttr>(scratchpad);
  return {bytes ? bytes.getInt() : -1, number(alignment), number(elementBytes), number(weights), number(keep),
          number(weightComputation), wrap(Attribute(reserved)), wrap(Attribute(links)),
          wrap(Attribute(compute)), wrap(Attribute(memories)), wrap(Attribute(home)),
          wrap(bytes ? Attribute() : scratchpad)};
}

LogicalResult MachineAttr::verify(EmitError emitError, Attribute scratchpad, std::optional<int64_t> alignment,
                                  std::optional<Weights> weights, std::optional<Keep> keep,
                                  std::optional<int64_t> elementBytes,
                                  std::optional<WeightComputation> weightComputation, ArrayAttr reserved,
                                  ArrayAttr links, DictionaryAttr compute, DictionaryAttr memories,
                                  StringAttr home) {
  struct Least {
    StringRef name;
    std::optional<int64_t> bytes;
    int64_t least;
  };
  std::optional<int64_t> size = scratchpad ? integerOf(scratchpad) : std::nullopt;
  if (scratchpad && !size && !(memories && isa<StringAttr>(scratchpad)))
    return fail(emitError, "needs a 64-bit integer as scratchpad, not ", scratchpad);
  for (auto [name, bytes, least] : {Least{"scratchpad", size, 0}, Least{"alignment", alignment, 1},
                                    Least{"element_bytes", elementBytes, 1}})
    if (bytes && *bytes < least)
      return fail(emitError, "needs at least ", least, " B as ", name, ", not ", *bytes);
  std::string wrong;
  auto append = [](MlirStringRef text, void *wrong) {
    static_cast<std::string *>(wrong)->append(text.data, text.length);
  };
  CosmaMachine machine = describe(scratchpad, alignment, weights, keep, elementBytes, weightComputation, reserved,
                                  links, compute, memories, home);
  if (!cosmaVerifyMachine(&machine, append, &wrong))
    return fail(emitError, wrong);
  return success();
}

// The value of a key in the builtin spelling of `cosma.machine`.
static LogicalResult readInteger(NamedAttribute entry, std::optional<int64_t> &number, EmitError emitError) {
  number = integerOf(entry.getValue());
  if (number)
    return success();
  return fail(emitError, "needs a 64-bit integer as ", entry.getName().getValue(), ", not ", entry.getValue());
}

template <typename Kind>
static LogicalResult readKind(NamedAttribute entry, StringRef what, Kind &value, EmitError emitError) {
  value = dyn_cast<Kind>(entry.getValue());
  if (value)
    return success();
  return fail(emitError, "needs ", what, " as ", entry.getName().getValue(), ", not ", entry.getValue());
}

template <typename Enum>
static LogicalResult readEnum(NamedAttribute entry, std::optional<Enum> &value, EmitError emitError) {
  if (auto text = dyn_cast<StringAttr>(entry.getValue()))
    value = symbolizeEnum<Enum>(text.getValue());
  if (value)
    return success();
  std::string cases;
  for (unsigned index = 0; !stringifyEnum(Enum(index)).empty(); ++index) {
    bool isLast = stringifyEnum(Enum(index + 1)).empty();
    cases += (index == 0 ? "\"" : isLast ? " or \"" : ", \"") + stringifyEnum(Enum(index)).str() + "\"";
  }
  return fail(emitError, "needs ", cases, " as ", entry.getName().getValue(), ", not ", entry.getValue());
}

FailureOr<MachineAttr> MachineAttr::from(Attribute attribute, EmitError emitError) {
  if (auto typed = dyn_cast<MachineAttr>(attribute))
    return typed;
  auto spelling = dyn_cast<DictionaryAttr>(attribute);
  if (!spelling)
    return fail(emitError, "must be a #cosma.machine or a dictionary");
  Attribute scratchpad;
  std::optional<int64_t> alignment, elementBytes;
  std::optional<Weights> weights;
  std::optional<Keep> keep;
  std::optional<WeightComputation> weightComputation;
  ArrayAttr reserved, links;
  DictionaryAttr compute, memories;
  StringAttr home;
  auto read = [&](NamedAttribute entry) -> LogicalResult {
    StringRef name = entry.getName().getValue();
    if (name == "scratchpad") {
      // Its verifier checks the value.
      scratchpad = entry.getValue();
      return success();
    }
    if (name == "alignment")
      return readInteger(entry, alignment, emitError);
    if (name == "element_bytes")
      return readInteger(entry, elementBytes, emitError);
    if (name == "weights")
      return readEnum(entry, weights, emitError);
    if (name == "keep")
      return readEnum(entry, keep, emitError);
    if (name == "weight_computation")
      return readEnum(entry, weightComputation, emitError);
    if (name == "reserved")
      return readKind(entry, "a list of [first, end]", reserved, emitError);
    if (name == "links")
      return readKind(entry, "a list of dictionaries", links, emitError);
    if (name == "compute")
      return readKind(entry, "a dictionary", compute, emitError);
    if (name == "memories")
      return readKind(entry, "a dictionary", memories, emitError);
    if (name == "home")
      return readKind(entry, "the name of a memory", home, emitError);
    return fail(emitError, "has an unknown key '", name,
                "'; the keys are scratchpad, alignment, weights, keep, element_bytes, weight_computation, "
                "reserved, links, compute, memories, home");
  };
  for (NamedAttribute entry : spelling)
    if (failed(read(entry)))
      return failure();
  return orFailure(getChecked(emitError, attribute.getContext(), scratchpad, alignment, weights, keep,
                              elementBytes, weightComputation, reserved, links, compute, memories, home));
}

bool MachineAttr::is(Attribute attribute) { return succeeded(from(attribute)); }

LogicalResult PlanAttr::verify(EmitError emitError, int64_t operators, PlanStatus, int64_t total, int64_t compulsory,
                               int64_t nonCompulsory, int64_t lowerBound, int64_t fragmentation, int64_t prologue, int64_t peak,
                               int64_t minScratchpad, LeastIs, StringAttr, StringAttr,
                               std::optional<int64_t> cyclesBound, StringAttr,
                               std::optional<int64_t> anyOrderBound, StringAttr, std::optional<int64_t> cost,
                               std::optional<int64_t> costBound) {
  for (int64_t number : {operators, total, compulsory, nonCompulsory, lowerBound, fragmentation, prologue, peak, minScratchpad,
                         cyclesBound.value_or(0), anyOrderBound.value_or(0), cost.value_or(0), costBound.value_or(0)})
    if (number < 0)
      return fail(emitError, "has a negative number: ", number);
  return success();
}

template <typename T>
static Attribute typed(Attribute attribute) {
  FailureOr<T> typed = T::from(attribute);
  return succeeded(typed) ? Attribute(*typed) : attribute;
}

template <typename T>
static Attribute typedElements(Attribute attribute) {
  auto array = dyn_cast<ArrayAttr>(attribute);
  if (!array)
    return attribute;
  return ArrayAttr::get(array.getContext(), llvm::map_to_vector(array, typed<T>));
}

static Attribute typedLists(Attribute attribute) {
  auto array = dyn_cast<ArrayAttr>(attribute);
  if (!array)
    return attribute;
  return ArrayAttr::get(array.getContext(), llvm::map_to_vector(array, typedElements<ResidencyAttr>));
}

// Converts the builtin spellings among an operation's attributes to typed attributes.
static void makeTyped(Operation *operation) {
  bool isOwn = isa_and_present<CosmaDialect>(operation->getDialect());
  auto change = [&](StringRef name, Attribute (*typed)(Attribute)) {
    if (Attribute attribute = operation->getAttr(name))
      operation->setAttr(name, typed(attribute));
  };
  change("cosma.machine", typed<MachineAttr>);
  change(isOwn ? "in_place" : "cosma.in_place", typedElements<AliasAttr>);
  change(isOwn ? "residencies" : "cosma.residencies", typedLists);
  auto function = dyn_cast<FunctionOpInterface>(operation);
  if (!function)
    return;
  for (unsigned argument = 0; argument < function.getNumArguments(); ++argument)
    if (Attribute residencies = function.getArgAttr(argument, "cosma.residencies"))
      function.setArgAttr(argument, "cosma.residencies", typedElements<ResidencyAttr>(residencies));
}

//===-- Operations ---------------------------------------------------------------------------===//

void CosmaDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "cosma_attributes.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "cosma_types.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "cosma_ops.cpp.inc"
      >();
}

LogicalResult CosmaDialect::verifyOperationAttribute(Operation *operation, NamedAttribute attribute) {
  StringRef name = attribute.getName().getValue();
  auto emitError = [&] { return operation->emitOpError() << "attribute '" << name << "' "; };
  if (name == "cosma.machine") {
    if (operation->getNumRegions() == 0)
      return emitError() << "belongs on a module or a function";
    return MachineAttr::from(attribute.getValue(), emitError);
  }
  if (name == "cosma.plan")
    return isa<PlanAttr>(attribute.getValue()) ? success() : emitError() << "must be a #cosma.plan";
  return success(cosmaVerifyAttribute(wrap(operation), wrap(attribute.getName().getValue()),
                                      wrap(attribute.getValue())));
}

LogicalResult CosmaDialect::verifyRegionArgAttribute(Operation *operation, unsigned, unsigned argument,
                                                     NamedAttribute attribute) {
  return success(cosmaVerifyArgumentAttribute(wrap(operation), argument,
                                              wrap(attribute.getName().getValue()),
                                              wrap(attribute.getValue())));
}

LogicalResult CosmaDialect::verifyRegionResultAttribute(Operation *operation, unsigned, unsigned result,
                                                        NamedAttribute attribute) {
  return success(cosmaVerifyArgumentAttribute(wrap(operation), -1 - intptr_t(result), wrap(attribute.getName().getValue()),
                                              wrap(attribute.getValue())));
}

template <typename Op>
static LogicalResult verifyOperator(Op op) {
  size_t numResults = op->getNumResults();
  if (op.getOffsets() && op.getOffsets()->size() != numResults)
    return op.emitOpError() << "needs one offset for each of its " << numResults << " results, but has "
                            << op.getOffsets()->size();
  return success(cosmaVerifyOperator(wrap(op.getOperation())));
}

LogicalResult OperatorOp::verify() { return verifyOperator(*this); }

// The region takes the operands and returns the results.
LogicalResult GroupOp::verify() {
  Block &body = getBody().front();
  if (TypeRange(body.getArgumentTypes()) != TypeRange(getInputs().getTypes()))
    return emitOpError("needs a body whose arguments have the types of its operands");
  if (TypeRange(body.getTerminator()->getOperandTypes()) != TypeRange(getOutputs().getTypes()))
    return emitOpError("needs a body that yields values of the types of its results");
  return verifyOperator(*this);
}

LogicalResult LoadOp::verify() { return success(cosmaVerifyTransfer(wrap(getOperation()))); }
LogicalResult ReloadOp::verify() { return success(cosmaVerifyTransfer(wrap(getOperation()))); }
LogicalResult CopyOp::verify() { return success(cosmaVerifyTransfer(wrap(getOperation()))); }
LogicalResult SpillOp::verify() { return success(cosmaVerifyTransfer(wrap(getOperation()))); }
LogicalResult StoreOp::verify() { return success(cosmaVerifyTransfer(wrap(getOperation()))); }
LogicalResult WaitOp::verify() { return success(cosmaVerifyWait(wrap(getOperation()))); }

// A planned operator reads and writes the scratchpad; an operator without a result has an unknown effect.
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

// The trait adds the effects of its region.
void GroupOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  operatorEffects(*this, effects);
}
} // namespace cosma

#include "access.inc"

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
  // Passed to every run.
  const void *user;
  bool (*run)(MlirOperation operation, const void *user, const MlirStringRef *values, intptr_t numValues);
};
}

namespace {
// A registered pass; it lives as long as the process.
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
    registry.insert<cosma::CosmaDialect, arith::ArithDialect, func::FuncDialect, memref::MemRefDialect,
                    tensor::TensorDialect>();
    // A pass on modules lowers them, with MLIR's passes.
    if (registered.anchor == "builtin.module")
      registry.insert<affine::AffineDialect, bufferization::BufferizationDialect, index::IndexDialect,
                      linalg::LinalgDialect, math::MathDialect, scf::SCFDialect, tosa::TosaDialect>();
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
  // Never destroyed: MLIR's own registry, which outlives it, refers to its contents.
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

// The target of the jump that leaves the call of this thread.
static thread_local std::jmp_buf *callEnd = nullptr;

// Calls compiled code; returns whether it ended regularly.
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

// Leaves the call of this thread, from a function called by compiled code. No frame in between may have anything to
// destroy.
extern "C" [[noreturn]] void cosmaLeave() {
  if (!callEnd)
    std::abort();
  std::longjmp(*callEnd, 1);
}

//===-- Attributes for Rust ------------------------------------------------------------------===//

extern "C" {
struct CosmaAlias {
  int64_t result, operand, at;
};
struct CosmaResidency {
  int64_t start, end, offset;
};
struct CosmaPlan {
  int64_t operators, total, compulsory, nonCompulsory, lowerBound, fragmentation, prologue, peak, minScratchpad;
  bool isOptimal, isMinExact;
  // Empty without a proof.
  MlirStringRef solver, proof;
  // -1 if absent; the rule is empty then.
  int64_t cyclesBound;
  MlirStringRef cyclesBoundRule;
  int64_t anyOrderBound;
  MlirStringRef anyOrderRule;
  // -1 if absent.
  int64_t cost, costBound;
};
struct CosmaTile {
  MlirStringRef of;
  const int64_t *offsets, *sizes;
  intptr_t nLoops;
};
}

// Each returns whether the attribute is one, in either spelling.
extern "C" bool cosmaReadAlias(MlirAttribute attribute, CosmaAlias *alias) {
  FailureOr<cosma::AliasAttr> typed = cosma::AliasAttr::from(unwrap(attribute));
  if (succeeded(typed))
    *alias = {typed->getResult(), typed->getOperand(), typed->getAt()};
  return succeeded(typed);
}

extern "C" bool cosmaReadResidency(MlirAttribute attribute, CosmaResidency *residency) {
  FailureOr<cosma::ResidencyAttr> typed = cosma::ResidencyAttr::from(unwrap(attribute));
  if (succeeded(typed))
    *residency = {typed->getStart(), typed->getEnd(), typed->getOffset()};
  return succeeded(typed);
}

extern "C" bool cosmaReadMachine(MlirAttribute attribute, CosmaMachine *machine) {
  FailureOr<cosma::MachineAttr> typed = cosma::MachineAttr::from(unwrap(attribute));
  if (failed(typed))
    return false;
  *machine = cosma::describe(typed->getScratchpad(), typed->getAlignment(), typed->getWeights(), typed->getKeep(),
                             typed->getElementBytes(), typed->getWeightComputation(), typed->getReserved(),
                             typed->getLinks(), typed->getCompute(), typed->getMemories(), typed->getHome());
  return true;
}

extern "C" bool cosmaReadPlan(MlirAttribute attribute, CosmaPlan *plan) {
  auto typed = dyn_cast<cosma::PlanAttr>(unwrap(attribute));
  if (!typed)
    return false;
  *plan = {typed.getOperators(),
           typed.getTotal(),
           typed.getCompulsory(),
           typed.getNonCompulsory(),
           typed.getLowerBound(),
           typed.getFragmentation(),
           typed.getPrologue(),
           typed.getPeak(),
           typed.getMinScratchpad(),
           typed.getStatus() == cosma::PlanStatus::Optimal,
           typed.getMinScratchpadIs() == cosma::LeastIs::Exact,
           wrap(typed.getSolver().getValue()),
           wrap(typed.getProof() ? typed.getProof().getValue() : StringRef()),
           typed.getCyclesBound().value_or(-1),
           wrap(typed.getCyclesBoundRule() ? typed.getCyclesBoundRule().getValue() : StringRef()),
           typed.getAnyOrderBound().value_or(-1),
           wrap(typed.getAnyOrderRule() ? typed.getAnyOrderRule().getValue() : StringRef()),
           typed.getCost().value_or(-1),
           typed.getCostBound().value_or(-1)};
  return true;
}

extern "C" bool cosmaReadTile(MlirAttribute attribute, CosmaTile *tile) {
  auto typed = dyn_cast<cosma::TileAttr>(unwrap(attribute));
  if (typed)
    *tile = {wrap(typed.getOf().getValue()), typed.getOffsets().asArrayRef().data(),
             typed.getSizes().asArrayRef().data(), static_cast<intptr_t>(typed.getOffsets().size())};
  return static_cast<bool>(typed);
}

// The values have passed the attribute's verifier before, as Rust's types guarantee.
extern "C" MlirAttribute cosmaAliasAttr(MlirContext context, const CosmaAlias *alias) {
  return wrap(cosma::AliasAttr::get(unwrap(context), alias->result, alias->operand, alias->at));
}

extern "C" MlirAttribute cosmaResidencyAttr(MlirContext context, const CosmaResidency *residency) {
  return wrap(cosma::ResidencyAttr::get(unwrap(context), residency->start, residency->end, residency->offset));
}

extern "C" MlirAttribute cosmaMachineAttr(MlirContext context, const CosmaMachine *machine) {
  auto bytes = [](int64_t value) { return value < 0 ? std::nullopt : std::optional(value); };
  std::optional<cosma::Weights> weights;
  if (0 <= machine->weights)
    weights = cosma::Weights(machine->weights);
  std::optional<cosma::Keep> keep;
  if (0 <= machine->keep)
    keep = cosma::Keep(machine->keep);
  std::optional<cosma::WeightComputation> weightComputation;
  if (0 <= machine->weightComputation)
    weightComputation = cosma::WeightComputation(machine->weightComputation);
  Attribute scratchpad = unwrap(machine->scratchpadName);
  if (0 <= machine->scratchpad)
    scratchpad = IntegerAttr::get(IntegerType::get(unwrap(context), 64), machine->scratchpad);
  return wrap(cosma::MachineAttr::get(unwrap(context), scratchpad, bytes(machine->alignment), weights, keep,
                                      bytes(machine->elementBytes), weightComputation,
                                      cast_or_null<ArrayAttr>(unwrap(machine->reserved)),
                                      cast_or_null<ArrayAttr>(unwrap(machine->links)),
                                      cast_or_null<DictionaryAttr>(unwrap(machine->compute)),
                                      cast_or_null<DictionaryAttr>(unwrap(machine->memories)),
                                      cast_or_null<StringAttr>(unwrap(machine->home))));
}

extern "C" MlirAttribute cosmaPlanAttr(MlirContext context, const CosmaPlan *plan) {
  MLIRContext *in = unwrap(context);
  auto optional = [&](MlirStringRef text) { return text.length ? StringAttr::get(in, unwrap(text)) : StringAttr(); };
  auto number = [](int64_t bound) { return bound < 0 ? std::nullopt : std::optional(bound); };
  return wrap(cosma::PlanAttr::get(
      in, plan->operators, plan->isOptimal ? cosma::PlanStatus::Optimal : cosma::PlanStatus::Feasible, plan->total,
      plan->compulsory, plan->nonCompulsory, plan->lowerBound, plan->fragmentation, plan->prologue, plan->peak, plan->minScratchpad,
      plan->isMinExact ? cosma::LeastIs::Exact : cosma::LeastIs::LowerBound,
      StringAttr::get(in, unwrap(plan->solver)), optional(plan->proof),
      number(plan->cyclesBound), optional(plan->cyclesBoundRule), number(plan->anyOrderBound),
      optional(plan->anyOrderRule), number(plan->cost), number(plan->costBound)));
}

extern "C" MlirType cosmaTransitType(MlirType tensor) {
  return wrap(movedType(unwrap(tensor), true));
}

// The tensor of a transit; null for any other type.
extern "C" MlirType cosmaTransitTensor(MlirType type) {
  auto transit = dyn_cast<cosma::TransitType>(unwrap(type));
  return wrap(transit ? Type(transit.getTensor()) : Type());
}

//===-- What the C interface lacks -----------------------------------------------------------===//

extern "C" MlirModule cosmaParse(MlirContext context, MlirStringRef text, MlirStringRef name) {
  llvm::SourceMgr sources;
  // The copy has the alignment that bytecode needs, and the NUL that the lexer needs.
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(unwrap(text), unwrap(name)), llvm::SMLoc());
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, ParserConfig(unwrap(context)));
  if (module)
    module->walk(cosma::makeTyped);
  return wrap(module.release());
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

// The same for a function's results.
extern "C" MlirAttribute cosmaResultAttribute(MlirOperation function, intptr_t result, MlirStringRef name) {
  auto op = dyn_cast<FunctionOpInterface>(unwrap(function));
  if (!op || op.getNumResults() <= result)
    return MlirAttribute{nullptr};
  return wrap(op.getResultAttr(result, unwrap(name)));
}

extern "C" void cosmaSetResultAttribute(MlirOperation function, intptr_t result, MlirStringRef name,
                                        MlirAttribute value) {
  auto op = dyn_cast<FunctionOpInterface>(unwrap(function));
  if (!op || op.getNumResults() <= result)
    return;
  StringAttr key = StringAttr::get(op->getContext(), unwrap(name));
  if (value.ptr)
    op.setResultAttr(result, key, unwrap(value));
  else
    op.removeResultAttr(result, key);
}

// Queries of traits and interfaces, for any dialect.
extern "C" bool cosmaIsElementwise(MlirOperation operation) {
  return unwrap(operation)->hasTrait<OpTrait::Elementwise>();
}

extern "C" bool cosmaIsMemoryEffectFree(MlirOperation operation) { return isMemoryEffectFree(unwrap(operation)); }

// The properties that distinguish operations, without operands, locations and discardable attributes.
extern "C" uint64_t cosmaEquivalenceHash(MlirOperation operation) {
  auto ignore = OperationEquivalence::ignoreHashValue;
  auto flags = OperationEquivalence::IgnoreLocations | OperationEquivalence::IgnoreDiscardableAttrs;
  return OperationEquivalence::computeHash(unwrap(operation), ignore, ignore, flags);
}

// Whether two operations compute the same if their operands are equal in order.
extern "C" bool cosmaIsEquivalent(MlirOperation one, MlirOperation other) {
  Operation *lhs = unwrap(one), *rhs = unwrap(other);
  if (lhs->getNumOperands() != rhs->getNumOperands())
    return false;
  DenseSet<std::pair<Value, Value>> same;
  for (auto operands : llvm::zip_equal(lhs->getOperands(), rhs->getOperands()))
    same.insert({std::get<0>(operands), std::get<1>(operands)});
  auto check = [&](Value left, Value right) { return success(left == right || same.contains({left, right})); };
  auto mark = [&](Value left, Value right) { same.insert({left, right}); };
  auto flags = OperationEquivalence::IgnoreLocations | OperationEquivalence::IgnoreDiscardableAttrs;
  return OperationEquivalence::isEquivalentTo(lhs, rhs, check, mark, flags);
}

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

// Decomposes a linalg.pack or linalg.unpack of tensors, if possible; the operation stays, without uses.
extern "C" bool cosmaDecomposePack(MlirOperation operation) {
  Operation *op = unwrap(operation);
  if (!isa<linalg::PackOp, linalg::UnPackOp>(op))
    return false;
  IRRewriter rewriter(op->getContext());
  rewriter.setInsertionPoint(op);
  Operation *copy = rewriter.clone(*op);
  op->replaceAllUsesWith(copy->getResults());
  rewriter.setInsertionPoint(copy);
  auto pack = dyn_cast<linalg::PackOp>(copy);
  if (pack ? succeeded(linalg::lowerPack(rewriter, pack))
           : succeeded(linalg::lowerUnPack(rewriter, cast<linalg::UnPackOp>(copy))))
    return true;
  copy->replaceAllUsesWith(op->getResults());
  copy->erase();
  return false;
}

// Removes an operation from its block, and the operands from it and from all operations in its regions.
extern "C" void cosmaDetach(MlirOperation operation) {
  unwrap(operation)->remove();
  unwrap(operation)->walk([](Operation *inner) { inner->setOperands(ValueRange()); });
}

// Destroys a detached operation, unless it is in a block again, or its results have uses.
extern "C" void cosmaDestroyDetached(MlirOperation operation) {
  Operation *op = unwrap(operation);
  auto isFree = [](Value value) { return value.use_empty(); };
  WalkResult walked = op->walk([&](Operation *inner) {
    bool isUnused = llvm::all_of(inner->getResults(), isFree);
    for (Region &region : inner->getRegions())
      for (Block &block : region)
        isUnused &= llvm::all_of(block.getArguments(), isFree);
    return isUnused ? WalkResult::advance() : WalkResult::interrupt();
  });
  if (!op->getBlock() && !walked.wasInterrupted())
    op->destroy();
}
