"""Tokens against the libraries that the published tokenizers come from. script/token-parity runs the same on millions
of texts."""
import importlib.util
import os
import string
import struct
import subprocess
import sys

import pytest
from program import CLI, PROJECT, REAL, embed, rows

sys.path.insert(0, str(PROJECT / "testing"))
import make_models

pytestmark = pytest.mark.skipif(importlib.util.find_spec("tokenizers") is None,
                                reason="the package index was out of reach: no tokenizers library (script/peers)")
PROGRAM = os.environ["TOKENIZE_TEXTS"]
SAMPLE = PROJECT / "testing/data/sample.txt"


def compare(script, *arguments):
    run = subprocess.run([sys.executable, PROJECT / "testing" / script, PROGRAM, *arguments], capture_output=True,
                         text=True, timeout=800)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def minilm():
    folder = REAL / "minilm"
    if not folder.exists():
        pytest.skip("no real model (script/models)")
    return folder / "all-MiniLM-L6-v2-F16.gguf", folder / "hf/tokenizer.json"


def test_wordpiece_on_varied_texts(minilm):
    assert "234 texts, 0 differ" in compare("token_parity.py", *minilm, SAMPLE)


def test_wordpiece_on_random_unicode(minilm):
    assert "50,000 texts, 0 differ" in compare("token_parity.py", *minilm, "random", "50000", "7")


def test_the_normalizer_with_a_vocabulary_of_every_character():
    assert "40,000 texts, 0 differ" in compare("token_parity.py", "characters", "random", "10000", "8")


@pytest.fixture(scope="module")
def e5():
    folder = REAL / "e5"
    if not folder.exists():
        pytest.skip("no multilingual-e5-small (script/models e5)")
    return folder / "multilingual-e5-small-F16.gguf", folder / "hf/tokenizer.json"


@pytest.mark.parametrize("form", [(), ("--form", "NFD"), ("--form", "NFKD"), ("--form", "half")])
def test_unigram_on_varied_texts(e5, form):
    assert "234 texts, 0 differ" in compare("token_parity.py", *e5, SAMPLE, *form)


def test_unigram_on_random_unicode(e5):
    assert "30,000 texts, 0 differ" in compare("token_parity.py", *e5, "random", "30000", "7")
    assert "30,000 texts, 0 differ" in compare("token_parity.py", "unigram-characters", e5[1], "random", "30000", "8")


def test_unigram_where_paths_have_equal_scores(e5):
    assert "30,000 texts, 0 differ" in compare("token_parity.py", "unigram-ties", e5[1], "ties", "30000", "9")


def test_which_unigram_models_are_read_as_published(tmp_path, e5):
    """With a map of characters; not without one, and not where the user wants llama.cpp's."""
    def tokenizer_of(model, *flags):
        out = tmp_path / "out.parquet"
        run = embed(model, "\u30ab\u3099\n".encode(), out, "--force", *flags)
        assert run.returncode == 0, run.stderr
        return rows(out).schema.metadata[b"llama.tokenizer"].decode(), rows(out)["sequence_length"].to_pylist()

    assert tokenizer_of(e5[0]) == ("Unigram, characters as published", [5])
    assert tokenizer_of(e5[0], "--tokenizer", "llama.cpp") == ("llama.cpp", [4])
    assert tokenizer_of(small_unigram(tmp_path / "mapless.gguf", None))[0] == "llama.cpp"


def map_of_one(value):
    """A map of characters in which b becomes what begins at `value` of "x" and a zero."""
    units = [0x80000000] * 3 * 256
    units[0] = 256 << 10
    units[256 + ord("b")] = ((256 + ord("b")) ^ 512) << 10 | 1 << 8 | ord("b")
    units[512] |= value
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + b"x\0"


@pytest.mark.parametrize("charsmap, score, message", [
    (map_of_one(0)[:1000], -4.0, "out of array bounds"),  # llama.cpp's own words
    (map_of_one(1000), -4.0, "the map of characters (precompiled_charsmap) points outside itself"),
    (map_of_one(0), float("nan"), "the score of the piece 5 is no number"),
], ids=["cut short", "points outside", "no number"])
def test_a_hostile_unigram_model_is_refused(tmp_path, charsmap, score, message):
    out = tmp_path / "out.parquet"
    run = embed(small_unigram(tmp_path / "hostile.gguf", charsmap, score), b"ab\n", out)
    assert run.returncode == 4 and message in run.stderr, (run.returncode, run.stderr)
    assert not out.exists()


