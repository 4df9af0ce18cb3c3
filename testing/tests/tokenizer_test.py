"""Tokens against the libraries that the published tokenizers come from. script/token-parity runs the same on millions of texts."""
import os
import subprocess
import sys

import pytest
from program import PROJECT, REAL

pytest.importorskip("tokenizers", reason="the package index was out of reach: no tokenizers library (script/peers)")
PROGRAM = os.environ["TOKENIZE_TEXTS"]
SAMPLE = PROJECT / "testing/data/sample.txt"


def compare(script, *arguments):
    run = subprocess.run([sys.executable, PROJECT / "testing" / script, PROGRAM, *arguments], capture_output=True, text=True, timeout=800)
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


def test_the_other_families(tmp_path):
    if not REAL.exists():
        pytest.skip("no real models (script/models)")
    out = compare("family_parity.py", REAL, tmp_path, SAMPLE)
    for family in ("byte pairs, SmolLM2", "byte pairs, Qwen2's pipeline", "Unigram, XLM-R's way"):
        assert f"{family}: 230 texts, 0 differ" in out or f"{family}: no model" in out, out
    # The one: a text with U+2581 itself, which the GGUF has turned into a space (doc/parity.md).
    assert "Gemma 3 270M: 230 texts, 1 differ" in out or "Gemma 3 270M: no model" in out, out
