"""Checks of a model before and after a plan was written into it, by the schema's own reader, and by the runtime if there.

Called with the two models, and the list of offsets that the second must have, as text.
"""

import sys

import numpy
import tflite

before, after = (open(it, "rb").read() for it in sys.argv[1:3])
expected = [int(it) for it in open(sys.argv[3]).read().split()]
old, new = (tflite.Model.GetRootAsModel(it, 0) for it in (before, after))

assert new.Version() == old.Version() and new.Description() == old.Description()
assert new.OperatorCodesLength() == old.OperatorCodesLength() and new.SubgraphsLength() == old.SubgraphsLength()
assert new.BuffersLength() == old.BuffersLength() + 1
for at in range(old.BuffersLength()):
    assert numpy.array_equal(new.Buffers(at).DataAsNumpy(), old.Buffers(at).DataAsNumpy()), at
    if new.Buffers(at).DataLength():
        # As aligned as it was, up to 64 B.
        place = [data.index(new.Buffers(at).DataAsNumpy().tobytes()) for data in (before, after)]
        assert place[0] % 64 == place[1] % 64, place
names = lambda model: [model.Metadata(it).Name().decode() for it in range(model.MetadataLength())]
kept = [it for it in names(old) if it != "OfflineMemoryAllocation"]
assert names(new) == kept + ["OfflineMemoryAllocation"], names(new)
buffer = new.Buffers(new.Metadata(new.MetadataLength() - 1).Buffer())
assert buffer.DataAsNumpy().view("<i4").tolist() == expected, buffer.DataAsNumpy().view("<i4")
graphs = [it.Subgraphs(0) for it in (old, new)]
assert len({it.TensorsLength() for it in graphs}) == 1 and len({it.OperatorsLength() for it in graphs}) == 1
for at in range(graphs[0].TensorsLength()):
    first, second = (it.Tensors(at) for it in graphs)
    assert first.Name() == second.Name() and first.Buffer() == second.Buffer(), at
print("read by the schema's own reader")

try:
    from tflite_micro.python.tflite_micro import runtime
except ImportError:
    print("SKIPPED: tflite_micro is not installed, so the model was not run")
    sys.exit(0)

outputs = []
for model in (before, after):
    interpreter = runtime.Interpreter.from_bytes(model)
    details = interpreter.get_input_details(0)
    size = int(numpy.prod(details["shape"]))
    values = numpy.arange(size).reshape(details["shape"]) - size // 2
    interpreter.set_input((values % 100).astype(details["dtype"]), 0)
    interpreter.invoke()
    outputs.append(interpreter.get_output(0))
assert numpy.array_equal(*outputs) and outputs[0].any(), outputs
print("run by TensorFlow Lite Micro")
