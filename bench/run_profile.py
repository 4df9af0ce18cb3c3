#!/usr/bin/env python3
"""Where the time of an embedding run goes: bench/run_profile.py [--kernels LEVEL,…] [--threads N] MODEL TEXTS […]

Runs `llama-cli embed` under Linux's perf, and adds up the samples of both by what the functions do. Shares are of
processor time, so that other work on the machine disturbs little; what threads do while they wait for each other is a
row of its own. A thread that sleeps has no samples: the last row is the share of the threads' time, from the program's
start to its end, in which they did not run (on a busy machine that is also what others took). Several models, each with
its texts, and several levels become the columns of one table. Needs `perf`, and the right to use it
(kernel.perf_event_paranoid); runs outside script/enter.
"""

import argparse
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parent.parent

# What a symbol or the library that it lies in belongs to; the first that fits counts.
STEPS = (
    ("products of weights", r"multiply_|sum_products|sum_pair_products"),
    ("their ends: bias, activation, gate, sum", r"\bfinish\b|(?<!PreparedActivations)::store\b"),
    ("rounding activations", r"\bquantize\b|(?<!fp32_)to_bf16|PreparedActivations"),
    ("attention", r"\bscore<|\bmix<|softmax|attend_|round_queries|\bpack_as\b|MaskView|add_bias|cap_scores"),
    ("norms", r"rms_norm|layer_norm"),
    ("rotation", r"rotate|Rope"),
    ("packing weights", r"PackedMatrix|pack_floats|fp32_to_bf16|WeightCache"),
    (
        "other operations of the graph",
        r"move_values|elementwise|to_f16|row_kernels|\badd\b|\bmul\b|pad\(|copy_row|N_AVX",
    ),
    ("waiting for other threads", r"work_on|ThreadTeam::serve|ThreadTeam::run|futex|sched_yield|gomp|omp_"),
    ("tokenizing", r"[Tt]okeniz|WordPiece|BytePair|Unigram|Normaliz"),
    ("reading and writing tables", r"libarrow|libparquet|libduckdb|libzstd|libsnappy"),
    ("ggml and llama.cpp", r"libggml(?!-packed)|libllama"),
    ("copying and clearing memory (libc)", r"libc\.so|clear_page|copy_to_iter"),
    ("the system", r"\[k\]|\[kernel"),
)

# bash's own clock of the program alone: its file gets the seconds that passed, of the user and of the system.
TIMED = 'TIMEFORMAT="%R %U %S"; { time "$@" 2>&3; } 3>&2 2>"$0"'


def samples(command):
    """(share, library, symbol) of each function."""
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/perf.data"
        run = subprocess.run(["perf", "record", "-o", data, *command], capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f"profile: {' '.join(map(str, command))}: status {run.returncode}\n{run.stderr[-800:]}")
        shown = ["--no-children", "--comm", "llama-cli", "--sort", "dso,sym", "--percentage", "relative", "-t", "\t"]
        report = subprocess.run(["perf", "report", "-i", data, *shown], capture_output=True, text=True, check=True)
    for line in report.stdout.splitlines():
        found = re.match(r"\s*([\d.]+)%?\s*\t\s*(\S+)\s*\t\s*(.*)", line)
        if found:
            yield float(found[1]), found[2], found[3]


def step_of(library, symbol):
    return next((name for name, pattern in STEPS if re.search(pattern, f"{symbol} {library}")), "the rest")


def idle_share(clock, threads):
    """Of what TIMED wrote. Not below 0: the program has threads beside those that compute."""
    passed, user, system = (float(part.replace(",", ".")) for part in clock.split()[-3:])
    return max(0.0, 1 - (user + system) / (threads * passed))


def profile(model, texts, kernels, threads):
    """The share of each step, and of the threads' time that in which they were idle."""
    shares = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        clock = pathlib.Path(folder, "clock")
        command = [PROJECT / "script/enter", "bash", "-c", TIMED, clock,
                   PROJECT / "build/release/llama-cli/llama-cli", "embed", "--model", model, "--input", texts,
                   "--output", f"{folder}/out.parquet", "--kernels", kernels, "--threads", str(threads)]
        for share, library, symbol in samples(command):
            shares[step_of(library, symbol)] += share
        idle = idle_share(clock.read_text(), threads)
    whole = sum(shares.values())
    return {name: share / whole for name, share in shares.items()}, idle


def main():
    parser = argparse.ArgumentParser(prog="bench/run_profile.py", description=__doc__.splitlines()[0])
    parser.add_argument("--kernels", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("runs", nargs="+", metavar="MODEL TEXTS")
    arguments = parser.parse_args()
    if len(arguments.runs) % 2:
        parser.error("a model without its texts")
    columns, idle = {}, {}
    for model, texts in zip(arguments.runs[::2], arguments.runs[1::2]):
        for kernels in arguments.kernels.split(","):
            name = f"{pathlib.Path(model).stem}, {pathlib.Path(texts).stem}, `{kernels}`"
            columns[name], idle[name] = profile(model, texts, kernels, arguments.threads)
    steps = {name: max(shares.get(name, 0) for shares in columns.values())
             for shares in columns.values() for name in shares}
    print("| | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))
    for name, largest in sorted(steps.items(), key=lambda step: -step[1]):
        if largest >= 0.01:
            own = (shares.get(name, 0) for shares in columns.values())
            print(f"| {name} | " + " | ".join(f"{share:.0%}" if share >= 0.005 else "" for share in own) + " |")
    print("| threads idle | " + " | ".join(f"{share:.0%}" for share in idle.values()) + " |")


if __name__ == "__main__":
    main()
