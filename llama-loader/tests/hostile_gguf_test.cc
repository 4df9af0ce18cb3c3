#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <vector>

#include "gguf/header_reader.h"
#include "gguf/model_check.h"

// The files of fuzz/corpus, which testing/make_hostile_gguf.py writes: what is told for each.
namespace llama {
namespace {

namespace fs = std::filesystem;

Result<void> check(const fs::path& file) {
  const auto header = read_gguf_header(file);
  if (!header) return std::unexpected(header.error());
  return internal::check_model({&*header, 1}, {&file, 1});
}

const std::map<std::string, std::string>& reasons() {
  static const std::map<std::string, std::string> kRows{
      {"r1-empty", "an empty file"},
      {"r1-text", "not a GGUF file"},
      {"r1-lfs_pointer", "a Git LFS pointer"},
      {"r1-html", "a web page"},
      {"r1-html_after_blanks", "a web page"},
      {"r1-xml", "a web page"},
      {"r1-json", "JSON text"},
      {"r1-json_list", "JSON text"},
      {"r1-safetensors", "a safetensors file"},
      {"r1-zip", "a zip archive"},
      {"r1-ggml", "before GGUF"},
      {"r1-ggjt", "before GGUF"},
      {"r1-zeros", "nothing but zeros"},
      {"r1-shorter_than_its_start", "the file ends inside its header"},

      {"r2-version_0", "version 0 is too old"},
      {"r2-version_1", "version 1 is too old"},
      {"r2-version_4", "version 4 needs a newer llama.cpp"},
      {"r2-big_endian", "a big-endian GGUF file"},
      {"r2-reversed_magic", "a big-endian GGUF file"},

      {"r3-keys_65537", "cannot hold the 65537 metadata keys"},
      {"r3-keys_beyond_the_end", "cannot hold the 100 metadata keys"},
      {"r3-tensors_65537", "cannot hold the 65537 tensors"},
      {"r3-tensors_beyond_the_end", "cannot hold the 100 tensors"},

      {"r4-key_length_most", "metadata key 1 is damaged or cut off"},
      {"r4-key_empty", "metadata key 1 is no name"},
      {"r4-key_twice", "metadata key 'a' stands twice"},
      {"r4-key_with_nul", "metadata key 2 is no name"},
      {"r4-key_of_two_lines", "metadata key 2 is no name"},
      {"r4-type_13", "'a' has the unknown type 13"},
      {"r4-type_most", "'a' has the unknown type 4294967295"},
      {"r4-scalar_cut_off", "the file ends inside its header"},
      {"r4-string_cut_off", "the text of metadata 'a' is damaged or cut off"},
      {"r4-list_of_lists", "metadata 'a' is a list of lists"},
      {"r4-list_type_13", "'a' has the unknown type 13"},
      {"r4-list_bytes_wrap", "the 2305843009213693952 entries of metadata 'a' do not fit the file"},
      {"r4-list_of_strings_wraps", "the 2305843009213693952 entries of metadata 'a' do not fit the file"},
      {"r4-list_entry_length_most", "entry 1 of metadata 'a' is damaged or cut off"},
      {"r4-token_twice", "tokens 0 and 2 of the vocabulary are the same"},
      {"r4-token_twice_up_to_nul", "tokens 0 and 1 of the vocabulary are the same"},
      {"r4-token_twice_as_filler", "tokens 0 and 1 of the vocabulary are the same"},
      {"r4-token_too_long", "token 0 of the vocabulary is damaged, or longer than 16384 bytes"},

      {"r5-alignment_0", "general.alignment 0 is no power of two"},
      {"r5-alignment_1", "general.alignment 1 is no power of two from 8"},
      {"r5-alignment_4", "general.alignment 4 is no power of two from 8"},
      {"r5-alignment_24", "general.alignment 24 is no power of two"},
      {"r5-alignment_131072", "general.alignment 131072 is no power of two from 8 to 65536"},
      {"r5-alignment_negative", "general.alignment is not a 32-bit number"},
      {"r5-alignment_of_64_bits", "general.alignment is not a 32-bit number"},
      {"r5-alignment_as_text", "general.alignment is not a 32-bit number"},

      {"r6-name_of_64_bytes", "the name of tensor 1 is damaged or cut off"},
      {"r6-name_empty", "tensor 1 has no name"},
      {"r6-name_length_most", "the name of tensor 1 is damaged or cut off"},
      {"r6-name_of_two_lines", "tensor 1 has no name"},
      {"r6-name_twice", "tensor 'w' stands twice"},
      {"r6-no_dimensions", "tensor 'w' has 0 dimensions"},
      {"r6-five_dimensions", "tensor 'w' has 5 dimensions"},
      {"r6-dimension_0", "the shape of tensor 'w' cannot be"},
      {"r6-dimension_negative", "the shape of tensor 'w' cannot be"},
      {"r6-shape_wraps_to_0", "the shape of tensor 'w' cannot be"},
      {"r6-shape_wraps_to_8", "the shape of tensor 'w' cannot be"},
      {"r6-type_43", "has type 43, which needs a newer llama.cpp"},
      {"r6-type_negative", "has type 4294967295, which needs a newer llama.cpp"},
      {"r6-type_dropped", "has type Q4_2, which llama.cpp no longer reads"},
      {"r6-half_a_block", "no whole number of blocks"},
      {"r6-offset_not_aligned", "tensor 'w' is not aligned"},
      {"r6-gap", "tensor 'b' overlaps another or leaves a gap"},
      {"r6-overlap", "tensor 'b' overlaps another or leaves a gap"},
      {"r6-first_not_at_0", "tensor 'a' overlaps another or leaves a gap"},
      {"r6-offset_wraps", "tensor 'w' overlaps another or leaves a gap"},
      {"r6-no_data", "tensor 'w' lies outside the file"},
      {"r6-last_byte_missing", "tensor 'w' lies outside the file"},
      {"r6-cut_off_in_tensors", "the file ends inside its header"},

      {"r7-part_1_of_3", "it is part 1 of 3 of a split model, which its name does not say"},
      {"r7-part_2_of_1", "it is part 2 of 1"},
      {"r7-number_as_text", "metadata 'split.no' is not an unsigned 16-bit number"},
      {"r7-count_of_32_bits", "metadata 'split.count' is not an unsigned 16-bit number"},
      {"r7-tensor_count_unsigned", "metadata 'split.tensors.count' is not a signed 32-bit number"},

      {"r8-projector", "a multimodal projector"},
      {"r8-projector_by_architecture", "a multimodal projector"},
      {"r8-adapter", "an adapter"},
      {"r8-adapter_by_key", "an adapter"},
      {"r8-imatrix", "an importance matrix"},
      {"r8-control_vector", "a control vector"},
      {"r8-no_architecture", "lacks general.architecture"},
      {"r8-architecture_as_number", "general.architecture is no text"},
      {"r8-architecture_of_two_lines", "general.architecture is no name"},
      {"r8-no_tensors", "it holds no tensors"},

      {"fact-blocks_0", "0 blocks cannot be"},
      {"fact-blocks_513", "513 blocks cannot be"},
      {"fact-blocks_ahead", "4 of 3 blocks"},
      {"fact-experts_unused", "0 of 8 experts"},
      {"fact-experts_too_few", "9 of 8 experts"},
      {"fact-experts_too_many", "1 of 1025 experts"},
      {"fact-expert_groups_without_experts", "0 of 2 groups of 0 experts"},
      {"fact-expert_groups_uneven", "1 of 3 groups of 8 experts"},
      {"fact-epsilon_negative", "bert.attention.layer_norm_epsilon is -1"},
      {"fact-epsilon_nan", "bert.attention.layer_norm_rms_epsilon is nan"},
      {"fact-rope_scaling", "rope.scaling.type 'twist' is unknown"},
      {"fact-rope_odd", "rope.dimension_count 7 does not fit"},
      {"fact-rope_too_wide", "rope.dimension_count 18 does not fit attention heads of 16"},
      {"fact-rope_in_part", "rope.dimension_count 8 does not fit attention heads of 16"},
      {"fact-keys_unlike_values", "attention keys of 8 and values of 16"},
      {"fact-vectors_from_nowhere", "no tensor for vectors of 128 numbers"},
      {"fact-no_tokenizer", "it has no tokenizer"},
      {"fact-tokens_as_numbers", "tokenizer.ggml.tokens is no list of texts"},
      {"fact-too_few_scores", "tokenizer.ggml.scores has 3 entries for 4 tokens"},
      {"fact-scores_of_one_byte", "tokenizer.ggml.scores is no list of numbers"},
      {"fact-too_few_token_types", "tokenizer.ggml.token_type has 1 entries for 4 tokens"},
      {"fact-merges_as_numbers", "tokenizer.ggml.merges is no list of texts"},
      {"fact-integer_matrix", "cannot compute with tensor 'token_embd.weight' in type I32"},
      {"fact-double_matrix", "cannot compute with tensor 'blk.0.attn_q.weight' in type F64"},
      {"fact-norm_in_f16", "'output_norm.weight' in type F16, only in F32"},
      {"fact-bias_in_q8_0", "'blk.0.attn_q.bias' in type Q8_0, only in F32"},

      {"cve-2024-21802_shape", "the shape of tensor 'w' cannot be"},
      {"cve-2024-21825_list_count", "the 18446744073709551615 entries of metadata 'a' do not fit the file"},
      {"cve-2024-21836_tensor_count", "cannot hold the 18446744073709551615 tensors"},
      {"cve-2024-23496_string_length", "the text of metadata 'a' is damaged or cut off"},
      {"cve-2024-23605_key_count", "cannot hold the 18446744073709551615 metadata keys"},
      {"cve-2024-32878_ends_in_a_value", "the text of metadata 'b' is damaged or cut off"},
      {"cve-2025-49847_token_of_2_GiB", "token 0 of the vocabulary is damaged"},
      {"cve-2025-52566_token_of_4_GiB", "token 0 of the vocabulary is damaged"},
      {"cve-2025-53630_sizes_add_up", "tensor 'w0' lies outside the file"},
      {"cve-2026-27940_sizes_and_overhead", "tensor 'w' lies outside the file"},
      {"cve-2026-33298_bytes_wrap", "the shape of tensor 'w' cannot be"},
      {"cve-2026-7482_outside_the_file", "tensor 'w' lies outside the file"},

      {"poc-alignment_2_to_31", "general.alignment 2147483648 is no power of two from 8 to 65536"},
      {"poc-padding_wraps", "tensor 'a' lies outside the file"},
      {"poc-string_of_1_GiB", "the text of metadata 'a' is damaged or cut off"},
      {"poc-list_of_1_Gi", "the 1073741824 entries of metadata 'a' do not fit the file"},
      {"poc-lists_in_lists", "metadata 'a' is a list of lists"},
      {"poc-nine_dimensions", "tensor 'w' has 9 dimensions"},
  };
  return kRows;
}

TEST(HostileGguf, EachIsRefusedForItsReasonAndSoundOnesPass) {
  std::set<std::string> seen;
  for (const auto& entry : fs::directory_iterator(GGUF_CORPUS)) {
    const std::string name = entry.path().stem().string();
    if (name.starts_with("found-")) continue;  // by the fuzzer: for replay only
    seen.insert(name);
    const auto result = check(entry.path());
    if (name.starts_with("sound-")) {
      EXPECT_TRUE(result) << name << ": " << result.error().message;
      continue;
    }
    ASSERT_TRUE(reasons().contains(name)) << name;
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, ErrorCode::InvalidModel) << name;
    EXPECT_THAT(result.error().message, testing::HasSubstr(reasons().at(name))) << name;
    EXPECT_THAT(result.error().message, testing::HasSubstr(entry.path().string())) << name;
  }
  for (const auto& [name, reason] : reasons()) EXPECT_TRUE(seen.contains(name)) << name;
}

TEST(HostileGguf, IsReadTheSameFromMemory) {
  for (const auto& entry : fs::directory_iterator(GGUF_CORPUS)) {
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    const auto from_file = read_gguf_header(entry.path());
    const auto from_memory = internal::read_gguf_header(std::as_bytes(std::span(bytes)), entry.path().string());
    ASSERT_EQ(from_file.has_value(), from_memory.has_value()) << entry.path();
    if (from_file) {
      EXPECT_EQ(from_file->values.size(), from_memory->values.size());
      EXPECT_EQ(from_file->tensors.size(), from_memory->tensors.size());
    } else {
      EXPECT_EQ(from_file.error().message, from_memory.error().message);
    }
  }
}

}  // namespace
}  // namespace llama
