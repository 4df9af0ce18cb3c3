"""MiniLM for onnxruntime: exported once to ONNX in f32, and that quantized to int8 as its users do
(quantize_dynamic)."""
import subprocess
import sys

import places


def made(kind):
    """The file of 'f32' or 'int8'."""
    path = places.KEPT / f"minilm-{kind}.onnx"
    if path.exists():
        return path
    partial = path.with_name(f".{path.name}")
    if kind == "f32":
        command = [sys.executable, places.PROJECT / "testing/export_onnx.py", places.MINILM / "hf", partial]
    else:
        command = [sys.executable, "-c",
                   "import sys, onnxruntime.quantization as q; q.quantize_dynamic(sys.argv[1], sys.argv[2])",
                   made("f32"), partial]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"bench: MiniLM cannot be exported to ONNX {kind}: {run.stderr[-500:]}")
    partial.rename(path)
    return path
