"""The table of doc/parity.md: cosine to transformers by language and kind of text. script/parity runs it.

    parity.py TEXTS.tsv REFERENCE.npz MODEL_FOLDER MODEL.onnx LLAMA_CLI
"""
import collections
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnxruntime
import pyarrow.parquet
import tokenizers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "testing"))
from llama_embedding import llama_embedding  # noqa: E402

texts_path, reference_path, folder, onnx_path, cli = sys.argv[1:6]
rows = [line.split("\t", 1) for line in open(texts_path, encoding="utf-8", newline="\n").read().split("\n") if line]
texts = [text for _, text in rows]
reference = numpy.load(reference_path)["mean"].astype(numpy.float64)
assert len(reference) == len(texts), (len(reference), len(texts))
work = pathlib.Path(tempfile.mkdtemp())
(work / "texts.txt").write_text("\n".join(texts), encoding="utf-8", newline="\n")
folder = pathlib.Path(folder)


def ours(kind):
    out = work / f"{kind}.parquet"
    subprocess.run([cli, "embed", "-m", folder / f"all-MiniLM-L6-v2-{kind}.gguf", "-i", work / "texts.txt", "-o", out,
                    "--quiet"], check=True)
    return numpy.stack(pyarrow.parquet.read_table(out)["embedding"].to_numpy(zero_copy_only=False))


def onnx():
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "hf/tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    session = onnxruntime.InferenceSession(onnx_path, providers=["CPUExecutionProvider"])
    vectors = []
    for text in texts:
        ids = numpy.array([tokenizer.encode(text).ids])
        vectors.append(session.run(None, {"input_ids": ids, "attention_mask": numpy.ones_like(ids)})[0][0].mean(axis=0))
    return numpy.stack(vectors)


def cosines(vectors):
    vectors = vectors.astype(numpy.float64)
    return (vectors * reference).sum(1) / numpy.linalg.norm(vectors, axis=1) / numpy.linalg.norm(reference, axis=1)


columns = {"llama-cli, F32": cosines(ours("F32")), "llama-cli, F16": cosines(ours("F16")),
           "llama-embedding, F32": cosines(llama_embedding(folder / "all-MiniLM-L6-v2-F32.gguf", work / "texts.txt")),
           "onnxruntime + tokenizers": cosines(onnx())}
kinds = collections.defaultdict(list)
for i, (kind, _) in enumerate(rows):
    kinds[kind].append(i)


def show(value):
    return f"{value:.4f}" if value < 0.9999 else "1.0000"


print(f"| kind of text | texts | {' | '.join(columns)} |\n|---|---|{'---|' * len(columns)}")
for kind, at in kinds.items():
    print(f"| {kind} | {len(at)} | {' | '.join(show(column[at].min()) for column in columns.values())} |")
print(f"| **all** | {len(rows)} | {' | '.join('**' + show(column.min()) + '**' for column in columns.values())} |")
print(f"| texts below 0.999 | | {' | '.join(str(int((column < 0.999).sum())) for column in columns.values())} |")
