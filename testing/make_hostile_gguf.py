"""Write small GGUF files, hostile ones and sound ones: make_hostile_gguf.py FOLDER

The names say what is tried. Hostile files by the step of the check that must refuse them:
r1 what the file is at all, r2 version and byte order, r3 counts, r4 metadata, r5 alignment, r6 tensors, r7 parts of a
split model, r8 kind of model, fact: numbers that llama.cpp aborts on; cve and poc: published holes of GGUF readers.
Files named sound must pass.
"""
import pathlib
import sys

from gguf_bytes import (ARRAY, BOOL, F32, F64, I8, I16, I32, I64, MOST, STRING, U8, U16, U32, U64, key, padded, start,
                        tensor,
                        text, u32, u64, whole)

# ggml's types as (number, elements of a block, bytes of a block); hostile_model_test.py compares them with gguf's
TENSOR_TYPES = [(0, 1, 4), (1, 1, 2), (2, 32, 18), (3, 32, 20), (6, 32, 22), (7, 32, 24), (8, 32, 34), (9, 32, 36),
                (10, 256, 84),
                (11, 256, 110), (12, 256, 144), (13, 256, 176), (14, 256, 210), (15, 256, 292), (16, 256, 66),
                (17, 256, 74),
                (18, 256, 98), (19, 256, 50), (20, 32, 18), (21, 256, 110), (22, 256, 82), (23, 256, 136), (24, 1, 1),
                (25, 1, 2),
                (26, 1, 4), (27, 1, 8), (28, 1, 8), (29, 256, 56), (30, 1, 2), (34, 256, 54), (35, 256, 66),
                (39, 32, 17),
                (40, 64, 36), (41, 128, 18), (42, 64, 18)]
F16, Q4_2, Q8_0, TYPE_I32, TYPE_F64 = 1, 4, 8, 26, 28

ARCHITECTURE = key("general.architecture", STRING, "bert")
TOKENS = key("tokenizer.ggml.tokens", ARRAY, (STRING, ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]))
FILLER = bytes(64)  # so that a file is not refused for its length


def with_keys(*keys, architecture=ARCHITECTURE):
    """A file that is sound but for these keys."""
    return whole([architecture, *keys], [tensor("w", [8])], bytes(32))


def with_tensors(*tensors, data=bytes(512), keys=()):
    return whole([ARCHITECTURE, *keys], tensors, data)


def one_key(encoded):
    return start(0, 1) + encoded + FILLER


def what_it_is():
    yield "empty", b""
    yield "text", b"This is no model.\n"
    yield "lfs_pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
    yield "html", b"<!DOCTYPE html><html><body>404</body></html>"
    yield "html_after_blanks", b"\xef\xbb\xbf\r\n  <HTML><head><title>Sign in</title>"
    yield "xml", b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"
    yield "json", b'{"error": "Repository not found"}'
    yield "json_list", b' [{"type": "file"}]'
    yield "safetensors", u64(60) + b'{"__metadata__":{"format":"pt"},"w":{"dtype":"F32"}}' + FILLER
    yield "zip", b"PK\x03\x04" + FILLER
    yield "ggml", b"lmgg" + FILLER
    yield "ggjt", b"tjgg" + u32(3) + FILLER
    yield "zeros", bytes(100)
    yield "shorter_than_its_start", start(0, 0)[:20]


def version():
    for number in (0, 1, 4):
        yield f"version_{number}", start(0, 0, number) + FILLER
    yield "big_endian", b"GGUF" + b"\0\0\0\3" + FILLER
    yield "reversed_magic", b"FUGG" + FILLER


def counts():
    yield "keys_65537", start(0, 65537) + FILLER
    yield "keys_beyond_the_end", start(0, 100) + FILLER
    yield "tensors_65537", start(65537, 0) + FILLER
    yield "tensors_beyond_the_end", start(100, 0) + FILLER


