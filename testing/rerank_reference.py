"""transformers' scores of pairs, with the weights of rerank_models.py.

    script/enter --section reference python3 testing/rerank_reference.py FOLDER >testing/data/rerank_scores.json

One list for each model: of each query a score for each text. Longer pairs are cut as transformers cuts the second text.
"""

import json
import pathlib
import sys

import gguf
import torch
import transformers
from transformers import BertTokenizer, Qwen2Tokenizer, XLMRobertaTokenizer

QUERIES = ["hello world", "is the number long?"]
TEXTS = [
    "the world is long",
    "hello",
    "a number of texts, and the end.",
    "how to walk 7 dogs",
    "number number number",
    "it is (not) the answer: 42!",
    "and of the and of the",
    "x",
]
LONG = "the long text goes on and on; " * 40


def tensors_of(model):
    return {
        t.name: torch.from_numpy(gguf.quants.dequantize(t.data, t.tensor_type).reshape(tuple(t.shape)[::-1]).copy())
        for t in model.tensors
    }


def bert_state(tensors, prefix, layers=3):
    names = {
        "token_embd.weight": "embeddings.word_embeddings.weight",
        "position_embd.weight": "embeddings.position_embeddings.weight",
        "token_types.weight": "embeddings.token_type_embeddings.weight",
        "token_embd_norm": "embeddings.LayerNorm",
    }
    parts = {
        "attn_q": "attention.self.query",
        "attn_k": "attention.self.key",
        "attn_v": "attention.self.value",
        "attn_output": "attention.output.dense",
        "attn_output_norm": "attention.output.LayerNorm",
        "ffn_up": "intermediate.dense",
        "ffn_down": "output.dense",
        "layer_output_norm": "output.LayerNorm",
    }
    for i in range(layers):
        names |= {f"blk.{i}.{ours}": f"encoder.layer.{i}.{theirs}" for ours, theirs in parts.items()}
    state = {}
    for ours, theirs in names.items():
        for end in ("", ".weight", ".bias"):
            if ours + end in tensors:
                state[prefix + theirs + end] = tensors[ours + end]
    return state


def load_state(model, state, may_lack=()):
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all(any(part in name for part in may_lack) for name in missing), (missing, unexpected)
    return model.eval()


def ends(tensors, **names):
    return {
        f"{theirs}.{end}": tensors[f"{ours}.{end}"]
        for ours, theirs in names.items()
        for end in ("weight", "bias")
        if f"{ours}.{end}" in tensors
    }


def sizes(model, tensors):
    rows, width = tensors["token_embd.weight"].shape
    return {"vocab_size": rows, "hidden_size": width, "num_attention_heads": 4, "num_labels": 1}


def tokens_of(model):
    return model.fields["tokenizer.ggml.tokens"].contents()


def bert(model):
    tensors = tensors_of(model)
    config = transformers.BertConfig(
        **sizes(model, tensors),
        num_hidden_layers=3,
        intermediate_size=128,
        layer_norm_eps=1e-5,
        max_position_embeddings=len(tensors["position_embd.weight"]),
    )
    made = transformers.BertForSequenceClassification(config)
    state = bert_state(tensors, "bert.")
    state |= ends(tensors, **{"cls.output": "classifier", "cls": "bert.pooler.dense"})
    load_state(made, state, ("position_ids", "token_type_ids"))
    return made, wordpiece(model), len(tensors["position_embd.weight"])


def wordpiece(model):
    kinds = model.fields["tokenizer.ggml.token_type"].contents()
    names = [
        token if kind == 3 else token[1:] if token[0] == "\u2581" else "##" + token
        for token, kind in zip(tokens_of(model), kinds)
    ]
    return BertTokenizer(vocab={name: i for i, name in enumerate(names)})


def xlmr(model):
    tensors = tensors_of(model)
    positions = tensors["position_embd.weight"]
    tensors["position_embd.weight"] = torch.cat([torch.zeros(2, positions.shape[1]), positions])  # it counts from 2
    config = transformers.XLMRobertaConfig(
        **sizes(model, tensors),
        num_hidden_layers=3,
        intermediate_size=128,
        layer_norm_eps=1e-5,
        max_position_embeddings=len(positions) + 2,
        type_vocab_size=1,
        pad_token_id=1,
    )
    made = transformers.XLMRobertaForSequenceClassification(config)
    state = bert_state(tensors, "roberta.")
    state |= ends(tensors, **{"cls": "classifier.dense", "cls.output": "classifier.out_proj"})
    load_state(made, state, ("position_ids", "token_type_ids"))
    scores = model.fields["tokenizer.ggml.scores"].contents()
    return made, XLMRobertaTokenizer(vocab=list(zip(tokens_of(model), scores))), len(positions)


