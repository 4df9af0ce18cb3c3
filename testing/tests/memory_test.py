"""Memory does not grow with the input."""
import os
import random
import subprocess

import pytest
from program import CLI, MODELS, PROJECT

WORDS = "the and hello world text number is of long 42 naïve 日本".split()


def peak(source, output, *flags):
    """The program's peak resident memory in MB."""
    process = subprocess.Popen([CLI, "embed", "-m", str(MODELS / "bert.gguf"), "-i", str(source), "-o", str(output),
                                "--quiet", *flags])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss / 1024


@pytest.mark.skipif("sanitize" in os.environ.get("BUILD_FLAGS", ""), reason="a sanitizer's own memory grows")
def test_five_times_the_lines_need_the_same_memory(tmp_path):
    rng = random.Random(5)
    lines = [" ".join(rng.choices(WORDS, k=rng.choice([1, 3, 8, 20]))) for _ in range(1000)]
    # Beyond some row groups and the journal's cache nothing grows.
    (tmp_path / "few.txt").write_text("\n".join(lines * 100))
    (tmp_path / "many.txt").write_text("\n".join(lines * 500))
    few = peak(tmp_path / "few.txt", tmp_path / "few.parquet")
    many = peak(tmp_path / "many.txt", tmp_path / "many.parquet")
    print(f"peak memory: {few:.1f} MB for 100,000 lines, {many:.1f} MB for 500,000")
    assert many < few * 1.1, (few, many)
