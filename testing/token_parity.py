"""Compare our tokens with those of the tokenizers library, text by text.

    token_parity.py TOKENIZE_TEXTS MODEL.gguf tokenizer.json [random COUNT SEED | every | FILE…]
    token_parity.py TOKENIZE_TEXTS characters [random COUNT SEED | every | FILE…]
    token_parity.py TOKENIZE_TEXTS unigram-characters|unigram-ties tokenizer.json
                    [random COUNT SEED | every | ties COUNT SEED | FILE…]

The second form is WordPiece with a vocabulary of every character, for each of the normalizer's options: what the
normalizer and the pre-tokenizer do cannot hide behind [UNK]. The third is Unigram with the normalizer of that file, and
every character as a piece; or pieces of a few letters and of few different scores, so that most texts have ties.
--form NFC|NFD|NFKC|NFKD|half compares the texts in that form; half is NFD with half-width kana.
Files are compared line by line. "every" is each code point between two letters and after an accent. With "random" come
strings of every plane: unassigned code points, runs of combining
marks, lone joiners. Prints one line for each source and the first differences; exit status 1 where there are any.
"""
import base64
import itertools
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import threading
import unicodedata

import tokenizers

BLOCK = 20_000
QUIET = "--quiet" in sys.argv  # only sources that differ
FORM = sys.argv[sys.argv.index("--form") + 1] if "--form" in sys.argv else None
HALF_WIDTH = {ord(unicodedata.normalize("NFKD", chr(c))): c for c in range(0xFF61, 0xFFA0)}


def in_form(text):
    if FORM == "half":
        return unicodedata.normalize("NFD", text).translate(HALF_WIDTH)
    return unicodedata.normalize(FORM, text)


class Ours:
    """The program, fed with texts."""

    def __init__(self, program, model, *flags):
        self.process = subprocess.Popen([program, str(model), *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def tokenize(self, texts):
        def feed():
            for text in texts:
                data = text.encode()
                self.process.stdin.write(struct.pack("=I", len(data)) + data)
            self.process.stdin.flush()

        feeder = threading.Thread(target=feed)
        feeder.start()
        result = []
        for _ in texts:
            (count,) = struct.unpack("=I", self.process.stdout.read(4))
            result.append(list(struct.unpack(f"={count}i", self.process.stdout.read(4 * count))))
        feeder.join()
        return result

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def random_texts(count, seed):
    """Strings that no corpus has."""
    rng = random.Random(seed)
    scripts = [(0x20, 0x7F), (0xA0, 0x250), (0x250, 0x530), (0x530, 0x900), (0x900, 0x1100), (0x1100, 0x1200),
               (0x1200, 0x2000),
               (0x2000, 0x2E80), (0x2E80, 0xA000), (0xA000, 0xAC00), (0xAC00, 0xD7FC), (0xF900, 0x10000),
               (0x10000, 0x12000),
               (0x12000, 0x1F000), (0x1F000, 0x20000), (0x20000, 0x30000), (0x30000, 0x32000), (0xE0000, 0xE0200),
               (0xF0000, 0x110000)]
    marks = [c
             for c in itertools.chain(range(0x300, 0x370), range(0x483, 0x488), range(0x591, 0x5C8),
                                      range(0x64B, 0x660), range(0x93A, 0x950),
                                        range(0x302A, 0x3030), range(0x1AB0, 0x1AD0), range(0x1DC0, 0x1E00),
                                        range(0x20D0, 0x20F1),
                                        range(0x1D165, 0x1D173), range(0xFE20, 0xFE30), range(0x10EFA, 0x10F00),
                                        range(0x1E130, 0x1E137))]
    odd = [0x200C, 0x200D, 0xFEFF, 0xFFFD, 0xFFFE, 0x0, 0x9, 0xA, 0xB, 0xC, 0xD, 0x1C, 0x85, 0xA0, 0xAD, 0x130, 0x131,
           0x1E9E, 0x3A3, 0x2028, 0x3000,
           0xE0001, 0x2581, 0x23, 0x5B, 0x5D]
    specials = ["[CLS]", "[SEP]", "[MASK]", "[UNK]", "[PAD]", "[unused1]", "##", "##ing", "[MASK",
                "<s>", "</s>", "<mask>", "<unk>", "<pad>", "\uff1cs\uff1e", "\uff1cunk\uff1e", "<mas",
                "\u2581", "\u2581\u2581a"]

    def character():
        kind = rng.random()
        if kind < 0.75:
            low, high = rng.choice(scripts)
        elif kind < 0.9:
            low, high = 0, 0x110000
        else:
            return chr(rng.choice(odd))
        c = rng.randrange(low, high)
        return chr(c) if not 0xD800 <= c < 0xE000 else "\ud7ff"

    for _ in range(count):
        kind = rng.random()
        if kind < 0.55:
            low, high = rng.choice(scripts)
            pool = [c for c in (rng.randrange(low, high) for _ in range(8)) if not 0xD800 <= c < 0xE000] or [0x61]
            yield "".join(rng.choice([chr(rng.choice(pool)), character(), " ", chr(rng.choice(marks))])
                          for _ in range(rng.randint(1, 20)))
        elif kind < 0.8:
            yield "".join(character() for _ in range(rng.randint(1, 40)))
        elif kind < 0.9:
            yield character() + "".join(chr(rng.choice(marks)) for _ in range(rng.randint(1, 50))) + character()
        elif kind < 0.95:
            yield "".join(rng.choice([character(), rng.choice(specials), " ", "a"]) for _ in range(rng.randint(1, 12)))
        else:
            yield rng.choice(["x", "ab", "é", "ก", "한"]) * rng.randint(48, 103) + character()


def every_character():
    for c in range(0x110000):
        if not 0xD800 <= c < 0xE000:
            yield f"a{chr(c)}B e\u0301{chr(c)}\u0301{chr(c)}"


def blocks(texts):
    iterator = iter(texts)
    while block := list(itertools.islice(iterator, BLOCK)):
        yield block


def compare(name, texts, ours, theirs):
    """Returns (texts, differences) and shows the first few."""
    count = different = 0
    for block in blocks(map(in_form, texts) if FORM else texts):
        expected = [e.ids for e in theirs.encode_batch_fast(block)]
        for text, a, b in zip(block, ours.tokenize(block), expected):
            count += 1
            if a != b:
                different += 1
                if different <= 3:
                    print(f"  differs: {text[:80]!r}\n    ours   {a[:20]}\n    theirs {b[:20]}")
    if different or not QUIET:
        print(f"{name}: {count:,} texts, {different:,} differ", flush=True)
    return count, different


def lines_of(path):
    with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
        for line in file:
            yield line.rstrip("\n")


def characters(lowercase, strip_accents):
    """A WordPiece tokenizer that has every character, numbered as tokenize_texts --characters does."""
    vocabulary = {"[UNK]": 0}
    for c in range(0x110000):
        if not 0xD800 <= c < 0xE000:
            vocabulary[chr(c)] = 1 + 2 * c
            vocabulary["##" + chr(c)] = 2 + 2 * c
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]",
                                                                 max_input_chars_per_word=100))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True,
                                                                 strip_accents=strip_accents,
                                                                 lowercase=lowercase)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return tokenizer


