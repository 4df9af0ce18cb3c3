"""Cosine to f32 by kernel level: what each set of CPU instructions makes of the same texts.

    script/enter env PYTHONPATH=$(script/peers bench) python3 bench/level_accuracy.py [--kernels LEVEL,…]

Runs `llama-cli embed` with every level that this CPU has and with llama.cpp's own kernels (stock), on the short texts
that script/bench compares with vectors in f32: 50 for the 0.6B's shape, 200 for MiniLM. Needs the release build and
the models (script/models minilm shape); where script/bench has not run, torch computes the vectors, and they are kept.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import places
import table

LEVELS = ("stock", "avx2", "avx-vnni", "avx512-vnni", "avx512-bf16", "amx-bf16")
MODELS = [("0.6b", "0.6B Q8_0", places.SHAPE),
          *(("minilm", f"MiniLM {kind}", places.minilm(kind)) for kind in ("F16", "Q8_0", "F32"))]


def runs_here(level):
    """The program's own word. Status 2 alone would not do: it may be any wrong use."""
    with tempfile.TemporaryDirectory() as folder:
        texts = pathlib.Path(folder, "texts.txt")
        texts.write_text("hello\n")
        run = subprocess.run([places.CLI, "embed", "--model", places.minilm("F16"), "--input", texts,
                              "--output", f"{folder}/out.parquet", "--kernels", level], capture_output=True, text=True)
    if run.returncode == 2 and ("this CPU cannot run" in run.stderr or "no kernels are called" in run.stderr):
        print(f"level_accuracy: {run.stderr.strip()}", file=sys.stderr, flush=True)
        return False
    if run.returncode != 0:
        sys.exit(f"level_accuracy: --kernels {level}: status {run.returncode}\n{run.stderr[-800:]}")
    return True


def measured(levels):
    """level -> the cosines of the texts, for each of MODELS"""
    import reference
    import texts
    import workloads
    from contenders import Ours
    found = {level: [] for level in levels}
    for family, name, model in MODELS:
        some, path = texts.make(family, "short", workloads.COMPARED[family]["short"])
        expected = reference.vectors(family, path, some)
        for level in levels:
            print(f"level_accuracy: {name}, {level}", file=sys.stderr, flush=True)
            run = Ours(level, model, ["--kernels", level]).run(path, some)
            found[level].append(reference.cosines(run.vectors, expected))
    return found


def lines(found):
    header = ["level", *(head for _, name, _ in MODELS for head in (f"{name}, lowest", "mean"))]
    return table.markdown(header, [[f"`{level}`", *(f"{figure:.5f}" for cosines in columns
                                                    for figure in (cosines.min(), cosines.mean()))]
                                   for level, columns in found.items()])


def main():
    parser = argparse.ArgumentParser(prog="bench/level_accuracy.py", description=__doc__.splitlines()[0])
    parser.add_argument("--kernels", default=",".join(LEVELS))
    levels = [level for level in parser.parse_args().kernels.split(",") if runs_here(level)]
    print("\n".join(lines(measured(levels))))


if __name__ == "__main__":
    main()
