"""Passes side by side beside one after the other.

    bench/lanes.py [--threads N,…] [--lanes N] [--kernels LEVEL,…] MODEL TEXTS […]

Runs `llama-cli embed` with --lanes 1 and with a lane for each thread or --lanes N, in turn, and prints the medians of
whole commands. The vectors of both are compared: they are the same in every bit with our kernels.
"""
import argparse
import functools
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

import pyarrow.parquet

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "build/release/llama-cli/llama-cli"


def run(model, texts, threads, kernels, flags, environment=None):
    """(seconds, tokens, the column of vectors)"""
    with tempfile.TemporaryDirectory() as folder:
        command = [PROGRAM, "embed", "--model", model, "--input", texts, "--output", f"{folder}/out.parquet",
                   "--threads", threads, "--kernels", kernels, *flags]
        begun = time.perf_counter()
        run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        seconds = time.perf_counter() - begun
        tokens = int(re.search(r"Tokens: ([\d,]+)", run.stdout + run.stderr)[1].replace(",", ""))
        return seconds, tokens, pyarrow.parquet.read_table(f"{folder}/out.parquet", columns=["embedding"])["embedding"]


def compare(what, one, other, rounds):
    """Two ways to run(), in turn."""
    runs = [(one(), other()) for _ in range(rounds)]
    tokens = runs[0][0][1]
    slow, fast = (statistics.median(seconds for seconds, *_ in of_one) for of_one in zip(*runs))
    same = "yes" if runs[0][0][2].equals(runs[0][1][2]) else "no"
    print(f"| {what} | {tokens / slow:,.0f} | {tokens / fast:,.0f} | {slow / fast:.2f} | {same} |", flush=True)


def names(model, texts, kernels):
    return f"{pathlib.Path(model).stem}, {pathlib.Path(texts).stem}, `{kernels}`"


def main():
    parser = argparse.ArgumentParser(prog="bench/lanes.py", description=__doc__.splitlines()[0])
    parser.add_argument("--threads", default="2")
    parser.add_argument("--lanes", help="of the second of two; default: a lane for each thread")
    parser.add_argument("--kernels", default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("runs", nargs="+", metavar="MODEL TEXTS")
    arguments = parser.parse_args()
    if len(arguments.runs) % 2:
        parser.error("a model without its texts")
    print("| whole commands, tokens/s | one lane | several | ratio | same vectors |\n|---|---|---|---|---|")
    for model, texts in zip(arguments.runs[::2], arguments.runs[1::2]):
        for kernels in arguments.kernels.split(","):
            for threads in arguments.threads.split(","):
                one, many = (functools.partial(run, model, texts, threads, kernels, ["--lanes", lanes])
                             for lanes in ("1", arguments.lanes or threads))
                compare(f"{names(model, texts, kernels)}, {threads} threads", one, many, arguments.rounds)


if __name__ == "__main__":
    main()