def unigram(kind, published, folder):
    """The tokenizer with other pieces, and the files that tokenize_texts --unigram reads."""
    described = json.loads(pathlib.Path(published).read_text(encoding="utf-8"))
    rng = random.Random(5)
    if kind == "unigram-characters":
        pieces = [(chr(c), -1.0) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and c != 0xA]
    else:
        letters = "abcde\u2581\u0301\u3042\u304b\u3099"
        pieces = {c: -4.0 for c in letters[:-1]}
        for _ in range(400):
            pieces["".join(rng.choices(letters, k=rng.randint(2, 5)))] = -rng.choice([4.0, 6.0, 8.0])
        pieces = list(pieces.items())
    pieces = [("<unk>", 0.0), *pieces]
    described["model"] = {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": False}
    described["added_tokens"], described["post_processor"] = [], None
    (folder / "pieces").write_bytes(b"".join(f"{score}\t{piece}\n".encode() for piece, score in pieces))
    (folder / "charsmap").write_bytes(base64.b64decode(described["normalizer"]["precompiled_charsmap"]))
    return tokenizers.Tokenizer.from_str(json.dumps(described))


def texts_with_ties(count, seed):
    rng = random.Random(seed)
    for _ in range(count):
        yield "".join(rng.choice("abcdeab \u2581\u0301\u3042\u304b\u3099z") for _ in range(rng.randint(1, 60)))


def run(name, ours, theirs, sources):
    if sources and sources[0] == "ties":
        results = [compare(f"{name}ties", texts_with_ties(int(sources[1]), int(sources[2])), ours, theirs)]
    elif sources and sources[0] == "random":
        results = [compare(f"{name}random Unicode", random_texts(int(sources[1]), int(sources[2])), ours, theirs)]
    elif sources and sources[0] == "every":
        results = [compare(f"{name}every code point", every_character(), ours, theirs)]
    else:
        results = [compare(name + pathlib.Path(p).name, lines_of(p), ours, theirs) for p in sources]
    ours.close()
    return [sum(column) for column in zip(*results)]


def main(program, *arguments):
    if arguments[0] == "characters":
        counts = [run(f"lowercase={a} strip_accents={b}: ", Ours(program, "--characters", str(int(a)), str(int(b))),
                      characters(a, b), arguments[1:])
                  for a in (True, False) for b in (True, False)]
        count, different = (sum(column) for column in zip(*counts))
    elif arguments[0].startswith("unigram-"):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            theirs = unigram(arguments[0], arguments[1], folder)
            ours = Ours(program, "--unigram", str(folder / "pieces"), str(folder / "charsmap"))
            count, different = run("", ours, theirs, arguments[2:])
    else:
        model, tokenizer, *sources = arguments
        theirs = tokenizers.Tokenizer.from_file(str(tokenizer))
        theirs.no_truncation()
        theirs.no_padding()
        count, different = run("", Ours(program, model), theirs, sources)
    print(f"in all: {count:,} texts, {different:,} differ")
    return 1 if different else 0


if __name__ == "__main__":
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    given = [a for a in sys.argv[1:] if a != "--quiet"]
    if FORM:
        del given[given.index("--form"):given.index("--form") + 2]
    sys.exit(main(*given))
