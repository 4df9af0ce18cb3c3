"""Whoever turns a file of texts into vectors: a command, and how to run it once and read what came out."""
import concurrent.futures
import dataclasses
import json
import math
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import numpy
import pyarrow.parquet

import places

sys.path.insert(0, str(places.PROJECT / "testing"))
import llama_embedding  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass
class Run:
    """One run. Seconds are of the whole process (None where there is no such thing), engine_seconds of the model's work
    alone."""
    seconds: float | None
    engine_seconds: float
    tokens: int | None  # None: the peer does not say
    peak_bytes: int
    vectors: numpy.ndarray
    outside: float | None = None  # share of a run's time, loading left out, that is not the model's


def peak_bytes(pid):
    found = re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


class PeakSampler(threading.Thread):
    """Asks for a process's peak memory until it has ended. Not ru_maxrss: that of a child begins with its parent's."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak = pid, 0

    def run(self):
        try:
            while size := peak_bytes(self.pid):
                self.peak = size
                time.sleep(0.02)
        except OSError:
            pass  # it has ended


def timed(command, stdout, stderr):
    """Seconds and peak memory of a process that must succeed."""
    began = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL)
    sampler = PeakSampler(process.pid)
    sampler.start()
    status = process.wait()
    seconds = time.perf_counter() - began
    sampler.join()
    if status != 0:
        stderr.seek(0)
        sys.exit(f"bench: {places.shown(' '.join(map(str, command)))}: status {status}\n{stderr.read()[-800:]}")
    return seconds, sampler.peak


class Process:
    """A contender that is a process per run, started for it and measured whole."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Ours(Process):
    def __init__(self, name, model, flags=(), batch_size=None):
        self.name, self.peer = name, False
        self.base = [places.CLI, "embed", "--model", model, "--threads", places.THREADS, "--force", *flags]
        if batch_size:
            self.base += ["--batch-size", batch_size]
        self.command = places.shown(" ".join(map(str, self.base)) + " --input TEXTS --output OUT.parquet")

    def run(self, path, texts):
        with (tempfile.TemporaryDirectory() as folder, open(f"{folder}/out", "w+") as out,
              open(f"{folder}/err", "w+") as err):
            seconds, peak = timed([*self.base, "--input", path, "--output", f"{folder}/out.parquet"], out, err)
            table = pyarrow.parquet.read_table(f"{folder}/out.parquet",
                                               columns=["embedding", "sequence_length", "processing_time_ms"])
            out.seek(0)
            printed = out.read()
        tokens = sum(table["sequence_length"].to_pylist())
        engine = sum(table["processing_time_ms"].to_pylist()) / 1000
        rate = int(re.search(r"Tokens: [\d,]+ \(([\d,]+) tokens/s\)", printed)[1].replace(",", ""))
        vectors = table["embedding"].combine_chunks().values.to_numpy().reshape(len(texts), -1)
        return Run(seconds, engine, tokens, peak, vectors, outside=max(0.0, 1 - engine * rate / tokens))


class LlamaEmbedding(Process):
    def __init__(self, name, model, flags=()):
        self.name, self.peer = name, True
        self.base = ["llama-embedding", "--model", model, "--threads", places.THREADS, "--no-escape",
                     "--embd-output-format", "raw", *flags]
        self.command = places.shown(" ".join(map(str, self.base)) + " --file TEXTS >OUT.json")

    def run(self, path, texts):
        with (tempfile.TemporaryDirectory() as folder, open(f"{folder}/out", "w+") as out,
              open(f"{folder}/err", "w+") as err):
            seconds, peak = timed([*self.base, "--file", path], out, err)
            out.seek(0)
            err.seek(0)
            printed, log = out.read(), err.read()
        vectors = llama_embedding.whole_lines(printed)
        lost = len(texts) - len(vectors)
        assert 0 <= lost <= 2, (self.name, len(vectors), len(texts))  # the end of what it printed, 600 numbers at most
        # Its log tells when the first batch began (minutes.seconds.milliseconds.microseconds) and how large each was.
        stamps = re.search(r"^(\d+)\.(\d+)\.(\d+)\.(\d+) I batch_decode", log, re.MULTILINE)
        before = sum(int(part) * unit for part, unit in zip(stamps.groups(), (60, 1, 1e-3, 1e-6))) if stamps else 0
        tokens = sum(int(n) for n in re.findall(r"batch_decode: n_tokens = (\d+)", log)) or None
        return Run(seconds, seconds - before, tokens, peak, vectors)


