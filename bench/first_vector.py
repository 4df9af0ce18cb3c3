"""From the start of the process to the first vector: bench/first_vector.py PROGRAM MODEL… [-- FLAG…]

A batch of one text goes to `embed -i - --input-format arrow -o - --output-format arrow`, whose answer is timed when it
comes; beside it the whole of `embed` and of llama-embedding with the same line in a file, in turn. The models are in
the system's memory. Medians in seconds, and the most memory that each run had. FLAGS go to embed.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

import pyarrow as pa

ROUNDS = 5
TEXT = "hello world"


def first_vector(program, model, flags):
    batch = pa.record_batch({"text": [TEXT]})
    begun = time.perf_counter()
    process = subprocess.Popen([program, "embed", "-m", model, "-i", "-", "--input-format", "arrow", "-o", "-",
                                "--output-format", "arrow", "--quiet", *flags],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    writer = pa.ipc.new_stream(process.stdin, batch.schema)
    writer.write_batch(batch)
    process.stdin.flush()
    reader = pa.ipc.open_stream(process.stdout)
    answer = reader.read_next_batch()
    seconds = time.perf_counter() - begun
    assert answer.num_rows == 1
    writer.close()
    process.stdin.close()
    process.stdout.read()
    return seconds, memory_of(process)


def whole(command):
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    memory = memory_of(process)
    return time.perf_counter() - begun, memory


def memory_of(process):
    """In MiB, once it has ended."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"first_vector: {' '.join(process.args)}: status {process.returncode}")
    return usage.ru_maxrss / 1024


def main():
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    program, *models = sys.argv[1:split]
    flags = sys.argv[split + 1:]
    print("| | first vector | embed, one line | llama-embedding | MiB of embed |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        line = f"{folder}/one.txt"
        with open(line, "w") as file:
            print(TEXT, file=file)
        for model in models:
            ours = [program, "embed", "-m", model, "-i", line, "-o", f"{folder}/out.parquet", "--force", "--quiet",
                    *flags]
            theirs = ["llama-embedding", "--model", model, "--file", line]
            runs = [(first_vector(program, model, flags), whole(ours), whole(theirs)) for _ in range(ROUNDS + 1)][1:]
            first, embed, peer = (statistics.median(run[0] for run in column) for column in zip(*runs))
            memory = max(run[1][1] for run in runs)
            print(f"| {os.path.basename(model)} | {first:.3f} | {embed:.3f} | {peer:.3f} | {memory:.0f} |")


if __name__ == "__main__":
    main()
