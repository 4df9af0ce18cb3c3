"""What starting from the bundle costs: bench/startup.py PROGRAM BUNDLE/llama-cli MODEL [ROUNDS]

Wall time of `--version` and of embedding one line, the built program and the bundle in turn; medians.
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

PROGRAMS, MODEL = sys.argv[1:3], sys.argv[3]
ROUNDS = int(sys.argv[4]) if len(sys.argv) > 4 else 21


def seconds(command):
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun


with tempfile.TemporaryDirectory() as folder:
    (pathlib.Path(folder) / "one.txt").write_text("hello world\n")
    embeds = ["embed", "-m", MODEL, "-i", f"{folder}/one.txt", "-o", f"{folder}/out.parquet", "--force", "--quiet"]
    for name, arguments in (("--version", ["--version"]), ("embed, one line", embeds)):
        times = [[seconds([program, *arguments]) for program in PROGRAMS] for _ in range(ROUNDS + 1)][1:]
        built, bundle = (1000 * statistics.median(column) for column in zip(*times))
        print(f"{name}: built {built:.0f} ms, bundle {bundle:.0f} ms, {bundle - built:+.0f} ms")
