// MLIR's drivers with COSMA's dialect, and the command-line flags that they share with ours.

#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Pass.h"
#include "mlir/CAPI/Support.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Support/Timing.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"

using namespace mlir;

extern "C" void cosmaInsertDialect(MlirDialectRegistry registry);

static void insertAllDialects(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  cosmaInsertDialect(MlirDialectRegistry{&registry});
}

// Returns `mlir-opt`'s exit code, or ends the process if a flag is invalid, as it does.
extern "C" int cosmaOptMain(int numArguments, char **arguments) {
  DialectRegistry registry;
  insertAllDialects(registry);
  return asMainReturnCode(MlirOptMain(numArguments, arguments, "mlir-opt with COSMA's dialect and passes\n", registry));
}

extern "C" int cosmaLspServerMain(int numArguments, char **arguments) {
  DialectRegistry registry;
  insertAllDialects(registry);
  return asMainReturnCode(MlirLspServerMain(numArguments, arguments, registry));
}

// Whether a flag names a registered pass or pipeline.
extern "C" bool cosmaIsPass(MlirStringRef name) {
  return PassInfo::lookup(unwrap(name)) || PassPipelineInfo::lookup(unwrap(name));
}

// Reads the flags with which MLIR's drivers control printing, contexts, pass managers and timing; returns whether they
// are valid. Errors are printed.
extern "C" bool cosmaReadFlags(int numArguments, const char *const *arguments) {
  registerAsmPrinterCLOptions();
  registerMLIRContextCLOptions();
  registerPassManagerCLOptions();
  registerDefaultTimingManagerCLOptions();
  return llvm::cl::ParseCommandLineOptions(numArguments, arguments, "", &llvm::errs());
}

// Applies the flags to the pass manager, if any were read.
extern "C" bool cosmaApplyFlags(MlirPassManager manager) {
  applyDefaultTimingPassManagerCLOptions(*unwrap(manager));
  return succeeded(applyPassManagerCLOptions(*unwrap(manager)));
}
