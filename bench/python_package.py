"""What the Python package costs beside the program: bench/python_package.py MODEL [ROUNDS]

One text: encode() of a text that is new each time, beside the same through a bare pipe, as a program in C would ask.
Many texts: encode() of 20,000, beside `llama-cli embed` on the same texts in a file; both without the time that the
model takes to load. Interleaved, medians.
"""

import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import pyarrow as pa

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "python"))
from llama_cli import Embedder, find_program

MODEL, ROUNDS = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
TEXTS = 20_000
SCHEMA = pa.schema([("text", pa.string())])


def one_text():
    """Seconds of encode(), and of a bare batch to another program of the same kind."""
    ours, bare = [], []
    with Embedder(MODEL) as model:
        with subprocess.Popen(model._command(), bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
            program.stdin.write(SCHEMA.serialize())

            def send(number):
                return pa.record_batch([[f"a question with the number {number} in it"]], schema=SCHEMA).serialize()

            program.stdin.write(send(-1))
            reader = pa.ipc.open_stream(program.stdout)
            reader.read_next_batch()
            for number in range(40 * ROUNDS):
                data = send(number)
                begin = time.perf_counter()
                program.stdin.write(data)
                reader.read_next_batch()
                middle = time.perf_counter()
                model.encode(f"a question with the number {number} in it")
                bare.append(middle - begin)
                ours.append(time.perf_counter() - middle)
            program.stdin.close()
    return statistics.median(ours), statistics.median(bare)


def many_texts(folder):
    texts = [f"a text with the number {i} and " + "some words more " * (i % 9) for i in range(TEXTS)]
    source = folder / "texts.txt"
    source.write_text("".join(text + "\n" for text in texts))
    ours, command = [], []
    for number in range(ROUNDS):
        with Embedder(MODEL) as model:
            begin = time.perf_counter()
            model.encode(texts)
            ours.append(time.perf_counter() - begin)
        run = subprocess.run(
            [find_program(), "embed", "-m", MODEL, "-i", source, "-o", folder / f"{number}.parquet", "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        command.append(float(re.search(r'"seconds":\s*([\d.]+)', run.stdout)[1]))
    return statistics.median(ours), statistics.median(command)


def main():
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
    ours, bare = one_text()
    print(f"one text: encode() {ours * 1e3:.2f} ms, a bare pipe {bare * 1e3:.2f} ms, {(ours - bare) * 1e3:+.2f} ms")
    with tempfile.TemporaryDirectory() as folder:
        ours, command = many_texts(pathlib.Path(folder))
    print(
        f"{TEXTS:,} texts: encode() {ours:.2f} s, llama-cli embed {command:.2f} s: {command / ours:.1%} of its speed"
    )


if __name__ == "__main__":
    main()
