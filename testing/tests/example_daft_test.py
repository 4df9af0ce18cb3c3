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
