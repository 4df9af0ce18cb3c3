"""Downloads by processes that are killed, interrupted, or that several people start at once.

The numbers are those of doc/loader.md's list of faults.
"""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

import pytest
from fetching import (MODEL, SIZE, command, environment, fetch, leave_partial, preloaded, published, right,
                      split_model, wrong)
from program import CLI

import fake_hub_faults as faults  # fetching knows where


# 18: killed

def test_18_killed_at_random_points(hub, tmp_path, big):
    hub.add("org/big", "m.gguf", big)
    hub.rate_per_connection = 8_000_000
    rng = random.Random(5)
    kills = n = 0
    while kills < int(os.environ.get("KILLS", "50")):
        n += 1
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        hub.forget()
        for attempt in range(20):
            process = subprocess.Popen(command(tmp_path, repo="org/big"), env=environment(hub, tmp_path),
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            try:
                process.wait(rng.uniform(0.02, 0.5))
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
                assert published(tmp_path) in ([], ["m.gguf"]) or all(
                    pathlib.Path(tmp_path / "cache" / p).read_bytes() == big for p in published(tmp_path))
        # Lost: what came since the last quarter of a second, and what was on the wire.
        assert hub.sent() <= len(big) + (attempt + 1) * 4 * 4_000_000, (n, attempt, hub.sent())
        there = bool(published(tmp_path))  # on a busy machine the last of the attempts may have been killed too
        right(fetch(hub, tmp_path, repo="org/big"), big, hit="hit" if there else "new")


def test_18_killed_between_the_last_byte_and_the_name(hub, tmp_path):
    leave_partial(tmp_path, MODEL, SIZE)
    (tmp_path / "cache/.incoming/model-abandoned").mkdir()
    right(fetch(hub, tmp_path))
    assert hub.sent() == 0


# 19: several processes

def test_19_eight_processes_make_one_download(hub, tmp_path, big, more=None):
    hub.add("org/big", "m.gguf", big)
    hub.rate_per_connection = 8_000_000
    processes = [subprocess.Popen(command(tmp_path, repo="org/big"), env=environment(hub, tmp_path, **(more or {})),
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    outputs = [p.communicate(timeout=120) for p in processes]
    assert all(out.startswith("ok ") for out, _ in outputs), outputs
    assert hub.sent() == len(big)
    assert sum("new" in out.split()[1] for out, _ in outputs) == 1
    assert any("waiting for process" in err for _, err in outputs)


def test_19_the_same_where_flock_does_nothing(hub, tmp_path, big):
    no_flock = preloaded(tmp_path, "no_flock",
                         "int flock(int fd, int operation) { (void)fd; (void)operation; return 0; }\n")
    test_19_eight_processes_make_one_download(hub, tmp_path, big, no_flock)


def test_19_whoever_waits_takes_over_when_the_holder_dies(hub, tmp_path, big):
    hub.add("org/big", "m.gguf", big)
    hub.rate_per_connection = 1_500_000
    first = subprocess.Popen(command(tmp_path, repo="org/big"), env=environment(hub, tmp_path),
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    second = subprocess.Popen(command(tmp_path, repo="org/big"), env=environment(hub, tmp_path),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    first.kill()
    hub.rate_per_connection = 0
    out, err = second.communicate(timeout=60)
    assert out.startswith("ok new") and f"waiting for process {first.pid}" in err


def test_19_parts_with_the_same_content(hub, tmp_path):
    """The second part's lock was the first's: the process waited for itself."""
    part = split_model(tmp_path)[0].read_bytes()
    for number in (1, 2):
        hub.add("org/twice", f"m-0000{number}-of-00002.gguf", part)
    run = fetch(hub, tmp_path, repo="org/twice")
    wrong(run, "InvalidModel", tmp_path=tmp_path)
    assert "waiting" not in run.stderr and hub.sent() == len(part)


def test_19_two_models_with_the_same_contents_in_another_order(hub, tmp_path, big):
    """Two processes that lock the same contents in the order of their files would wait for each other."""
    other = big[:-1] + b"x"
    for repo, contents in (("org/one", (big, other)), ("org/two", (other, big))):
        for number, content in enumerate(contents, 1):
            hub.add(repo, f"m-0000{number}-of-00002.gguf", content)
    hub.rate_per_connection = 8_000_000
    processes = [subprocess.Popen(command(tmp_path, repo=repo), env=environment(hub, tmp_path),
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                 for repo in ("org/one", "org/two")]
    for process in processes:
        assert process.communicate(timeout=120)[0].startswith("error InvalidModel"), "they are no parts of one model"


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("arguments", [("models", "pull", "org/big"),
                                       ("embed", "-m", "org/big", "-i", "in.txt", "-o", "out.parquet")],
                         ids=["pull", "embed"])
def test_19_a_wait_for_another_process_ends_on_a_signal(hub, tmp_path, big, sent, arguments):
    hub.add("org/big", "m.gguf", big)
    hub.rate_per_connection = 100_000
    (tmp_path / "in.txt").write_text("hello world\n")
    holder = subprocess.Popen(command(tmp_path, repo="org/big"), env=environment(hub, tmp_path),
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while "downloading" not in holder.stderr.readline():
        pass
    waiter = subprocess.Popen([CLI, *arguments, "--cache-dir", str(tmp_path / "cache")],
                              env=environment(hub, tmp_path), cwd=tmp_path,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert f"waiting for process {holder.pid}" in waiter.stderr.readline()
    waiter.send_signal(sent)
    waiter.communicate(timeout=30)
    holder.kill()
    holder.communicate()
    assert waiter.returncode == 128 + sent


# 20: eviction

def test_20_the_model_not_used_for_longest_goes(hub, tmp_path):
    for name in ("a", "b", "c"):
        hub.add(f"org/{name}", f"{name}.gguf", MODEL[:-1] + name.encode())
    limit = f"limit={2 * SIZE + 100}"
    for name in ("a", "b"):
        right(fetch(hub, tmp_path, limit, repo=f"org/{name}"), MODEL[:-1] + name.encode())
        time.sleep(1.1)
    right(fetch(hub, tmp_path, limit, repo="org/a"), MODEL[:-1] + b"a", hit="hit")
    run = fetch(hub, tmp_path, limit, repo="org/c")
    right(run, MODEL[:-1] + b"c")
    assert "removed 'org%2Fb" in run.stderr
    assert sorted(pathlib.Path(p).name for p in published(tmp_path)) == ["a.gguf", "c.gguf"]


def test_20_a_model_in_use_stays(hub, tmp_path):
    for name in ("a", "b"):
        hub.add(f"org/{name}", f"{name}.gguf", MODEL[:-1] + name.encode())
    holder = subprocess.Popen(command(tmp_path, "hold=30", repo="org/a"), env=environment(hub, tmp_path),
                              stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline().startswith("ok new")
    wrong(fetch(hub, tmp_path, f"limit={SIZE + 100}", repo="org/b"), "NoSpace", "in use")
    holder.kill()
    holder.wait()
    right(fetch(hub, tmp_path, f"limit={SIZE + 100}", repo="org/b"), MODEL[:-1] + b"b")


def test_20_a_model_larger_than_the_limit(hub, tmp_path):
    hub.add("org/model", "small-Q4_K_M.gguf", MODEL[:1000])
    run = fetch(hub, tmp_path, "limit=100000")
    wrong(run, "NoSpace", "limit", "small-Q4_K_M.gguf", tmp_path=tmp_path)
    assert "--" not in run.stdout  # a library knows no flags
    assert [r.range for r in hub.requests("blob")] == [(0, 65536)]  # no more than the header's beginning


# 22, 23: interrupted, offline

@pytest.mark.parametrize("sent", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT]],
                         ids=["SIGINT", "SIGTERM", "SIGINT twice"])
@pytest.mark.parametrize("arguments", [("models", "pull", "org/big"),
                                       ("embed", "-m", "org/big", "-i", "in.txt", "-o", "out.parquet")],
                         ids=["pull", "embed"])
def test_22_interrupted_and_taken_up_again(hub, tmp_path, big, sent, arguments):
    hub.add("org/big", "m.gguf", big)
    hub.rate_per_connection = 1_500_000
    (tmp_path / "in.txt").write_text("hello world\n")
    process = subprocess.Popen([CLI, *arguments, "--cache-dir", str(tmp_path / "cache")],
                               env=environment(hub, tmp_path), cwd=tmp_path,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1.2)
    for one in sent:
        process.send_signal(one)
    _, err = process.communicate(timeout=5)
    assert process.returncode == 128 + sent[0]
    assert len(sent) > 1 or "run again to go on" in err, err
    assert published(tmp_path) == [] and not (tmp_path / "out.parquet").exists()
    before = hub.sent()
    assert before > 1_000_000
    hub.rate_per_connection = 0
    right(fetch(hub, tmp_path, repo="org/big"), big)
    assert hub.sent() <= len(big) + 4_000_000


@pytest.fixture
def endless(hub, tmp_path):
    """A model in the cache that takes a while to read: a hole of 100 GB stands for its weights."""
    path = pathlib.Path(right(fetch(hub, tmp_path)))
    with open(path, "r+b") as file:
        file.truncate(100_000_000_000)
    return path


def test_22_a_check_of_the_cache_is_interrupted(hub, tmp_path, endless):
    process = subprocess.Popen([CLI, "models", "verify", "--cache-dir", str(tmp_path / "cache")],
                               env=environment(hub, tmp_path),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr.readline().startswith("Checking")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130 and err.startswith("Interrupted: ") and out == "", (out, err)


def test_22_a_check_of_files_that_look_changed_is_interrupted(hub, tmp_path, endless):
    process = subprocess.Popen([CLI, "models", "pull", "org/model", "--offline", "--cache-dir",
                                str(tmp_path / "cache")], env=environment(hub, tmp_path),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "look changed" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 143 and err.startswith("Interrupted: ") and "damaged" not in err, err


@pytest.mark.parametrize("kind", ["info", "blob"])
def test_22_a_retry_is_interrupted(hub, tmp_path, kind):
    hub.fault(kind, faults.status(503, {"Retry-After": "300"}), times=None)
    process = subprocess.Popen([CLI, "models", "pull", "org/model", "--cache-dir", str(tmp_path / "cache")],
                               env=environment(hub, tmp_path),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while "trying again in 30" not in (line := process.stderr.readline()):
        assert line, "it ended"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_23_offline(hub, tmp_path, variable):
    wrong(fetch(hub, tmp_path, **{variable: "1"}), "Offline", "org/model")
    right(fetch(hub, tmp_path))
    hub.forget()
    right(fetch(hub, tmp_path, **{variable: "yes"}), hit="hit")
    right(fetch(None, tmp_path, HF_ENDPOINT=hub.endpoint, HF_HUB_OFFLINE="TRUE"), hit="hit")
    assert hub.requests() == []


def test_23_offline_with_a_model_of_another_endpoint(hub, tmp_path):
    right(fetch(hub, tmp_path))
    wrong(fetch(hub, tmp_path, HF_ENDPOINT="http://mirror.invalid", HF_HUB_OFFLINE="1"), "Offline",
          f"from '{hub.endpoint}', not from 'http://mirror.invalid'", "set HF_ENDPOINT")


def test_23_offline_with_a_part_of_a_model(hub, tmp_path):
    folder = leave_partial(tmp_path, MODEL, 500_000)
    wrong(fetch(hub, tmp_path, HF_HUB_OFFLINE="1"), "Offline", "org/model", tmp_path=tmp_path)
    assert folder.exists()
    right(fetch(hub, tmp_path))
    assert hub.sent() == SIZE - 500_000


def test_23_a_hub_that_is_down_and_a_model_in_the_cache(hub, tmp_path):
    right(fetch(hub, tmp_path))
    for arguments in ((), ("again", "retries=0")):
        run = fetch(hub, tmp_path, *arguments, http_proxy="http://127.0.0.1:9")
        right(run, hit="hit")
        assert ("the model from the cache is used" in run.stderr) == bool(arguments)


def test_23_a_hub_that_is_down(tmp_path):
    wrong(fetch(None, tmp_path), "Network", "127.0.0.1")
