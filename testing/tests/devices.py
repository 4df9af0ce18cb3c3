"""What the tests of a device share: run on it, and compare with the CPU."""
import json
import os
import subprocess

from embed_test import content, varied
from program import CLI, MODELS, cosines, embed, rows, vectors

TEXTS = varied(120)
PROMPT = "hello world this is a prompt of some words"


def run(*arguments, environment=None, **options):
    return subprocess.run([CLI, *map(str, arguments)], capture_output=True, text=True, timeout=300,
                          env={**os.environ, **(environment or {})}, **options)


def devices(environment=None):
    listed = run("devices", "--json", environment=environment)
    assert listed.returncode == 0, listed.stderr
    return json.loads(listed.stdout)


def warnings(run):
    return [line for line in run.stderr.splitlines() if line.startswith("Warning: ")]


def embed_on(environment, model, output, *flags, texts=120):
    done = embed(MODELS / model, content(TEXTS[:texts]), output, "--force", "--quiet", *flags,
                 env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done


def device_of(path):
    return rows(path).schema.metadata[b"llama.device"].decode()


def assert_as_on_the_cpu(path, model, least, texts=120):
    """No row is missing, and each has the CPU's vector."""
    reference = path.with_name("cpu.parquet")
    if not reference.exists():
        embed_on({}, model, reference, "--device", "none", texts=texts)
    assert rows(path)["text"].equals(rows(reference)["text"])
    assert cosines(vectors(path), vectors(reference)).min() > least


def generate_on(environment, *flags):
    """The tokens of an answer with their log-probabilities, the last line, and the run."""
    done = run("generate", "-m", MODELS / "generator.gguf", "--prompt", PROMPT, "--limit", "12", "--temperature", "0",
               "--json", "--logprobs", "0", "--quiet", *flags, environment=environment)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    tokens = [token for line in lines for token in line.get("logprobs", [])]
    return tokens, lines[-1], done


def assert_same_answer(tokens, expected, tolerance):
    assert [t["bytes"] for t in tokens] == [t["bytes"] for t in expected]
    assert max(abs(a["logprob"] - b["logprob"]) for a, b in zip(tokens, expected)) < tolerance
