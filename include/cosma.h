/*
 * COSMA for compilers in C and C++, and for those who call C: plans modules in memory.
 *
 * The functions are in libcosma.so. It works on the objects of libMLIR.so, version 22, which the caller
 * links as well; the wrappers of MLIR's C interface that caller and COSMA have may be different copies.
 *
 * What is promised: a program that was compiled with this header works with every libcosma.so of the
 * same COSMA_ABI_VERSION. Within a version, functions, status codes, options and fields at the end of
 * structs may come, and nothing goes or changes.
 *
 * Threads: what is here may be called from several threads at once, each with modules in a context of
 * its own. Nothing is printed, but for the option print-ir-after-all; nobody exits; no exception or
 * panic comes out.
 *
 * The library must not be unloaded: MLIR knows the dialect and the passes by pointers into it.
 */
#ifndef COSMA_H
#define COSMA_H

#include "mlir-c/IR.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The first argument of cosmaOptimize. */
#define COSMA_ABI_VERSION 1

/* What became of a call; as the exit codes of cosma-opt. */
enum CosmaStatus {
  /* The module is planned. */
  CosmaStatusDone = 0,
  /* The module or the machine is at fault. */
  CosmaStatusModule = 1,
  /* The call is wrong: null where something must be, options that are none, another version. */
  CosmaStatusCall = 2,
  /* COSMA is at fault. */
  CosmaStatusInternal = 3
};

/* How far planning a function has come. Costs are non-compulsory bytes. New fields come at the end. */
typedef struct CosmaProgress {
  /* Of this struct, as the library knows it. */
  size_t size;
  /* The function's name, without '@'. Like the phase, alive during the call only. */
  MlirStringRef function;
  /* greedy, search, rules, replacement, joint, backbone, conquer, packing, repair, done; or a new one. */
  MlirStringRef phase;
  /* What the best order and residencies so far cost; -1 before the first. */
  int64_t best;
  /* What the best plan with addresses so far costs; -1 before the first. */
  int64_t planned;
  /* No plan costs less. */
  int64_t lowerBound;
  /* Since planning the function began, and when it will end. */
  double seconds;
  double timeLimit;
} CosmaProgress;

/* Is called at each change of phase, and some ten times a second. Returns whether to go on: if not, what
 * is still to be planned gets the best plan that was found so far. On any thread, one at a time. It must
 * not throw. */
typedef bool (*CosmaProgressCallback)(const CosmaProgress *progress, void *userData);

/* What came of a call. */
typedef struct CosmaResult CosmaResult;

/* The version of the library: COSMA_ABI_VERSION when it was built. */
MLIR_CAPI_EXPORTED uint32_t cosmaAbiVersion(void);

/* The release of the library, as 0.1.0. */
MLIR_CAPI_EXPORTED MlirStringRef cosmaRelease(void);

/* Adds COSMA's dialect to a registry. Null is ignored. */
MLIR_CAPI_EXPORTED void cosmaRegisterDialect(MlirDialectRegistry registry);

/* Makes a context know COSMA's dialect, for text that has it. Not while passes run in the context. Null
 * is ignored. */
MLIR_CAPI_EXPORTED void cosmaLoadDialect(MlirContext context);

/* Makes MLIR know COSMA's passes by their names, for pipelines as text. Again does no harm. */
MLIR_CAPI_EXPORTED void cosmaRegisterPasses(void);

/* Plans every function of a module, which stays the caller's.
 *
 * The options are words with spaces between them, named as the flags of cosma-opt: what to do (group,
 * schedule, allocate, verify, lower-addresses, liveness, print-problem, print-plan), at least one of
 * them; and NAME=VALUE (scratchpad, alignment, weights, solver, time-limit, inputs, element-bytes, and
 * with lower-addresses arena, memory-space), run-weights, print-ir-after-all. For example "schedule allocate scratchpad=512KiB time-limit=10".
 *
 * If all goes well, the module is planned. If not, it is what it was, but its operations are new ones:
 * handles into it are of no use any more. The dialect is loaded if it was not.
 *
 * The callback may be null. The result is never null, and is to be destroyed. */
MLIR_CAPI_EXPORTED CosmaResult *cosmaOptimize(uint32_t abiVersion, MlirModule module, MlirStringRef options,
                                              CosmaProgressCallback progress, void *userData);

/* One of CosmaStatus; CosmaStatusCall for null. */
MLIR_CAPI_EXPORTED int32_t cosmaResultStatus(const CosmaResult *result);

/* Texts of a result: alive until it is destroyed, and with a NUL behind their end. Empty for null. */

/* The report as JSON; empty if the module is not planned. */
MLIR_CAPI_EXPORTED MlirStringRef cosmaResultReport(const CosmaResult *result);

/* Errors and warnings, as "file:line:column: error: message", notes on lines of their own. */
MLIR_CAPI_EXPORTED MlirStringRef cosmaResultMessages(const CosmaResult *result);

/* What liveness, print-problem and print-plan print. */
MLIR_CAPI_EXPORTED MlirStringRef cosmaResultPrinted(const CosmaResult *result);

/* Null is ignored. */
MLIR_CAPI_EXPORTED void cosmaResultDestroy(CosmaResult *result);

#ifdef __cplusplus
}
#endif

#endif /* COSMA_H */
