"""Tiny synthetic rerankers, the same bytes for the same seed: rerank_models.py FOLDER

rerank-bert.gguf        BERT with its pooler: two types of tokens
rerank-bert-bare.gguf   the same as llama.cpp's converter writes it: without the pooler
rerank-xlmr.gguf        XLM-R: Unigram, one type of tokens (bge-reranker-v2-m3)
rerank-modern.gguf      ModernBERT: mean of the tokens, gelu and a norm before the score (gte-reranker-modernbert)
rerank-qwen3.gguf       Qwen3: a template, yes and no (Qwen3-Reranker)
rerank-qwen3-f16.gguf, rerank-bert-q8_0.gguf   with other weights
and the same with faults: a NaN in the row of the token "hello" (rerank-bert-nan-hello.gguf), three classes
(rerank-three.gguf), rank pooling without a head (rerank-headless.gguf), no template (rerank-no-template.gguf).

transformers' scores with the same weights are in data/rerank_scores.json; rerank_reference.py computes them.
"""

import pathlib
import sys

import gguf
import numpy
from make_models import SEED, Weights, decoder, finish, patched, toy_wordpiece
from model_families import Family, Size, keys, layer

WIDTH = 64
TEMPLATE = (
    '<|im_start|>system\nIs it "yes" or "no"?<|im_end|>\n<|im_start|>user\nQuery: {query}\n'
    "Document: {document}<|im_end|>\n<|im_start|>assistant\n"
)


def toy_unigram(writer):
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,;:!?-'\"()<>/[]ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    words = ["the", "and", "hello", "world", "text", "number", "is", "of", "long"]
    pieces = [("<s>", 0, 3), ("<pad>", 0, 3), ("</s>", 0, 3), ("<unk>", 0, 2), ("\u2581", -3, 1)]
    pieces += [("\u2581" + word, -4, 1) for word in words]
    pieces += [(letter, -6 - i / 100, 1) for i, letter in enumerate(letters)]
    pieces += [("ing", -5, 1), ("er", -5.5, 1), ("<mask>", 0, 3)]
    names, scores, types = zip(*pieces)
    writer.add_tokenizer_model("t5")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(names)
    writer.add_token_scores([float(score) for score in scores])
    writer.add_token_types(types)
    writer.add_add_space_prefix(True)
    writer.add_remove_extra_whitespaces(True)
    for name, token in (("bos", 0), ("pad", 1), ("eos", 2), ("sep", 2), ("unk", 3), ("mask", len(pieces) - 1)):
        getattr(writer, f"add_{name}_token_id")(token)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    writer.add_add_sep_token(True)
    return len(pieces)


def head(weights, classes=1, dense=True, bias=True, scale=0.3):
    if dense:
        weights.matrix("cls.weight", WIDTH, WIDTH, 0.2, plain=True)
        if bias:
            weights.vector("cls.bias", WIDTH, 0)
    weights.matrix("cls.output.weight", classes, WIDTH, scale, plain=True)
    if bias:
        weights.vector("cls.output.bias", classes, 0)


def encoder(path, add_tokenizer, types, kind="F32", classes=1, pooler=True):
    inner, layers, context = 128, 3, 128
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name("tiny reranker")
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(inner)
    writer.add_block_count(layers)
    writer.add_head_count(4)
    writer.add_layer_norm_eps(1e-5)
    writer.add_causal_attention(False)
    writer.add_token_type_count(types)
    writer.add_classifier_output_labels([f"LABEL_{i}" for i in range(classes)])  # no pooling, as converted ones
    vocabulary = add_tokenizer(writer)
    weights = Weights(writer, SEED + 7, kind)
    weights.matrix("token_embd.weight", vocabulary, WIDTH, 1.0)
    weights.matrix("position_embd.weight", context, WIDTH, 0.3, plain=True)
    weights.matrix("token_types.weight", types, WIDTH, 0.7, plain=True)
    weights.vector("token_embd_norm.weight", WIDTH, 1)
    weights.vector("token_embd_norm.bias", WIDTH, 0)
    for i in range(layers):
        for name, rows, columns in (
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", WIDTH, WIDTH),
            ("attn_v", WIDTH, WIDTH),
            ("attn_output", WIDTH, WIDTH),
            ("ffn_up", inner, WIDTH),
            ("ffn_down", WIDTH, inner),
        ):
            weights.matrix(f"blk.{i}.{name}.weight", rows, columns, 2 * columns**-0.5)
            weights.vector(f"blk.{i}.{name}.bias", rows, 0)
        for name in ("attn_output_norm", "layer_output_norm"):
            weights.vector(f"blk.{i}.{name}.weight", WIDTH, 1)
            weights.vector(f"blk.{i}.{name}.bias", WIDTH, 0)
    head(weights, classes, pooler)
    finish(writer)


def modern(path):
    family = Family("modern-bert", Size())
    writer = gguf.GGUFWriter(path, family.architecture)
    keys(writer, family)
    writer.add_classifier_output_labels(["LABEL_0"])
    vocabulary = toy_wordpiece(writer)
    weights = Weights(writer, SEED + 8)
    weights.matrix("token_embd.weight", vocabulary, WIDTH, 1.0)
    weights.vector("token_embd_norm.weight", WIDTH, 1)
    weights.vector("output_norm.weight", WIDTH, 1)
    for i in range(family.layers):
        layer(weights, family, i)
    head(weights, bias=False)
    weights.vector("cls.norm.weight", WIDTH, 1)
    weights.vector("cls.output.bias", 1, 0)
    finish(writer)


def qwen3(path, kind="F32", template=TEMPLATE, with_head=True):
    def add(writer, weights):
        writer.add_classifier_output_labels(["yes", "no"])
        if template:
            writer.add_chat_template([{"name": "rerank", "template": template}])
        if with_head:
            head(weights, 2, dense=False, bias=False, scale=0.1)

    decoder(path, "qwen3", context=256, pooling=gguf.PoolingType.RANK, kind=kind, add_eos=False, add=add)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    encoder(folder / "rerank-bert.gguf", toy_wordpiece, 2)
    encoder(folder / "rerank-bert-q8_0.gguf", toy_wordpiece, 2, "Q8_0")
    encoder(folder / "rerank-bert-bare.gguf", toy_wordpiece, 2, pooler=False)
    encoder(folder / "rerank-three.gguf", toy_wordpiece, 2, classes=3)
    encoder(folder / "rerank-xlmr.gguf", toy_unigram, 1)
    modern(folder / "rerank-modern.gguf")
    qwen3(folder / "rerank-qwen3.gguf")
    qwen3(folder / "rerank-qwen3-f16.gguf", "F16")
    qwen3(folder / "rerank-no-template.gguf", template=None)
    qwen3(folder / "rerank-headless.gguf", with_head=False)
    sound = folder / "rerank-bert.gguf"
    token = gguf.GGUFReader(sound).fields["tokenizer.ggml.tokens"].contents().index("\u2581hello")
    patched(
        sound,
        folder / "rerank-bert-nan-hello.gguf",
        "token_embd.weight",
        lambda values: values.__setitem__(WIDTH * token, numpy.nan),
    )


if __name__ == "__main__":
    main()
