"""Compute reference vectors with transformers, independent of llama.cpp and of our code.

usage: reference_vectors.py HF_MODEL_FOLDER TEXT_FILE OUT.npz

Not scaled. Arrays: mean, cls, last (pooling; texts cut at the model's 512 tokens) and mean_256 (cut at 256, as
sentence-transformers cuts for this model).
"""
import sys

import numpy
import torch
from transformers import AutoModel, AutoTokenizer

folder, texts_path, out = sys.argv[1:]
texts = [line for line in open(texts_path, encoding="utf-8", newline="\n").read().split("\n") if line.strip()]
tokenizer = AutoTokenizer.from_pretrained(folder, model_max_length=512)
model = AutoModel.from_pretrained(folder, torch_dtype=torch.float32).eval()
vectors = {"mean": [], "cls": [], "last": [], "mean_256": []}


def hidden(text, length):
    return model(**tokenizer(text, return_tensors="pt", truncation=True, max_length=length)).last_hidden_state[0]


with torch.no_grad():
    for text in texts:
        whole = hidden(text, 512)
        vectors["mean"].append(whole.mean(dim=0).numpy())
        vectors["cls"].append(whole[0].numpy())
        vectors["last"].append(whole[-1].numpy())
        vectors["mean_256"].append((hidden(text, 256) if len(whole) > 256 else whole).mean(dim=0).numpy())
numpy.savez(out, **{name: numpy.stack(rows) for name, rows in vectors.items()})
