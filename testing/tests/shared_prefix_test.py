"""Texts behind a prompt: what they begin with in common is computed once per pass, and no vector says so."""

import json

import model_families
import pytest
from embed_test import content, varied
from llama_embedding import llama_embedding
from kernels_test import LEVELS, embed_with
from program import MODELS, cosines, rows, vectors

PROMPT = "Instruct: find the number of the text Query:"  # in one line: llama-embedding's texts are lines
CAUSAL = [name for name in model_families.FAMILIES if name not in model_families.BIDIRECTIONAL]


@pytest.fixture(scope="module")
def prompted(tmp_path_factory):
    """prompted(name, kind): a family's model, and llama-embedding's vectors of prompt and text."""
    folder, made = tmp_path_factory.mktemp("prompted"), {}

    def get(name, kind):
        if (name, kind) not in made:
            path = folder / f"{name}-{kind}.gguf"
            model_families.write_family(path, name, kind)
            (folder / "prompts.txt").write_text("\n".join(PROMPT + text for text in varied(40)))
            made[name, kind] = path, llama_embedding(path, folder / "prompts.txt", "--pooling", "last")
        return made[name, kind]

    return get


def check_vectors(folder, model, theirs, kernels, least, alone):
    """alone: texts that are computed by themselves as well, where nothing is shared."""
    texts = varied(40)
    flags = ("--prompt", PROMPT + "{text}", "--tokenizer", "llama.cpp", "--pooling", "last", "--force")
    embed_with(kernels, model, content(texts), folder / "all.parquet", *flags)
    ours = vectors(folder / "all.parquet")
    assert cosines(ours, theirs).min() >= least
    for i in alone:
        embed_with(kernels, model, content([texts[i]]), folder / "one.parquet", *flags)
        assert (vectors(folder / "one.parquet")[0] == ours[i]).all(), f"text {i}"


@pytest.mark.parametrize("name", CAUSAL)
@pytest.mark.parametrize("kernels", ["stock", "auto"])
def test_every_familys_vectors_are_llama_embeddings_of_the_whole_texts(tmp_path, prompted, kernels, name):
    check_vectors(tmp_path, *prompted(name, "F32"), kernels, 0.9999, [7] if kernels == "auto" else [])


@pytest.mark.parametrize("kernels", LEVELS)
def test_every_levels_vectors_are_llama_embeddings_of_the_whole_texts(tmp_path, prompted, kernels):
    """The longest is rounded where the CPU has bfloat16, and shares nothing with those that are not."""
    texts = varied(40)
    longest, short = max(range(40), key=lambda i: len(texts[i])), 7
    assert len(texts[longest]) > 500 > 150 > len(texts[short])
    check_vectors(tmp_path, *prompted("qwen3", "F16"), kernels, 0.999, [longest, short])


def test_a_prompt_with_a_column_inside_gives_the_vectors_of_its_text(tmp_path):
    pairs = [(f"topic {i % 3}", text) for i, text in enumerate(varied(60))]
    table = "".join(f'{{"topic": "{topic}", "text": "{text}"}}\n' for topic, text in pairs)
    prompt = "Instruct: find what is about {topic}. Query:"
    embed_with(
        "auto",
        MODELS / "qwen3.gguf",
        table.encode(),
        tmp_path / "rows.parquet",
        "--input-format",
        "jsonl",
        "--column",
        "text",
        "--prompt",
        prompt + "{text}",
    )
    whole = [prompt.replace("{topic}", topic) + text for topic, text in pairs]
    embed_with("auto", MODELS / "qwen3.gguf", content(whole), tmp_path / "whole.parquet")
    assert (vectors(tmp_path / "rows.parquet") == vectors(tmp_path / "whole.parquet")).all()


def test_chunks_of_long_texts_have_the_prompt_around_each(tmp_path):
    long = " ".join(["hello world number 42."] * 60)
    run = ("--prompt", PROMPT + "{text}", "--on-long", "chunk", "--chunk-tokens", "200", "--chunk-overlap", "0")
    embed_with("auto", MODELS / "qwen3.gguf", content([long, "short"]), tmp_path / "chunks.parquet", *run)
    texts = rows(tmp_path / "chunks.parquet")["text"].to_pylist()
    assert len(texts) > 5 and texts[-1] == "short"
    # A line break ends a line of text: each chunk is a row of a table.
    whole = "".join(json.dumps({"text": PROMPT + text}) + "\n" for text in texts)
    embed_with(
        "auto",
        MODELS / "qwen3.gguf",
        whole.encode(),
        tmp_path / "whole.parquet",
        "--input-format",
        "jsonl",
        "--column",
        "text",
    )
    assert (vectors(tmp_path / "chunks.parquet") == vectors(tmp_path / "whole.parquet")).all()
