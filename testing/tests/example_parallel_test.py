"""examples/parallel: shares that are killed, and GNU parallel itself.

script/examples runs this; without GNU parallel it skips.
"""

import json
import os
import shutil
import signal
import subprocess

import cluster
import pytest
from program import CLI

pytestmark = pytest.mark.skipif(not shutil.which("parallel"), reason="no GNU parallel here: script/examples")
SHARES = 6


def start(model, source, folder, environment, shares=SHARES):
    command = [cluster.EXAMPLES / "parallel" / "embed.sh", model, source, "text", folder, shares, 2]
    return subprocess.Popen(
        list(map(str, command)),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def check_whole(folder, merged, plain, count=cluster.ROWS):
    said = json.loads(subprocess.run([CLI, "shards", folder, "--json"], check=True, capture_output=True).stdout)
    assert said["is_whole"] and not said["strays"] and said["rows_out"] == count
    subprocess.run([CLI, "shards", folder, "--merge", merged], check=True, capture_output=True)
    cluster.assert_same_rows(merged, plain)
    cluster.assert_duckdb_agrees(f"{folder}/*.parquet", plain, count)


def test_killed_shares_are_tried_again_and_every_row_comes_once(tmp_path):
    source, model = cluster.write_source(tmp_path / "in"), cluster.own_model(tmp_path)
    plain = cluster.plain_run(model, source, tmp_path / "plain.parquet")
    with cluster.Killer(model, most=5) as killer:
        run = start(model, source, tmp_path / "out", cluster.environment(tmp_path))
        said = run.communicate(timeout=600)[0]
    assert run.returncode == 0, said
    assert len(killer.killed) >= 3, killer.killed
    check_whole(tmp_path / "out", tmp_path / "merged.parquet", plain)


def test_the_same_command_goes_on_where_parallel_itself_was_killed(tmp_path):
    source, model = cluster.write_source(tmp_path / "in"), cluster.own_model(tmp_path)
    plain = cluster.plain_run(model, source, tmp_path / "plain.parquet")
    environment = cluster.environment(tmp_path)
    run = start(model, source, tmp_path / "out", environment)
    cluster.wait_for(lambda: list((tmp_path / "out").glob(".part-*.json")))
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    done = list((tmp_path / "out").glob(".part-*.json"))
    assert 0 < len(done) < SHARES
    cluster.wait_for(lambda: not cluster.embedding(model))
    before = {path: path.stat().st_mtime_ns for path in done}
    run = start(model, source, tmp_path / "out", environment)
    said = run.communicate(timeout=600)[0]
    assert run.returncode == 0, said
    assert before == {path: path.stat().st_mtime_ns for path in done}, "a share was computed twice"
    check_whole(tmp_path / "out", tmp_path / "merged.parquet", plain)


def test_a_file_a_task_and_the_table_split_by_duckdb(tmp_path):
    source, model = cluster.write_source(tmp_path / "in"), cluster.own_model(tmp_path)
    plain = cluster.plain_run(model, source, tmp_path / "plain.parquet")
    cluster.duckdb(
        f"copy (from '{source}/*.parquet') to '{tmp_path}/split' "
        "(format parquet, row_group_size 2048, file_size_bytes '100kB')"
    )
    files = sorted((tmp_path / "split").iterdir())
    assert len(files) > 2
    with cluster.Killer(model, most=3) as killer:
        command = [cluster.EXAMPLES / "parallel" / "embed_files.sh", model, "text", tmp_path / "out", *files]
        subprocess.run(list(map(str, command)), env=cluster.environment(tmp_path), check=True, timeout=600)
    assert killer.killed
    assert len(list((tmp_path / "out").iterdir())) == len(files), "no journal is left, and nothing half written"
    cluster.assert_same_rows(tmp_path / "out", plain)
    cluster.assert_duckdb_agrees(f"{tmp_path}/out/*.parquet", plain)


def test_a_share_that_cannot_be_done_ends_the_script(tmp_path):
    source = cluster.write_source(tmp_path / "in", 100, 1)
    (tmp_path / "broken.gguf").write_bytes(b"GGUF")
    run = start(tmp_path / "broken.gguf", source, tmp_path / "out", cluster.environment(tmp_path))
    said = run.communicate(timeout=600)[0]
    assert run.returncode not in (0, None) and "broken.gguf" in said


@pytest.mark.skipif(not cluster.real_model(), reason="no MiniLM here: script/models")
def test_minilm(tmp_path):
    source, model = cluster.write_source(tmp_path / "in", 200, 2), cluster.real_model()
    plain = cluster.plain_run(model, source, tmp_path / "plain.parquet")
    run = start(model, source, tmp_path / "out", cluster.environment(tmp_path), shares=2)
    assert run.communicate(timeout=600) and run.returncode == 0
    check_whole(tmp_path / "out", tmp_path / "merged.parquet", plain, 200)
