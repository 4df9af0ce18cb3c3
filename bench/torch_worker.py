"""torch + transformers as a peer: torch_worker.py 0.6b|minilm f32|bf16 THREADS      (peer_worker.py tells the rest)

The 0.6B's weights are the GGUF's, dequantized: the same Q8_0-rounded numbers that llama.cpp computes with.
"""
import sys

import gguf
import torch
from transformers import AutoModel, Qwen3Config, Qwen3Model
from transformers.models.qwen3.modeling_qwen3 import Qwen3RotaryEmbedding

import peer_worker
import places
import tokens

NAMES = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
         "attn_k": "self_attn.k_proj",
         "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm",
         "attn_k_norm": "self_attn.k_norm",
         "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}


def name_in_transformers(name):
    if not name.startswith("blk."):
        return {"token_embd.weight": "embed_tokens.weight", "output_norm.weight": "norm.weight"}[name]
    _, layer, part, _ = name.split(".")
    return f"layers.{layer}.{NAMES[part]}.weight"


def shape(dtype):
    reader = gguf.GGUFReader(places.SHAPE)

    def number(key):
        return reader.fields[f"qwen3.{key}"].contents()
    weights = {name_in_transformers(t.name): torch.from_numpy(gguf.quants.dequantize(t.data,
                                                                                     t.tensor_type).copy()).to(dtype)
                                                                                     for t in reader.tensors}
    config = Qwen3Config(vocab_size=weights["embed_tokens.weight"].shape[0], hidden_size=number("embedding_length"),
                         intermediate_size=number("feed_forward_length"), num_hidden_layers=number("block_count"),
                         num_attention_heads=number("attention.head_count"),
                         num_key_value_heads=number("attention.head_count_kv"),
                         head_dim=number("attention.key_length"), max_position_embeddings=number("context_length"),
                         rms_norm_eps=number("attention.layer_norm_rms_epsilon"), use_cache=False,
                         attn_implementation="sdpa",
                         rope_parameters={"rope_type": "default", "rope_theta": number("rope.freq_base")})
    with torch.device("meta"):
        model = Qwen3Model(config)
    model.load_state_dict(weights, assign=True)
    model.rotary_emb = Qwen3RotaryEmbedding(config)
    model.eval()

    def compute(ids, mask):
        # Padding is on the right and attention causal: no text sees it, so that no mask is needed and torch takes its
        # fast path.
        hidden = model(input_ids=torch.from_numpy(ids), use_cache=False).last_hidden_state
        last = torch.from_numpy(mask.sum(axis=1) - 1)
        return hidden[torch.arange(len(ids)), last].float().numpy()
    return compute


def minilm(dtype):
    model = AutoModel.from_pretrained(places.MINILM / "hf", dtype=dtype).eval()

    def compute(ids, mask):
        mask = torch.from_numpy(mask)
        hidden = model(input_ids=torch.from_numpy(ids), attention_mask=mask).last_hidden_state.float()
        return ((hidden * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]).numpy()
    return compute


family, kind, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
with torch.inference_mode():
    work = {"0.6b": shape, "minilm": minilm}[family]({"f32": torch.float32, "bf16": torch.bfloat16}[kind])
    peer_worker.serve(tokens.FAMILIES[family](), 0, work)
