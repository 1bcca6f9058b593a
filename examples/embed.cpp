// A small compiler that uses COSMA: parses a module, simplifies it with a pass of MLIR, plans it with COSMA, and
// prints the result.
//
//   embed IN.mlir "schedule allocate scratchpad=512KiB" [SECONDS]
//
// After SECONDS it takes the best plan so far. The planned module goes to standard output, the report and
// diagnostics to standard error. Build with
//
//   llvm=/usr/lib/llvm-22
//   $llvm/bin/clang++ -std=c++17 -fno-rtti -I$llvm/include -Iinclude examples/embed.cpp -o embed
//       -Ltarget/release -lcosma -L$llvm/lib -lMLIR -lLLVM-22
//       -Wl,-rpath,$PWD/target/release -Wl,-rpath,$llvm/lib

#include "cosma.h"

#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Support.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <cstdlib>
#include <memory>

namespace {
using Clock = std::chrono::steady_clock;

// A result that is destroyed automatically.
using Result = std::unique_ptr<CosmaResult, decltype(&cosmaResultDestroy)>;

llvm::StringRef text(MlirStringRef text) { return llvm::StringRef(text.data, text.length); }

// ANCHOR: watch
// The time limit, and the number of calls so far.
struct Patience {
  Clock::time_point end;
  unsigned calls = 0;
};

// COSMA calls this about ten times a second. It shows progress, and stops planning at the time limit.
bool watch(const CosmaProgress *progress, void *userData) {
  auto &patience = *static_cast<Patience *>(userData);
  ++patience.calls;
  llvm::errs() << "@" << text(progress->function) << ": " << text(progress->phase) << ", best " << progress->best
               << " B, at least " << progress->lowerBound << " B\n";
  return Clock::now() < patience.end;
}
// ANCHOR_END: watch

int run(const char *path, llvm::StringRef options, double seconds) {
  // ANCHOR: begin
  if (cosmaAbiVersion() != COSMA_ABI_VERSION) {
    llvm::errs() << "error: libcosma.so is of another version\n";
    return 2;
  }

  // The dialects that the source may use: MLIR's and COSMA's.
  mlir::DialectRegistry registry;
  registry.insert<mlir::func::FuncDialect, mlir::arith::ArithDialect>();
  cosmaRegisterDialect(wrap(&registry));
  mlir::MLIRContext context(registry);
  // ANCHOR_END: begin

  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::parseSourceFile<mlir::ModuleOp>(path, &context);
  if (!module)
    return 1;

  // Remove dead code and simplify before planning.
  mlir::PassManager passes(&context);
  passes.addPass(mlir::createCanonicalizerPass());
  if (mlir::failed(passes.run(*module)))
    return 1;

  // ANCHOR: plan
  // Plan the module in place.
  Patience patience{Clock::now() + std::chrono::microseconds(static_cast<int64_t>(seconds * 1e6))};
  Result result(cosmaOptimize(COSMA_ABI_VERSION, wrap(*module), wrap(options), watch, &patience), cosmaResultDestroy);
  llvm::errs() << text(cosmaResultPrinted(result.get())) << text(cosmaResultMessages(result.get()));
  if (int32_t status = cosmaResultStatus(result.get()))
    return status;
  // ANCHOR_END: plan

  // The planned module is an ordinary module, for later stages of the compiler.
  if (mlir::failed(mlir::verify(*module)))
    return 1;
  unsigned transfers = 0;
  module->walk([&](mlir::Operation *operation) {
    llvm::StringRef name = operation->getName().getStringRef();
    transfers += name == "cosma.load" || name == "cosma.reload" || name == "cosma.spill" || name == "cosma.store";
  });
  llvm::errs() << transfers << " transfers, watched " << patience.calls << " times\n";
  llvm::errs() << text(cosmaResultReport(result.get()));
  module->print(llvm::outs());
  return 0;
}
} // namespace

int main(int argc, char **argv) {
  if (argc < 3) {
    llvm::errs() << "usage: " << argv[0] << " IN.mlir OPTIONS [SECONDS]\n";
    return 2;
  }
  return run(argv[1], argv[2], 3 < argc ? std::atof(argv[3]) : 60);
}
