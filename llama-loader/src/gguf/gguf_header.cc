#include "llama-loader/gguf_header.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <format>
#include <system_error>

#include "gguf/header_reader.h"
#include "llama-loader/detection.h"

namespace llama {
namespace {

int small_number(const std::string& text, int fallback) {
  int value = fallback;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// A draft that was taken out of its model ("MTP only") announces all of the model's blocks and holds the tensors of the
// last few: of a whole model every block has at least three, on the average.
bool lacks_blocks(const GgufHeader& header, const std::string& architecture) {
  const int blocks = small_number(header.value(architecture + ".block_count"), 0);
  const int drafts = small_number(header.value(architecture + ".nextn_predict_layers"), 0);
  const int in_all_parts = small_number(header.value("split.tensors.count"), 0);
  const auto tensors =
      header.split_count() > 1 && in_all_parts > 0 ? static_cast<std::uint64_t>(in_all_parts) : header.tensor_count;
  return drafts > 0 && blocks > drafts && tensors > 0 && tensors / 3 < static_cast<std::uint64_t>(blocks - drafts);
}

}  // namespace

const GgufValue* GgufHeader::find(std::string_view key) const {
  const auto found = values.find(key);
  return found == values.end() ? nullptr : &found->second;
}
std::string GgufHeader::value(std::string_view key) const {
  const GgufValue* found = find(key);
  return found == nullptr ? std::string() : found->text;
}
// llama-gguf-split --merge leaves a count of 0.
int GgufHeader::split_count() const { return std::max(1, small_number(value("split.count"), 1)); }
int GgufHeader::split_index() const { return small_number(value("split.no"), 0); }

Result<GgufHeader> read_gguf_header(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    return fail(ErrorCode::NotFound, std::format("model file '{}' does not exist", file.string()));
  if (!std::filesystem::is_regular_file(file, error))
    return fail(ErrorCode::InvalidModel, std::format("model '{}' is not a regular file", file.string()));
  const std::uint64_t size = std::filesystem::file_size(file, error);
  internal::File handle(error ? nullptr : std::fopen(file.c_str(), "rb"));
  if (handle == nullptr)
    return fail(ErrorCode::Io, std::format("model '{}' cannot be read: {}", file.string(),
                                           error ? error.message() : std::strerror(errno)));
  return internal::read_gguf_header(internal::ByteReader(std::move(handle), std::min(size, internal::kMaxHeader)), size,
                                    file.string());
}

Result<void> check_is_model(const GgufHeader& header, const std::filesystem::path& file) {
  const auto refuse = [&](std::string_view what) {
    return fail(ErrorCode::InvalidModel, std::format("model '{}': {}", file.string(), what));
  };
  const std::string type = header.value("general.type"), architecture = header.value("general.architecture");
  if (type == "mmproj" || architecture == "clip")
    return refuse("a multimodal projector, not a model of its own; choose another file");
  if (type == "adapter" || header.find("adapter.type") != nullptr)
    return refuse("an adapter (LoRA), not a model of its own");
  if (type == "imatrix" || architecture == "imatrix") return refuse("an importance matrix, not a model");
  if (architecture == "controlvector") return refuse("a control vector, not a model");
  if (architecture.empty()) return refuse("the metadata lacks general.architecture");
  if (header.find("general.architecture")->type != GgufType::String) return refuse("general.architecture is no text");
  if (is_draft_name(architecture) || lacks_blocks(header, architecture))
    return refuse("a draft for speculative decoding, not a model of its own; choose another file");
  return {};
}

}  // namespace llama