def modern(model):
    tensors = tensors_of(model)
    layers = 4
    config = transformers.ModernBertConfig(
        **sizes(model, tensors),
        num_hidden_layers=layers,
        intermediate_size=96,
        classifier_pooling="mean",
        norm_eps=1e-5,
        max_position_embeddings=1024,
        local_attention=16,
        attn_implementation="eager",
        norm_bias=False,
        layer_types=["sliding_attention", "full_attention"] * 2,
        pad_token_id=0,
        bos_token_id=2,
        cls_token_id=2,
        eos_token_id=3,
        sep_token_id=3,
        rope_parameters={
            "full_attention": {"rope_type": "default", "rope_theta": 10000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 1000.0},
        },
    )
    made = transformers.ModernBertForSequenceClassification(config)
    state = {
        "model.embeddings.tok_embeddings.weight": tensors["token_embd.weight"],
        "model.embeddings.norm.weight": tensors["token_embd_norm.weight"],
        "model.final_norm.weight": tensors["output_norm.weight"],
        "head.dense.weight": tensors["cls.weight"],
        "head.norm.weight": tensors["cls.norm.weight"],
        "classifier.weight": tensors["cls.output.weight"],
        "classifier.bias": tensors["cls.output.bias"],
    }
    parts = {
        "attn_norm": "attn_norm",
        "attn_qkv": "attn.Wqkv",
        "attn_output": "attn.Wo",
        "ffn_norm": "mlp_norm",
        "ffn_up": "mlp.Wi",
        "ffn_down": "mlp.Wo",
    }
    for i in range(layers):
        for ours, theirs in parts.items():
            if (tensor := tensors.get(f"blk.{i}.{ours}.weight")) is not None:
                state[f"model.layers.{i}.{theirs}.weight"] = tensor
    load_state(made, state)
    return made, wordpiece(model), 1024


class Qwen3Reranker:
    """As Qwen publishes it: of the next token's logits those of yes and no."""

    def __init__(self, model):
        tensors = tensors_of(model)
        rows, width = tensors["token_embd.weight"].shape
        config = transformers.Qwen3Config(
            vocab_size=rows,
            hidden_size=width,
            intermediate_size=128,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            rms_norm_eps=1e-6,
            max_position_embeddings=4096,
            rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        )
        state = {"embed_tokens.weight": tensors["token_embd.weight"], "norm.weight": tensors["output_norm.weight"]}
        parts = {
            "attn_norm": "input_layernorm",
            "ffn_norm": "post_attention_layernorm",
            "attn_q": "self_attn.q_proj",
            "attn_k": "self_attn.k_proj",
            "attn_v": "self_attn.v_proj",
            "attn_output": "self_attn.o_proj",
            "attn_q_norm": "self_attn.q_norm",
            "attn_k_norm": "self_attn.k_norm",
            "ffn_gate": "mlp.gate_proj",
            "ffn_up": "mlp.up_proj",
            "ffn_down": "mlp.down_proj",
        }
        for i in range(3):
            state |= {
                f"layers.{i}.{theirs}.weight": tensors[f"blk.{i}.{ours}.weight"] for ours, theirs in parts.items()
            }
        self.model = load_state(transformers.Qwen3Model(config), state)
        self.classes = tensors["cls.output.weight"]
        self.template = model.fields["tokenizer.chat_template.rerank"].contents()
        tokens = tokens_of(model)
        merges = [tuple(merge.split(" ")) for merge in model.fields["tokenizer.ggml.merges"].contents()]
        kinds = model.fields["tokenizer.ggml.token_type"].contents()
        self.tokenizer = Qwen2Tokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=merges)
        self.tokenizer.add_special_tokens(
            {"additional_special_tokens": [t for t, kind in zip(tokens, kinds) if kind == 3]}
        )
        self.length = model.fields["qwen3.context_length"].contents()

    def score(self, query, text):
        before, after = self.template.replace("{query}", query).split("{document}")
        suffix = self.tokenizer(after)["input_ids"]
        start = self.tokenizer(before + text)["input_ids"][: self.length - len(suffix)]
        hidden = self.model(input_ids=torch.tensor([start + suffix])).last_hidden_state[0, -1]
        return torch.softmax(self.classes @ hidden, 0)[0].item()


class CrossEncoder:
    def __init__(self, made):
        self.model, self.tokenizer, self.length = made

    def score(self, query, text):
        inputs = self.tokenizer(query, text, return_tensors="pt", truncation="only_second", max_length=self.length)
        if not hasattr(self.model.config, "type_vocab_size"):
            inputs.pop("token_type_ids", None)
        return self.model(**inputs).logits[0, 0].item()


def main():
    folder = pathlib.Path(sys.argv[1])
    torch.set_num_threads(1)
    scores = {}
    for name, kind in (("bert", bert), ("xlmr", xlmr), ("modern", modern), ("qwen3", Qwen3Reranker)):
        made = kind(gguf.GGUFReader(folder / f"rerank-{name}.gguf"))
        reranker = made if kind is Qwen3Reranker else CrossEncoder(made)
        with torch.no_grad():
            scores[name] = [[round(reranker.score(query, text), 6) for text in [*TEXTS, LONG]] for query in QUERIES]
    lines = [f'"{name}": {json.dumps(rows)}' for name, rows in scores.items()]
    print(f'{{"queries": {json.dumps(QUERIES)},\n"texts": {json.dumps([*TEXTS, LONG])},')
    print('"scores": {' + ",\n".join(lines) + "}}")


if __name__ == "__main__":
    main()
