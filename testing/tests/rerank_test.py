"""search --rerank: its scores are transformers' with the same weights (data/rerank_scores.json), its order theirs."""

import json
import os
import signal
import subprocess

import numpy
import pyarrow as pa
import pyarrow.parquet
import pytest
from program import CLI, MODELS, PROJECT, embed
from terminal import Terminal

EXPECTED = json.loads((PROJECT / "testing" / "data" / "rerank_scores.json").read_text())
TEXTS = EXPECTED["queries"] + EXPECTED["texts"]
XLMR = MODELS / "rerank-xlmr.gguf"
# llama.cpp computes gelu by a formula that is not transformers', and ggml's own kernels in 16 bits.
TOLERANCE = {"bert": 0.03, "xlmr": 0.03, "modern": 0.03, "qwen3": 0.0003}


def run(*arguments, status=0):
    done = subprocess.run([CLI, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def search(file, *arguments):
    return [json.loads(line) for line in run("search", file, *arguments, "--json").stdout.splitlines()]


def write(path, texts, **columns):
    vectors = numpy.random.default_rng(5).standard_normal((len(texts), 16)).astype(numpy.float32)
    embedding = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 16)
    pa.parquet.write_table(pa.table({"text": texts, **columns, "embedding": embedding}), path)
    return path


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """A row for each query, then one for each text."""
    return write(
        tmp_path_factory.mktemp("pairs") / "pairs.parquet", TEXTS, lang=["en"] * 6 + ["de"] * (len(TEXTS) - 6)
    )


@pytest.mark.parametrize("kernels", ["auto", "stock"])
@pytest.mark.parametrize("name", EXPECTED["scores"])
def test_scores_are_those_of_transformers(pairs, name, kernels):
    for query, expected in enumerate(EXPECTED["scores"][name]):
        reranker = ["--rerank", MODELS / f"rerank-{name}.gguf", "--kernels", kernels]
        # One thread: those of ggml's own team wait for each other busily.
        hits = search(pairs, "--like", query, *reranker, "-k", 99, "--threads", 1)
        assert sorted(hit["row"] for hit in hits) == [row for row in range(len(TEXTS)) if row != query]
        assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
        scores = {hit["row"] - 2: hit["score"] for hit in hits}
        differences = [abs(scores[i] - score) for i, score in enumerate(expected)]
        assert max(differences) < TOLERANCE[name], differences


def test_similarity_is_what_the_search_had(pairs):
    plain = {hit["row"]: hit["score"] for hit in search(pairs, "--like", 0, "-k", 99)}
    hits = search(pairs, "--like", 0, "--rerank", XLMR, "-k", 99, "--column", "lang")
    assert {hit["row"]: hit["similarity"] for hit in hits} == plain
    assert list(hits[0]) == ["row", "score", "similarity", "text", "lang"]
    assert all(hit["text"] == TEXTS[hit["row"]] for hit in hits)


def test_only_the_best_rows_of_the_search_are_reranked(pairs):
    best = [hit["row"] for hit in search(pairs, "--like", 0, "-k", 4)]
    few = search(pairs, "--like", 0, "--rerank", XLMR, "-k", 4, "--rerank-top", 4)
    assert sorted(hit["row"] for hit in few) == sorted(best) and [hit["row"] for hit in few] != best
    all_rows = search(pairs, "--like", 0, "--rerank", XLMR, "-k", 99)
    assert search(pairs, "--like", 0, "--rerank", XLMR, "-k", 3) == all_rows[:3]
    chosen = search(pairs, "--like", 0, "--rerank", XLMR, "-k", 99, "--where", "lang = 'de'")
    assert [hit for hit in all_rows if hit["row"] >= 6] == chosen


def test_weights_of_other_types_score_about_the_same(pairs):
    for name, other, tolerance in (("bert", "bert-q8_0", 0.4), ("qwen3", "qwen3-f16", 0.001)):
        scores = [
            {hit["row"]: hit["score"] for hit in search(pairs, "--like", 0, "-k", 99, "--rerank", path)}
            for path in (MODELS / f"rerank-{name}.gguf", MODELS / f"rerank-{other}.gguf")
        ]
        assert max(abs(scores[0][row] - scores[1][row]) for row in scores[0]) < tolerance


def test_queries_of_a_file_are_each_reranked_with_their_own_words(tmp_path):
    (tmp_path / "input.txt").write_text("\n".join(TEXTS[:-1]))
    done = embed(MODELS / "bert.gguf", tmp_path / "input.txt", tmp_path / "vectors.parquet")
    assert done.returncode == 0, done.stderr
    (tmp_path / "queries.txt").write_text("\n".join(EXPECTED["queries"]))
    out = tmp_path / "found.parquet"
    queries = ["--queries", tmp_path / "queries.txt"]
    run("search", tmp_path / "vectors.parquet", *queries, "--rerank", XLMR, "-k", 99, "-o", out)
    table = pa.parquet.read_table(out)
    assert table.column_names == ["query", "row", "score", "similarity", "text"]
    for query, expected in zip(EXPECTED["queries"], EXPECTED["scores"]["xlmr"]):
        found = [row for row in table.to_pylist() if row["query"] == query]
        assert len(found) == len(TEXTS) - 1
        scores = {row["text"]: row["score"] for row in found}
        for text, score in list(zip(EXPECTED["texts"], expected))[:-1]:
            assert abs(scores[text] - score) < TOLERANCE["xlmr"]
        alone = search(tmp_path / "vectors.parquet", query, "--rerank", XLMR, "-k", 99)
        assert [hit["row"] for hit in alone] == [row["row"] for row in found]


def test_a_folder_is_reranked_as_one_file(pairs, tmp_path):
    table = pa.parquet.read_table(pairs)
    pa.parquet.write_table(table.slice(0, 4), tmp_path / "a.parquet")
    pa.parquet.write_table(table.slice(4), tmp_path / "b.parquet")
    assert search(tmp_path, "--like", 0, "--rerank", XLMR) == search(pairs, "--like", 0, "--rerank", XLMR)


def test_the_table_has_both_numbers(pairs):
    lines = run("search", pairs, "--like", 0, "--rerank", XLMR, "-k", 2).stdout.splitlines()
    assert lines[0].split() == ["score", "similarity", "row", "text"]
    best = search(pairs, "--like", 0, "--rerank", XLMR, "-k", 1)[0]
    assert lines[1].split()[:3] == [f"{best['score']:.4f}", f"{best['similarity']:.4f}", str(best["row"])]


def test_rows_without_a_text_or_a_score_are_left_out_and_told(tmp_path):
    texts = ["the world", None, "hello", "of a number", ""]
    file = write(tmp_path / "some.parquet", texts, similarity=[1, 2, 3, 4, 5])
    done = run("search", file, "--like", 0, "--rerank", MODELS / "rerank-bert-nan-hello.gguf", "--json",
               "--column", "similarity")  # fmt: skip
    hits = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(hit["row"] for hit in hits) == [3, 4]
    assert sorted(hit["similarity_input"] for hit in hits) == [4, 5]
    assert "1 row without a text" in done.stderr
    assert "1 row without a reranker's score left out: row 2: the model gives NaN" in done.stderr
    done = run("search", file, "--like", 1, "--rerank", XLMR, status=2)
    assert "row 1 has no text" in done.stderr


def test_a_long_text_is_cut_and_told(pairs):
    assert "the end of 1 text was left out" in run("search", pairs, "--like", 0, "--rerank", XLMR).stderr
    quiet = run("search", pairs, "--like", 0, "--rerank", XLMR, "--quiet")
    assert quiet.stderr == ""
    done = run("search", pairs, "--like", len(TEXTS) - 1, "--rerank", XLMR, status=3)
    assert "the query leaves no room" in done.stderr


@pytest.mark.parametrize(
    "model, status, says",
    [
        ("bert.gguf", 4, "no reranker"),
        ("generator.gguf", 4, "no reranker"),
        ("rerank-three.gguf", 4, "3 classes"),
        ("rerank-headless.gguf", 4, "lacks the layer that gives the score"),
        ("rerank-no-template.gguf", 4, "chat_template.rerank"),
        ("truncated.gguf", 4, "truncated.gguf"),
        ("no-such.gguf", 2, "no-such.gguf"),
        ("", 2, ""),
    ],
)
def test_what_is_no_reranker_is_told_in_a_line(pairs, model, status, says):
    done = run("search", pairs, "--like", 0, "--rerank", MODELS / model if model else "", status=status)
    assert done.stdout == "" and done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1
    assert says in done.stderr


def test_a_file_without_its_pooler_is_used_and_told(pairs):
    done = run("search", pairs, "--like", 0, "--rerank", MODELS / "rerank-bert-bare.gguf")
    assert "Warning: reranker: the GGUF lacks the layer before the score (BERT's pooler)" in done.stderr


def test_flags_that_do_not_fit_are_usage_errors(pairs, tmp_path):
    assert "--rerank-top 5" in run("search", pairs, "--like", 0, "--rerank", XLMR, "--rerank-top", 5, status=2).stderr
    assert "--rerank" in run("search", pairs, "--like", 0, "--rerank-top", 50, status=2).stderr
    table = pa.parquet.read_table(pairs).select(["embedding"])
    pa.parquet.write_table(table, tmp_path / "bare.parquet")
    done = run("search", tmp_path / "bare.parquet", "--like", 0, "--rerank", XLMR, status=2)
    assert "--rerank reads texts" in done.stderr and "--text-column" in done.stderr


@pytest.mark.parametrize("name", ["qwen3", "xlmr"])  # one says so, the other only has the layer
def test_embed_refuses_a_reranker(tmp_path, name):
    done = embed(MODELS / f"rerank-{name}.gguf", b"hello\n", tmp_path / "out.parquet")
    assert done.returncode == 4 and "this model is a reranker" in done.stderr


def test_progress_is_shown_and_an_interrupt_ends_it(tmp_path):
    file = write(tmp_path / "many.parquet", ["the long text and the number " * 4 + str(i) for i in range(20000)])
    arguments = ["search", file, "--like", 0, "--rerank", XLMR, "--rerank-top", 20000, "--threads", 1]
    terminal = Terminal(*arguments)
    terminal.until(r"Reranking: \[.*/19,999")
    os.kill(terminal.pid, signal.SIGINT)
    assert terminal.ended(20) == 130
    assert "Interrupted" in terminal.shown
