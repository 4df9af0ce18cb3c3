"""What a real model thinks of the next token, with every level of kernels, beside the same file dequantized to F32.

A greedy answer hangs on the first near tie, whoever computes it; this holds kernels to what matters: how far the whole
distribution of the next token is from that of the exact weights (Kullback-Leibler divergence, in nats), and that ours
are no further off than llama.cpp's own. `script/enter python3 testing/tests/next_token_test.py` prints the table of
doc/kernels.md.
"""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy
import pytest

if __name__ == "__main__":
    top = pathlib.Path(__file__).resolve().parents[2]
    build = top / "build/release"
    os.environ |= {"PROJECT": str(top), "TEST_MODELS": str(build / "test-models"),
                   "LLAMA_CLI": str(build / "llama-cli/llama-cli"), "NEXT_TOKEN": str(build / "testing/next_token")}
from program import PROJECT, REAL

SMOL = REAL / "smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
LEVELS = ["avx2", "avx-vnni", "avx512-vnni", "avx512-bf16", "amx-bf16"]
KINDS = ["Q4_1", "Q8_0"]  # whose products are of 8 bits in everybody's kernels
WINDOW = 128
POSITIONS = {"batch": 3 * WINDOW, "single": WINDOW}
# Two roundings of the same kind differ by chance. Measured between the levels of one CPU and llama.cpp's: the means by
# up to 8 %, the worst of all positions, being one single value, by up to a factor of 1.7 (over 128 positions).
MEAN_TOLERANCE, WORST_TOLERANCE = 1.25, 3.0
# Where both are exact but for the last bits.
ROUNDING = 1e-5

_folder = tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR"))


def quantize(source, kind):
    """The file in another type, by llama.cpp's own tool."""
    path = f"{_folder.name}/{source.stem}-{kind}.gguf"
    if not os.path.exists(path):
        command = ["llama-quantize", "--allow-requantize", source, path, kind, "2"]
        subprocess.run(command, check=True, capture_output=True)
    return pathlib.Path(path)


def file_of(kind):
    return SMOL if kind == "Q4_1" else quantize(SMOL, kind)


def log_probabilities(model, kernels, mode):
    """[position, token]; None where this CPU has no such kernels."""
    lines = (PROJECT / "testing/data/sample.txt").read_text(encoding="utf-8").splitlines()
    # Prose, not the short sentences: more than enough for the windows.
    text = "\n".join(line for line in lines if len(line) > 250)[:6 * POSITIONS[mode]]
    command = [os.environ["NEXT_TOKEN"], model, kernels, str(WINDOW), mode]
    # ggml's waiting threads would spin on the cores that others of these need.
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    run = subprocess.run(command, input=text.encode(), capture_output=True, check=False, env=environment)
    if b"this CPU cannot run" in run.stderr:
        return None
    assert run.returncode == 0, run.stderr.decode()
    logits = numpy.frombuffer(run.stdout, numpy.float32).reshape(-1, 49152)[:POSITIONS[mode]].astype(numpy.float64)
    assert len(logits) == POSITIONS[mode]
    logits -= logits.max(axis=1, keepdims=True)
    return logits - numpy.log(numpy.exp(logits).sum(axis=1, keepdims=True))


_exact = {}


def divergence(kind, kernels, mode):
    """Of each position, beside the file's weights in F32 with llama.cpp's kernels; None as above."""
    if kind not in _exact:
        in_f32 = quantize(file_of(kind), "F32")
        _exact[kind] = log_probabilities(in_f32, "stock", "batch")
        in_f32.unlink()  # half a gigabyte
    exact = _exact[kind][:POSITIONS[mode]]
    found = log_probabilities(file_of(kind), kernels, mode)
    return None if found is None else (numpy.exp(exact) * (exact - found)).sum(axis=1)


def all_divergences(kind, mode, kernels):
    divergence(kind, "stock", "batch")  # _exact is there from now on
    with concurrent.futures.ThreadPoolExecutor(2) as workers:
        return dict(zip(kernels, workers.map(lambda name: divergence(kind, name, mode), kernels)))


@pytest.mark.parametrize("mode", POSITIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_level_is_further_from_the_exact_weights_than_llama_cpps_kernels(kind, mode):
    if not SMOL.exists():
        pytest.skip("no real model (script/models)")
    if shutil.which("llama-quantize") is None:
        pytest.skip("no llama-quantize")
    found = all_divergences(kind, mode, ["stock", *LEVELS])
    stock = found.pop("stock")
    ours = {level: values for level, values in found.items() if values is not None}
    assert ours, "none of our levels runs here"
    for level, values in ours.items():
        assert -1e-9 < values.mean() <= stock.mean() * MEAN_TOLERANCE + ROUNDING, (level, values.mean(), stock.mean())
        assert values.max() <= stock.max() * WORST_TOLERANCE + ROUNDING * 10, (level, values.max(), stock.max())


def table():
    found = {(kind, mode): all_divergences(kind, mode, ["stock", *LEVELS]) for kind in KINDS for mode in POSITIONS}
    print("| mean, worst | " + " | ".join(f"{kind}, {mode}" for kind, mode in found) + " |")
    print("|---|" + "---|" * len(found))
    for kernels in ["stock", *LEVELS]:
        cells = [values[kernels] for values in found.values()]
        if all(cell is not None for cell in cells):
            print(f"| `{kernels}` | " + " | ".join(f"{cell.mean():.2g}, {cell.max():.2g}" for cell in cells) + " |")


if __name__ == "__main__":
    sys.exit(table())