def small_unigram(path, charsmap, score=-4.0):
    """A model of a few pieces, in the notation of GGUF files of XLM-R's kind."""
    pieces = [("<s>", 0.0, 3), ("<pad>", 0.0, 3), ("</s>", 0.0, 3), ("<unk>", 0.0, 2), ("\u2581", -3.0, 1),
              ("a", score, 1), ("\u30ab", -5.0, 1)]

    def add_tokenizer(writer):
        writer.add_tokenizer_model("t5")
        writer.add_tokenizer_pre("default")
        writer.add_token_list([piece for piece, _, _ in pieces])
        writer.add_token_scores([score for _, score, _ in pieces])
        writer.add_token_types([kind for _, _, kind in pieces])
        for name, number in {"unk": 3, "bos": 0, "sep": 2, "eos": 2, "pad": 1}.items():
            getattr(writer, f"add_{name}_token_id")(number)
        writer.add_add_bos_token(True)
        writer.add_add_eos_token(True)
        writer.add_add_space_prefix(True)
        if charsmap:
            writer.add_precompiled_charsmap(charsmap)
        return len(pieces)
    make_models.bert(path, add_tokenizer)
    return path


ACCENTED = "áéñöüçèÁÉÖßåø"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def bert_of_letters(path, letters, **keys):
    """A BERT model that knows single letters only; `keys` are its normalizer's."""
    tokens = SPECIAL + ["\u2581" + c for c in letters + string.punctuation] + list(letters)

    def add_tokenizer(writer):
        writer.add_tokenizer_model("bert")
        writer.add_tokenizer_pre("default")
        writer.add_token_list(tokens)
        writer.add_token_types([3] * 5 + [1] * (len(tokens) - 5))
        for name, number in {"unk": 1, "bos": 2, "sep": 3, "eos": 3, "pad": 0, "mask": 4}.items():
            getattr(writer, f"add_{name}_token_id")(number)
        for name, value in keys.items():
            getattr(writer, f"add_normalizer_{name}")(value)
        return len(tokens)
    make_models.bert(path, add_tokenizer)
    return tokens


@pytest.mark.parametrize("cased, keys, lowercase, strip_accents", [
    (False, {}, True, True),
    (True, {}, False, False),  # guessed, with a warning
    (True, {"lowercase": True}, True, True),
    (True, {"lowercase": False}, False, False),
    (True, {"lowercase": False, "strip_accents": True}, False, True),
    (True, {"lowercase": True, "strip_accents": False}, True, False),
    (False, {"strip_accents": False}, True, False),
])
def test_the_normalizer_that_the_gguf_tells(tmp_path, cased, keys, lowercase, strip_accents):
    import tokenizers

    letters = (string.ascii_letters + ACCENTED if cased else string.ascii_lowercase) + string.digits
    tokens = bert_of_letters(tmp_path / "bert.gguf", letters, **keys)
    pieces = [t if t in SPECIAL else t[1:] if t.startswith("\u2581") else "##" + t for t in tokens]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    published = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    published.normalizer = tokenizers.normalizers.BertNormalizer(strip_accents=strip_accents, lowercase=lowercase)
    published.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    published.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    published.add_special_tokens(SPECIAL)
    published.save(str(tmp_path / "tokenizer.json"))
    out = compare("token_parity.py", tmp_path / "bert.gguf", tmp_path / "tokenizer.json", SAMPLE)
    assert "234 texts, 0 differ" in out
    run = embed(tmp_path / "bert.gguf", "Ébène Äpfel\n".encode(), tmp_path / "out.parquet")
    assert ("has capitals" in run.stderr) == (cased and "lowercase" not in keys), run.stderr


