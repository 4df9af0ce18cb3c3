"""examples/daft with two processes that are killed. script/examples runs this; without Daft, it skips."""

import importlib.util
import subprocess
import sys

import cluster
import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("daft") is None, reason="no Daft here: script/examples")


def start(folder, model, source, output, **more):
    environment = cluster.environment(folder, DAFT_ANALYTICS_ENABLED="0", DO_NOT_TRACK="true", **more)
    command = [sys.executable, cluster.EXAMPLES / "daft" / "embed.py", model, source, "text", output]
    return subprocess.Popen(
        list(map(str, [*command, "--workers", 2, "--cpus", 1])),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_killed_programs_lose_and_double_no_row(tmp_path):
    source, model = cluster.write_source(tmp_path / "in"), cluster.own_model(tmp_path)
    plain = cluster.plain_run(model, source, tmp_path / "plain.parquet")
    with cluster.Killer(model, most=4, first=3) as killer:
        run = start(tmp_path, model, source, tmp_path / "out")
        said = run.communicate(timeout=600)[0]
    assert run.returncode == 0, said[-4000:]
    assert len(killer.killed) >= 2, killer.killed
    cluster.assert_same_rows(tmp_path / "out", plain, hashes=False)
    cluster.assert_duckdb_agrees(f"{tmp_path}/out/*.parquet", plain)


@pytest.mark.skipif(not cluster.real_model(), reason="no MiniLM here: script/models")
def test_minilm(tmp_path):
    source, model = cluster.write_source(tmp_path / "in", 200, 2), cluster.real_model()
    plain = cluster.plain_run(model, source, tmp_path / "plain.parquet")
    run = start(tmp_path, model, source, tmp_path / "out")
    said = run.communicate(timeout=600)[0]
    assert run.returncode == 0, said[-4000:]
    cluster.assert_same_rows(tmp_path / "out", plain, hashes=False)
    cluster.assert_duckdb_agrees(f"{tmp_path}/out/*.parquet", plain, 200)


def test_a_killed_process_ends_the_run_and_the_next_one_replaces_what_it_left(tmp_path):
    """Daft 0.7 starts no other process for one that died, so the whole run is what is tried again."""
    source, model = cluster.write_source(tmp_path / "in"), cluster.own_model(tmp_path)
    plain = cluster.plain_run(model, source, tmp_path / "plain.parquet")
    with cluster.Killer(model, most=1, first=3, parents=1.0) as killer:
        run = start(tmp_path, model, source, tmp_path / "out")
        said = run.communicate(timeout=300)[0]
    assert killer.killed and run.returncode != 0, said[-4000:]
    run = start(tmp_path, model, source, tmp_path / "out")
    said = run.communicate(timeout=600)[0]
    assert run.returncode == 0, said[-4000:]
    cluster.assert_same_rows(tmp_path / "out", plain, hashes=False)
    cluster.assert_duckdb_agrees(f"{tmp_path}/out/*.parquet", plain)
