"""examples/spark on two workers of one machine that are killed. script/examples runs this; without Spark, it skips."""

import importlib.util
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import cluster
import pytest

pytestmark = pytest.mark.skipif(
    not shutil.which("java") or importlib.util.find_spec("pyspark") is None, reason="no Spark here: script/examples"
)


def start(folder, model, source, output):
    """local-cluster: two workers with a JVM each, which start executors with a JVM each."""
    conf = {
        "spark.task.maxFailures": 16,
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.files.maxPartitionBytes": 400_000,
        "spark.executorEnv.PYTHONPATH": cluster.python_path(),
        "spark.sql.warehouse.dir": folder / "warehouse",
        "spark.local.dir": folder / "local",
    }
    flags = [word for key, value in conf.items() for word in ("--conf", f"{key}={value}")]
    arguments = ["--master", "local-cluster[2,1,1024]", *flags, cluster.EXAMPLES / "spark" / "embed.py"]
    # Workers keep their files in SPARK_HOME/work: the test's own folder, and not the cache.
    home = folder / "spark"
    if not home.exists():
        home.mkdir()
        for entry in pathlib.Path(os.environ["SPARK_HOME"]).iterdir():
            if entry.name != "work":
                (home / entry.name).symlink_to(entry)
    command = ["bash", home / "bin" / "spark-submit"]
    environment = cluster.environment(
        folder, SPARK_HOME=str(home), PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1"
    )
    return subprocess.Popen(
        list(map(str, [*command, *arguments, model, source, "text", output])),
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_killed_executors_workers_and_programs_lose_and_double_no_row(tmp_path):
    source, model = cluster.write_source(tmp_path / "in"), cluster.own_model(tmp_path)
    plain = cluster.plain_run(model, source, tmp_path / "plain.parquet")
    # The parent of a program is a Python worker; now and then one kills an executor, two above.
    with cluster.Killer(model, most=5, parents=0.5) as killer:
        run = start(tmp_path, model, source, tmp_path / "out")
        cluster.wait_for(lambda: killer.killed or run.poll() is not None, 300)
        executors = cluster.processes(lambda words: "CoarseGrainedExecutorBackend" in " ".join(words), run.pid)
        for pid in executors[:1]:
            os.kill(pid, signal.SIGKILL)
        said = run.communicate(timeout=600)[0]
    assert run.returncode == 0, said[-6000:]
    assert executors and len(killer.killed) >= 2, killer.killed
    assert (tmp_path / "out" / "_SUCCESS").exists()
    cluster.assert_same_rows(tmp_path / "out", plain, hashes=False)
    cluster.assert_duckdb_agrees(f"{tmp_path}/out/*.parquet", plain)


@pytest.mark.skipif(not cluster.real_model(), reason="no MiniLM here: script/models")
def test_minilm(tmp_path):
    source, model = cluster.write_source(tmp_path / "in", 200, 2), cluster.real_model()
    plain = cluster.plain_run(model, source, tmp_path / "plain.parquet")
    run = start(tmp_path, model, source, tmp_path / "out")
    said = run.communicate(timeout=600)[0]
    assert run.returncode == 0, said[-6000:]
    cluster.assert_same_rows(tmp_path / "out", plain, hashes=False)
    cluster.assert_duckdb_agrees(f"{tmp_path}/out/*.parquet", plain, 200)
