"""Our WordPiece against llama_tokenize on one thread, on the same texts in turn: the ratio of the medians.

    script/enter python3 bench/tokenizer_speed.py [FILE…]      (default: the English, German, Russian, Hindi, Japanese
    and
                                                                Korean messages and the Python source of script/corpus)
"""
import os
import pathlib
import re
import statistics
import struct
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "llama-cli"
MODEL = CACHE / "models-1/minilm/all-MiniLM-L6-v2-F16.gguf"
NAMES = ["messages-en", "messages-de", "messages-ru", "messages-hi", "messages-ja", "messages-ko", "source-python"]


def seconds(records, *flags):
    run = subprocess.run([PROJECT / "build/release/testing/tokenize_texts", MODEL, *flags], input=records,
                         stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, check=True)
    return float(re.search(rb"tokenized in ([\d.]+) s", run.stderr)[1])


for path in [pathlib.Path(p) for p in sys.argv[1:]] or [CACHE / "corpus-1" / f"{name}.txt" for name in NAMES]:
    lines = path.read_bytes().split(b"\n")[:20_000]
    records = b"".join(struct.pack("=I", len(line)) + line for line in lines)
    ours, theirs = [], []
    for _ in range(5):
        ours.append(seconds(records))
        theirs.append(seconds(records, "llama.cpp"))
    size = sum(len(line) for line in lines) / 1e6
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"{path.stem:<16} {size:6.2f} MB: ours {size / a:6.1f} MB/s, llama_tokenize {size / b:5.1f} MB/s, ratio {b / a:5.1f}", flush=True)
