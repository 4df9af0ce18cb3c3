"""Compute reference vectors with transformers, independent of llama.cpp and of our code.

usage: reference_vectors.py HF_MODEL_FOLDER TEXT_FILE OUT.npz

Not scaled. Arrays: mean, cls, last (pooling; texts cut at the model's 512 tokens) and mean_256 (cut at 256, as
sentence-transformers cuts for this model).
"""
import sys

import numpy
import torch
from torch.utils.mkldnn import MkldnnLinear
from transformers import AutoModel, AutoTokenizer

folder, texts_path, out = sys.argv[1:]
torch.set_num_threads(1)  # beside a build, threads that wait for one another take ten times as long
texts = [line for line in open(texts_path, encoding="utf-8", newline="\n").read().split("\n") if line.strip()]
tokenizer = AutoTokenizer.from_pretrained(folder, model_max_length=512)
model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
vectors = {"mean": [], "cls": [], "last": [], "mean_256": []}


def by_onednn(module):
    """Debian's torch has a plain BLAS; by its oneDNN the linear layers take a tenth of the time (same to 1e-6)."""
    for name, child in module.named_children():
        if isinstance(child, torch.nn.Linear):
            setattr(module, name, MkldnnLinear(child, torch.float32))
        else:
            by_onednn(child)


def hidden(text, length):
    return model(**tokenizer(text, return_tensors="pt", truncation=True, max_length=length)).last_hidden_state[0]


with torch.no_grad():
    by_onednn(model)
    for text in texts:
        whole = hidden(text, 512)
        vectors["mean"].append(whole.mean(dim=0).numpy())
        vectors["cls"].append(whole[0].numpy())
        vectors["last"].append(whole[-1].numpy())
        vectors["mean_256"].append((hidden(text, 256) if len(whole) > 256 else whole).mean(dim=0).numpy())
numpy.savez(out, **{name: numpy.stack(rows) for name, rows in vectors.items()})
