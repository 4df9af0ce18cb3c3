"""Our WordPiece or Unigram, `tokenizers` and llama_tokenize on one thread, on the same texts in turn: medians.

    PYTHONPATH=$(script/peers) script/enter python3 bench/tokenizer_speed.py minilm|e5 [FILE…]
    PYTHONPATH=$(script/peers) script/enter python3 bench/tokenizer_speed.py minilm|e5 --long

The default files are the English, German, Russian, Hindi, Japanese, Korean and Thai messages and the Python source of
script/corpus. Prints Markdown. The second form shows that the time is linear in the text: single texts of 1, 10 and
100 MB, also such as no person writes; ours alone, the median of three.
"""
import os
import pathlib
import random
import re
import statistics
import struct
import subprocess
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
PROJECT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "llama-cli"
FILES = {"minilm": "all-MiniLM-L6-v2-F16.gguf", "e5": "multilingual-e5-small-F16.gguf"}
NAMES = [f"messages-{name}" for name in ("en", "de", "ru", "hi", "ja", "ko", "th")] + ["source-python"]
ROUNDS = 5


def seconds(model, texts, *flags):
    records = b"".join(struct.pack("=I", len(text)) + text for text in texts)
    run = subprocess.run([PROJECT / "build/release/testing/tokenize_texts", model, *flags], input=records,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    return float(re.search(rb"tokenized in ([\d.]+) s", run.stderr)[1])


def library_seconds(tokenizer, lines):
    started = time.perf_counter()
    tokenizer.encode_batch_fast(lines)
    return time.perf_counter() - started


def side_by_side(model, published, paths):
    import tokenizers
    theirs = tokenizers.Tokenizer.from_file(str(published))
    theirs.no_truncation()
    theirs.no_padding()
    print("| texts | MB | ours, MB/s | tokenizers | ratio | llama_tokenize | ratio |\n|---|---|---|---|---|---|---|")
    for path in paths:
        texts = path.read_bytes().split(b"\n")[:20_000]
        lines = [text.decode(errors="replace") for text in texts]
        size = sum(len(text) for text in texts) / 1e6
        taken = [(seconds(model, texts), library_seconds(theirs, lines), seconds(model, texts, "llama.cpp"))
                 for _ in range(ROUNDS)]
        ours, library, stock = map(statistics.median, zip(*taken))
        print(f"| {path.stem} | {size:.2f} | {size / ours:.1f} | {size / library:.2f} | {library / ours:.1f} |"
              f" {size / stock:.2f} | {stock / ours:.1f} |", flush=True)


def long_texts():
    """name -> what makes a text of about so many bytes."""
    rng = random.Random(3)
    prose = (CACHE / "corpus-1/messages-en.txt").read_bytes() + (CACHE / "corpus-1/messages-th.txt").read_bytes()

    def repeat(part):
        return lambda size: (part * (size // len(part) + 1))[:size]  # a cut character is left out

    return {"prose": repeat(prose),
            "one word of random letters": repeat("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=99_991)).encode()),
            "one letter": repeat(b"a"),
            "one word of two letters, many ties": repeat("".join(rng.choices("ab", k=99_991)).encode()),
            "unknown characters": repeat("\U00013000\U00013001\U0001f93f\ue000".encode()),
            "combining marks on one letter": lambda size: b"a" + "\u0301\u0323".encode() * (size // 4),
            "white space": repeat(b" \n"),
            "joined pictures, one cluster": repeat("\U0001f469\u200d".encode())}


def linear(model):
    sizes = (1_000_000, 10_000_000, 100_000_000)
    print("| one text | " + " | ".join(f"{size // 1_000_000} MB, s" for size in sizes) + " |\n|---|---|---|---|")
    for name, make in long_texts().items():
        taken = [statistics.median(seconds(model, [make(size)]) for _ in range(3)) for size in sizes]
        print(f"| {name} | " + " | ".join(f"{s:.3f}" for s in taken) + " |", flush=True)


def main(name, *arguments):
    folder = CACHE / "models-1" / name
    if arguments == ("--long",):
        return linear(folder / FILES[name])
    paths = [pathlib.Path(p) for p in arguments] or [CACHE / "corpus-1" / f"{name}.txt" for name in NAMES]
    side_by_side(folder / FILES[name], folder / "hf/tokenizer.json", paths)


if __name__ == "__main__":
    main(*sys.argv[1:])
