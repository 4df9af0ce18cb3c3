#include "gguf/split_set.h"

#include <algorithm>
#include <format>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "gguf/header_reader.h"
#include "llama-loader/multipart.h"

namespace llama::internal {
namespace {

std::unexpected<Error> bad(const std::filesystem::path& file, std::string_view what) {
  return fail(ErrorCode::InvalidModel, std::format("model '{}': {}", file.string(), what));
}

Result<void> check_types(const GgufHeader& header, const std::filesystem::path& file) {
  for (const auto& [key, type, words] :
       {std::tuple{"split.no", GgufType::Uint16, "an unsigned 16-bit number"},
        std::tuple{"split.count", GgufType::Uint16, "an unsigned 16-bit number"},
        std::tuple{"split.tensors.count", GgufType::Int32, "a signed 32-bit number"}}) {
    const GgufValue* value = header.find(key);
    if (value != nullptr && value->type != type) return bad(file, std::format("metadata '{}' is not {}", key, words));
  }
  return {};
}

// Part i of n by its metadata, by its place in the list and by its name; all under one base name in one folder.
Result<void> check_place(const GgufHeader& header, std::span<const std::filesystem::path> files, int index) {
  const auto& file = files[static_cast<std::size_t>(index) - 1];
  const int own_index = header.split_index() + 1, own_count = header.split_count();
  const auto part = parse_part_name(file.string());
  if (!part) {
    if (own_count == 1 && own_index == 1 && files.size() == 1) return {};
    return bad(file,
               std::format("it is part {} of {} of a split model, which its name does not say", own_index, own_count));
  }
  if (part->index != own_index || part->count != own_count)
    return bad(file, std::format("the file says it is part {} of {}, its name says {} of {}", own_index, own_count,
                                 part->index, part->count));
  if (own_index != index || static_cast<std::size_t>(own_count) != files.size())
    return bad(file, std::format("part {} of {} stands in the place of part {} of {}", own_index, own_count, index,
                                 files.size()));
  if (const auto first = parse_part_name(files[0].string()); first->base != part->base)
    return bad(file, std::format("it is no part of '{}'", files[0].string()));
  return {};
}

Result<void> check_tensors(std::span<const GgufHeader> headers, const std::filesystem::path& first) {
  std::vector<std::string_view> names;
  for (const auto& header : headers) {
    for (const auto& tensor : header.tensors) names.emplace_back(tensor.name);
  }
  if (names.empty()) return bad(first, "it holds no tensors (a vocabulary alone?)");
  const std::string announced = headers[0].value("split.tensors.count");
  if (headers.size() > 1 && announced != std::to_string(names.size()))
    return bad(first, std::format("its parts hold {} tensors, it announces {}", names.size(),
                                  announced.empty() ? "none" : announced));
  std::ranges::sort(names);
  const auto same = std::ranges::adjacent_find(names);
  if (same != names.end()) return bad(first, std::format("tensor '{}' stands in two parts", shown(*same)));
  return {};
}

}  // namespace

Result<void> check_split_set(std::span<const GgufHeader> headers, std::span<const std::filesystem::path> files) {
  if (headers.empty() || headers.size() != files.size())
    return fail(ErrorCode::InvalidArgument, "a model needs one header for each of its files");
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (auto types = check_types(headers[i], files[i]); !types) return types;
    if (auto place = check_place(headers[i], files, static_cast<int>(i) + 1); !place) return place;
  }
  return check_tensors(headers, files[0]);
}

}  // namespace llama::internal
