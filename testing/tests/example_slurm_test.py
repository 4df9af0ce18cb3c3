"""examples/slurm on two nodes of one machine: tasks killed, a node lost.

script/examples runs this; without Slurm it skips.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import cluster
import pytest
from program import CLI

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
pytestmark = pytest.mark.skipif(
    not (shutil.which("slurmctld", path=PATH) and shutil.which("munged", path=PATH) and os.getuid() == 0),
    reason="no Slurm and munge here, or not root: script/examples",
)
SHARES = 6

# Without cgroups: processes are tracked by their parents. A node that is silent for ten seconds is down; a job that was
# put back may start again after cred_expire seconds (120 by default).
CONF = """
ClusterName=two
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={work}/munge.socket,cred_expire=5
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
StateSaveLocation={work}/state
SlurmdSpoolDir={work}/spool-%n
SlurmctldPidFile={work}/slurmctld.pid
SlurmdPidFile={work}/slurmd-%n.pid
SlurmdTimeout=10
ReturnToService=2
KillWait=2
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    def __init__(self, work):
        self.work, self.daemons = work, {}
        work.mkdir(mode=0o755)
        (work / "state").mkdir()
        (work / "slurm.conf").write_text(
            CONF.format(work=work, host=socket.gethostname(), ports=cluster.free_ports(3))
        )
        self.environment = cluster.environment(work, SLURM_CONF=str(work / "slurm.conf"))
        self.environment["PATH"] += ":/usr/sbin:/sbin"
        (work / "munge.key").write_bytes(os.urandom(128))
        (work / "munge.key").chmod(0o600)
        files = [f"--{name}={work}/munge.{end}" for name, end in (("key-file", "key"), ("socket", "socket"))]
        files += [f"--{name}={work}/munge.{name}" for name in ("pid-file", "log-file", "seed-file")]
        self.start("munged", "munged", "--foreground", "--force", *files)
        cluster.wait_for((work / "munge.socket").exists)
        self.start("slurmctld", "slurmctld", "-D")
        for node in ("n1", "n2"):
            self.start_node(node)
        cluster.wait_for(lambda: self.ask("sinfo", "-h", "-o", "%t %D") == "idle 2")

    def start(self, name, *command):
        with open(self.work / f"{name}.log", "a") as log:
            self.daemons[name] = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def start_node(self, node):
        self.start(node, "slurmd", "-D", "-N", node)

    def ask(self, *command):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        return done.stdout.strip()

    def lose_node(self, node):
        """What a power cut leaves: nothing of the node's daemon, its steps and their programs."""
        doomed = [self.daemons[node].pid]
        for entry in pathlib.Path("/proc").iterdir():
            try:
                words = cluster.words_of(entry.name) if entry.name.isdigit() else []
                mine = pathlib.Path(entry, "environ").read_bytes().decode(errors="replace") if words else ""
            except OSError:
                continue
            if f"SLURM_CONF={self.work}/" in mine and (f"SLURMD_NODENAME={node}" in mine.split("\0")):
                doomed.append(int(entry.name))
        doomed += [
            pid for child in doomed for pid in (cluster.parent(child),) if "slurmstepd" in cluster.words_of(pid)[0]
        ]
        for pid in dict.fromkeys(doomed):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.daemons[node].wait()

    def submit(self, model, source, folder, shares=SHARES):
        return subprocess.Popen(
            [
                *("sbatch", "--wait", f"--array=0-{shares - 1}", "--chdir", self.work),
                *(cluster.EXAMPLES / "slurm" / "embed.sbatch", model, source, "text", folder),
            ],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def stop(self):
        self.ask("scancel", "-u", "root")
        self.ask("scontrol", "shutdown")
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
        for daemon in self.daemons.values():
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


@pytest.fixture
def slurm(tmp_path):
    started = Slurm(tmp_path / "slurm")
    yield started
    started.stop()


def check_whole(folder, merged, plain, count=cluster.ROWS):
    said = json.loads(subprocess.run([CLI, "shards", folder, "--json"], check=True, capture_output=True).stdout)
    assert said["is_whole"] and not said["strays"] and said["rows_out"] == count
    subprocess.run([CLI, "shards", folder, "--merge", merged], check=True, capture_output=True)
    cluster.assert_same_rows(merged, plain)
    cluster.assert_duckdb_agrees(f"{folder}/*.parquet", plain, count)


def test_killed_tasks_and_a_lost_node_lose_and_double_no_row(tmp_path, slurm):
    source, model = cluster.write_source(tmp_path / "in"), cluster.own_model(tmp_path)
    plain = cluster.plain_run(model, source, tmp_path / "plain.parquet")
    with cluster.Killer(model, most=3) as killer:
        job = slurm.submit(model, source, tmp_path / "out")
        cluster.wait_for(lambda: killer.killed)
        cluster.wait_for(lambda: slurm.ask("squeue", "-h", "-w", "n2", "-t", "R"))
        slurm.lose_node("n2")
        cluster.wait_for(lambda: "down" in slurm.ask("sinfo", "-h", "-n", "n2", "-o", "%t"))
        slurm.start_node("n2")
        said = job.communicate(timeout=600)[0]
    assert killer.killed
    assert job.returncode == 0, said + "".join(log.read_text() for log in slurm.work.glob("embed-*.log"))
    logs = "".join(log.read_text() for log in slurm.work.glob("embed-*.log"))
    assert logs.count("Loading model") >= SHARES + 2, logs  # one was killed, one lost with its node: both began again
    check_whole(tmp_path / "out", tmp_path / "merged.parquet", plain)
    # Submitted again: everything is there.
    assert slurm.submit(model, source, tmp_path / "out").wait(300) == 0
    check_whole(tmp_path / "out", tmp_path / "merged-again.parquet", plain)


@pytest.mark.skipif(not cluster.real_model(), reason="no MiniLM here: script/models")
def test_minilm(tmp_path, slurm):
    source, model = cluster.write_source(tmp_path / "in", 200, 2), cluster.real_model()
    plain = cluster.plain_run(model, source, tmp_path / "plain.parquet")
    assert slurm.submit(model, source, tmp_path / "out", shares=2).wait(600) == 0
    check_whole(tmp_path / "out", tmp_path / "merged.parquet", plain, 200)
