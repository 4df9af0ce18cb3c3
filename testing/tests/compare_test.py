"""llama-cli compare: two files over the same texts, as numpy has it."""

import numpy
import pyarrow as pa
import pyarrow.parquet
import pytest
from program import MODELS
from vector_files import (
    MINILM,
    agreement,
    embed,
    nearest,
    numbers,
    read,
    run,
    run_json,
    sentences,
    unit,
    with_column,
    write_texts,
)

BERT, Q5, QWEN = MODELS / "bert.gguf", MODELS / "bert-q5_0.gguf", MODELS / "qwen3.gguf"
COUNT = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="module")
def source(folder):
    return write_texts(folder / "in.parquet", sentences(COUNT))


@pytest.fixture(scope="module")
def bert(folder, source):
    return embed(BERT, source, folder / "bert.parquet", "--normalize")


def test_a_file_and_itself(bert):
    said = run_json("compare", bert, bert)
    assert (said["in_both"], said["only_a"], said["only_b"]) == (COUNT, 0, 0)
    assert said["cosine"]["min"] == said["cosine"]["max"] == 1 and said["recall"] == 1
    assert said["rank_correlation"] == pytest.approx(1, abs=1e-12) and said["differences"] == []


def test_another_quantization_in_another_order_is_as_numpy_has_it(folder, bert):
    """Rows shuffled, some of them only here, one text twice: matched by their hashes."""
    texts = sentences(COUNT)
    random = numpy.random.default_rng(4)
    order = random.permutation(COUNT)[:250]
    shuffled = [texts[i] for i in order] + ["only here", "and here", texts[order[0]]]
    other = embed(Q5, write_texts(folder / "b.parquet", shuffled), folder / "q5.parquet", "--dtype", "float16")
    said = run_json("compare", bert, other, "--sample", "5000", "-k", "7", "--moved", "5")
    assert (said["in_both"], said["only_a"], said["only_b"]) == (250, 50, 2)
    assert (said["rows_b"], said["texts_b"]) == (253, 252)
    by_row = numpy.argsort(order)
    a, b = numbers(read(bert))[numpy.sort(order)], numbers(read(other))[by_row]
    cosines = (unit(a) * unit(b)).sum(1)
    assert said["cosine"]["count"] == 250
    for name, value in (("min", cosines.min()), ("max", cosines.max()), ("mean", cosines.mean())):
        assert said["cosine"][name] == pytest.approx(value, abs=1e-9)
    recall, correlation = agreement(a, b, 7)
    assert said["recall"] == pytest.approx(recall, abs=2 / 250 / 7)
    assert said["rank_correlation"] == pytest.approx(correlation, abs=1e-6)
    lowest = numpy.argsort(cosines)[:5]
    assert [moved["row_a"] for moved in said["moved"]] == numpy.sort(order)[lowest].tolist()
    assert [moved["row_b"] for moved in said["moved"]] == by_row[lowest].tolist()
    assert [moved["text"] for moved in said["moved"]] == [texts[i] for i in numpy.sort(order)[lowest]]
    told = " ".join(said["differences"])
    for words in ("bert.gguf", "bert-q5_0.gguf", "float16", "scaled to length 1: yes, no"):
        assert words in told


def test_another_model_is_compared_by_neighbours_alone(folder, source, bert):
    other = embed(QWEN, source, folder / "qwen.parquet")
    said = run_json("compare", bert, other)
    assert said["cosine"] is None and said["no_cosine"] and said["compared"] == COUNT
    a, b = numbers(read(bert)), numbers(read(other))
    recall, correlation = agreement(a, b, 10)
    assert said["recall"] == pytest.approx(recall, abs=2 / COUNT / 10)
    assert said["rank_correlation"] == pytest.approx(correlation, abs=1e-6)
    overlaps = numpy.array([len(x & y) / 10 for x, y in zip(nearest(a, 10), nearest(b, 10))])
    assert [moved["overlap"] for moved in said["moved"]] == sorted(overlaps)[:10]
    assert "mean nothing" in run("compare", bert, other).stdout


def test_a_sample_is_the_same_whatever_the_threads(bert, folder, source):
    other = embed(BERT, source, folder / "prompted.parquet", "--prompt", "query: {text}")
    said = [run_json("compare", bert, other, "--sample", "50", "--threads", n) for n in (1, 3)]
    assert said[0] == said[1] and said[0]["compared"] == 50
    assert 'prompt: none, "query: {text}"' in said[0]["differences"]
    assert run_json("compare", bert, other, "--sample", "50", "--seed", "2")["recall"] != said[0]["recall"]


