/*
 * The C interface of COSMA: plans MLIR modules in memory.
 *
 * The functions are in libcosma.so. It works on objects of libMLIR.so, version 22, which the caller links
 * as well; caller and COSMA may link different copies of MLIR's C interface archives.
 *
 * Compatibility: a program compiled with this header works with every libcosma.so of the same
 * COSMA_ABI_VERSION. Within a version, functions, status codes, options and fields at the end of structs
 * may be added, and nothing changes or is removed.
 *
 * Threads: all functions may be called from several threads at once, each on modules in its own context.
 * The library prints nothing, except for the option print-ir-after-all, and never exits; no exception or
 * panic leaves it.
 *
 * Do not unload the library: MLIR has pointers into it.
 */
#ifndef COSMA_H
#define COSMA_H

#include "mlir-c/IR.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface, the first argument of cosmaOptimize. */
#define COSMA_ABI_VERSION 1

/* The outcome of a call, as the exit codes of cosma-opt. */
enum CosmaStatus {
  /* The module is planned. */
  CosmaStatusDone = 0,
  /* The module or the machine is invalid. */
  CosmaStatusModule = 1,
  /* The call is invalid: a null argument, unknown options, another version. */
  CosmaStatusCall = 2,
  /* An internal error of COSMA. */
  CosmaStatusInternal = 3
};

/* The progress of planning a function. Costs are non-compulsory bytes. New fields are added at the end. */
typedef struct CosmaProgress {
  /* The size of this struct in the library, in bytes. */
  size_t size;
  /* The function's name, without '@'. Valid during the callback only, like the phase. */
  MlirStringRef function;
  /* greedy, search, rules, replacement, joint, backbone, conquer, packing, repair, done; or a new one. */
  MlirStringRef phase;
  /* The cost of the best order and live intervals so far; -1 if there are none. */
  int64_t best;
  /* The cost of the best plan with addresses so far; -1 if there is none. */
  int64_t planned;
  /* A proven lower bound on the cost of any plan. */
  int64_t lowerBound;
  /* The time since planning of the function began, and its time limit, in seconds. */
  double seconds;
  double timeLimit;
  /* On a machine with a clock: the cycles of the fastest program so far, and a proven lower bound on those of any
   * program; -1 if there are none. */
  int64_t cycles;
  int64_t leastCycles;
} CosmaProgress;

/* Called at each change of phase and about ten times a second, on any thread, one call at a time. Returns
 * whether to continue; if not, the best plans found so far are taken. It must not throw. */
typedef bool (*CosmaProgressCallback)(const CosmaProgress *progress, void *userData);

/* The result of a call. */
typedef struct CosmaResult CosmaResult;

/* The COSMA_ABI_VERSION that the library was built with. */
MLIR_CAPI_EXPORTED uint32_t cosmaAbiVersion(void);

/* The release of the library, for example "0.1.0". */
MLIR_CAPI_EXPORTED MlirStringRef cosmaRelease(void);

/* Adds COSMA's dialect to a registry. Null is ignored. */
MLIR_CAPI_EXPORTED void cosmaRegisterDialect(MlirDialectRegistry registry);

/* Loads COSMA's dialect into a context, so that text with it can be parsed. Must not be called while passes
 * run in the context. Null is ignored. */
MLIR_CAPI_EXPORTED void cosmaLoadDialect(MlirContext context);

/* Registers COSMA's passes by name, for textual pipelines. May be called repeatedly. */
MLIR_CAPI_EXPORTED void cosmaRegisterPasses(void);

/* Plans every function of a module in place. The caller keeps ownership of the module.
 *
 * The options are words separated by spaces, named as the flags of cosma-opt: at least one stage (group,
 * infer-access, tile, schedule, allocate, verify, lower-addresses, liveness, print-problem, print-plan), and
 * optionally NAME=VALUE (scratchpad, alignment, reserved, weights, keep, machine, dma-bytes-per-cycle, cycles-per-mac,
 * objective, overlap, solver, time-limit, inputs, element-bytes, and with lower-addresses arena, memory-space, transfers), run-weights,
 * print-ir-after-all. For example
 * "schedule allocate scratchpad=512KiB time-limit=10".
 *
 * After an error the module is unchanged, but its operations are new: handles into it are invalid. The
 * dialect is loaded if necessary.
 *
 * The callback may be null. The result is never null; the caller destroys it with cosmaResultDestroy. */
MLIR_CAPI_EXPORTED CosmaResult *cosmaOptimize(uint32_t abiVersion, MlirModule module, MlirStringRef options,
                                              CosmaProgressCallback progress, void *userData);

/* Plans a module that is text or bytecode, in a context of its own; for callers without MLIR. The name is the file's
 * in locations of messages. All else is as for cosmaOptimize; the planned module is cosmaResultModule. */
MLIR_CAPI_EXPORTED CosmaResult *cosmaOptimizeText(uint32_t abiVersion, MlirStringRef module, MlirStringRef name,
                                                  MlirStringRef options, CosmaProgressCallback progress,
                                                  void *userData);

/* One of CosmaStatus; CosmaStatusCall for null. */
MLIR_CAPI_EXPORTED int32_t cosmaResultStatus(const CosmaResult *result);

/* Texts of a result: NUL-terminated, and valid until it is destroyed. Empty for null. */

/* The planned module as text, of cosmaOptimizeText; empty after an error. */
MLIR_CAPI_EXPORTED MlirStringRef cosmaResultModule(const CosmaResult *result);

/* The report as JSON; empty after an error. */
MLIR_CAPI_EXPORTED MlirStringRef cosmaResultReport(const CosmaResult *result);

/* Errors and warnings, as "file:line:column: error: message"; notes are on separate lines. */
MLIR_CAPI_EXPORTED MlirStringRef cosmaResultMessages(const CosmaResult *result);

/* The output of liveness, print-problem and print-plan. */
MLIR_CAPI_EXPORTED MlirStringRef cosmaResultPrinted(const CosmaResult *result);

/* Destroys a result. Null is ignored. */
MLIR_CAPI_EXPORTED void cosmaResultDestroy(CosmaResult *result);

#ifdef __cplusplus
}
#endif

#endif /* COSMA_H */