class LlamaServer:
    """llama-server, which is up already; many clients ask it at once, a few texts in each request."""
    CLIENTS, TEXTS = 8, 8

    def __init__(self, name, model, longest):
        self.name, self.peer = name, True
        self.base = ["llama-server", "--model", model, "--threads", places.THREADS, "--embedding", "--no-webui",
                     "--parallel", self.CLIENTS,
                     "--kv-unified", "--ctx-size", 8 * longest, "--batch-size", longest, "--ubatch-size", longest]
        self.command = (places.shown(" ".join(map(str, self.base))) +
                        f"; {self.CLIENTS} clients, {self.TEXTS} texts in each /v1/embeddings request")

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen([str(part) for part in self.base] + ["--port", str(port)],
                                        stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        for _ in range(1200):
            try:
                if urllib.request.urlopen(f"{self.url}/health", timeout=5).status == 200:
                    return self
            except OSError:
                time.sleep(0.1)
        sys.exit("bench: llama-server does not come up")

    def ask(self, texts):
        request = urllib.request.Request(f"{self.url}/v1/embeddings", json.dumps({"input": texts}).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=3600) as response:
            answer = json.load(response)
        return [one["embedding"]
                for one in sorted(answer["data"], key=lambda one: one["index"])], answer["usage"]["prompt_tokens"]

    def run(self, path, texts):
        parts = [texts[at:at + self.TEXTS] for at in range(0, len(texts), self.TEXTS)]
        began = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(self.CLIENTS) as clients:
            answers = list(clients.map(self.ask, parts))
        seconds = time.perf_counter() - began
        return Run(None, seconds, sum(tokens for _, tokens in answers), peak_bytes(self.process.pid),
                   numpy.array([vector for vectors, _ in answers for vector in vectors], dtype=numpy.float32))

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Worker:
    """A Python peer: a process that has loaded its model and answers (peer_worker.py). tune() finds its best batch
    size."""

    def __init__(self, name, *arguments):
        self.name, self.peer, self.batch, self.tried = name, True, 8, {}
        self.kind = name.split()[0]  # torch, onnxruntime
        self.base = [sys.executable, HERE / arguments[0], *arguments[1:], places.THREADS]

    @property
    def command(self):
        return places.shown("python3 " + " ".join(map(str, self.base[1:]))) + f"; sorted, batch {self.batch}"

    def __enter__(self):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([str(part) for part in self.base], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.read()
        return self

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            sys.exit(f"bench: {self.name} ended: {self.log.read()[-800:]}")
        return json.loads(line)

    def ask(self, path, batch, count=None, vectors=None):
        self.process.stdin.write(json.dumps({"texts": str(path), "count": count, "batch": batch,
                                             "vectors": vectors}) + "\n")
        self.process.stdin.flush()
        return self.read()

    def probe(self, path, count):
        """Tokens per second on a few texts, once it is warm."""
        self.ask(path, count, count)
        answer = self.ask(path, count, count)
        return answer["tokens"] / answer["compute_seconds"]

    def tune(self, path, batches, count):
        self.ask(path, batches[0], min(count, 2 * batches[0]))  # warms up
        for batch in [*batches, *batches]:  # twice, in turn: what disturbs one try must not decide
            if self.tried.get(batch, math.inf) < max(self.tried.values(), default=0) / 2:
                continue
            answer = self.ask(path, batch, count)
            self.tried[batch] = max(self.tried.get(batch, 0), round(answer["tokens"] / answer["compute_seconds"], 1))
        self.batch = max(self.tried, key=self.tried.get)

    def run(self, path, texts):
        with tempfile.TemporaryDirectory() as folder:
            answer = self.ask(path, self.batch, vectors=f"{folder}/vectors.npy")
            vectors = numpy.load(f"{folder}/vectors.npy")
        return Run(None, answer["compute_seconds"], answer["tokens"], answer["peak_bytes"], vectors)

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.log.close()