def test_rows_without_a_direction_are_counted(tmp_path, bert):
    table = read(bert)
    vectors = table["embedding"].to_pylist()
    vectors[3], vectors[9] = [0.0] * len(vectors[0]), [numpy.nan] * len(vectors[0])
    pa.parquet.write_table(with_column(table, "embedding", vectors), tmp_path / "b.parquet", row_group_size=7)
    said = run_json("compare", bert, tmp_path / "b.parquet")
    assert said["without_direction"] == 2 and said["cosine"]["count"] == COUNT - 2 == said["compared"]
    assert said["cosine"]["min"] == 1


def test_files_that_are_not_ours_are_matched_by_their_texts(tmp_path):
    random = numpy.random.default_rng(1)
    vectors = random.normal(size=(40, 5)).astype(numpy.float32)
    for name, rows in (("a", range(40)), ("b", range(39, 9, -1))):
        columns = {
            "words": [f"text {i}" for i in rows],
            "v": pa.array(vectors[list(rows)].tolist(), pa.list_(pa.float32())),
        }
        pa.parquet.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    said = run_json("compare", tmp_path / "a.parquet", tmp_path / "b.parquet")
    assert (said["in_both"], said["only_a"]) == (30, 10) and said["cosine"]["min"] == 1 and said["recall"] == 1
    said = run("compare", tmp_path / "a.parquet", tmp_path / "b.parquet", "--text-column", "nope", status=3).stderr
    assert "'nope'" in said


def test_one_text_has_a_cosine_and_no_neighbours(tmp_path, source, bert):
    one = write_texts(tmp_path / "in.parquet", ["only here", sentences(COUNT)[7]])
    other = embed(BERT, one, tmp_path / "b.parquet", "--normalize")
    said = run_json("compare", bert, other)
    assert said["in_both"] == said["cosine"]["count"] == 1
    assert said["compared"] == 1 and said["recall"] is None and said["rank_correlation"] is None
    [text] = said["moved"]
    assert text.pop("cosine") == pytest.approx(1, abs=1e-6)
    assert text == {"row_a": 7, "row_b": 1, "overlap": None, "text": sentences(COUNT)[7]}
    assert "Neighbours" not in run("compare", bert, other).stdout
    said = run_json("compare", bert, embed(QWEN, source, tmp_path / "qwen.parquet"), "--sample", "1")
    assert said["cosine"] is None and said["compared"] == 1 and said["moved"] == []


def test_quantizations_of_one_model_are_told_by_architecture_and_size(tmp_path, bert):
    """Their names have any number of words, as llama.cpp writes them."""
    files = []
    for description in ("bert 22M Q4_K - Medium", "bert 22M all F32", "bert 22M Q8_0 (guessed)", "bert 33M all F32"):
        table = read(bert)
        metadata = {**table.schema.metadata, b"llama.model_description": description.encode()}
        table = table.replace_schema_metadata(metadata)
        files.append(tmp_path / f"{len(files)}.parquet")
        pa.parquet.write_table(table, files[-1])
    for other in files[1:3]:
        assert run_json("compare", files[0], other)["cosine"]["min"] == 1
    assert "different models" in run_json("compare", files[1], files[3])["no_cosine"]


def test_nothing_in_common_and_empty_files(tmp_path, bert, folder):
    other = embed(BERT, write_texts(tmp_path / "in.parquet", ["x", "y"]), tmp_path / "b.parquet")
    said = run("compare", bert, other)
    assert "no text in common" in said.stderr and "0 in both" in said.stdout
    pa.parquet.write_table(read(bert).slice(0, 0), tmp_path / "empty.parquet")
    assert run_json("compare", tmp_path / "empty.parquet", bert)["only_b"] == COUNT
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(bert.read_bytes()[:-9])
    assert "cut.parquet" in run("compare", bert, cut, status=3).stderr
    assert "gone.parquet" in run("compare", bert, tmp_path / "gone.parquet", status=3).stderr


@pytest.mark.skipif(not MINILM.exists(), reason="MiniLM is not in the cache")
def test_int8_and_binary_of_a_real_model_keep_most_neighbours(tmp_path):
    source = write_texts(tmp_path / "in.parquet", sentences(200, seed=7))
    model = MINILM / "all-MiniLM-L6-v2-F16.gguf"
    files = [embed(model, source, tmp_path / f"{d}.parquet", "--dtype", d) for d in ("float32", "int8", "binary")]
    int8, binary = (run_json("compare", files[0], file) for file in files[1:])
    assert int8["cosine"]["min"] > 0.999 and 1 > int8["recall"] > binary["recall"] > 0.3
    assert "numbers: float32, int8" in int8["differences"]
