"""Real texts in fixed mixes of lengths, the same on every machine.

The lines are those of the docstrings in the peers' pinned packages (script/peers-bench.txt): some 230,000 different
lines of
documentation. All choices are made with fixed seeds.

short    single lines, 29 tokens on average
mixed    8 to 512 tokens, evenly spread over the logarithm of the length: 121 on average
512      512 tokens each
long     2,048 tokens each
"""
import ast
import functools
import hashlib
import itertools
import random

import tokenizers

import places
import tokens
from endless import endless

PACKAGES = ("transformers", "torch", "sympy", "networkx", "onnx")
SHORT_MEAN = 29
MEAN = {"short": SHORT_MEAN, "mixed": 121, "512": 512, "long": 2048}


def docstring_lines(path):
    try:
        tree = ast.parse(path.read_text(encoding="utf-8", errors="ignore"))
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            for line in (ast.get_docstring(node) or "").split("\n"):
                line = " ".join(line.split())
                if len(line) >= 20 and line.isascii() and line.isprintable() and "<|" not in line and "[" not in line:
                    yield line


@functools.cache
def lines():
    kept = places.KEPT / f"lines-{places.PEERS.name}.txt"
    if not kept.exists():
        found = dict.fromkeys(line for package in PACKAGES for path in sorted((places.PEERS / package).rglob("*.py"))
                              for line in docstring_lines(path))
        shuffled = sorted(found)
        random.Random(1).shuffle(shuffled)
        places.keep(kept, "".join(line + "\n" for line in shuffled))
    return kept.read_text().splitlines()


def counted(tokenizer, some):
    return [len(encoding.ids) for encoding in tokenizer.encode_batch(some)]


def short(tokenizer, count):
    """Lines in their order; one is left out where it takes the mean away from 29 tokens. Long ones are few, so that
    100,000 texts take all lines several times."""
    kept, total = [], 0
    for block in itertools.batched(endless(lines()), 4096):
        for line, length in zip(block, counted(tokenizer, block)):
            if (length >= SHORT_MEAN) == (total <= SHORT_MEAN * len(kept)):
                kept.append(line)
                total += length
                if len(kept) == count:
                    return kept


def of_length(tokenizer, length, source):
    """Lines of the source one after the other, cut where they have that many tokens, special ones included."""
    text = ""
    while True:
        text += next(source) + " "
        if len(text) < 3 * length:
            continue
        encoding = tokenizer.encode(text) if length < 500 else tokenizer_without_limit(tokenizer).encode(text)
        special = sum(encoding.special_tokens_mask)
        offsets = [o for o, s in zip(encoding.offsets, encoding.special_tokens_mask) if not s]
        if len(offsets) > length - special:
            return text[:offsets[length - special - 1][1]].strip()


@functools.cache
def unlimited(serialized):
    tokenizer = tokenizers.Tokenizer.from_str(serialized)
    tokenizer.no_truncation()
    return tokenizer


def tokenizer_without_limit(tokenizer):
    return unlimited(tokenizer.to_str()) if tokenizer.truncation else tokenizer


def mixed_lengths(count):
    lengths = [round(8 * 64 ** ((i + 0.5) / count)) for i in range(count)]
    random.Random(2).shuffle(lengths)
    return lengths


def make(family, mix, count):
    """That many texts of a mix, and the file that they lie in, one a line."""
    tokenizer = tokens.FAMILIES[family]()
    path = places.KEPT / f"texts-2-{places.PEERS.name[-8:]}-{family}-{mix}-{count}.txt"  # 2: none twice
    if not path.exists():
        if mix == "short":
            made = short(tokenizer, count)
        else:
            source = itertools.cycle(lines())
            lengths = mixed_lengths(count) if mix == "mixed" else [int(MEAN[mix])] * count
            made = [of_length(tokenizer, length, source) for length in lengths]
        places.keep(path, "\n".join(made))  # no newline at the end: llama-embedding would read one more, empty text
    return path.read_text().splitlines(), path


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