def metadata():
    yield "key_length_most", one_key(text("a", MOST))
    yield "key_empty", one_key(key("", U8, 1))
    yield "key_twice", with_keys(key("a", U8, 1), key("a", U8, 1))
    yield "key_with_nul", with_keys(key("general.architecture\0x", STRING, "clip"))
    yield "key_of_two_lines", with_keys(key("a\nError: b", U8, 1))
    yield "type_13", one_key(text("a") + u32(13))
    yield "type_most", one_key(text("a") + u32(2**32 - 1))
    yield "scalar_cut_off", start(0, 1) + text("a") + u32(U64) + b"123"
    yield "string_cut_off", one_key(text("a") + u32(STRING) + u64(1000))
    yield "list_of_lists", one_key(text("a") + u32(ARRAY) + u32(ARRAY) + u64(1) + u32(U8) + u64(1) + b"1")
    yield "list_type_13", one_key(text("a") + u32(ARRAY) + u32(13) + u64(1))
    yield "list_bytes_wrap", one_key(text("a") + u32(ARRAY) + u32(U64) + u64(2**61))
    yield "list_of_strings_wraps", one_key(text("a") + u32(ARRAY) + u32(STRING) + u64(2**61))
    yield "list_entry_length_most", one_key(text("a") + u32(ARRAY) + u32(STRING) + u64(2) + text("b") + u64(MOST))
    yield "token_twice", with_keys(key("tokenizer.ggml.tokens", ARRAY, (STRING, ["a", "b", "a"])))
    yield "token_twice_up_to_nul", with_keys(key("tokenizer.ggml.tokens", ARRAY, (STRING, ["a\0b", "a\0c"])))
    yield "token_twice_as_filler", with_keys(key("tokenizer.ggml.tokens", ARRAY, (STRING, ["", "[EMPTY_0]"])))
    yield "token_too_long", with_keys(key("tokenizer.ggml.tokens", ARRAY, (STRING, ["a" * 16385])))


def alignment():
    for value in (0, 1, 4, 24, 131072):
        yield f"alignment_{value}", with_keys(key("general.alignment", U32, value))
    yield "alignment_negative", with_keys(key("general.alignment", I32, -32))
    yield "alignment_of_64_bits", with_keys(key("general.alignment", U64, 32))
    yield "alignment_as_text", with_keys(key("general.alignment", STRING, "32"))


def tensors():
    yield "name_of_64_bytes", with_tensors(tensor("w" * 64, [8]))
    yield "name_empty", with_tensors(tensor("", [8]))
    yield "name_length_most", with_tensors(text("w", MOST) + FILLER)
    yield "name_of_two_lines", with_tensors(tensor("a\nError: b", [8]))
    yield "name_twice", with_tensors(tensor("w", [8]), tensor("w", [8], offset=32))
    yield "no_dimensions", with_tensors(tensor("w", []) + FILLER)
    yield "five_dimensions", with_tensors(tensor("w", [1] * 5))
    yield "dimension_0", with_tensors(tensor("w", [8, 0]))
    yield "dimension_negative", with_tensors(tensor("w", [2**63]))
    yield "shape_wraps_to_0", with_tensors(tensor("w", [2**32, 2**32]))
    yield "shape_wraps_to_8", with_tensors(tensor("w", [8, 2**61 + 1]))
    yield "type_43", with_tensors(tensor("w", [256], 43))
    yield "type_negative", with_tensors(tensor("w", [256], 2**32 - 1))
    yield "type_dropped", with_tensors(tensor("w", [256], Q4_2))
    yield "half_a_block", with_tensors(tensor("w", [48], Q8_0))
    yield "offset_not_aligned", with_tensors(tensor("w", [8], offset=8))
    yield "gap", with_tensors(tensor("a", [8]), tensor("b", [8], offset=64))
    yield "overlap", with_tensors(tensor("a", [16]), tensor("b", [8], offset=32))
    yield "first_not_at_0", with_tensors(tensor("a", [8], offset=32))
    yield "offset_wraps", with_tensors(tensor("w", [8], offset=2**64 - 32))
    yield "no_data", whole([ARCHITECTURE], [tensor("w", [8])])
    yield "last_byte_missing", whole([ARCHITECTURE], [tensor("w", [8])], bytes(31))
    yield "cut_off_in_tensors", start(1, 1) + ARCHITECTURE + tensor("w", [8])[:-1]


def parts():
    numbers = [key("split.no", U16, 0), key("split.count", U16, 3), key("split.tensors.count", I32, 3)]
    yield "part_1_of_3", with_keys(*numbers)
    yield "part_2_of_1", with_keys(key("split.no", U16, 1))
    yield "number_as_text", with_keys(key("split.no", STRING, "0"))
    yield "count_of_32_bits", with_keys(key("split.count", U32, 1))
    yield "tensor_count_unsigned", with_keys(key("split.tensors.count", U32, 1))


def kinds():
    yield "projector", with_keys(key("general.type", STRING, "mmproj"))
    yield "projector_by_architecture", with_keys(architecture=key("general.architecture", STRING, "clip"))
    yield "adapter", with_keys(key("general.type", STRING, "adapter"))
    yield "adapter_by_key", with_keys(key("adapter.type", STRING, "lora"))
    yield "imatrix", with_keys(key("general.type", STRING, "imatrix"))
    yield "control_vector", with_keys(architecture=key("general.architecture", STRING, "controlvector"))
    yield "no_architecture", with_keys(architecture=key("general.name", STRING, "x"))
    yield "architecture_as_number", with_keys(architecture=key("general.architecture", U32, 5))
    yield "architecture_of_two_lines", with_keys(architecture=key("general.architecture", STRING, "bert\nError: x"))
    yield "no_tensors", whole([ARCHITECTURE, TOKENS])


