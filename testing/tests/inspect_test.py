"""What `llama-cli inspect` counts is what numpy counts, of our files and of others'."""

import json
import subprocess

import numpy
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
from program import CLI, MODELS, embed, rows, vectors

MODEL = MODELS / "bert.gguf"


def run(*arguments, status=0, **options):
    done = subprocess.run([CLI, *map(str, arguments)], capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def inspect(file, *flags, **options):
    return json.loads(run("inspect", file, "--json", *flags, **options).stdout)


def kinds(said, fault=None):
    return {warning["kind"] for warning in said["warnings"] if fault in (None, warning["fault"])}


def assert_distribution(said, values):
    values = numpy.asarray(values, float)
    assert said["count"] == len(values)
    for name, expected in (("min", values.min()), ("max", values.max()), ("mean", values.mean())):
        assert said[name] == pytest.approx(expected, rel=1e-9, abs=1e-9), name
    histogram = said["histogram"]
    edges = numpy.linspace(histogram["low"], histogram["high"], len(histogram["counts"]) + 1)
    assert histogram["counts"] == numpy.histogram(values, edges)[0].tolist()
    assert sum(histogram["counts"]) == len(values)


def similarities(values):
    """Of each two rows, and of each row and its nearest."""
    unit = values / numpy.linalg.norm(values, axis=1, keepdims=True)
    cosines = unit @ unit.T
    pairs = cosines[numpy.triu_indices(len(values), 1)]
    numpy.fill_diagonal(cosines, -2)
    return pairs, cosines.max(axis=1)


@pytest.fixture(scope="module")
def texts():
    random = numpy.random.default_rng(1)
    words = ["row", "vector", "Ω", "日本", "a", "longer", "words", "here"]
    made = [" ".join(random.choice(words, random.integers(1, 30))) + f" {i}" for i in range(400)]
    return made + made[:25] + made[:5]  # thirty repeat others


@pytest.fixture(scope="module")
def file(texts, tmp_path_factory):
    path = tmp_path_factory.mktemp("inspect") / "ours.parquet"
    done = embed(MODEL, "\n".join(texts).encode(), path, "--row-group", "100")
    assert done.returncode == 0, done.stderr
    return path


def test_our_file_is_told_in_full(file, texts):
    said = inspect(file)
    table = rows(file)
    values = vectors(file).astype(float)
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert said["format"] == "parquet" and said["pieces"] == 5 and said["rows"] == said["vectors"] == 430
    assert [column["name"] for column in said["columns"]] == table.column_names
    assert said["vector_column"] == "embedding" and said["dtype"] == "float32"
    assert said["dimension"] == values.shape[1]
    assert said["text_column"] == "text" and said["duplicate_texts"] == 30
    assert said["duplicate_vectors"] == 430 - len(numpy.unique(values, axis=0))
    assert (said["nulls"], said["non_finite"], said["zero"], said["other_lengths"], said["null_texts"]) == (0,) * 5
    assert_distribution(said["norms"], numpy.linalg.norm(values, axis=1))
    assert_distribution(said["tokens"], table["sequence_length"].to_pylist())
    assert said["sampled"] == 430
    pairs, nearest = similarities(values)
    assert said["pair_similarity"]["mean"] == pytest.approx(pairs.mean(), abs=1e-9)
    assert said["neighbour_similarity"]["mean"] == pytest.approx(nearest.mean(), abs=1e-9)
    assert said["pair_similarity"]["count"] == len(pairs) == 430 * 429 // 2
    for name in ("model_file", "pooling", "program", "created", "tokenizer", "architecture", "kernels", "device"):
        assert said["provenance"][name] == metadata["llama." + name]
    assert said["provenance"]["model_size_bytes"] == MODEL.stat().st_size
    assert said["provenance"]["normalized"] is False and said["provenance"]["prompt"] is None


def test_what_people_read_has_the_same_numbers(file):
    done = run("inspect", file)
    for words in ("430 in 5 row groups", "bert.gguf", "30 repeat others", "prompt none; pooling mean", "█"):
        assert words in done.stdout, words
    assert "not scaled to length 1" in done.stderr
    assert run("inspect", file, "--quiet").stdout == ""


def test_the_counts_do_not_depend_on_threads_nor_the_format(file, tmp_path):
    expected = inspect(file, "--threads", "1")
    one = {key: value for key, value in expected.items() if key not in ("files", "format", "pieces")}
    table = rows(file)
    with pa.ipc.new_file(tmp_path / "a.arrow", table.schema) as arrow:
        arrow.write_table(table, 100)
    parts = tmp_path / "parts"
    parts.mkdir()
    for i, begin in enumerate((0, 100, 200, 300, 400)):
        pa.parquet.write_table(table.slice(begin, 100), parts / f"part-{i}.parquet")
    for path in (file, tmp_path / "a.arrow", parts):
        said = inspect(path, "--threads", "4")
        assert {key: value for key, value in said.items() if key not in ("files", "format", "pieces")} == one, path
    assert [part["rows"] for part in inspect(parts)["files"]] == [100, 100, 100, 100, 30]


def test_normalized_and_prompted_vectors_are_told(texts, tmp_path):
    done = embed(MODEL, "\n".join(texts[:50]).encode(), tmp_path / "a.parquet", "--normalize", "--prompt", "q: {text}",
                 "--max-length", "12")  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = inspect(tmp_path / "a.parquet")
    assert said["provenance"]["normalized"] is True and said["provenance"]["prompt"] == "q: {text}"
    assert said["provenance"]["max_length"] == 12
    assert not {"lengths_differ", "not_normalized"} & kinds(said)
    lengths = rows(tmp_path / "a.parquet")["sequence_length"].to_pylist()
    assert said["truncated"] == lengths.count(12) > 0 and "truncated" in kinds(said, fault=False)
    assert said["provenance"]["prompt_name"] is None
    shown = run("inspect", tmp_path / "a.parquet").stdout
    assert '"q: {text}";' in shown and ", computed on CPU" in shown


def test_the_name_of_a_prompt_is_told(tmp_path):
    model = tmp_path / "e5-small-v2.gguf"  # a family is known by its name
    model.write_bytes(MODEL.read_bytes())
    done = embed(model, b"one\ntwo\n", tmp_path / "a.parquet", "--prompt-name", "query")
    assert done.returncode == 0, done.stderr
    provenance = inspect(tmp_path / "a.parquet")["provenance"]
    assert provenance["prompt"] == "query: {text}" and provenance["prompt_name"] == "query"
    assert '"query: {text}" (query); ' in run("inspect", tmp_path / "a.parquet").stdout


def test_vectors_that_texts_share_are_a_sign_of_the_cut(tmp_path):
    same = " ".join(["word"] * 40)
    lines = [f"{same} {i}" for i in range(6)] + [f"{i} other" for i in range(30)] + [same + " 1"]
    done = embed(MODEL, "\n".join(lines).encode(), tmp_path / "a.parquet", "--max-length", "16")
    assert done.returncode == 0, done.stderr
    said = inspect(tmp_path / "a.parquet", "--check", status=3)
    assert said["shared_vectors"]["vectors"] == 1 and said["shared_vectors"]["rows"] == 7
    assert said["shared_vectors"]["examples"] == [[0, 1]] and said["duplicate_texts"] == 1
    assert "shared_vectors" in kinds(said, fault=True)
    done = run("inspect", tmp_path / "a.parquet")
    assert "7 rows share 1 vector" in done.stderr and "row 1: word word" in done.stderr


@pytest.mark.parametrize("dtype", ["float16", "int8", "binary"])
def test_smaller_vectors_are_told(texts, tmp_path, dtype):
    done = embed(MODEL, "\n".join(texts).encode(), tmp_path / "a.parquet", "--dtype", dtype)
    assert done.returncode == 0, done.stderr
    said = inspect(tmp_path / "a.parquet")
    table = rows(tmp_path / "a.parquet")
    stored = numpy.stack(table["embedding"].to_numpy(zero_copy_only=False))
    assert said["dtype"] == dtype and said["rows"] == 430
    assert said["duplicate_vectors"] == 430 - len(numpy.unique(stored, axis=0))
    if dtype == "float16":
        values = stored.astype(float)
    elif dtype == "binary":
        values = numpy.unpackbits(stored, axis=1) * 2.0 - 1
    else:
        scales = json.loads(table.schema.metadata[b"llama.int8_scales"])
        start, step = (numpy.array(scales[name], numpy.float32).astype(float) for name in ("start", "step"))
        values = start + (stored.astype(float) + 128) * step
    assert said["dimension"] == values.shape[1]
    assert_distribution(said["norms"], numpy.linalg.norm(values, axis=1))
    pairs, nearest = similarities(values)
    assert said["pair_similarity"]["mean"] == pytest.approx(pairs.mean(), abs=1e-9)
    assert said["neighbour_similarity"]["min"] == pytest.approx(nearest.min(), abs=1e-9)


def test_what_is_wrong_is_counted(tmp_path):
    values = numpy.random.default_rng(2).normal(size=(200, 12)).astype(numpy.float32)
    values[10:14] = 0
    values[20, 3], values[21, 0] = numpy.nan, -numpy.inf
    values[30] = values[31]
    lists = [None if i in (5, 6, 7) else row for i, row in enumerate(values.tolist())]
    lists[40], lists[41] = lists[40][:3], []
    text = [None if i == 50 else f"text {i % 190}" for i in range(200)]
    table = pa.table({"v": pa.array(lists, pa.list_(pa.float32())), "text": text})
    pa.parquet.write_table(table, tmp_path / "a.parquet", row_group_size=33)
    said = inspect(tmp_path / "a.parquet", "--check", status=3)
    assert (said["nulls"], said["other_lengths"], said["non_finite"], said["zero"]) == (3, 2, 2, 4)
    assert said["vectors"] == 193 and said["rows"] == 200
    assert said["null_texts"] == 1 and said["duplicate_texts"] == 10
    finite = numpy.array([row for i, row in enumerate(values) if i not in (5, 6, 7, 20, 21, 40, 41)]).astype(float)
    assert_distribution(said["norms"], numpy.linalg.norm(finite, axis=1))
    # Four zeros of four texts, and two rows that are the same.
    assert said["duplicate_vectors"] == 4 and said["shared_vectors"]["vectors"] == 2
    assert said["shared_vectors"]["rows"] == 6 and said["shared_vectors"]["examples"] == [[10, 11], [30, 31]]
    assert kinds(said, fault=True) == {"nulls", "other_lengths", "non_finite", "zero", "shared_vectors"}
    assert said["sampled"] == 189 and said["provenance"] is None
    pairs, _ = similarities(finite[numpy.linalg.norm(finite, axis=1) > 0])
    assert said["pair_similarity"]["mean"] == pytest.approx(pairs.mean(), abs=1e-9)
    assert "the file does not say" in run("inspect", tmp_path / "a.parquet").stdout


def test_a_collapsed_space_is_told(tmp_path):
    values = numpy.random.default_rng(3).normal(size=(100, 12)) * 0.01 + 1
    pa.parquet.write_table(pa.table({"v": pa.array(values.tolist(), pa.list_(pa.float32()))}), tmp_path / "a.parquet")
    assert "collapsed" in kinds(inspect(tmp_path / "a.parquet", "--check", status=3), fault=True)


def test_lengths_that_are_not_what_the_file_says_are_told(file, tmp_path):
    table = rows(file)
    metadata = dict(table.schema.metadata) | {b"llama.normalized": b"true", b"llama.dimension": b"99"}
    pa.parquet.write_table(table.replace_schema_metadata(metadata), tmp_path / "a.parquet")
    assert {"not_normalized", "other_dimension"} <= kinds(inspect(tmp_path / "a.parquet", "--check", status=3))


def test_a_part_of_another_model_is_told(file, tmp_path):
    table = rows(file)
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    other = dict(table.schema.metadata) | {b"llama.model_file": b"other.gguf"}
    pa.parquet.write_table(table.replace_schema_metadata(other), tmp_path / "b.parquet")
    said = inspect(tmp_path, "--check", status=3)
    assert "odd_files" in kinds(said) and said["rows"] == 860
    assert "b.parquet' is of another model than" in run("inspect", tmp_path).stderr


def test_a_sample_is_the_same_each_time(tmp_path):
    values = numpy.random.default_rng(4).normal(size=(5000, 6)).astype(numpy.float32)
    pa.parquet.write_table(
        pa.table({"v": pa.array(values.tolist(), pa.list_(pa.float32(), 6))}), tmp_path / "a.parquet"
    )
    said = inspect(tmp_path / "a.parquet", "--sample", "100")
    assert said["sampled"] == 100 and said["pair_similarity"]["count"] == 4950
    assert said == inspect(tmp_path / "a.parquet", "--sample", "100", "--threads", "3")
    assert inspect(tmp_path / "a.parquet", "--sample", "0")["pair_similarity"] is None
