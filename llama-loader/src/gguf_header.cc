#include "llama-loader/gguf_header.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <format>
#include <memory>
#include <unordered_set>
#include <vector>

namespace llama {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF files are little-endian");

constexpr std::uint64_t kMaxCount = 1 << 16;       // keys, tensors: the largest models have a few thousand
constexpr std::uint64_t kMaxString = 64ull << 20;  // bytes of one metadata string
constexpr std::uint64_t kMaxToken = 1 << 20;       // bytes of one token
constexpr std::uint64_t kKeptString = 4096;        // longer values (chat templates) are skipped
constexpr std::uint64_t kDefaultAlignment = 32;

struct TensorType {
  std::uint32_t block = 0;  // elements
  std::uint32_t bytes = 0;  // of one block; 0: unknown
};

// Source   ggml.h, enum ggml_type, and the block structs of ggml-common.h.
TensorType tensor_type(std::uint32_t type) {
  switch (type) {
    case 0:
      return {1, 4};  // F32
    case 1:
      return {1, 2};  // F16
    case 2:
      return {32, 18};  // Q4_0
    case 3:
      return {32, 20};  // Q4_1
    case 6:
      return {32, 22};  // Q5_0
    case 7:
      return {32, 24};  // Q5_1
    case 8:
      return {32, 34};  // Q8_0
    case 9:
      return {32, 36};  // Q8_1
    case 10:
      return {256, 84};  // Q2_K
    case 11:
      return {256, 110};  // Q3_K
    case 12:
      return {256, 144};  // Q4_K
    case 13:
      return {256, 176};  // Q5_K
    case 14:
      return {256, 210};  // Q6_K
    case 15:
      return {256, 292};  // Q8_K
    case 16:
      return {256, 66};  // IQ2_XXS
    case 17:
      return {256, 74};  // IQ2_XS
    case 18:
      return {256, 98};  // IQ3_XXS
    case 19:
      return {256, 50};  // IQ1_S
    case 20:
      return {32, 18};  // IQ4_NL
    case 21:
      return {256, 110};  // IQ3_S
    case 22:
      return {256, 82};  // IQ2_S
    case 23:
      return {256, 136};  // IQ4_XS
    case 24:
      return {1, 1};  // I8
    case 25:
      return {1, 2};  // I16
    case 26:
      return {1, 4};  // I32
    case 27:
      return {1, 8};  // I64
    case 28:
      return {1, 8};  // F64
    case 29:
      return {256, 56};  // IQ1_M
    case 30:
      return {1, 2};  // BF16
    case 34:
      return {256, 54};  // TQ1_0
    case 35:
      return {256, 66};  // TQ2_0
    case 39:
      return {32, 17};  // MXFP4
    default:
      return {};
  }
}

std::uint64_t scalar_size(std::uint32_t type) {
  constexpr std::uint64_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return type < std::size(kSizes) ? kSizes[type] : 0;
}
constexpr std::uint32_t kString = 8, kArray = 9, kTypeCount = 13;

struct Close {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

// Reads forward through untrusted bytes; every read is checked against what is left of the file.
class Reader {
 public:
  Reader(std::unique_ptr<std::FILE, Close> file, std::uint64_t size) : file_(std::move(file)), size_(size) {}

  std::uint64_t offset() const { return offset_; }
  std::uint64_t left() const { return size_ - offset_; }

  bool read(void* to, std::uint64_t count) {
    if (count > left() || std::fread(to, 1, count, file_.get()) != count) return false;
    offset_ += count;
    return true;
  }
  template <class T>
  bool number(T& value) {
    return read(&value, sizeof value);
  }
  bool skip(std::uint64_t count) {
    if (count > left()) return false;
    char buffer[4096];
    for (std::uint64_t rest = count; rest > 0;) {  // reading beats seeking: strings are short and the file is buffered
      if (rest > (1 << 20)) {
        if (fseeko(file_.get(), static_cast<off_t>(rest), SEEK_CUR) != 0) return false;
        break;
      }
      const std::uint64_t step = std::min<std::uint64_t>(rest, sizeof buffer);
      if (std::fread(buffer, 1, step, file_.get()) != step) return false;
      rest -= step;
    }
    offset_ += count;
    return true;
  }