def test_texts_without_a_known_word(tmp_path, minilm):
    """[CLS] [UNK] [SEP] for each of them, as published; what tokenizers leaves nothing of is [CLS] [SEP]."""
    import tokenizers

    texts = ["\U00013000\U00013001", "x" * 101, "\ue000", "\u200b\u200d", "\u0301"]
    run = subprocess.run([CLI, "embed", "-m", minilm[0], "-i", "-", "-o", tmp_path / "out.parquet"],
                         input="\n".join(texts).encode(), capture_output=True)
    assert run.returncode == 0, run.stderr
    published = tokenizers.Tokenizer.from_file(str(minilm[1]))
    published.no_truncation()
    published.no_padding()
    lengths = [len(published.encode(text).ids) for text in texts]
    assert rows(tmp_path / "out.parquet")["sequence_length"].to_pylist() == lengths


@pytest.mark.parametrize("add_eos", [False, True])
def test_an_ordinary_piece_that_llama_cpp_takes_for_a_special_token(tmp_path, add_eos):
    """Qwen's vocabulary has "</s>", which no text is cut into, and which HTML has as a tag."""
    import tokenizers
    from family_parity import QWEN2_SPLIT

    names = make_models.byte_alphabet() + ["</", "</s>"]
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    make_models.decoder(tmp_path / "model.gguf", "qwen3", byte_pairs=(names, ["< /"]), add_eos=add_eos)
    published = tokenizers.Tokenizer(tokenizers.models.BPE({name: i for i, name in enumerate(names)}, [("<", "/")]))
    published.normalizer = tokenizers.normalizers.NFC()
    published.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([
        tokenizers.pre_tokenizers.Split(tokenizers.Regex(QWEN2_SPLIT), "isolated"),
        tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    published.add_special_tokens(special)
    if add_eos:
        published.post_processor = tokenizers.processors.TemplateProcessing(
            single="$A <|endoftext|>", special_tokens=[("<|endoftext|>", published.token_to_id("<|endoftext|>"))])
    published.save(str(tmp_path / "tokenizer.json"))
    texts = ["<s>was</s> is", "</s>", "</s></s>", " </s> ", "a e\u0301</s>e\u0301", "<|im_start|>a</s>b<|im_end|></s>",
             "</s><|im_end|><|im_end|>", "<|endoftext|></s>", "x</s", "no tag", "<|im_end|> alone"]
    (tmp_path / "texts.txt").write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    out = compare("token_parity.py", tmp_path / "model.gguf", tmp_path / "tokenizer.json", tmp_path / "texts.txt")
    assert f"{len(texts)} texts, 0 differ" in out


# Patterns for words that llama.cpp leaves to std::regex.
@pytest.mark.parametrize("pre", ["gpt-4o", "deepseek-v3", "deepseek-llm", "exaone-moe", "gemma4"])
def test_a_line_without_a_break_is_read_to_its_end(tmp_path, pre):
    """A libstdc++ before GCC 16 calls itself for each character of a match, and 26,000 take the 8 MiB that a stack
    has: llama.cpp crashes."""
    make_models.decoder(tmp_path / "model.gguf", "qwen3", pre=pre)
    texts = [(part * 120_000).encode() for part in ("x", ".", " ", "\u4e2d", "x ", "\n")]
    run = subprocess.run([PROGRAM, tmp_path / "model.gguf"],
                         input=b"".join(struct.pack("<I", len(text)) + text for text in texts),
                         capture_output=True, timeout=300)
    assert run.returncode == 0, (run.returncode, run.stderr)
    (count,) = struct.unpack_from("<I", run.stdout)
    assert count > 120_000


def test_published_vocabularies():
    folder = REAL / "vocabularies-1"
    if not folder.exists():
        pytest.skip("no published vocabularies (script/vocabularies)")
    out = compare("vocabulary_parity.py", folder, "300", "3", SAMPLE)
    assert "| qwen3 | 234, 0 differ | 234, 0 differ |" in out, out
    assert "| mistral | 233, 0 differ | 233, 0 differ |" in out, out


def test_the_other_families(tmp_path):
    if not REAL.exists():
        pytest.skip("no real models (script/models)")
    out = compare("family_parity.py", REAL, tmp_path, SAMPLE)
    for family in ("byte pairs, SmolLM2", "byte pairs, Qwen2's pipeline", "Unigram, XLM-R's way"):
        assert f"{family}: 230 texts, 0 differ" in out or f"{family}: no model" in out, out
    # The one: a text with U+2581 itself, which the GGUF has turned into a space (doc/parity.md).
    assert "Gemma 3 270M: 230 texts, 1 differ" in out or "Gemma 3 270M: no model" in out, out
