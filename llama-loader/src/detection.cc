#include "llama-loader/detection.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <format>
#include <iterator>
#include <span>

#include "llama-loader/multipart.h"

namespace llama {
namespace {

constexpr std::array kQuantsByRank{"BF16", "F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M"};
constexpr std::array kOtherKinds{"mmproj", "imatrix", "lora", "adapter"};
constexpr std::array kDrafts{"mtp",    "nextn",      "assistant",   "draft",      "drafter", "eagle",
                             "eagle2", "eagle3",     "dflash",      "dspark",     "medusa",  "hydra",
                             "spec",   "speculator", "speculators", "speculative"};

bool is_separator(char c) { return c == '-' || c == '.' || c == '_' || c == '/'; }

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

// Words of the repository's own name (not of its owner's) stand in all of its files.
bool has_one_of(std::string_view name, std::span<const char* const> tokens, std::string_view repository) {
  const std::string_view own = repository.substr(std::min(repository.find('/'), repository.size()));
  return std::ranges::any_of(
      tokens, [&](const char* token) { return has_name_token(name, token) && !has_name_token(own, token); });
}

std::vector<std::string> models_by_name(const std::vector<std::string>& names, std::string_view repository) {
  std::vector<std::string> models;
  std::ranges::copy_if(names, std::back_inserter(models), [&](const std::string& name) {
    const auto part = parse_part_name(name);
    return has_gguf_ending(name) && !has_one_of(name, kOtherKinds, repository) && (!part || part->index == 1);
  });
  std::ranges::sort(models);
  const auto drafts =
      std::ranges::stable_partition(models, [&](const std::string& name) { return !is_draft_name(name, repository); });
  if (drafts.begin() != models.begin()) models.erase(drafts.begin(), models.end());
  return models;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::unexpected<Error> no_such_file(const std::string& filename, const std::vector<std::string>& models) {
  return fail(ErrorCode::NotFound, models.empty()
                                       ? std::format("no file '{}', and no other .gguf model", filename)
                                       : std::format("no file '{}'; there are: {}", filename, joined(models)));
}

std::unexpected<Error> no_model(const std::vector<std::string>& names) {
  const bool parts = std::ranges::any_of(names, [](const std::string& n) { return parse_part_name(n).has_value(); });
  return fail(ErrorCode::NotFound,
              parts ? "no complete model: the first part of a split model is missing" : "no .gguf model file");
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

bool has_gguf_ending(std::string_view name) { return lower(name).ends_with(".gguf"); }

bool is_draft_name(std::string_view name, std::string_view repository) { return has_one_of(name, kDrafts, repository); }

Result<std::vector<std::string>> with_all_parts(const std::vector<std::string>& names, const std::string& one) {
  const auto part = parse_part_name(one);
  if (!part) return std::vector{one};
  auto all = part->all_names();
  std::vector<std::string> missing;
  for (const auto& name : all) {
    if (std::ranges::find(names, name) == names.end()) missing.push_back(name);
  }
  if (!missing.empty()) {
    return fail(ErrorCode::NotFound, std::format("the split model '{}' has {} parts and lacks {}: {}", one, part->count,
                                                 missing.size(), joined(missing)));
  }
  return all;
}

std::vector<std::string> rank_models(const std::vector<std::string>& names, std::string_view repository) {
  std::vector<std::string> models = models_by_name(names, repository);
  const auto rank = [](const std::string& name) {
    return std::ranges::find_if(kQuantsByRank, [&](const char* quant) { return has_name_token(name, quant); }) -
           kQuantsByRank.begin();
  };
  std::ranges::stable_sort(models, {}, rank);
  return models;
}

Result<std::vector<std::string>> choose_model_files(const std::vector<std::string>& names, const ModelWish& wish) {
  if (wish.filename && std::ranges::find(names, *wish.filename) != names.end())
    return with_all_parts(names, *wish.filename);
  std::vector<std::string> models = rank_models(names, wish.repository);
  if (wish.filename) return std::ranges::sort(models), no_such_file(*wish.filename, models);
  if (models.empty()) return no_model(names);
  if (wish.quant) {
    std::ranges::sort(models);
    std::vector<std::string> matching;
    std::ranges::copy_if(models, std::back_inserter(matching),
                         [&](const std::string& n) { return has_name_token(n, *wish.quant); });
    if (matching.size() == 1) return with_all_parts(names, matching[0]);
    return fail(ErrorCode::NotFound,
                matching.empty()
                    ? std::format("no model with '{}' in its name; there are: {}", *wish.quant, joined(models))
                    : std::format("'{}' fits more than one model ({}); name the file", *wish.quant, joined(matching)));
  }
  return with_all_parts(names, models.front());
}

}  // namespace llama