 private:
  std::unique_ptr<std::FILE, Close> file_;
  std::uint64_t size_;
  std::uint64_t offset_ = 0;
};

template <class T>
std::string decimal(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return std::format("{}", value);
}

std::string scalar_text(std::uint32_t type, const char* bytes) {
  switch (type) {
    case 0:
      return decimal<std::uint8_t>(bytes);
    case 1:
      return decimal<std::int8_t>(bytes);
    case 2:
      return decimal<std::uint16_t>(bytes);
    case 3:
      return decimal<std::int16_t>(bytes);
    case 4:
      return decimal<std::uint32_t>(bytes);
    case 5:
      return decimal<std::int32_t>(bytes);
    case 6:
      return decimal<float>(bytes);
    case 7:
      return bytes[0] != 0 ? "true" : "false";
    case 10:
      return decimal<std::uint64_t>(bytes);
    case 11:
      return decimal<std::int64_t>(bytes);
    case 12:
      return decimal<double>(bytes);
    default:
      return {};
  }
}

class HeaderReader {
 public:
  HeaderReader(std::string name, Reader reader, std::uint64_t size)
      : name_(std::move(name)), reader_(std::move(reader)) {
    header_.file_size_bytes = size;
  }

  Result<GgufHeader> run() {
    if (auto step = preamble(); !step) return std::unexpected(step.error());
    if (auto step = metadata(); !step) return std::unexpected(step.error());
    if (auto step = tensors(); !step) return std::unexpected(step.error());
    return std::move(header_);
  }

 private:
  std::unexpected<Error> bad(std::string_view what) const {
    return fail(ErrorCode::InvalidModel, std::format("model '{}': {}", name_, what));
  }
  std::unexpected<Error> truncated() const { return bad("the file ends inside its header (truncated?)"); }

  Result<void> preamble() {
    char start[24] = {};
    const std::uint64_t size = std::min<std::uint64_t>(sizeof start, reader_.left());
    if (!reader_.read(start, size)) return truncated();
    const std::string_view text(start, size);
    if (!text.starts_with("GGUF")) {
      if (text.starts_with("version https://git-lfs"))
        return bad("a Git LFS pointer, not the model: fetch the file itself ('git lfs pull')");
      if (text.starts_with("<!") || text.starts_with("<html") || text.starts_with("<HTML"))
        return bad("a web page, not a model (a failed download?)");
      if (text.starts_with("{")) return bad("JSON text, not a GGUF model");
      return bad("not a GGUF file");
    }
    if (size < sizeof start) return truncated();
    std::memcpy(&header_.version, start + 4, 4);
    std::memcpy(&header_.tensor_count, start + 8, 8);
    std::memcpy(&key_count_, start + 16, 8);
    if ((header_.version & 0xffff) == 0) return bad("a big-endian GGUF file; this machine is little-endian");
    if (header_.version < 2 || header_.version > 3)
      return bad(std::format("GGUF version {} is not supported (2 and 3 are)", header_.version));
    if (key_count_ > kMaxCount || key_count_ * 13 > reader_.left())
      return bad(std::format("{} metadata keys cannot be", key_count_));
    if (header_.tensor_count > kMaxCount || header_.tensor_count * 25 > reader_.left())
      return bad(std::format("{} tensors cannot be", header_.tensor_count));
    return {};
  }

  bool text(std::string& value, std::uint64_t most) {
    std::uint64_t length = 0;
    if (!reader_.number(length) || length > most || length > reader_.left()) return false;
    value.resize(length);
    return reader_.read(value.data(), length);
  }

  Result<void> metadata() {
    std::unordered_set<std::string> seen;
    for (std::uint64_t i = 0; i < key_count_; ++i) {
      std::string key;
      std::uint32_t type = 0;
      if (!text(key, 65535)) return bad(std::format("metadata key {} is damaged or cut off", i + 1));
      if (key.empty() || !seen.insert(key).second)
        return bad(std::format("metadata key '{}' is empty or stands twice", key));
      if (!reader_.number(type)) return truncated();
      if (type >= kTypeCount) return bad(std::format("metadata '{}' has the unknown type {}", key, type));
      if (auto read = value(key, type); !read) return read;
    }
    return alignment();
  }

