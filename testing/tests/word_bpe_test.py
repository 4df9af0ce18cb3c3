"""Byte pairs of whole characters (jina-embeddings-v2-base-zh's kind) against the tokenizers library."""
import importlib.util
import json
import os
import pathlib
import random
import struct
import subprocess
import sys

import pytest
from program import PROJECT, embed, rows

sys.path.insert(0, str(PROJECT / "testing"))
import make_models

pytestmark = pytest.mark.skipif(importlib.util.find_spec("tokenizers") is None,
                                reason="the package index was out of reach: no tokenizers library (script/peers)")
PROGRAM = os.environ["TOKENIZE_TEXTS"]
SAMPLE = PROJECT / "testing/data/sample.txt"
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


@pytest.fixture(scope="module", params=[True, False], ids=["lower case", "case kept"])
def trained(request, tmp_path_factory):
    """A vocabulary that the library learned from half the sample, so that the other half has unknown characters."""
    import tokenizers

    folder, lowercase = tmp_path_factory.mktemp("word-bpe"), request.param
    published = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>"))
    if lowercase:
        published.normalizer = tokenizers.normalizers.Lowercase()
    published.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    published.train_from_iterator(lines[::2], tokenizers.trainers.BpeTrainer(
        vocab_size=3000, special_tokens=SPECIAL, show_progress=False))
    published.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    published.save(str(folder / "tokenizer.json"))
    write_model(folder / "model.gguf", published, lowercase)
    return folder


def write_model(path, published, lowercase):
    model = json.loads(published.to_str())["model"]
    pieces = sorted(model["vocab"], key=model["vocab"].get)
    merges = [" ".join(pair) for pair in model["merges"]]

    def add_tokenizer(writer):
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("whitespace")
        writer.add_token_list(pieces)
        writer.add_token_types([3] * len(SPECIAL) + [1] * (len(pieces) - len(SPECIAL)))
        writer.add_token_merges(merges)
        writer.add_normalizer_lowercase(lowercase)
        for name, number in {"unk": 3, "bos": 0, "sep": 2, "eos": 2, "pad": 1, "mask": 4}.items():
            getattr(writer, f"add_{name}_token_id")(number)
        writer.add_add_bos_token(True)
        writer.add_add_eos_token(True)
        return len(pieces)
    make_models.bert(path, add_tokenizer)


def compare(folder, *arguments):
    run = subprocess.run([sys.executable, PROJECT / "testing/token_parity.py", PROGRAM, folder / "model.gguf",
                          folder / "tokenizer.json", *arguments], capture_output=True, text=True, timeout=800)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_varied_texts(trained):
    assert "234 texts, 0 differ" in compare(trained, SAMPLE)


def test_random_unicode(trained):
    assert "20,000 texts, 0 differ" in compare(trained, "random", "20000", "7")


def test_white_space_of_all_kinds(trained, tmp_path):
    spaces = "\t \u00a0\u1680\u2003\u2028\u202f\u205f\u3000\x1c\x1f\x85\x0b\u200b\ufeff\u180e"
    draw = random.Random(5)
    texts = ["".join(draw.choice("ab\u4f60.," + 3 * spaces) for _ in range(draw.randint(1, 30))) for _ in range(2000)]
    path = tmp_path / "texts.txt"
    path.write_text("".join(text + "\n" for text in texts), encoding="utf-8", newline="")
    assert "2,000 texts, 0 differ" in compare(trained, path)


def test_what_the_file_says(trained, tmp_path):
    out = tmp_path / "out.parquet"
    run = embed(trained / "model.gguf", "Wie  geht\tes?\n".encode(), out)
    assert run.returncode == 0, run.stderr
    case = "lower case" if "Lowercase" in (trained / "tokenizer.json").read_text() else "case kept"
    assert rows(out).schema.metadata[b"llama.tokenizer"].decode() == f"byte pairs of characters, {case}"


@pytest.mark.parametrize("choice", [(), ("llama.cpp",)])
def test_runs_of_white_space_and_long_words(trained, choice):
    """llama.cpp ends the program at a second space."""
    texts = [" a  b ", "  ", "a\u3000 \nb", "\u4f60" * 300_000, " \u4f60" * 100_000]
    run = subprocess.run([PROGRAM, trained / "model.gguf", *choice], capture_output=True, timeout=300,
                         input=b"".join(struct.pack("<I", len(data)) + data for data in map(str.encode, texts)))
    assert run.returncode == 0, (run.returncode, run.stderr)


def test_a_vocabulary_whose_merges_do_not_hold(trained, tmp_path):
    data = pathlib.Path(trained / "model.gguf").read_bytes()
    # The first merge's second part becomes a letter that no piece has.
    key = data.index(b"tokenizer.ggml.merges")
    at = key + len(b"tokenizer.ggml.merges") + 4 + 4 + 8
    (size,) = struct.unpack_from("<Q", data, at)
    broken = data[:at + 8 + size - 1] + b"\x01" + data[at + 8 + size:]
    (tmp_path / "broken.gguf").write_bytes(broken)
    run = embed(tmp_path / "broken.gguf", b"a\n", tmp_path / "out.parquet")
    assert run.returncode == 4 and "the merge 0 of the vocabulary" in run.stderr, (run.returncode, run.stderr)
