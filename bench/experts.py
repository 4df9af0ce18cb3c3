"""Models with experts, random weights: our kernels beside ggml's in turn, on the same file and texts.

    script/enter python3 bench/experts.py        (after script/bootstrap; 3 minutes, 3 GB of disk for as long as it
    runs)

nomic-bert-moe has the shape of nomic-embed-text-v2-moe, qwen3moe is a small one; both with toy vocabularies.
"""
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

import numpy
import pyarrow.parquet

import places

sys.path.insert(0, str(places.PROJECT / "testing"))
import model_families  # noqa: E402

SIZES = {"nomic-bert-moe": model_families.Size(width=768, inner=3072, layers=12, heads=12, kv_heads=12, head=64),
         "qwen3moe": model_families.Size(width=1024, inner=768, layers=8, experts=64, asked=8, heads=16, kv_heads=4,
                                         head=128)}
MODELS = [("nomic-bert-moe", "Q8_0"), ("nomic-bert-moe", "Q4_K_M"), ("qwen3moe", "Q8_0"), ("qwen3moe", "Q4_K_M")]
ROUNDS, TEXTS = 3, 40


def embed(model, kernels, texts, folder):
    """Tokens per second, vectors."""
    out = folder / "out.parquet"
    run = subprocess.run([places.CLI, "embed", "--model", model, "--kernels", kernels, "--threads", str(places.THREADS),
                          "--input", texts,
                          "--output", out, "--force"], check=True, capture_output=True, text=True)
    rate = int(re.search(r"\(([\d,]+) tokens/s\)", run.stdout)[1].replace(",", ""))
    vectors = numpy.array(pyarrow.parquet.read_table(out)["embedding"].to_pylist())
    return rate, vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        texts = folder / "texts.txt"
        lines = (places.PROJECT / "testing/data/sample.txt").read_text().splitlines()
        texts.write_text("".join(f"{line}\n" for line in lines[:TEXTS]))
        print("| | ours, tokens/s | ggml's | ratio | ours, mean cosine to F16 | ggml's |\n|---|---|---|---|---|---|")
        for family, kind in MODELS:
            whole, model = folder / f"{family}-F16.gguf", folder / f"{family}-{kind}.gguf"
            if not whole.exists():
                model_families.write_family(whole, family, "F16", SIZES[family])
            subprocess.run(["llama-quantize", whole, model, kind], check=True, capture_output=True)
            _, exact = embed(whole, "stock", texts, folder)
            rates, cosines = {"auto": [], "stock": []}, {}
            for _ in range(ROUNDS):
                for kernels, measured in rates.items():
                    rate, vectors = embed(model, kernels, texts, folder)
                    measured.append(rate)
                    cosines[kernels] = (vectors * exact).sum(axis=1).mean()
            ours, theirs = statistics.median(rates["auto"]), statistics.median(rates["stock"])
            print(f"| {family}, {kind} | {ours:,} | {theirs:,} | {ours / theirs:.2f} "
                  f"| {cosines['auto']:.4f} | {cosines['stock']:.4f} |", flush=True)
            model.unlink()


if __name__ == "__main__":
    main()
