"""Write tiny synthetic GGUF models, the same bytes for the same seed: make_models.py FOLDER

bert.gguf    BERT: mean pooling, WordPiece, CLS and SEP
qwen3.gguf   Qwen3: last-token pooling, byte-level BPE, EOS added
llama.gguf   a llama decoder without pooling
generator.gguf   Qwen3 without pooling, which generates
mamba.gguf   Mamba, whose memory is one state
qwen3-wide.gguf   Qwen3 whose cache takes 24 KiB a token
bert-aligned.gguf   BERT in Q8_0 whose tensors begin at multiples of 128 bytes
qwen3-nan.gguf   Qwen3 in F16 with one weight that is NaN: no text has a finite vector
bert-nan-hello.gguf, qwen3-nan-z.gguf   one NaN in the row of the token "hello", "z": texts with it have none
qwen3-zero.gguf  Qwen3 whose last norm is zero: so is every vector
and from them the damaged and odd files that the tests of bad input need.

With --full-qwen3 FILE it writes the shape of Qwen3-Embedding-0.6B with random Q8_0 weights, for benchmarks;
with --full-generator FILE the same without pooling, which generates. A second FILE, a GGUF with a trained byte-level
tokenizer, gives its tokens to the model, so that texts become about as many tokens as with the real one.
"""
import pathlib
import sys
import tempfile

import gguf
import numpy
from gguf_bytes import Gguf

SEED = 20260131


class Weights:
    """kind: of matrices, "F32", "F16", "Q8_0", "Q5_0"; vectors are float32."""
    def __init__(self, writer, seed, kind="F32"):
        self.writer, self.random, self.kind = writer, numpy.random.default_rng(seed), gguf.GGMLQuantizationType[kind]

    def matrix(self, name, rows, columns, scale=None, plain=False, of_each=None):
        """plain: float32 whatever the others are; of_each: as many matrices, one for each expert."""
        shape = (of_each, rows, columns) if of_each else (rows, columns)
        data = self.random.standard_normal(shape, dtype=numpy.float32)
        data *= numpy.float32(scale if scale is not None else columns ** -0.5)
        kind = gguf.GGMLQuantizationType.F32 if plain else self.kind
        self.writer.add_tensor(name, gguf.quants.quantize(data, kind), raw_dtype=kind)

    def vector(self, name, size, around):
        self.writer.add_tensor(name, (around + 0.1 * self.random.standard_normal(size)).astype(numpy.float32))


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def toy_wordpiece(writer):
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,;:!?-'\"()"
    words = ["the", "and", "hello", "world", "text", "number", "is", "of", "a1", "long"]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += ["\u2581" + t for t in list(letters) + words] + list(letters[:36]) + ["ing", "er", "ed"]
    types = [3] * 5 + [1] * (len(tokens) - 5)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_sep_token_id(3)
    writer.add_eos_token_id(3)
    writer.add_pad_token_id(0)
    writer.add_mask_token_id(4)
    return len(tokens)


def aligned_wordpiece(writer):
    writer.add_custom_alignment(128)
    return toy_wordpiece(writer)


def bert(path, add_tokenizer=toy_wordpiece, extra_rows=0, split_tensors=0, kind="F32"):
    """add_tokenizer(writer) writes the tokenizer's keys and returns the number of tokens; extra_rows of 256 bytes make
    the file larger; split_tensors: a split model of parts with so many tensors each."""
    width, inner, heads, layers, context = 64, 128, 4, 3, 2560 + extra_rows
    writer = gguf.GGUFWriter(path, "bert", split_max_tensors=split_tensors)
    writer.add_name("tiny bert")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(inner)
    writer.add_block_count(layers)
    writer.add_head_count(heads)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_token_type_count(2)
    vocabulary = add_tokenizer(writer)
    weights = Weights(writer, SEED, kind)
    weights.matrix("token_embd.weight", vocabulary, width, 1.0)
    weights.matrix("position_embd.weight", context, width, 0.3, plain=True)
    weights.matrix("token_types.weight", 2, width, 0.1, plain=True)
    weights.vector("token_embd_norm.weight", width, 1)
    weights.vector("token_embd_norm.bias", width, 0)
    for i in range(layers):
        for name, rows, columns in (("attn_q", width, width), ("attn_k", width, width), ("attn_v", width, width),
                                    ("attn_output", width, width), ("ffn_up", inner, width),
                                    ("ffn_down", width, inner)):
            weights.matrix(f"blk.{i}.{name}.weight", rows, columns)
            weights.vector(f"blk.{i}.{name}.bias", rows, 0)
        for name in ("attn_output_norm", "layer_output_norm"):
            weights.vector(f"blk.{i}.{name}.weight", width, 1)
            weights.vector(f"blk.{i}.{name}.bias", width, 0)
    finish(writer)