  Result<void> value(const std::string& key, std::uint32_t type) {
    if (type == kString) {
      std::uint64_t length = 0;
      if (!reader_.number(length) || length > kMaxString || length > reader_.left())
        return bad(std::format("the text of metadata '{}' is damaged or cut off", key));
      if (length > kKeptString) return reader_.skip(length) ? Result<void>() : truncated();
      std::string content(length, '\0');
      if (!reader_.read(content.data(), length)) return truncated();
      header_.values[key] = std::move(content);
      return {};
    }
    if (type == kArray) return array(key);
    char bytes[8] = {};
    if (!reader_.read(bytes, scalar_size(type))) return truncated();
    if (key == "general.alignment" && type != 4) return bad("general.alignment is not a 32-bit number");
    header_.values[key] = scalar_text(type, bytes);
    return {};
  }

  Result<void> array(const std::string& key) {
    std::uint32_t type = 0;
    std::uint64_t count = 0;
    if (!reader_.number(type) || !reader_.number(count)) return truncated();
    if (type == kArray) return bad(std::format("metadata '{}' is an array of arrays", key));
    if (type >= kTypeCount) return bad(std::format("metadata '{}' has the unknown type {}", key, type));
    const std::uint64_t least = type == kString ? 8 : scalar_size(type);
    if (count > reader_.left() / least)
      return bad(std::format("the {} entries of metadata '{}' do not fit the file", count, key));
    if (type != kString) return reader_.skip(count * least) ? Result<void>() : truncated();
    if (key == "tokenizer.ggml.tokens") return vocabulary(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint64_t length = 0;
      if (!reader_.number(length) || length > kMaxString || !reader_.skip(length))
        return bad(std::format("entry {} of metadata '{}' is damaged or cut off", i, key));
    }
    return {};
  }

  // llama.cpp aborts where two tokens are the same, after it has named the empty ones "[EMPTY_number]".
  Result<void> vocabulary(std::uint64_t count) {
    std::vector<std::pair<std::size_t, std::uint64_t>> seen;  // (hash, number)
    seen.reserve(count);
    std::string token;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!text(token, kMaxToken)) return bad(std::format("token {} of the vocabulary is damaged or cut off", i));
      if (token.empty()) token = std::format("[EMPTY_{}]", i);
      seen.emplace_back(std::hash<std::string>()(token), i);
    }
    std::ranges::sort(seen);
    const auto same = std::ranges::adjacent_find(seen, {}, [](const auto& entry) { return entry.first; });
    if (same == seen.end()) return {};
    return bad(std::format("tokens {} and {} of the vocabulary are the same", same[0].second, same[1].second));
  }

  Result<void> alignment() {
    alignment_ = kDefaultAlignment;
    if (const std::string value = header_.value("general.alignment"); !value.empty()) {
      std::from_chars(value.data(), value.data() + value.size(), alignment_);
      if (!std::has_single_bit(alignment_) || alignment_ < 8 || alignment_ > 65536)
        return bad(std::format("general.alignment {} is no power of two from 8 to 65536", value));
    }
    return {};
  }

