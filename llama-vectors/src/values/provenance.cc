#include "llama-vectors/provenance.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace llama {
namespace {

// "[1,2]" at the beginning of text, which is taken off; {} for what is none.
std::vector<float> take_list(std::string_view& text) {
  std::vector<float> numbers;
  if (!text.starts_with('[')) return {};
  do {
    text.remove_prefix(1);
    float number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return {};
    numbers.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  } while (text.starts_with(','));
  if (!text.starts_with(']')) return {};
  text.remove_prefix(1);
  return numbers;
}

// As llama-corpus writes them: {"start":[…],"step":[…]}
std::optional<Int8Scales> parse_scales(std::string_view text) {
  const auto skip = [&](std::string_view words) {
    const bool is_there = text.starts_with(words);
    if (is_there) text.remove_prefix(words.size());
    return is_there;
  };
  Int8Scales scales;
  if (!skip("{\"start\":")) return std::nullopt;
  scales.starts = take_list(text);
  if (!skip(",\"step\":")) return std::nullopt;
  scales.steps = take_list(text);
  if (text != "}" || scales.starts.empty() || scales.starts.size() != scales.steps.size()) return std::nullopt;
  return scales;
}

class Values {
 public:
  explicit Values(const TableMetadata& metadata) : metadata_(metadata) {}

  [[nodiscard]] const std::string* find(std::string_view key) const {
    const auto at = std::ranges::find(metadata_, key, &std::pair<std::string, std::string>::first);
    return at == metadata_.end() ? nullptr : &at->second;
  }
  [[nodiscard]] std::string text(std::string_view key) const {
    const std::string* value = find(key);
    return value == nullptr ? "" : *value;
  }

  // False: it is there and no number.
  template <class Number>
  [[nodiscard]] bool number(std::string_view key, std::optional<Number>& out) const {
    const std::string* value = find(key);
    if (value == nullptr) return true;
    Number number{};
    const char* const end = value->data() + value->size();
    const auto read = std::from_chars(value->data(), end, number);
    if (read.ec != std::errc() || read.ptr != end) return false;
    out = number;
    return true;
  }

 private:
  const TableMetadata& metadata_;
};

std::unexpected<Error> unreadable(std::string_view key) {
  return fail(ErrorCode::Corrupt, std::format("the file's metadata '{}' cannot be read", key));
}

}  // namespace

Result<Provenance> read_provenance(const TableMetadata& metadata) {
  const Values values(metadata);
  Provenance found;
  for (const auto& [key, to] : std::initializer_list<std::pair<std::string_view, std::string*>>{
           {"llama.program", &found.program},
           {"llama.created", &found.created},
           {"llama.model_source", &found.model_source},
           {"llama.model_file", &found.model_file},
           {"llama.model_sha256", &found.model_sha256},
           {"llama.model_commit", &found.model_commit},
           {"llama.architecture", &found.architecture},
           {"llama.model_description", &found.model_description},
           {"llama.pooling", &found.pooling},
           {"llama.dense_layers", &found.dense_layers},
           {"llama.special_tokens", &found.special_tokens},
           {"llama.tokenizer", &found.tokenizer},
           {"llama.kernels", &found.kernels},
           {"llama.device", &found.device},
           {"llama.prompt_name", &found.prompt_name},
           {"llama.dtype", &found.dtype},
           {"llama.text_column", &found.text_column},
           {"llama.on_long", &found.on_long}})
    *to = values.text(key);
  if (!values.number("llama.model_size_bytes", found.model_size_bytes)) return unreadable("llama.model_size_bytes");
  for (const auto& [key, to] : std::initializer_list<std::pair<std::string_view, std::optional<std::int32_t>*>>{
           {"llama.dimension", &found.model_dimension},
           {"llama.dimensions", &found.dimensions},
           {"llama.max_length", &found.max_length}})
    if (!values.number(key, *to)) return unreadable(key);
  if (const std::string* normalized = values.find("llama.normalized")) found.is_normalized = *normalized == "true";
  if (const std::string* prompt = values.find("llama.prompt")) found.prompt = *prompt;
  if (const std::string* scales = values.find("llama.int8_scales")) {
    found.int8_scales = parse_scales(*scales);
    if (!found.int8_scales) return unreadable("llama.int8_scales");
  }
  return found;
}

}  // namespace llama