def facts():
    def number(name, value):
        return key(f"bert.{name}", U32, value)

    heads = [number("embedding_length", 64), number("attention.head_count", 4)]
    yield "blocks_0", with_keys(number("block_count", 0))
    yield "blocks_513", with_keys(number("block_count", 513))
    yield "blocks_ahead", with_keys(number("block_count", 3), number("nextn_predict_layers", 4))
    yield "experts_unused", with_keys(number("expert_count", 8))
    yield "experts_too_few", with_keys(number("expert_count", 8), number("expert_used_count", 9))
    yield "experts_too_many", with_keys(number("expert_count", 1025), number("expert_used_count", 1))
    yield "expert_groups_without_experts", with_keys(number("expert_group_count", 2))
    yield "expert_groups_uneven", with_keys(number("expert_count", 8), number("expert_used_count", 2),
                                            number("expert_group_count", 3),
                                            number("expert_group_used_count", 1))
    yield "epsilon_negative", with_keys(key("bert.attention.layer_norm_epsilon", F32, -1.0))
    yield "epsilon_nan", with_keys(key("bert.attention.layer_norm_rms_epsilon", F32, float("nan")))
    yield "rope_scaling", with_keys(key("bert.rope.scaling.type", STRING, "twist"))
    yield "rope_odd", with_keys(*heads, number("rope.dimension_count", 7))
    yield "rope_too_wide", with_keys(*heads, number("rope.dimension_count", 18))
    yield "rope_in_part", with_keys(key("qwen3.embedding_length", U32, 64), key("qwen3.attention.head_count", U32, 4),
                                    key("qwen3.rope.dimension_count", U32, 8),
                                    architecture=key("general.architecture", STRING, "qwen3"))
    yield "keys_unlike_values", with_keys(*heads, number("attention.key_length", 8))
    yield "vectors_from_nowhere", with_keys(*heads, number("embedding_length_out", 128))
    yield "no_tokenizer", with_keys(key("tokenizer.ggml.model", STRING, "none"), number("vocab_size", 2**32 - 1))
    yield "tokens_as_numbers", with_keys(key("tokenizer.ggml.tokens", ARRAY, (U32, [1, 2])))
    yield "too_few_scores", with_keys(TOKENS, key("tokenizer.ggml.scores", ARRAY, (F32, [1.0] * 3)))
    yield "scores_of_one_byte", with_keys(TOKENS, key("tokenizer.ggml.scores", ARRAY, (I8, [1] * 4)))
    yield "too_few_token_types", with_keys(TOKENS, key("tokenizer.ggml.token_type", ARRAY, (I32, [1])))
    yield "merges_as_numbers", with_keys(TOKENS, key("tokenizer.ggml.merges", ARRAY, (U32, [1])))
    yield "integer_matrix", with_tensors(tensor("token_embd.weight", [8, 2], TYPE_I32))
    yield "double_matrix", with_tensors(tensor("blk.0.attn_q.weight", [8, 2], TYPE_F64))
    yield "norm_in_f16", with_tensors(tensor("output_norm.weight", [8], F16))
    yield "bias_in_q8_0", with_tensors(tensor("blk.0.attn_q.bias", [32], Q8_0))


def published():
    """Names: the number, then what is wrong."""
    yield "2024-21802_shape", with_tensors(tensor("w", [2**62, 2, 2, 2]))
    yield "2024-21825_list_count", one_key(text("a") + u32(ARRAY) + u32(STRING) + u64(MOST))
    yield "2024-21836_tensor_count", start(MOST, 0) + FILLER
    yield "2024-23496_string_length", one_key(text("a") + u32(STRING) + u64(MOST))
    yield "2024-23605_key_count", start(0, MOST) + FILLER
    yield "2024-32878_ends_in_a_value", start(0, 3) + ARCHITECTURE + text("b") + u32(STRING)
    one_token = text("tokenizer.ggml.tokens") + u32(ARRAY) + u32(STRING) + u64(1)
    yield "2025-49847_token_of_2_GiB", one_key(one_token + u64(2**31))
    yield "2025-52566_token_of_4_GiB", one_key(one_token + u64(2**32 - 1))
    yield "2025-53630_sizes_add_up", with_tensors(*[tensor(f"w{i}", [2**60], offset=2**62 * i % 2**64)
                                                    for i in range(5)])
    yield "2026-27940_sizes_and_overhead", with_tensors(tensor("w", [2**62 - 128]))
    yield "2026-33298_bytes_wrap", with_tensors(tensor("w", [2**61 + 4], TYPE_F64))
    yield "2026-7482_outside_the_file", with_tensors(tensor("w", [2**20]))