def byte_alphabet():
    """GPT-2's printable stand-ins for the 256 bytes."""
    plain = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, extra = {}, 0
    for byte in range(256):
        if byte in plain:
            table[byte] = chr(byte)
        else:
            table[byte] = chr(256 + extra)
            extra += 1
    return [table[b] for b in range(256)]


def byte_level(writer, vocabulary=None, add_eos=True, byte_pairs=None, pre="qwen2"):
    """Write a byte-level tokenizer's keys: a toy's or of trained (tokens, merges), filled up to `vocabulary` tokens.
    Returns their number."""
    tokens = byte_alphabet()
    space = tokens[32]
    merges = ["t h", "th e", f"{space} the", "i n", "in g", "a n", "an d", f"{space} a"]
    tokens += [merge.replace(" ", "") for merge in merges]
    if byte_pairs:
        tokens, merges = list(byte_pairs[0]), list(byte_pairs[1])
    types = [1] * len(tokens)
    eos = len(tokens)
    tokens += ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    types += [3, 3, 3]
    while vocabulary and len(tokens) < vocabulary:
        tokens.append(f"[unused{len(tokens)}]")
        types.append(5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(eos)
    writer.add_pad_token_id(eos)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(add_eos)
    return len(tokens)


def decoder(path, architecture, *, width=64, inner=128, heads=4, kv_heads=2, head_size=16, layers=3, context=4096,
            pooling=None, vocabulary=None, kind="F32", name="tiny", add_eos=True, byte_pairs=None, add=None,
            pre="qwen2"):
    """byte_pairs: (tokens, merges) of a trained byte-level tokenizer; pre: how texts are cut into words;
    add(writer, weights) writes what else there is."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(name)
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(inner)
    writer.add_block_count(layers)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(head_size)
    writer.add_value_length(head_size)
    writer.add_rope_freq_base(1e6)
    writer.add_rope_dimension_count(head_size)
    writer.add_layer_norm_rms_eps(1e-6)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    tokens = byte_level(writer, vocabulary, add_eos, byte_pairs, pre)
    weights = Weights(writer, SEED + 1, kind)
    weights.matrix("token_embd.weight", tokens, width, 1.0)
    weights.vector("output_norm.weight", width, 1)
    for i in range(layers):
        weights.vector(f"blk.{i}.attn_norm.weight", width, 1)
        weights.vector(f"blk.{i}.ffn_norm.weight", width, 1)
        weights.matrix(f"blk.{i}.attn_q.weight", heads * head_size, width)
        weights.matrix(f"blk.{i}.attn_k.weight", kv_heads * head_size, width)
        weights.matrix(f"blk.{i}.attn_v.weight", kv_heads * head_size, width)
        weights.matrix(f"blk.{i}.attn_output.weight", width, heads * head_size)
        if architecture == "qwen3":
            weights.vector(f"blk.{i}.attn_q_norm.weight", head_size, 1)
            weights.vector(f"blk.{i}.attn_k_norm.weight", head_size, 1)
        weights.matrix(f"blk.{i}.ffn_gate.weight", inner, width)
        weights.matrix(f"blk.{i}.ffn_up.weight", inner, width)
        weights.matrix(f"blk.{i}.ffn_down.weight", width, inner)
    if add:
        add(writer, weights)
    finish(writer)


def mamba(path, width=64, layers=2, state=16, kernel=4, rank=4):
    inner = 2 * width
    writer = gguf.GGUFWriter(path, "mamba")
    writer.add_name("tiny mamba")
    writer.add_context_length(4096)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_block_count(layers)
    writer.add_ssm_conv_kernel(kernel)
    writer.add_ssm_inner_size(inner)
    writer.add_ssm_state_size(state)
    writer.add_ssm_time_step_rank(rank)
    writer.add_layer_norm_rms_eps(1e-5)
    tokens = byte_level(writer, add_eos=False)
    weights = Weights(writer, SEED + 2)
    weights.matrix("token_embd.weight", tokens, width, 1.0)
    weights.vector("output_norm.weight", width, 1)
    for i in range(layers):
        weights.vector(f"blk.{i}.attn_norm.weight", width, 1)
        for name, rows, columns in (("ssm_in", 2 * inner, width), ("ssm_conv1d", inner, kernel),
                                    ("ssm_x", rank + 2 * state, inner), ("ssm_dt", inner, rank),
                                    ("ssm_out", width, inner)):
            weights.matrix(f"blk.{i}.{name}.weight", rows, columns)
        weights.vector(f"blk.{i}.ssm_conv1d.bias", inner, 0)
        weights.vector(f"blk.{i}.ssm_dt.bias", inner, 0)
        weights.vector(f"blk.{i}.ssm_d", inner, 1)
        writer.add_tensor(f"blk.{i}.ssm_a", -numpy.tile(numpy.arange(1, state + 1, dtype=numpy.float32), (inner, 1)))
    finish(writer)


def byte_pairs_of(path):
    """The ordinary tokens and the merges of another model's byte-level tokenizer."""
    fields = gguf.GGUFReader(path).fields
    names, kinds, merges = (fields[f"tokenizer.ggml.{key}"].contents() for key in ("tokens", "token_type", "merges"))
    return [name for name, kind in zip(names, kinds) if kind == 1], merges


def projector(path):
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_type("mmproj")
    writer.add_tensor("v.position_embd.weight", numpy.zeros((4, 32), numpy.float32))
    finish(writer)


def patched(source, path, tensor, change):
    """A copy of a model in which `change` has changed a tensor's values, a flat array."""
    types = {int(kind): gguf.GGML_QUANT_SIZES[kind]
             for kind in (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16)}
    model = Gguf(source, types)
    _, kind, data = model.tensors[tensor]
    values = numpy.frombuffer(data, numpy.float32 if kind == 0 else numpy.float16).copy()
    change(values)
    model.tensors[tensor][2] = values.tobytes()
    model.write(path)


def not_finite(folder):
    def one_nan(at):
        return lambda values: values.__setitem__(at, numpy.nan)
    def first_value_of(model, token):
        return 64 * gguf.GGUFReader(model).fields["tokenizer.ggml.tokens"].contents().index(token)
    decoder(folder / "qwen3-nan.gguf", "qwen3", pooling=gguf.PoolingType.LAST, kind="F16")
    patched(folder / "qwen3-nan.gguf", folder / "qwen3-nan.gguf", "blk.1.ffn_up.weight", one_nan(5))
    for model, name, token in (("bert", "hello", "\u2581hello"), ("qwen3", "z", "z")):
        source = folder / f"{model}.gguf"
        first = first_value_of(source, token)
        patched(source, folder / f"{model}-nan-{name}.gguf", "token_embd.weight", one_nan(first))
    patched(folder / "qwen3.gguf", folder / "qwen3-zero.gguf", "output_norm.weight", lambda values: values.fill(0))


def main():
    if sys.argv[1] in ("--full-qwen3", "--full-generator"):
        embeds = sys.argv[1] == "--full-qwen3"
        byte_pairs = byte_pairs_of(sys.argv[3]) if len(sys.argv) > 3 else None
        decoder(sys.argv[2], "qwen3", width=1024, inner=3072, heads=16, kv_heads=8, head_size=128, layers=28,
                context=32768, pooling=gguf.PoolingType.LAST if embeds else None, vocabulary=151669, kind="Q8_0",
                name="Qwen3-Embedding-0.6B shape" if embeds else "Qwen3-0.6B shape", add_eos=embeds,
                byte_pairs=byte_pairs)
        return
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    # Beside them, and renamed: whoever has one of the old files mapped keeps it.
    with tempfile.TemporaryDirectory(dir=target, prefix=".") as folder:
        write_all(pathlib.Path(folder))
        for made in sorted(pathlib.Path(folder).iterdir()):
            made.rename(target / made.name)


def write_all(folder):
    bert(folder / "bert.gguf")
    bert(folder / "bert-q5_0.gguf", kind="Q5_0")  # weights that our kernels hold larger than the file does
    decoder(folder / "qwen3.gguf", "qwen3", pooling=gguf.PoolingType.LAST)
    # No pooling key, no EOS.
    decoder(folder / "qwen3-embedding-bare.gguf", "qwen3", name="tiny embedding", add_eos=False)
    decoder(folder / "llama.gguf", "llama")
    decoder(folder / "qwen3-wide.gguf", "qwen3", heads=8, kv_heads=8, head_size=256, pooling=gguf.PoolingType.LAST)
    decoder(folder / "generator.gguf", "qwen3", context=40960, add_eos=False)
    mamba(folder / "mamba.gguf")
    bert(folder / "bert-aligned.gguf", aligned_wordpiece, kind="Q8_0")
    projector(folder / "mmproj-tiny.gguf")
    not_finite(folder)
    whole = (folder / "bert.gguf").read_bytes()
    (folder / "truncated.gguf").write_bytes(whole[: len(whole) // 2])
    (folder / "text.gguf").write_text("This is no model.\n")


if __name__ == "__main__":
    main()