  Result<void> tensors() {
    std::unordered_set<std::string> seen;
    struct Extent {
      std::string name;
      std::uint64_t offset, bytes;
    };
    std::vector<Extent> extents;
    for (std::uint64_t i = 0; i < header_.tensor_count; ++i) {
      std::string name;
      std::uint32_t dimensions = 0, type = 0;
      std::uint64_t offset = 0;
      if (!text(name, 63)) return bad(std::format("the name of tensor {} is damaged or cut off", i + 1));
      if (name.empty() || !seen.insert(name).second)
        return bad(std::format("tensor '{}' is unnamed or stands twice", name));
      if (!reader_.number(dimensions)) return truncated();
      if (dimensions < 1 || dimensions > 4) return bad(std::format("tensor '{}' has {} dimensions", name, dimensions));
      std::uint64_t elements = 1, row = 0;
      for (std::uint32_t d = 0; d < dimensions; ++d) {
        std::uint64_t extent = 0;
        if (!reader_.number(extent)) return truncated();
        if (extent == 0 || extent > INT64_MAX || __builtin_mul_overflow(elements, extent, &elements) ||
            elements > INT64_MAX)
          return bad(std::format("the shape of tensor '{}' cannot be", name));
        if (d == 0) row = extent;
      }
      if (!reader_.number(type) || !reader_.number(offset)) return truncated();
      const TensorType kind = tensor_type(type);
      std::uint64_t bytes = 0;
      if (kind.bytes == 0) {
        // Newer than this table: llama.cpp knows, or refuses. Only the offset can be checked.
        unknown_type_ = true;
      } else {
        if (row % kind.block != 0)
          return bad(std::format("the rows of tensor '{}' are no whole number of blocks", name));
        if (__builtin_mul_overflow(elements / kind.block, std::uint64_t{kind.bytes}, &bytes))
          return bad(std::format("the shape of tensor '{}' cannot be", name));
      }
      if (offset % alignment_ != 0) return bad(std::format("tensor '{}' is not aligned", name));
      extents.push_back({std::move(name), offset, bytes});
    }
    const std::uint64_t data = (reader_.offset() + alignment_ - 1) / alignment_ * alignment_;
    std::uint64_t expected = 0;
    for (const Extent& extent : extents) {
      if (!unknown_type_ && extent.offset != expected)
        return bad(std::format("tensor '{}' overlaps another or leaves a gap", extent.name));
      std::uint64_t end = 0, padded = 0;
      if (__builtin_add_overflow(data, extent.offset, &end) || __builtin_add_overflow(end, extent.bytes, &end) ||
          end > header_.file_size_bytes)
        return bad(std::format("tensor '{}' lies outside the file (truncated?)", extent.name));
      if (__builtin_add_overflow(extent.offset + extent.bytes, alignment_ - 1, &padded))
        return bad(std::format("tensor '{}' lies outside the file", extent.name));
      expected = padded / alignment_ * alignment_;
    }
    return {};
  }

  std::string name_;
  Reader reader_;
  GgufHeader header_;
  std::uint64_t key_count_ = 0;
  std::uint64_t alignment_ = kDefaultAlignment;
  bool unknown_type_ = false;
};

int small_number(const std::string& text, int fallback) {
  int value = fallback;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

std::string GgufHeader::value(const std::string& key) const {
  const auto found = values.find(key);
  return found == values.end() ? std::string() : found->second;
}
int GgufHeader::split_count() const { return small_number(value("split.count"), 1); }
int GgufHeader::split_index() const { return small_number(value("split.no"), 0); }

Result<GgufHeader> read_gguf_header(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    return fail(ErrorCode::NotFound, std::format("model file '{}' does not exist", file.string()));
  if (!std::filesystem::is_regular_file(file, error))
    return fail(ErrorCode::InvalidModel, std::format("model '{}' is not a regular file", file.string()));
  const std::uint64_t size = std::filesystem::file_size(file, error);
  std::unique_ptr<std::FILE, Close> handle(error ? nullptr : std::fopen(file.c_str(), "rb"));
  if (handle == nullptr)
    return fail(ErrorCode::Io, std::format("model '{}' cannot be read: {}", file.string(),
                                           error ? error.message() : std::strerror(errno)));
  return HeaderReader(file.string(), Reader(std::move(handle), size), size).run();
}

Result<void> check_is_model(const GgufHeader& header, const std::filesystem::path& file) {
  const std::string type = header.value("general.type"), architecture = header.value("general.architecture");
  const auto refuse = [&](std::string_view what) {
    return fail(ErrorCode::InvalidModel, std::format("model '{}': {}", file.string(), what));
  };
  if (type == "mmproj" || architecture == "clip")
    return refuse("a multimodal projector, not a model of its own; choose another file with --filename");
  if (type == "adapter") return refuse("an adapter (LoRA), not a model of its own");
  if (type == "imatrix" || architecture == "imatrix") return refuse("an importance matrix, not a model");
  if (architecture.empty()) return refuse("the metadata lacks general.architecture");
  return {};
}

}  // namespace llama
