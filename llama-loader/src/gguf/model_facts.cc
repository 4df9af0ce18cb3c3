#include "gguf/model_facts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <optional>
#include <string_view>

#include "gguf/header_reader.h"

namespace llama::internal {
namespace {

constexpr std::uint64_t kMaxBlocks = 512;    // LLAMA_MAX_LAYERS
constexpr std::uint64_t kMaxExperts = 1024;  // LLAMA_MAX_EXPERTS

class ModelFacts {
 public:
  ModelFacts(std::span<const GgufHeader> headers, const std::filesystem::path& file)
      : headers_(headers), header_(headers[0]), file_(file), architecture_(header_.value("general.architecture")) {}

  Result<void> check() const {
    for (const auto step : {&ModelFacts::names, &ModelFacts::vocabulary, &ModelFacts::blocks, &ModelFacts::experts,
                            &ModelFacts::epsilons, &ModelFacts::rope, &ModelFacts::attention, &ModelFacts::output}) {
      if (auto sound = (this->*step)(); !sound) return sound;
    }
    return {};
  }

 private:
  std::unexpected<Error> bad(std::string_view what) const {
    return fail(ErrorCode::InvalidModel, std::format("model '{}': {}", file_.string(), what));
  }

  // Nothing where the key is absent or no unsigned 32-bit number.
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view key) const {
    const GgufValue* value = header_.find(std::format("{}.{}", architecture_, key));
    if (value == nullptr || value->type != GgufType::Uint32) return std::nullopt;
    std::uint64_t result = 0;
    std::from_chars(value->text.data(), value->text.data() + value->text.size(), result);
    return result;
  }

