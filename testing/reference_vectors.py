"""Compute reference vectors with transformers, independent of llama.cpp and of our code.

usage: reference_vectors.py HF_MODEL_FOLDER TEXT_FILE OUT.npy   (mean pooling, cut at the model's 512 tokens, not scaled)
"""
import sys

import numpy
import torch
from transformers import AutoModel, AutoTokenizer

folder, texts_path, out = sys.argv[1:]
texts = [line for line in open(texts_path, encoding="utf-8", newline="\n").read().split("\n") if line.strip()]
tokenizer = AutoTokenizer.from_pretrained(folder, model_max_length=512)
model = AutoModel.from_pretrained(folder, torch_dtype=torch.float32).eval()
vectors = []
with torch.no_grad():
    for text in texts:
        tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=512)
        hidden = model(**tokens).last_hidden_state[0]
        vectors.append(hidden.mean(dim=0).numpy())
numpy.save(out, numpy.stack(vectors))
