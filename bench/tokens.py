"""The two families' tokenizers as the tokenizers library has them, for cutting texts to length and for the peers."""
import functools

import gguf
import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, processors

import places

# Qwen2's published pipeline: NFC, this split, bytes.
QWEN2_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
               r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


@functools.cache
def minilm():
    tokenizer = tokenizers.Tokenizer.from_file(str(places.MINILM / "hf/tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    return tokenizer


@functools.cache
def shape():
    """Of the 0.6B shape: the GGUF's tokens and merges, an end-of-text token after each text."""
    kept = places.KEPT / "shape-tokenizer.json"
    if not kept.exists():
        fields = gguf.GGUFReader(places.SHAPE).fields
        names, merges = (fields[f"tokenizer.ggml.{key}"].contents() for key in ("tokens", "merges"))
        end = fields["tokenizer.ggml.eos_token_id"].contents()
        tokenizer = tokenizers.Tokenizer(models.BPE({name: i for i, name in enumerate(names)},
                                                    [tuple(m.split(" ")) for m in merges]))
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(tokenizers.Regex(QWEN2_SPLIT),
                                                                                "isolated"),
                                                           pre_tokenizers.ByteLevel(add_prefix_space=False,
                                                                                    use_regex=False)])
        tokenizer.post_processor = processors.TemplateProcessing(single=f"$A {names[end]}",
                                                                 special_tokens=[(names[end], end)])
        places.keep(kept, tokenizer.to_str())
    return tokenizers.Tokenizer.from_file(str(kept))


FAMILIES = {"0.6b": shape, "minilm": minilm}
