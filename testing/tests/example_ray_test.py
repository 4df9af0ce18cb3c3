"""examples/ray on two nodes of one machine: actors and their programs are killed.

script/examples runs this; without Ray it skips.
"""

import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

import cluster
import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="no Ray here: script/examples")


class Nodes:
    """Two nodes of two CPUs; Ray's sockets want a short path."""

    def __init__(self, folder):
        self.sockets = tempfile.TemporaryDirectory(prefix="ray")
        self.environment = cluster.environment(
            folder, RAY_USAGE_STATS_ENABLED="0", RAY_DISABLE_DOCKER_CPU_WARNING="1"
        )
        self.daemons = []
        port = str(cluster.free_ports(1)[0])
        here = ("--node-ip-address=127.0.0.1", "--num-cpus=2", "--object-store-memory=200000000", "--block")
        self.start("--head", "--port=" + port, "--include-dashboard=false", "--temp-dir=" + self.sockets.name, *here)
        self.address = "127.0.0.1:" + port
        cluster.wait_for(lambda: self.nodes() >= 1)
        self.start("--address=" + self.address, *here)
        cluster.wait_for(lambda: self.nodes() == 2)
        self.environment["RAY_ADDRESS"] = self.address

    def start(self, *arguments):
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", *arguments]
        log = open(pathlib.Path(self.sockets.name) / f"node{len(self.daemons)}.log", "w")
        self.daemons.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))

    def nodes(self):
        ask = (
            "import ray; ray.init(address=%r, logging_level='ERROR', log_to_driver=False);"
            "print(sum(n['Alive'] for n in ray.nodes()))" % self.address
        )
        done = subprocess.run([sys.executable, "-c", ask], env=self.environment, capture_output=True, text=True)
        return int(done.stdout.split()[-1]) if done.returncode == 0 and done.stdout.split() else 0

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in self.daemons:
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.sockets.cleanup()


@pytest.fixture
def nodes(tmp_path):
    started = Nodes(tmp_path)
    yield started
    started.stop()


def start(nodes, model, source, output):
    command = [sys.executable, cluster.EXAMPLES / "ray" / "embed.py", model, source, "text", output]
    return subprocess.Popen(
        list(map(str, [*command, "--workers", 2, "--cpus", 1, "--blocks", 8])),
        env=nodes.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_killed_actors_and_programs_lose_and_double_no_row(tmp_path, nodes):
    source, model = cluster.write_source(tmp_path / "in"), cluster.own_model(tmp_path)
    plain = cluster.plain_run(model, source, tmp_path / "plain.parquet")
    with cluster.Killer(model, most=4, parents=0.5) as killer:
        run = start(nodes, model, source, tmp_path / "out")
        said = run.communicate(timeout=600)[0]
    assert run.returncode == 0, said[-4000:]
    assert len(killer.killed) >= 2, killer.killed
    assert any("ray::" in name for name in killer.killed), killer.killed
    cluster.assert_same_rows(tmp_path / "out", plain, hashes=False)
    cluster.assert_duckdb_agrees(f"{tmp_path}/out/*.parquet", plain)


@pytest.mark.skipif(not cluster.real_model(), reason="no MiniLM here: script/models")
def test_minilm(tmp_path, nodes):
    source, model = cluster.write_source(tmp_path / "in", 200, 2), cluster.real_model()
    plain = cluster.plain_run(model, source, tmp_path / "plain.parquet")
    run = start(nodes, model, source, tmp_path / "out")
    said = run.communicate(timeout=600)[0]
    assert run.returncode == 0, said[-4000:]
    cluster.assert_same_rows(tmp_path / "out", plain, hashes=False)
    cluster.assert_duckdb_agrees(f"{tmp_path}/out/*.parquet", plain, 200)
