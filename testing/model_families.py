"""Tiny synthetic embedding models of the families that llama.cpp computes, with random weights of a given type.

    write_family(path, "modern-bert", "Q8_0")

Sizes are small and odd on purpose: heads whose width is not the model's divided by their number, windows that are
shorter
than a text; bench/experts.py asks for large ones. Names of tensors and keys are gguf's own (gguf.MODEL_TENSORS).
"""
import dataclasses

import gguf
from make_models import Weights, byte_level, finish, toy_wordpiece


@dataclasses.dataclass(frozen=True)
class Size:
    width: int = 64
    inner: int = 96
    layers: int = 4
    experts: int = 8
    asked: int = 2
    heads: int = 4
    kv_heads: int | None = None  # None: the family's
    head: int | None = None


# chatglm and stablelm turn a part of each head, of neighbours and of halves; qwen3-yarn is qwen3 with a stretched
# context.
FAMILIES = ["nomic-bert", "modern-bert", "jina-bert-v2", "gemma-embedding", "gemma3", "llama", "qwen2", "qwen3",
            "gemma2",
            "stablelm", "chatglm", "qwen3-yarn", "nomic-bert-moe", "qwen3moe"]
WITH_EXPERTS = {"nomic-bert-moe", "qwen3moe"}
BIDIRECTIONAL = {"nomic-bert", "nomic-bert-moe", "modern-bert", "jina-bert-v2", "gemma-embedding"}


class Family:
    def __init__(self, name, size):
        self.name = name
        self.width, self.inner, self.layers = size.width, size.inner, size.layers
        self.experts, self.asked = size.experts, size.asked
        self.is_bert = "bert" in name
        self.is_gemma = name.startswith("gemma")
        self.architecture = name.removesuffix("-yarn")
        self.turns_partly = name in ("stablelm", "chatglm")
        whole = self.is_bert or name == "qwen2" or self.turns_partly  # the heads are as wide as the model
        self.heads = size.heads
        self.kv_heads = size.kv_heads or (4 if self.is_bert else 2)
        self.head = size.head or (16 if whole else 24)
        self.is_mean = name not in ("qwen2", "qwen3", "qwen3moe", "gemma3")
        self.has_head_norms = self.architecture in ("gemma-embedding", "gemma3", "qwen3", "qwen3moe")
        self.has_biased_norms = name == "stablelm"
        self.has_window = self.is_gemma or name == "modern-bert"

    def has_experts(self, layer):
        return self.name == "qwen3moe" or (self.name == "nomic-bert-moe" and layer % 2 == 1)


