"""What a CSV's numbers are read as: a double is what a program has written of one."""

import random
import struct
import subprocess

import pyarrow as pa
from program import CLI, MODELS, rows


def columns(folder, **values):
    names = list(values)
    lines = [",".join(["body", *names])] + [",".join(["text", *row]) for row in zip(*values.values())]
    (folder / "in.csv").write_text("\n".join(lines) + "\n")
    command = [CLI, "embed", "-m", MODELS / "bert.gguf", "-i", "in.csv", "--column", "body", "-o", "out.parquet"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=600)
    return rows(folder / "out.parquet")


def doubles(count):
    chance = random.Random(24)
    made = [chance.random() for _ in range(count // 2)] + [chance.gauss(0, 1e9) for _ in range(count // 4)]
    while len(made) < count:
        (value,) = struct.unpack("d", chance.randbytes(8))
        if value - value == 0:
            made.append(value)
    return made


def test_every_double_that_python_writes_is_one(tmp_path):
    values = doubles(60)
    table = columns(tmp_path, **{f"x{i}": [repr(value)] * 2 for i, value in enumerate(values)})
    for i, value in enumerate(values):
        column = table[f"x{i}"]
        assert column.type in (pa.float64(), pa.int64()), (repr(value), column.type)
        assert column[0].as_py() == value


def test_what_a_double_cannot_hold_stays_text(tmp_path):
    words = ["01234", "0.1234567890123456789", "123456789012345678901234567890", "+1.5", "1.00000000000000000001"]
    table = columns(tmp_path, **{f"x{i}": [word] * 2 for i, word in enumerate(words)})
    assert [table[f"x{i}"][0].as_py() for i in range(len(words))] == words
