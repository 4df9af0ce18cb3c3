#include "gguf/scalar.h"

#include <cstring>
#include <format>
#include <iterator>

namespace llama::internal {
namespace {

template <class T>
std::string decimal(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return std::format("{}", value);
}

}  // namespace

std::uint64_t scalar_size(GgufType type) {
  constexpr std::uint64_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return static_cast<std::uint32_t>(type) < std::size(kSizes) ? kSizes[static_cast<std::uint32_t>(type)] : 0;
}
bool is_known(GgufType type) { return scalar_size(type) > 0 || type == GgufType::String || type == GgufType::Array; }

std::string scalar_text(GgufType type, const char* bytes) {
  switch (type) {
    case GgufType::Uint8:
      return decimal<std::uint8_t>(bytes);
    case GgufType::Int8:
      return decimal<std::int8_t>(bytes);
    case GgufType::Uint16:
      return decimal<std::uint16_t>(bytes);
    case GgufType::Int16:
      return decimal<std::int16_t>(bytes);
    case GgufType::Uint32:
      return decimal<std::uint32_t>(bytes);
    case GgufType::Int32:
      return decimal<std::int32_t>(bytes);
    case GgufType::Float32:
      return decimal<float>(bytes);
    case GgufType::Bool:
      return bytes[0] != 0 ? "true" : "false";
    case GgufType::Uint64:
      return decimal<std::uint64_t>(bytes);
    case GgufType::Int64:
      return decimal<std::int64_t>(bytes);
    case GgufType::Float64:
      return decimal<double>(bytes);
    case GgufType::String:
    case GgufType::Array:
      break;
  }
  return {};
}

}  // namespace llama::internal
