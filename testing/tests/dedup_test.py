"""llama-cli dedup: groups as brute force in numpy finds them, and every column kept."""

import numpy
import pyarrow as pa
import pyarrow.parquet
import pytest
from program import MODELS
from vector_files import MINILM, embed, numbers, read, run, run_json, sentences, unit, write_texts

MODEL = MODELS / "bert.gguf"


def write_vectors(path, vectors, **columns):
    array = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    pa.parquet.write_table(pa.table({**columns, "embedding": array}), path, row_group_size=500)
    return path


def groups_of(vectors, threshold):
    """Brute force: the least row of each row's connected component."""
    near = unit(vectors.astype(numpy.float64)) @ unit(vectors.astype(numpy.float64)).T >= threshold - 1e-12
    group = numpy.arange(len(vectors))
    while True:
        lower = numpy.array([group[row].min() for row in near])
        if (lower == group).all():
            return group
        group = lower


def clustered(rows, dimension, seed=1):
    """Some hundred directions, each with some rows around it at various angles."""
    random = numpy.random.default_rng(seed)
    centers = random.normal(size=(rows // 3, dimension))
    picked = centers[random.integers(len(centers), size=rows)]
    noise = random.normal(size=(rows, dimension)) * random.uniform(0.02, 0.5, size=(rows, 1))
    return ((picked + noise) * random.uniform(0.5, 2, size=(rows, 1))).astype(numpy.float32)


def pairs_found(group, vectors, threshold):
    """How many of the near pairs are of one group."""
    near = numpy.argwhere(numpy.triu(unit(vectors) @ unit(vectors).T >= threshold, 1))
    return (group[near[:, 0]] == group[near[:, 1]]).mean(), len(near)


def test_all_compared_is_brute_force(tmp_path):
    vectors = clustered(1200, 24)
    file = write_vectors(tmp_path / "v.parquet", vectors, id=list(range(1200)))
    for threshold in (0.9, 0.97):
        out = tmp_path / f"{threshold}.parquet"
        said = run_json("dedup", file, "--threshold", threshold, "--recall", "1", "-o", out)
        expected = groups_of(vectors, threshold)
        table = read(out)
        assert table["group"].to_pylist() == expected.tolist()
        assert table["kept"].to_pylist() == (expected == numpy.arange(1200)).tolist()
        sizes = numpy.bincount(expected, minlength=1200)
        assert said["groups"] == (sizes > 1).sum() > 50 and said["largest"] == sizes.max()
        assert said["kept"] == said["rows"] - said["duplicates"] == (sizes > 0).sum() and said["recall"] == 1


def test_hashing_finds_what_it_says_and_joins_nothing_that_is_not_near(tmp_path):
    vectors = clustered(6000, 32, seed=2)
    file = write_vectors(tmp_path / "v.parquet", vectors)
    said = run_json("dedup", file, "--threshold", "0.95", "-o", tmp_path / "out.parquet")
    assert said["bits"] > 0 and 0.99 <= said["recall"] < 1
    group = numpy.array(read(tmp_path / "out.parquet")["group"])
    share, pairs = pairs_found(group, vectors.astype(numpy.float64), 0.95)
    assert pairs > 1000 and share >= 0.99
    expected = groups_of(vectors, 0.95)
    # Of two rows in one group by hashing, both are in one by brute force.
    assert all(len(set(expected[group == g])) == 1 for g in numpy.unique(group))
    again = run_json("dedup", file, "--threshold", "0.95", "-o", tmp_path / "again.parquet", "--threads", "1")
    assert read(tmp_path / "again.parquet")["group"].equals(read(tmp_path / "out.parquet")["group"])
    assert again["kept"] == said["kept"]


def test_many_rows_are_shared_among_threads_with_the_same_groups(tmp_path):
    file = write_vectors(tmp_path / "v.parquet", clustered(9000, 8, seed=4))
    said = [run_json("dedup", file, "--recall", "1", "-o", tmp_path / f"{n}.parquet", "--threads", n) for n in (1, 4)]
    assert said[0]["groups"] == said[1]["groups"] > 500 and said[0]["bits"] == 0
    assert read(tmp_path / "1.parquet").equals(read(tmp_path / "4.parquet"))


def test_columns_metadata_and_types_are_kept(tmp_path):
    texts = sentences(50) + sentences(20)
    columns = {
        "id": pa.array(range(70), pa.int32()),
        "Group": [f"g{i}" for i in range(70)],
        "day": pa.array(range(70), pa.date32()),
        "tags": [["a", str(i)] for i in range(70)],
        "kind": pa.array(["x", "y"] * 35).dictionary_encode(),
    }
    source = write_texts(tmp_path / "in.parquet", texts, **columns)
    for dtype in ("float32", "float16", "int8", "binary"):
        file = embed(MODEL, source, tmp_path / f"{dtype}.parquet", "--dtype", dtype)
        out = tmp_path / f"{dtype}.out.parquet"
        said = run("dedup", file, "--threshold", "1", "-o", out)
        assert "'Group' is written as 'Group_input'" in said.stderr
        a, b = read(file), read(out)
        assert b.schema.names == ["Group_input" if n == "Group" else n for n in a.schema.names] + ["group", "kept"]
        renamed = b.select(b.schema.names[: a.num_columns]).rename_columns(a.schema.names)
        assert renamed.equals(a) and [f.nullable for f in renamed.schema] == [f.nullable for f in a.schema]
        assert {k: v for k, v in b.schema.metadata.items() if k in a.schema.metadata} == a.schema.metadata
        group, first = b["group"].to_pylist(), {}
        for row, text in enumerate(texts):  # equal texts have equal vectors
            assert group[row] <= first.setdefault(text, row)
        kept = tmp_path / f"{dtype}.kept.parquet"
        run("dedup", file, "--threshold", "1", "-o", kept, "--drop")
        assert read(kept).equals(a.filter(b["kept"])) and read(kept).schema.names == a.schema.names
        # What is kept is a file of ours.
        assert run_json("verify", kept)["is_right"]


def test_rows_without_a_direction_are_kept_and_alone(tmp_path):
    vectors = numpy.ones((6, 4), numpy.float32)
    vectors[1], vectors[2], vectors[4] = 0, numpy.nan, [1, -1, 1, -1]
    rows = vectors.tolist()
    rows[5] = None
    table = pa.table({"v": pa.array(rows, pa.list_(pa.float32()))})
    pa.parquet.write_table(table, tmp_path / "v.parquet")
    said = run_json("dedup", tmp_path / "v.parquet", "-o", tmp_path / "out.arrow")
    out = pa.ipc.open_file(tmp_path / "out.arrow").read_all()
    assert out["group"].to_pylist() == [0, None, None, 0, 4, None]
    assert out["kept"].to_pylist() == [True, True, True, False, True, True]
    assert (said["without_vector"], said["duplicates"], said["equal"]) == (3, 1, 1)


def test_vectors_that_do_not_fit_into_memory_lie_in_a_file_without_a_name(tmp_path):
    vectors = clustered(3000, 16, seed=3)
    file = write_vectors(tmp_path / "v.parquet", vectors)
    said = run_json("dedup", file, "-o", tmp_path / "a.parquet")
    other = run_json("dedup", file, "-o", tmp_path / "b.parquet", "--memory", "10kB")
    assert said["scratch_bytes"] == 0 and other["scratch_bytes"] == vectors.nbytes
    assert read(tmp_path / "a.parquet").equals(read(tmp_path / "b.parquet"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "b.parquet", "v.parquet"]


def test_one_large_group_and_many_parts(tmp_path):
    random = numpy.random.default_rng(1)
    vectors = (numpy.ones((10_000, 8)) + random.normal(size=(10_000, 8)) * 0.01).astype(numpy.float32)
    (tmp_path / "in").mkdir()
    for part in range(3):
        write_vectors(tmp_path / "in" / f"part-{part}.parquet", vectors[part::3])
    said = run_json("dedup", tmp_path / "in", "-o", tmp_path / "out", "--split-rows", "4000")
    assert (said["groups"], said["kept"], said["largest"]) == (1, 1, 10_000)
    parts = sorted((tmp_path / "out").iterdir())
    assert [read(part).num_rows for part in parts] == [4000, 4000, 2000]


def test_parts_of_different_models_are_refused_by_all_three(tmp_path):
    source = write_texts(tmp_path / "in.parquet", sentences(5))
    (tmp_path / "parts").mkdir()
    for model in ("bert", "bert-q5_0"):
        embed(MODELS / f"{model}.gguf", source, tmp_path / "parts" / f"{model}.parquet")
    for command in (["dedup"], ["verify"], ["compare", tmp_path / "parts"]):
        assert "another model" in run(*command, tmp_path / "parts", status=3).stderr


def test_nothing_is_replaced_unasked_and_errors_name_the_way_out(tmp_path):
    file = write_vectors(tmp_path / "v.parquet", clustered(30, 8))
    out = tmp_path / "out.parquet"
    run("dedup", file, "-o", out)
    assert "--force" in run("dedup", file, "-o", out, status=5).stderr
    run("dedup", file, "-o", out, "--force")
    assert "replace the input" in run("dedup", file, "-o", file, "--force", status=2).stderr
    assert "--memory" in run("dedup", file, "--memory", "much", status=2).stderr
    assert "--output" in run("dedup", file, "--drop", status=2).stderr
    assert run("dedup", file, "--threshold", "0", status=2).stderr
    assert "gone" in run("dedup", tmp_path / "gone.parquet", status=3).stderr
    empty = tmp_path / "empty.parquet"
    pa.parquet.write_table(read(file).slice(0, 0), empty)
    assert run_json("dedup", empty, "-o", tmp_path / "e.parquet")["rows_out"] == 0


@pytest.mark.skipif(not MINILM.exists(), reason="MiniLM is not in the cache")
def test_real_vectors_hashed_and_compared_with_all(tmp_path):
    """Near-duplicate sentences: a word is another, or the end is."""
    random = numpy.random.default_rng(6)
    texts = sentences(700, seed=8)
    near = [texts[i] + random.choice([".", " again", "!", " and more"]) for i in random.integers(700, size=700)]
    source = write_texts(tmp_path / "in.parquet", texts + near)
    file = embed(MINILM / "all-MiniLM-L6-v2-Q8_0.gguf", source, tmp_path / "v.parquet", "--max-length", "32")
    vectors = numbers(read(file))
    said = run_json("dedup", file, "--threshold", "0.93", "-o", tmp_path / "out.parquet")
    assert said["bits"] > 0 and said["recall"] >= 0.99
    group = numpy.array(read(tmp_path / "out.parquet")["group"])
    share, pairs = pairs_found(group, vectors, 0.93)
    assert pairs > 300 and share >= said["recall"]
    expected = groups_of(vectors, 0.93)
    assert (group >= expected).all() and (group == expected).mean() > 0.98
