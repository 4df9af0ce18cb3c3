#include "llama-loader/detection.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <format>

#include "llama-loader/multipart.h"

namespace llama {
namespace {

bool is_separator(char c) { return c == '-' || c == '.' || c == '_' || c == '/'; }

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

bool is_model_name(const std::string& name) {
  if (!name.ends_with(".gguf")) return false;
  constexpr std::array kOthers{"mmproj", "imatrix", "lora", "adapter", "draft", "eagle3", "dflash", "dspark"};
  if (std::ranges::any_of(kOthers, [&](const char* token) { return has_name_token(name, token); })) return false;
  const auto part = parse_part_name(name);
  return !part || part->index == 1;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Result<std::vector<std::string>> with_all_parts(const std::vector<std::string>& names, const std::string& chosen) {
  const auto part = parse_part_name(chosen);
  if (!part) return std::vector{chosen};
  auto all = part->all_names();
  std::vector<std::string> missing;
  for (const auto& name : all) {
    if (std::ranges::find(names, name) == names.end()) missing.push_back(name);
  }
  if (!missing.empty()) {
    return fail(ErrorCode::NotFound, std::format("the split model '{}' has {} parts and lacks {}: {}", chosen,
                                                 part->count, missing.size(), joined(missing)));
  }
  return all;
}

}  // namespace

bool has_name_token(std::string_view name, std::string_view token) {
  const std::string text = lower(name), word = lower(token);
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || is_separator(text[at - 1])) && (end == text.size() || is_separator(text[end]))) return true;
  }
  return false;
}

Result<std::vector<std::string>> choose_model_files(const std::vector<std::string>& names,
                                                    const std::optional<std::string>& filename,
                                                    const std::optional<std::string>& quant) {
  if (filename) {
    if (std::ranges::find(names, *filename) != names.end()) return with_all_parts(names, *filename);
    std::vector<std::string> models;
    std::ranges::copy_if(names, std::back_inserter(models), is_model_name);
    std::ranges::sort(models);
    return fail(ErrorCode::NotFound, models.empty()
                                         ? std::format("no file '{}', and no other .gguf model", *filename)
                                         : std::format("no file '{}'; there are: {}", *filename, joined(models)));
  }
  std::vector<std::string> models;
  std::ranges::copy_if(names, std::back_inserter(models), is_model_name);
  if (models.empty()) {
    const bool parts = std::ranges::any_of(names, [](const std::string& n) { return parse_part_name(n).has_value(); });
    return fail(ErrorCode::NotFound,
                parts ? "no complete model: the first part of a split model is missing" : "no .gguf model file");
  }
  std::ranges::sort(models);
  if (quant) {
    std::vector<std::string> matching;
    std::ranges::copy_if(models, std::back_inserter(matching),
                         [&](const std::string& n) { return has_name_token(n, *quant); });
    if (matching.size() == 1) return with_all_parts(names, matching[0]);
    return fail(ErrorCode::NotFound,
                matching.empty()
                    ? std::format("no model with '{}' in its name; there are: {}", *quant, joined(models))
                    : std::format("'{}' fits more than one model ({}); name the file", *quant, joined(matching)));
  }
  for (const char* kind : {"BF16", "F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M"}) {
    const auto found = std::ranges::find_if(models, [&](const std::string& n) { return has_name_token(n, kind); });
    if (found != models.end()) return with_all_parts(names, *found);
  }
  return with_all_parts(names, models.front());
}

}  // namespace llama
