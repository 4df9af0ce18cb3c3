"""Runs of the embed command that read from far away: what they may say, and what they do when the line breaks."""

import hashlib
import os
import subprocess
import sys
import time

import private_root
import pytest
from database_servers import PASSWORD
from program import CLI, MODELS, PROJECT, rows

LIST = PROJECT / "script/peers-databases.txt"
PEERS = private_root.CACHE / f"peers-{hashlib.sha256(LIST.read_bytes()).hexdigest()[:16]}"
sys.path.append(str(PEERS))

MODEL = MODELS / "bert.gguf"
SECRET_KEY, TOKEN = "s3cr3t/key+of=S3", "t0ken/of+a=session"

needs_root = pytest.mark.skipif(
    not private_root.newest_root("databases"), reason="script/root-fs databases was not run"
)
needs_peers = pytest.mark.skipif(not PEERS.is_dir(), reason="script/peers databases was not run")


def command(output, *flags):
    return [CLI, "embed", "-m", str(MODEL), "-o", str(output), *map(str, flags)]


def run(output, *flags, status=0, **environment):
    done = subprocess.run(
        command(output, *flags), capture_output=True, text=True, timeout=300, env={**os.environ, **environment}
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr and SECRET_KEY not in done.stdout + done.stderr
    return done


def broken_off(process, journal, break_it, status=6, enough=3_300_000):
    """Once some work is in the journal (2.7 MB long when it is empty), break_it(); then what the run said."""
    for _ in range(1200):
        if sum(path.stat().st_size for path in journal.parent.glob(journal.name + "*")) > enough:
            break
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    break_it()
    out, err = process.communicate(timeout=300)
    assert process.returncode == status, out + err
    assert err.count("Error: ") == 1 and "rows are done, and the same command goes on from there" in err, err
    assert PASSWORD not in out + err and SECRET_KEY not in out + err
    return err[err.index("Error: ") :]


def goes_on(out, *flags, **environment):
    said = run(out, *flags, **environment).stdout
    assert "Resuming: " in said and "from the interrupted run" in said, said
    return rows(out)


def start(out, *flags, **environment):
    return subprocess.Popen(
        command(out, *flags),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
