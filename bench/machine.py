"""What machine this is: processor, measured peaks, class, versions of everything that runs."""
import importlib.metadata
import json
import os
import re
import subprocess

import places

VERSIONS = ("torch", "transformers", "onnxruntime", "tokenizers")


def peaks():
    return json.loads(subprocess.run([places.PEAK, str(places.THREADS)], capture_output=True, text=True,
                                     check=True).stdout)


def class_of(measured):
    """A: AVX-512 VNNI at full width (about 950 GOPS of int8 for each thread), B: at half of it, C: less (AVX2 only),
    D: tile registers (AMX), whatever else there is, E: AVX2 of which the CPU computes one half after the other."""
    if measured.get("bf16") and measured["bf16"].get("level") == "AMX":
        return "D"
    each = measured["int8"]["giga"] / measured["threads"] if measured["int8"] else 0
    return "A" if each >= 650 else "B" if each >= 250 else "C" if each >= 80 else "E"


def processor():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def memory_gib():
    return round(int(re.search(r"MemTotal:\s+(\d+)", open("/proc/meminfo").read())[1]) / 2**20)


def version_of(*command):
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    return (run.stdout + run.stderr).strip().splitlines()[0]


def versions():
    found = {name: importlib.metadata.version(name) for name in VERSIONS}
    found["llama-cli"] = version_of(places.CLI, "--version").removeprefix("llama-cli ")
    found["llama.cpp"] = version_of("llama-embedding", "--version").removeprefix("version: ")
    return found | {"commit": os.environ.get("BENCH_COMMIT") or "unknown"}  # script/bench knows


def describe():
    measured = peaks()
    return {"processor": processor(), "threads": places.THREADS, "memory_gib": memory_gib(),
            "class": class_of(measured) + (f"-{places.HELD_TO}" if places.HELD_TO else ""), "peaks": measured,
            "load_before": round(os.getloadavg()[0], 2)}
