"""Run the program in tests."""
import os
import pathlib
import subprocess
import tempfile

import numpy
import pyarrow.parquet

CLI = os.environ["LLAMA_CLI"]
MODELS = pathlib.Path(os.environ["TEST_MODELS"])
PROJECT = pathlib.Path(os.environ["PROJECT"])
REAL = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "llama-cli" / "models-1"
# What runs measure is remembered in the user's cache: not in that of whoever tests.
_CACHE = tempfile.TemporaryDirectory()
os.environ["XDG_CACHE_HOME"] = _CACHE.name


def embed(model, source, output, *flags, **options):
    """source: bytes for a file beside the output, or a path."""
    if isinstance(source, bytes):
        path = pathlib.Path(output).parent / "input.txt"
        path.write_bytes(source)
        source = path
    command = [CLI, "embed", "-m", str(model), "-i", str(source), "-o", str(output), *flags]
    run = subprocess.run(command, capture_output=True, timeout=600, **options)
    run.stdout, run.stderr = (stream.decode(errors="replace") for stream in (run.stdout, run.stderr))
    return run


def rows(path):
    return pyarrow.parquet.read_table(path)


def vectors(path):
    return numpy.stack(rows(path)["embedding"].to_numpy(zero_copy_only=False))


def cosines(a, b):
    a, b = a.astype(numpy.float64), b.astype(numpy.float64)
    return (a * b).sum(1) / numpy.linalg.norm(a, axis=1) / numpy.linalg.norm(b, axis=1)


def duckdb(*arguments):
    """What DuckDB's shell prints."""
    command = ["duckdb", *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, timeout=120, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout
