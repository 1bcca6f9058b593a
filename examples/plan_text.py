"""Plans an MLIR module through libcosma.so, without MLIR's Python bindings.

python3 plan_text.py libcosma.so MODULE.mlir "schedule allocate scratchpad=512KiB"
"""

# ANCHOR: declare
import ctypes
import json
import sys


class Text(ctypes.Structure):
    """MLIR's string reference. COSMA's strings are NUL-terminated."""

    _fields_ = [("data", ctypes.c_char_p), ("length", ctypes.c_size_t)]

    @staticmethod
    def of(text):
        return Text(text, len(text))

    def __str__(self):
        return self.data.decode()


def load(path):
    cosma = ctypes.CDLL(path)
    cosma.cosmaOptimizeText.restype = ctypes.c_void_p
    cosma.cosmaOptimizeText.argtypes = [ctypes.c_uint32, Text, Text, Text, ctypes.c_void_p, ctypes.c_void_p]
    cosma.cosmaResultStatus.argtypes = [ctypes.c_void_p]
    for name in ("Module", "Report", "Messages"):
        function = getattr(cosma, f"cosmaResult{name}")
        function.restype, function.argtypes = Text, [ctypes.c_void_p]
    cosma.cosmaResultDestroy.argtypes = [ctypes.c_void_p]
    return cosma


# ANCHOR_END: declare


# ANCHOR: plan
def plan(cosma, module, name, options):
    """The planned module as text, and the report."""
    texts = [Text.of(it) for it in (module, name.encode(), options.encode())]
    result = cosma.cosmaOptimizeText(1, *texts, None, None)
    try:
        messages = str(cosma.cosmaResultMessages(result))
        if cosma.cosmaResultStatus(result) != 0:
            raise ValueError(messages.strip())
        print(messages, end="", file=sys.stderr)
        return str(cosma.cosmaResultModule(result)), json.loads(str(cosma.cosmaResultReport(result)))
    finally:
        cosma.cosmaResultDestroy(result)


# ANCHOR_END: plan


def main():
    library, path, options = sys.argv[1:]
    with open(path, "rb") as file:
        module = file.read()
    try:
        planned, report = plan(load(library), module, path, options)
    except ValueError as error:
        sys.exit(str(error))
    print(planned, end="")
    for function in report["functions"]:
        print(f"@{function['name']}: {function['traffic']['total']} B", file=sys.stderr)


if __name__ == "__main__":
    main()