def proofs():
    yield "alignment_2_to_31", with_keys(key("general.alignment", U32, 2**31))
    yield "padding_wraps", with_tensors(tensor("a", [2**62 - 1]), tensor("b", [8]))
    yield "string_of_1_GiB", one_key(text("a") + u32(STRING) + u64(2**30))
    yield "list_of_1_Gi", one_key(text("a") + u32(ARRAY) + u32(STRING) + u64(2**30))
    yield "lists_in_lists", one_key(text("a") + (u32(ARRAY) + u32(ARRAY) + u64(1)) * 200)
    yield "nine_dimensions", with_tensors(tensor("w", [1] * 9))


def sound():
    numbers = [key("bert.block_count", U32, 3), key("bert.embedding_length", U32, 64),
               key("bert.attention.head_count", U32, 4),
               key("bert.attention.layer_norm_epsilon", F32, 1e-12), key("bert.rope.scaling.type", STRING, "yarn"),
               key("bert.expert_count", U32, 8), key("bert.expert_used_count", U32, 2),
               key("bert.rope.dimension_count", U32, 8)]
    yield "plain", with_keys()
    yield "numbers", with_keys(*numbers)
    yield "every_value_type", with_keys(*[key(f"a{kind}", kind, 1)
                                          for kind in (U8, I8, U16, I16, U32, I32, F32, BOOL, U64, I64, F64)],
                                        *[key(f"b{kind}", ARRAY, (kind, [1, 0]))
                                          for kind in (U8, I16, F32, BOOL, I64, F64)],
                                        key("empty", STRING, ""), key("none", ARRAY, (STRING, [])))
    offsets, data = [], b""
    for kind, elements, size in TENSOR_TYPES:
        offsets.append(tensor(f"t{kind}", [elements, 3], kind, len(data)))
        data = padded(data + bytes(3 * size))
    yield "every_tensor_type", with_tensors(*offsets, data=data)
    yield "version_2", whole([ARCHITECTURE], [tensor("w", [8])], bytes(32), version=2)
    yield "alignment_8", whole([ARCHITECTURE, key("general.alignment", U32, 8)],
                               [tensor("a", [1]), tensor("b", [1], offset=8)], bytes(12), 8)
    yield "alignment_64", whole([ARCHITECTURE, key("general.alignment", U32, 64)],
                                [tensor("a", [1]), tensor("b", [1], offset=64)], bytes(68), 64)
    yield "four_dimensions", with_tensors(tensor("w", [2, 3, 4, 5]))
    yield "vocabulary", with_keys(TOKENS, key("tokenizer.ggml.scores", ARRAY, (F32, [0.0] * 4)),
                                  key("tokenizer.ggml.token_type", ARRAY, (I32, [3] * 4)),
                                  key("tokenizer.ggml.model", STRING, "bert"))
    yield "empty_tokens", with_keys(key("tokenizer.ggml.tokens", ARRAY, (STRING, ["", "", b"\xff\xfe"])))
    yield "merged_from_parts", with_keys(key("split.no", U16, 0), key("split.count", U16, 0),
                                         key("split.tensors.count", I32, 1))
    yield "template_that_is_only_data", with_keys(key("tokenizer.chat_template", STRING,
                                                      "{{ ''.__class__.__mro__ }}" * 200))
    yield "text_with_nul", with_keys(key("general.description", STRING, "two\nlines\0and more"))
    yield "table_of_integers", with_tensors(tensor("blk.0.ffn_gate_tid2eid.weight", [2, 8], TYPE_I32))
    yield "vectors_of_another_length", with_tensors(tensor("dense_2.weight", [8, 16]),
                                                    keys=[key("bert.embedding_length", U32, 8),
                                                          key("bert.embedding_length_out", U32, 16)])


GROUPS = {"r1": what_it_is, "r2": version, "r3": counts, "r4": metadata, "r5": alignment, "r6": tensors, "r7": parts,
          "r8": kinds,
          "fact": facts, "cve": published, "poc": proofs, "sound": sound}


def files():
    for group, rows in GROUPS.items():
        for name, data in rows():
            yield f"{group}-{name}.gguf", data


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
