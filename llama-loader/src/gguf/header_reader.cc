#include "gguf/header_reader.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <climits>
#include <format>

#include "gguf/file_kind.h"
#include "gguf/scalar.h"
#include "gguf/tensor_type.h"
#include "gguf/token_hashes.h"

namespace llama::internal {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF files are little-endian");

constexpr std::uint64_t kMinKey = 8 + 1 + 4 + 1;             // bytes: length, name, type, value
constexpr std::uint64_t kMinTensor = 8 + 1 + 4 + 8 + 4 + 8;  // length, name, dimensions, one of them, type, offset

// llama.cpp keeps most texts as C strings.
std::string_view up_to_nul(std::string_view text) { return text.substr(0, text.find('\0')); }

bool is_printable(std::string_view name) {
  return std::ranges::all_of(name, [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

class HeaderReader {
 public:
  HeaderReader(ByteReader reader, std::uint64_t file_size, std::string name)
      : name_(std::move(name)), reader_(std::move(reader)) {
    header_.file_size_bytes = file_size;
  }

  Result<GgufHeader> run() {
    if (auto step = start(); !step) return std::unexpected(step.error());
    if (auto step = metadata(); !step) return std::unexpected(step.error());
    if (auto step = alignment(); !step) return std::unexpected(step.error());
    if (auto step = tensors(); !step) return std::unexpected(step.error());
    if (auto step = extents(); !step) return std::unexpected(step.error());
    return std::move(header_);
  }

 private:
  std::unexpected<Error> bad(std::string_view what) const {
    return fail(ErrorCode::InvalidModel, std::format("model '{}': {}", name_, what));
  }
  std::unexpected<Error> truncated() const {
    if (reader_.size() < header_.file_size_bytes)
      return bad(std::format("its header is larger than {} MiB, which no model needs", kMaxHeader >> 20));
    return bad("the file ends inside its header (truncated?)");
  }

  Result<void> start() {
    char bytes[kStartBytes] = {};
    ByteReader& reader = reader_;
    if (!reader.read(bytes, 4) || std::string_view(bytes, 4) != "GGUF") {
      const std::uint64_t more = std::min<std::uint64_t>(reader.left(), sizeof bytes - reader.offset());
      if (!reader.read(bytes + reader.offset(), more)) return truncated();
      return bad(kind_of_other_file({bytes, reader.offset()}));
    }
    std::uint32_t& version = header_.version;
    if (!reader.number(version) || !reader.number(header_.tensor_count) || !reader.number(key_count_))
      return truncated();
    if (version != 0 && (version & 0xffff) == 0) return bad("a big-endian GGUF file; this machine is little-endian");
    if (version < 2) return bad(std::format("GGUF version {} is too old: convert the model anew", version));
    if (version > 3) return bad(std::format("GGUF version {} needs a newer llama.cpp", version));
    if (key_count_ > kMaxCount || key_count_ * kMinKey > reader.left())
      return bad(std::format("the file cannot hold the {} metadata keys that it announces", key_count_));
    if (header_.tensor_count > kMaxCount || header_.tensor_count * kMinTensor > reader.left())
      return bad(std::format("the file cannot hold the {} tensors that it announces", header_.tensor_count));
    return {};
  }

  [[nodiscard]] bool text(std::string& value, std::uint64_t most) {
    std::uint64_t length = 0;
    if (!reader_.number(length) || length > most || length > reader_.left()) return false;
    value.resize(length);
    return reader_.read(value.data(), length);
  }
  [[nodiscard]] bool skip_text() {
    std::uint64_t length = 0;
    return reader_.number(length) && length <= kMaxString && reader_.skip(length);
  }

  Result<void> metadata() {
    for (std::uint64_t i = 0; i < key_count_; ++i) {
      std::string key;
      if (!text(key, 65535)) return bad(std::format("metadata key {} is damaged or cut off", i + 1));
      if (key.empty() || !is_printable(key)) return bad(std::format("metadata key {} is no name", i + 1));
      GgufValue entry;
      if (!reader_.number(entry.type)) return truncated();
      if (auto read = value(key, entry); !read) return read;
      kept_ += key.size() + entry.text.size();
      if (kept_ > kMaxKept)
        return bad(std::format("more than {} MiB of metadata in names and short values", kMaxKept >> 20));
      const auto [at, added] = header_.values.try_emplace(std::move(key), std::move(entry));
      if (!added) return bad(std::format("metadata key '{}' stands twice", shown(at->first)));
    }
    return {};
  }

  Result<void> value(const std::string& key, GgufValue& entry) {
    if (!is_known(entry.type)) return unknown_type(key, entry.type);
    if (entry.type == GgufType::Array) return array(key, entry);
    if (entry.type == GgufType::String) return string(key, entry);
    char bytes[8] = {};
    if (!reader_.read(bytes, scalar_size(entry.type))) return truncated();
    entry.text = scalar_text(entry.type, bytes);
    return {};
  }

  std::unexpected<Error> unknown_type(const std::string& key, GgufType type) const {
    return bad(std::format("metadata '{}' has the unknown type {}: damaged, or made for a newer llama.cpp", shown(key),
                           static_cast<std::uint32_t>(type)));
  }

  Result<void> string(const std::string& key, GgufValue& entry) {
    std::uint64_t length = 0;
    if (!reader_.number(length) || length > kMaxString || length > reader_.left())
      return bad(std::format("the text of metadata '{}' is damaged or cut off", shown(key)));
    if (length > kKeptString) return reader_.skip(length) ? Result<void>() : truncated();
    entry.text.resize(length);
    if (!reader_.read(entry.text.data(), length)) return truncated();
    entry.text.resize(up_to_nul(entry.text).size());
    return {};
  }

  Result<void> array(const std::string& key, GgufValue& entry) {
    if (!reader_.number(entry.element) || !reader_.number(entry.count)) return truncated();
    if (entry.element == GgufType::Array) return bad(std::format("metadata '{}' is a list of lists", shown(key)));
    if (!is_known(entry.element)) return unknown_type(key, entry.element);
    const bool strings = entry.element == GgufType::String;
    const std::uint64_t least = strings ? 8 : scalar_size(entry.element);
    if (entry.count > reader_.left() / least)
      return bad(std::format("the {} entries of metadata '{}' do not fit the file", entry.count, shown(key)));
    if (!strings) return reader_.skip(entry.count * least) ? Result<void>() : truncated();
    if (entry.count > kMaxStrings)
      return bad(std::format("metadata '{}' has {} entries, more than any model needs", shown(key), entry.count));
    if (key == "tokenizer.ggml.tokens") return vocabulary(entry.count);
    for (std::uint64_t i = 0; i < entry.count; ++i) {
      if (!skip_text()) return bad(std::format("entry {} of metadata '{}' is damaged or cut off", i, shown(key)));
    }
    return {};
  }

  // llama.cpp aborts where two tokens are the same, after it has named the empty ones "[EMPTY_number]".
  Result<void> vocabulary(std::uint64_t count) {
    TokenHashes hashes(count);
    std::string bytes;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!text(bytes, kMaxToken))
        return bad(std::format("token {} of the vocabulary is damaged, or longer than {} bytes", i, kMaxToken));
      if (up_to_nul(bytes).empty()) bytes = std::format("[EMPTY_{}]", i);
      if (const auto same = hashes.add(up_to_nul(bytes)))
        return bad(std::format("tokens {} and {} of the vocabulary are the same", *same, i));
    }
    return {};
  }

  Result<void> alignment() {
    const GgufValue* value = header_.find("general.alignment");
    if (value == nullptr) return {};
    if (value->type != GgufType::Uint32) return bad("general.alignment is not a 32-bit number");
    std::from_chars(value->text.data(), value->text.data() + value->text.size(), alignment_);
    if (!std::has_single_bit(alignment_) || alignment_ < 8 || alignment_ > 65536)
      return bad(std::format("general.alignment {} is no power of two from 8 to 65536", value->text));
    return {};
  }

  Result<void> tensors() {
    header_.tensors.reserve(header_.tensor_count);
    for (std::uint64_t i = 0; i < header_.tensor_count; ++i) {
      GgufTensor tensor;
      if (!text(tensor.name, 63)) return bad(std::format("the name of tensor {} is damaged or cut off", i + 1));
      if (tensor.name.empty() || !is_printable(tensor.name)) return bad(std::format("tensor {} has no name", i + 1));
      std::uint64_t elements = 0;
      if (auto read = shape(tensor, elements); !read) return read;
      if (!reader_.number(tensor.type) || !reader_.number(tensor.offset)) return truncated();
      if (auto sized = size(tensor, elements); !sized) return sized;
      header_.tensors.push_back(std::move(tensor));
    }
    std::vector<std::string_view> names;
    names.reserve(header_.tensors.size());
    for (const GgufTensor& tensor : header_.tensors) names.emplace_back(tensor.name);
    std::ranges::sort(names);
    const auto same = std::ranges::adjacent_find(names);
    if (same != names.end()) return bad(std::format("tensor '{}' stands twice", shown(*same)));
    return {};
  }

  Result<void> shape(GgufTensor& tensor, std::uint64_t& elements) {
    std::uint32_t dimensions = 0;
    if (!reader_.number(dimensions)) return truncated();
    if (dimensions < 1 || dimensions > tensor.shape.size())
      return bad(std::format("tensor '{}' has {} dimensions", shown(tensor.name), dimensions));
    elements = 1;
    for (std::uint32_t d = 0; d < dimensions; ++d) {
      std::uint64_t& extent = tensor.shape[d];
      if (!reader_.number(extent)) return truncated();
      if (extent == 0 || extent > INT64_MAX || __builtin_mul_overflow(elements, extent, &elements) ||
          elements > INT64_MAX)
        return bad(std::format("the shape of tensor '{}' cannot be", shown(tensor.name)));
    }
    return {};
  }

  Result<void> size(GgufTensor& tensor, std::uint64_t elements) {
    const TensorType kind = tensor_type(tensor.type);
    if (kind.name.empty())
      return bad(
          std::format("tensor '{}' has type {}, which needs a newer llama.cpp", shown(tensor.name), tensor.type));
    if (kind.bytes == 0)
      return bad(std::format("tensor '{}' has type {}, which llama.cpp no longer reads: convert the model anew",
                             shown(tensor.name), kind.name));
    if (tensor.shape[0] % kind.block != 0)
      return bad(std::format("the rows of tensor '{}' are no whole number of blocks", shown(tensor.name)));
    if (__builtin_mul_overflow(elements / kind.block, std::uint64_t{kind.bytes}, &tensor.size_bytes))
      return bad(std::format("the shape of tensor '{}' cannot be", shown(tensor.name)));
    return {};
  }

  // Offsets become places in the file.
  Result<void> extents() {
    const std::uint64_t data = (reader_.offset() + alignment_ - 1) / alignment_ * alignment_;
    std::uint64_t expected = 0;  // the next tensor's offset: they follow each other, each aligned
    for (GgufTensor& tensor : header_.tensors) {
      if (tensor.offset % alignment_ != 0) return bad(std::format("tensor '{}' is not aligned", shown(tensor.name)));
      if (tensor.offset != expected)
        return bad(std::format("tensor '{}' overlaps another or leaves a gap", shown(tensor.name)));
      std::uint64_t end = 0;
      if (__builtin_add_overflow(data, tensor.offset, &tensor.offset) ||
          __builtin_add_overflow(tensor.offset, tensor.size_bytes, &end) || end > header_.file_size_bytes)
        return bad(std::format("tensor '{}' lies outside the file (truncated?)", shown(tensor.name)));
      // The end lies in the file, so that rounding it up cannot wrap.
      expected = (end - data + alignment_ - 1) / alignment_ * alignment_;
    }
    return {};
  }

  std::string name_;
  ByteReader reader_;
  GgufHeader header_;
  std::uint64_t key_count_ = 0;
  std::uint64_t kept_ = 0;
  std::uint64_t alignment_ = kDefaultAlignment;
};

}  // namespace

Result<GgufHeader> read_gguf_header(ByteReader reader, std::uint64_t file_size, std::string name) {
  return HeaderReader(std::move(reader), file_size, std::move(name)).run();
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMaxShown = 80;
  std::string result(text.substr(0, kMaxShown));
  std::ranges::replace_if(result, [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
  if (text.size() > kMaxShown) result += "...";
  return result;
}

}  // namespace llama::internal