def keys(writer, family):
    writer.add_name(f"tiny {family.name}")
    writer.add_context_length(1024)
    writer.add_embedding_length(family.width)
    writer.add_feed_forward_length(family.inner)
    writer.add_block_count(family.layers)
    writer.add_head_count(family.heads)
    writer.add_head_count_kv(family.kv_heads)
    writer.add_pooling_type(gguf.PoolingType.MEAN if family.is_mean else gguf.PoolingType.LAST)
    if family.has_experts(1):
        writer.add_expert_count(family.experts)
        writer.add_expert_used_count(family.asked)
        if family.name == "nomic-bert-moe":
            writer.add_moe_every_n_layers(2)
        else:
            writer.add_expert_feed_forward_length(family.inner)
    if family.is_bert or family.has_biased_norms:
        writer.add_layer_norm_eps(1e-5)
    if not family.is_bert:
        writer.add_layer_norm_rms_eps(1e-6)
        writer.add_key_length(family.head)
        writer.add_value_length(family.head)
        writer.add_rope_dimension_count(family.head // 2 if family.turns_partly else family.head)
    if family.name in BIDIRECTIONAL:
        writer.add_causal_attention(False)
    if family.name != "jina-bert-v2":
        writer.add_rope_freq_base(10000.0)
    if family.has_window:
        writer.add_sliding_window(17)
        writer.add_sliding_window_pattern(2 if family.name in ("gemma2", "gemma3")
                                          else [True, False] * (family.layers // 2))
        writer.add_rope_freq_base_swa(1000.0)
    if family.name == "gemma2":
        writer.add_attn_logit_softcapping(1.5)  # so low that it makes a difference here
        writer.add_final_logit_softcapping(3.0)
    if family.name == "stablelm":
        writer.add_parallel_residual(False)
    if family.name == "qwen3-yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(4.0)
        writer.add_rope_scaling_orig_ctx_len(256)


def feed_forward(weights, family, i):
    def matrix(name, rows, columns, bias=False):
        weights.matrix(f"blk.{i}.{name}.weight", rows, columns)
        if bias:
            weights.vector(f"blk.{i}.{name}.bias", rows, 0)

    has_gate = family.name != "nomic-bert-moe"
    if family.has_experts(i):
        # Few choices are close: one that rounding decides would be another vector.
        weights.matrix(f"blk.{i}.ffn_gate_inp.weight", family.experts, family.width, 1.0, plain=True)
        up, down = (family.inner, family.width), (family.width, family.inner)
        for name, (rows, columns) in (("up", up), ("gate", up), ("down", down)):
            if has_gate or name != "gate":
                weights.matrix(f"blk.{i}.ffn_{name}_exps.weight", rows, columns, of_each=family.experts)
        return
    fused_gate = family.name in ("modern-bert", "jina-bert-v2", "chatglm")
    biased = family.name in ("jina-bert-v2", "nomic-bert-moe")
    matrix("ffn_up", 2 * family.inner if fused_gate else family.inner, family.width, family.name == "nomic-bert-moe")
    if has_gate and not fused_gate:
        matrix("ffn_gate", family.inner, family.width)
    matrix("ffn_down", family.width, family.inner, biased)


def layer(weights, family, i):
    def matrix(name, rows, columns, bias=False):
        weights.matrix(f"blk.{i}.{name}.weight", rows, columns)
        if bias:
            weights.vector(f"blk.{i}.{name}.bias", rows, 0)

    def norm(name, size=family.width, bias=False):
        weights.vector(f"blk.{i}.{name}.weight", size, 1)
        if bias or family.has_biased_norms:
            weights.vector(f"blk.{i}.{name}.bias", size, 0)

    all_heads, kv_heads = family.heads * family.head, family.kv_heads * family.head
    biased = family.name in ("qwen2", "jina-bert-v2", "nomic-bert-moe")
    if family.name in ("nomic-bert", "nomic-bert-moe", "modern-bert"):
        matrix("attn_qkv", all_heads + 2 * kv_heads, family.width, biased)
    elif family.name == "chatglm":
        matrix("attn_qkv", all_heads + 2 * kv_heads, family.width, bias=True)
    else:
        matrix("attn_q", all_heads, family.width, biased)
        matrix("attn_k", kv_heads, family.width, biased)
        matrix("attn_v", kv_heads, family.width, biased)
    matrix("attn_output", family.width, all_heads, biased and family.is_bert)
    if family.has_head_norms:
        norm("attn_q_norm", family.head)
        norm("attn_k_norm", family.head)
    feed_forward(weights, family, i)
    if family.name in ("nomic-bert", "nomic-bert-moe", "jina-bert-v2"):
        norm("attn_output_norm", bias=True)
        norm("layer_output_norm", bias=True)
        return
    if family.name != "modern-bert" or i > 0:  # its first layer has none
        norm("attn_norm")
    norm("ffn_norm")
    if family.is_gemma:
        norm("post_attention_norm")
        norm("post_ffw_norm")


def write_family(path, name, kind, size=Size(), dense=(2, 3)):
    """dense: the layers after pooling that a gemma-embedding has."""
    family = Family(name, size)
    writer = gguf.GGUFWriter(path, family.architecture)
    keys(writer, family)
    vocabulary = toy_wordpiece(writer) if family.is_bert else byte_level(writer)
    weights = Weights(writer, FAMILIES.index(name), kind)
    weights.matrix("token_embd.weight", vocabulary, family.width, 1.0)
    if family.is_bert:
        weights.vector("token_embd_norm.weight", family.width, 1)
        if name != "modern-bert":
            weights.vector("token_embd_norm.bias", family.width, 0)
            writer.add_token_type_count(2)
            weights.matrix("token_types.weight", 2, family.width, 0.1, plain=True)
    if not family.is_bert or name == "modern-bert":
        weights.vector("output_norm.weight", family.width, 1)
    if name == "stablelm":
        weights.vector("output_norm.bias", family.width, 0)
        weights.matrix("output.weight", vocabulary, family.width)
    if name == "llama":
        weights.vector("rope_freqs.weight", family.head // 2, 2)  # as Llama 3's, which stretch the slow ones
    if name == "gemma-embedding":
        wide = 4 * family.width
        for i, (rows, columns) in ((2, (wide, family.width)), (3, (family.width, wide))):
            if i in dense:
                writer.add_dense_features_dims(f"dense_{i}", columns, rows)
                weights.matrix(f"dense_{i}.weight", rows, columns)
    for i in range(family.layers):
        layer(weights, family, i)
    finish(writer)