  // llama.cpp's messages repeat these.
  Result<void> names() const {
    for (const auto* key : {"general.architecture", "tokenizer.ggml.model", "tokenizer.ggml.pre"}) {
      if (std::ranges::any_of(header_.value(key), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
        return bad(std::format("{} is no name", key));
    }
    return {};
  }

  Result<void> vocabulary() const {
    const std::string model = header_.value("tokenizer.ggml.model");
    if (model == "none" || model == "no_vocab") return bad("it has no tokenizer, and no text can be read without");
    const GgufValue* tokens = header_.find("tokenizer.ggml.tokens");
    if (tokens == nullptr) return {};
    if (tokens->type != GgufType::Array || tokens->element != GgufType::String)
      return bad("tokenizer.ggml.tokens is no list of texts");
    struct Row {
      const char* key;
      std::array<GgufType, 2> types;
      bool one_per_token;
    };
    constexpr std::array kRows{Row{"tokenizer.ggml.scores", {GgufType::Float32, GgufType::Int32}, true},
                               Row{"tokenizer.ggml.token_type", {GgufType::Int32, GgufType::Uint32}, true},
                               Row{"tokenizer.ggml.merges", {GgufType::String, GgufType::String}, false}};
    for (const auto& [key, types, one_per_token] : kRows) {
      const GgufValue* value = header_.find(key);
      if (value == nullptr) continue;
      if (value->type != GgufType::Array || std::ranges::find(types, value->element) == types.end())
        return bad(std::format("{} is no list of {}", key, one_per_token ? "numbers" : "texts"));
      if (one_per_token && value->count < tokens->count)
        return bad(std::format("{} has {} entries for {} tokens", key, value->count, tokens->count));
    }
    return {};
  }

  Result<void> blocks() const {
    const auto blocks = number("block_count"), extra = number("nextn_predict_layers");
    if (!blocks) return {};
    if (*blocks < 1 || *blocks > kMaxBlocks) return bad(std::format("{} blocks cannot be", *blocks));
    if (extra.value_or(0) > *blocks) return bad(std::format("{} of {} blocks cannot predict ahead", *extra, *blocks));
    return {};
  }

  Result<void> experts() const {
    const std::uint64_t all = number("expert_count").value_or(0), used = number("expert_used_count").value_or(0),
                        groups = number("expert_group_count").value_or(0),
                        groups_used = number("expert_group_used_count").value_or(0);
    const GgufValue* list = header_.find(std::format("{}.expert_used_count", architecture_));
    const bool per_block = list != nullptr && list->type == GgufType::Array;
    if (all > kMaxExperts || used > all || (all > 0 && used == 0 && !per_block))
      return bad(std::format("{} of {} experts cannot be", used, all));
    if ((all == 0 && groups > 0) ||
        (groups > 1 && (groups >= all || all % groups != 0 || groups_used == 0 || groups_used >= groups)))
      return bad(std::format("{} of {} groups of {} experts cannot be", groups_used, groups, all));
    return {};
  }

  // Compared as text: -0 is sound, and what llama.cpp refuses begins with a sign or is no number.
  Result<void> epsilons() const {
    const std::string prefix = architecture_ + ".attention.";
    for (auto it = header_.values.lower_bound(prefix); it != header_.values.end() && it->first.starts_with(prefix);
         ++it) {
      const auto& [key, value] = *it;
      if (key.ends_with("epsilon") && value.type == GgufType::Float32 &&
          (value.text.contains("nan") || (value.text.starts_with('-') && value.text != "-0")))
        return bad(std::format("{} is {}", shown(key), value.text));
    }
    return {};
  }

  [[nodiscard]] std::optional<std::uint64_t> head_size(std::string_view key) const {
    if (const auto given = number(key)) return given;
    const auto width = number("embedding_length"), heads = number("attention.head_count");
    if (!width || heads.value_or(0) == 0) return std::nullopt;
    return *width / *heads;
  }

  Result<void> rope() const {
    constexpr std::array<std::string_view, 4> kScalings{"none", "linear", "yarn", "longrope"};
    const GgufValue* scaling = header_.find(architecture_ + ".rope.scaling.type");
    if (scaling != nullptr && scaling->type == GgufType::String &&
        std::ranges::find(kScalings, scaling->text) == kScalings.end())
      return bad(std::format("rope.scaling.type '{}' is unknown to llama.cpp", shown(scaling->text)));
    const auto turned = number("rope.dimension_count"), size = head_size("attention.key_length");
    if (!turned || !size) return {};
    // Others may turn only a part of each head.
    const bool whole = architecture_.starts_with("qwen2") || architecture_ == "qwen3" || architecture_ == "qwen3moe";
    if (*turned > *size || *turned % 2 != 0 || (whole && *turned != *size))
      return bad(std::format("rope.dimension_count {} does not fit attention heads of {}", *turned, *size));
    return {};
  }

  Result<void> attention() const {
    const auto key = head_size("attention.key_length"), value = head_size("attention.value_length");
    if (architecture_.ends_with("bert") && key != value)
      return bad(std::format("attention keys of {} and values of {} cannot be in {}", key.value_or(0),
                             value.value_or(0), shown(architecture_)));
    return {};
  }

  // llama.cpp takes this many numbers per vector from its last tensor, however many that has.
  Result<void> output() const {
    const auto inner = number("embedding_length"), outer = number("embedding_length_out");
    if (!inner || outer.value_or(0) == 0 || *inner == *outer) return {};
    for (const auto& header : headers_) {
      for (const auto& tensor : header.tensors) {
        if (tensor.shape[1] == *outer && !tensor.name.starts_with("blk.")) return {};
      }
    }
    return bad(std::format("it has no tensor for vectors of {} numbers (embedding_length_out)", *outer));
  }

  std::span<const GgufHeader> headers_;
  const GgufHeader& header_;  // the first part's has all metadata
  const std::filesystem::path& file_;
  std::string architecture_;
};

}  // namespace

Result<void> check_model_facts(std::span<const GgufHeader> headers, const std::filesystem::path& file) {
  return ModelFacts(headers, file).check();
}

}  // namespace llama::internal
