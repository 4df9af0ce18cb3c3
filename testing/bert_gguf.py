"""Write a published BERT embedding model (config.json, vocab.txt, model.safetensors) as GGUF files.

usage: bert_gguf.py HF_MODEL_FOLDER STEM TYPE…        writes STEM-TYPE.gguf for each TYPE: F16, F32, Q8_0

The tensors and the vocabulary are those of llama.cpp's convert_hf_to_gguf.py, byte for byte, without the PyTorch and
transformers that it needs. script/reference, which has them, keeps what that makes; parity_test.py compares the two.
"""
import json
import pathlib
import re
import sys

import gguf
import numpy

ARCHITECTURE = gguf.MODEL_ARCH.BERT
TYPES = {"F32": gguf.GGMLQuantizationType.F32, "F16": gguf.GGMLQuantizationType.F16,
         "Q8_0": gguf.GGMLQuantizationType.Q8_0}
FILE_TYPES = {"F32": gguf.LlamaFileType.ALL_F32, "F16": gguf.LlamaFileType.MOSTLY_F16,
              "Q8_0": gguf.LlamaFileType.MOSTLY_Q8_0}
POOLING = {"pooling_mode_mean_tokens": gguf.PoolingType.MEAN, "pooling_mode_cls_token": gguf.PoolingType.CLS}
# Tensors that llama.cpp adds as they are and does not multiply with.
EXACT = ("token_types", "position_embd")
# llama.cpp's name for the way in which BERT's vocabularies split words.
PRE_TOKENIZER = "jina-v2-en"


def safetensors(path):
    """{name: array} of a safetensors file: the length of a JSON header, the header, the data."""
    data = numpy.memmap(path, mode="r", dtype=numpy.uint8)
    size = int.from_bytes(data[:8].tobytes(), "little")
    tensors = {}
    for name, entry in json.loads(data[8:8 + size].tobytes()).items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            tensors[name] = data[8 + size + begin:8 + size + end].view("<f4").reshape(entry["shape"])
    return tensors


def vocabulary(path):
    """Tokens and their types: what begins a word has a "▁" before it, what goes on with one has lost its "##"."""
    tokens, types = [], []
    for token in path.read_text(encoding="utf-8").split("\n")[:-1]:
        special = token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
        tokens.append(token if special else token[2:] if token.startswith("##") else "▁" + token)
        types.append(gguf.TokenType.CONTROL if special else gguf.TokenType.NORMAL)
    return tokens, types


def write(folder, path, kind):
    config = json.loads((folder / "config.json").read_text())
    pooling = json.loads((folder / "1_Pooling/config.json").read_text())
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text())
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[ARCHITECTURE])
    writer.add_name(config["_name_or_path"].split("/")[-1])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(next(value for key, value in POOLING.items() if pooling[key]))
    writer.add_file_type(FILE_TYPES[kind])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)

    tokens, types = vocabulary(folder / "vocab.txt")
    writer.add_token_type_count(config["type_vocab_size"])
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre(PRE_TOKENIZER)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_bos_token_id(tokens.index("[CLS]"))
    writer.add_eos_token_id(tokens.index("[SEP]"))
    writer.add_unk_token_id(tokens.index("[UNK]"))
    writer.add_sep_token_id(tokens.index("[SEP]"))
    writer.add_pad_token_id(tokens.index("[PAD]"))
    writer.add_mask_token_id(tokens.index("[MASK]"))
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    writer.add_add_sep_token(False)
    writer.add_bool("tokenizer.ggml.normalizer.lowercase", tokenizer["do_lower_case"])

    names = gguf.get_tensor_name_map(ARCHITECTURE, config["num_hidden_layers"])
    for name, tensor in safetensors(folder / "model.safetensors").items():
        ours = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if ours is None:
            if re.search("pooler", name):
                continue
            sys.exit(f"bert_gguf.py: {folder}: tensor '{name}' is none of BERT's")
        exact = tensor.ndim == 1 or ours.startswith(EXACT)
        stored = TYPES["F32" if exact else kind]
        writer.add_tensor(ours, gguf.quants.quantize(numpy.ascontiguousarray(tensor), stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def differences(ours, theirs):
    """What a model computes with and the two files differ in: tensors, and keys but those that describe the model."""
    ours, theirs = gguf.GGUFReader(ours), gguf.GGUFReader(theirs)
    keys = [{key: field.contents() for key, field in file.fields.items()
             if not key.startswith(("GGUF.", "general."))} for file in (ours, theirs)]
    tensors = [{one.name: (one.tensor_type, tuple(one.shape), one.data.tobytes()) for one in file.tensors}
               for file in (ours, theirs)]
    return [name for mine, other in (keys, tensors) for name in sorted({*mine, *other})
            if name not in mine or name not in other or mine[name] != other[name]]


def main(arguments):
    folder, stem, *kinds = arguments
    for kind in kinds:
        write(pathlib.Path(folder), f"{stem}-{kind}.gguf", kind)


if __name__ == "__main__":
    main(sys.argv[1:])
