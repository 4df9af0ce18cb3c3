"""Cosine of multilingual-e5-small's vectors to transformers', by the texts' normal form. script/parity e5 runs it.

    parity_e5.py REFERENCE_FOLDER MODEL.gguf LLAMA_CLI FORM…       (in the folder: FORM.txt and FORM.npz)

Columns: our tokens, and llama.cpp's.
"""
import pathlib
import subprocess
import sys

import numpy
import pyarrow.parquet

folder, model, cli, *forms = sys.argv[1:]
folder = pathlib.Path(folder)


def cosines(form, *flags):
    out = folder / "out.parquet"
    subprocess.run([cli, "embed", "-m", model, "-i", folder / f"{form}.txt", "-o", out, "--quiet", "--force",
                    *flags], check=True)
    column = pyarrow.parquet.read_table(out)["embedding"]
    ours = numpy.stack(column.to_numpy(zero_copy_only=False)).astype(numpy.float64)
    reference = numpy.load(folder / f"{form}.npz")["mean"].astype(numpy.float64)
    assert len(ours) == len(reference), (len(ours), len(reference))
    return (ours * reference).sum(1) / numpy.linalg.norm(ours, axis=1) / numpy.linalg.norm(reference, axis=1)


print("| form | texts | worst, llama-cli | below 0.9999 | worst, `--tokenizer llama.cpp` | below 0.9999 |")
print("|---|---|---|---|---|---|")
failed = False
for form in forms:
    own, stock = cosines(form), cosines(form, "--tokenizer", "llama.cpp")
    failed |= bool((own < 0.9999).any())
    print(f"| {form} | {len(own):,} | {own.min():.6f} | {(own < 0.9999).sum()} | {stock.min():.4f} |"
          f" {(stock < 0.9999).sum()} |", flush=True)
sys.exit(failed)
