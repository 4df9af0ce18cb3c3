"""Fixtures of several tests."""
import os
import signal
import sys

import pytest
from program import MODELS, PROJECT

sys.path.insert(0, str(PROJECT / "testing"))
import make_models
from fake_hub import FakeHub


# The program heeds what its caller ignores, and nohup or a shell's "&" may be ours.
for number, handler in ((signal.SIGHUP, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def big():
    """A model of several pieces: the tiny one, with a tensor of 12 MB more."""
    path = MODELS / "bert-12mb.gguf"
    if not path.exists():
        partial = path.with_suffix(f".{os.getpid()}")
        make_models.bert(partial, extra_rows=48_000)
        partial.rename(path)
    return path.read_bytes()


@pytest.fixture
def hub():
    with FakeHub() as one:
        one.add("org/model", "README.md", b"# A model\n")
        one.add("org/model", "tiny-Q8_0.gguf", (MODELS / "bert.gguf").read_bytes())
        yield one
        assert one.leaked_tokens == []
