"""Where things lie: the project, what it built, the cache with models, peers and texts."""
import os
import pathlib

PROJECT = pathlib.Path(__file__).resolve().parent.parent
BUILD = PROJECT / "build/release"
CLI = BUILD / "llama-cli/llama-cli"
GENERATE_LOAD = BUILD / "bench/generate_load"
PEAK = BUILD / "bench/peak"
MICRO = BUILD / "bench/micro"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "llama-cli"
MODELS = CACHE / "models-1"
KEPT = CACHE / "bench-1"  # what is made once: texts, exported models, reference vectors
PEERS = pathlib.Path(os.environ.get("PYTHONPATH", "").split(os.pathsep)[0])

SHAPE = MODELS / "shape/qwen3-0.6b-embedding-Q8_0.gguf"
SHAPE_GENERATOR = MODELS / "shape/qwen3-0.6b-generator-Q8_0.gguf"
MINILM = MODELS / "minilm"
SMOLLM2 = MODELS / "smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
HELD_TO = os.environ.get("BENCH_HELD_TO")  # a lesser CPU that everybody computes as if on (script/bench --held-to-avx2)
THREADS = len(os.sched_getaffinity(0))


def minilm(kind):
    return MINILM / f"all-MiniLM-L6-v2-{kind}.gguf"


def keep(path, text):
    """Write a file of the cache, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.rename(path)


def shown(path):
    """A path without the machine's folders in it, for tables of commands."""
    path = str(path)
    for folder, name in ((BUILD, "build/release"), (MODELS, "MODELS"), (KEPT, "KEPT"), (f"{PROJECT}/", "")):
        path = path.replace(str(folder), name)
    return path
