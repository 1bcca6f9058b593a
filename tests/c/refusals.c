/* What the C interface refuses, and what it gives back; says "ok", or the line that is not as it should be. */
#include "cosma.h"

#include "mlir-c/Dialect/Func.h"

#include <stdio.h>
#include <string.h>

#define EXPECT(condition)                                                                                    \
  do {                                                                                                       \
    if (!(condition)) {                                                                                      \
      printf("line %d: %s\n", __LINE__, #condition);                                                         \
      return 1;                                                                                              \
    }                                                                                                        \
  } while (0)

static MlirStringRef ref(const char *text) {
  MlirStringRef result = {text, strlen(text)};
  return result;
}

static const char MODULE[] = "func.func @f(%x: tensor<64xi8>) -> tensor<64xi8> {\n"
                             "  %0 = cosma.op \"Relu\"(%x) : (tensor<64xi8>) -> tensor<64xi8>\n"
                             "  return %0 : tensor<64xi8>\n"
                             "}\n";

/* Whether a call with these arguments has this status, and a message with this text. */
static int refuses(uint32_t version, MlirModule module, MlirStringRef options, int32_t status, const char *message) {
  CosmaResult *result = cosmaOptimize(version, module, options, NULL, NULL);
  MlirStringRef messages = cosmaResultMessages(result);
  int isRight = result && cosmaResultStatus(result) == status && cosmaResultReport(result).length == 0 &&
                messages.data[messages.length] == 0 && strstr(messages.data, message) != NULL;
  if (!isRight)
    printf("status %d: %s\n", cosmaResultStatus(result), messages.data);
  cosmaResultDestroy(result);
  return isRight;
}

struct Seen {
  int calls;
  int isRight;
};

static bool watch(const CosmaProgress *progress, void *data) {
  struct Seen *seen = data;
  ++seen->calls;
  seen->isRight &= progress->size == sizeof(CosmaProgress) && progress->function.length == 1 &&
                   progress->function.data[0] == 'f' && progress->phase.length != 0 && 0 <= progress->lowerBound &&
                   0 <= progress->seconds && progress->timeLimit == 5;
  return false;
}

int main(void) {
  EXPECT(cosmaAbiVersion() == COSMA_ABI_VERSION);
  EXPECT(cosmaRelease().length != 0);

  /* Null does no harm. */
  MlirModule noModule = {NULL};
  MlirContext noContext = {NULL};
  MlirDialectRegistry noRegistry = {NULL};
  cosmaLoadDialect(noContext);
  cosmaRegisterDialect(noRegistry);
  cosmaResultDestroy(NULL);
  EXPECT(cosmaResultStatus(NULL) == CosmaStatusCall);
  EXPECT(cosmaResultReport(NULL).length == 0 && cosmaResultReport(NULL).data[0] == 0);
  cosmaRegisterPasses();
  cosmaRegisterPasses();
  MlirStringRef plan = ref("schedule allocate scratchpad=128 time-limit=5");
  EXPECT(refuses(COSMA_ABI_VERSION, noModule, plan, CosmaStatusCall, "error: the module is null"));

  /* A context that has never heard of COSMA. */
  MlirContext context = mlirContextCreate();
  MlirModule empty = mlirModuleCreateEmpty(mlirLocationUnknownGet(context));
  CosmaResult *result = cosmaOptimize(COSMA_ABI_VERSION, empty, plan, NULL, NULL);
  EXPECT(cosmaResultStatus(result) == CosmaStatusDone);
  cosmaResultDestroy(result);
  EXPECT(mlirContextIsRegisteredOperation(context, ref("cosma.op")));
  mlirModuleDestroy(empty);

  MlirDialectRegistry registry = mlirDialectRegistryCreate();
  mlirDialectHandleInsertDialect(mlirGetDialectHandle__func__(), registry);
  mlirContextAppendDialectRegistry(context, registry);
  mlirDialectRegistryDestroy(registry);
  cosmaLoadDialect(context);
  MlirModule module = mlirModuleCreateParse(context, ref(MODULE));
  EXPECT(module.ptr != NULL);

  /* Another version, and options that are none. */
  EXPECT(refuses(COSMA_ABI_VERSION + 1, module, plan, CosmaStatusCall, "ABI version 2"));
  EXPECT(refuses(0, module, plan, CosmaStatusCall, "ABI version 0"));
  MlirStringRef null = {NULL, 0};
  EXPECT(refuses(COSMA_ABI_VERSION, module, null, CosmaStatusCall, "the options name no stage"));
  MlirStringRef nowhere = {NULL, 8};
  EXPECT(refuses(COSMA_ABI_VERSION, module, nowhere, CosmaStatusCall, "the options are null"));
  MlirStringRef endless = {MODULE, (size_t)-1};
  EXPECT(refuses(COSMA_ABI_VERSION, module, endless, CosmaStatusCall, "the options are too long"));
  EXPECT(refuses(COSMA_ABI_VERSION, module, ref("\xff\xfe\x80"), CosmaStatusCall, "not UTF-8"));
  EXPECT(refuses(COSMA_ABI_VERSION, module, ref("make it fast"), CosmaStatusCall, "there is no option 'make'"));
  EXPECT(refuses(COSMA_ABI_VERSION, module, ref("allocate"), CosmaStatusCall, "size of the scratchpad is not known"));
  EXPECT(refuses(COSMA_ABI_VERSION, module, ref("schedule verify scratchpad=128"), CosmaStatusCall, "verify"));

  /* A scratchpad that is too small: the module's fault, at its line; the module stays. */
  EXPECT(refuses(COSMA_ABI_VERSION, module, ref("allocate scratchpad=64"), CosmaStatusModule, ":2:8: error:"));
  EXPECT(mlirOperationVerify(mlirModuleGetOperation(module)));

  /* The same as text, which leaves the module alone. */
  result = cosmaOptimizeText(COSMA_ABI_VERSION, ref(MODULE), ref("text.mlir"), plan, NULL, NULL);
  EXPECT(cosmaResultStatus(result) == CosmaStatusDone);
  EXPECT(strstr(cosmaResultModule(result).data, "cosma.load") != NULL);
  EXPECT(strstr(cosmaResultReport(result).data, "\"total\": 128") != NULL);
  cosmaResultDestroy(result);
  result = cosmaOptimizeText(COSMA_ABI_VERSION, ref("func.func"), ref("text.mlir"), plan, NULL, NULL);
  EXPECT(cosmaResultStatus(result) == CosmaStatusModule && cosmaResultModule(result).length == 0);
  EXPECT(strstr(cosmaResultMessages(result).data, "text.mlir:1:") != NULL);
  cosmaResultDestroy(result);
  result = cosmaOptimizeText(COSMA_ABI_VERSION, nowhere, ref(""), plan, NULL, NULL);
  EXPECT(cosmaResultStatus(result) == CosmaStatusCall);
  cosmaResultDestroy(result);

  /* And then it is planned, watched, and stopped at once. */
  struct Seen seen = {0, 1};
  result = cosmaOptimize(COSMA_ABI_VERSION, module, ref("schedule allocate print-plan scratchpad=128 time-limit=5"),
                         watch, &seen);
  EXPECT(cosmaResultStatus(result) == CosmaStatusDone);
  EXPECT(0 < seen.calls && seen.isRight);
  EXPECT(strstr(cosmaResultReport(result).data, "\"total\": 128") != NULL);
  EXPECT(strstr(cosmaResultPrinted(result).data, "# @f") != NULL);
  cosmaResultDestroy(result);

  /* Planning it twice is refused. */
  EXPECT(refuses(COSMA_ABI_VERSION, module, plan, CosmaStatusModule, "error:"));
  mlirModuleDestroy(module);
  mlirContextDestroy(context);
  printf("ok\n");
  return 0;
}
