"""What an installed wheel does, run by the environment's own Python: wheel_check.py MODEL TEXTS WANTED [NUMBERS…]

TEXTS: a JSON list; WANTED: the command's vectors of them, as numpy writes them.
"""

import json
import os
import pathlib
import subprocess
import sys
import sysconfig

import numpy as np
import pyarrow as pa

import llama_cli
from llama_cli import Embedder

model, texts, wanted = sys.argv[1], json.loads(pathlib.Path(sys.argv[2]).read_text()), np.load(sys.argv[3])
package = pathlib.Path(llama_cli.__file__).parent
assert package.is_relative_to(sys.prefix), package
assert llama_cli.find_program() == str(package / "bundle/llama-cli")
assert (package / "py.typed").exists()
with Embedder(model) as one:
    assert os.readlink(f"/proc/{one._session._connection.pid}/exe").startswith(str(package)), "another program"
    made = one.encode(texts)
    assert np.array_equal(made, wanted) and made.dtype == np.float32
    table = one.embed_table(pa.table({"text": texts}))
    assert np.array_equal(np.stack(table["embedding"].to_numpy()), wanted)
command = pathlib.Path(sysconfig.get_path("scripts")) / "llama-cli"
said = [
    subprocess.run(start, capture_output=True, text=True, check=True, env={}).stdout
    for start in ([command, "--version"], [sys.executable, "-m", "llama_cli", "--version"])
]
assert said[0] == said[1] and said[0].startswith(f"llama-cli {llama_cli.__version__}"), said
bad = subprocess.run([command, "embed", "-m", "none.gguf", "-i", "none", "-o", "none.parquet"], capture_output=True)
assert bad.returncode == 3, bad  # the exit status is the program's
library = " on musl" if "musl" in (sysconfig.get_config_var("SOABI") or "") else ""
which = f"Python {sys.version.split()[0]}{library}, numpy {np.__version__}, pyarrow {pa.__version__}"
print(f"{which}: {len(texts)} vectors are the command's")
