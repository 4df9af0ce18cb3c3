#include "map/page_block.h"

#include <zlib.h>

#include <cstdint>

namespace llama::internal {
namespace {

constexpr int kLevel = 6;

Result<std::string> deflated(std::string_view bytes) {
  auto size = compressBound(static_cast<uLong>(bytes.size()));
  std::string result(size, '\0');
  const auto* const from = reinterpret_cast<const Bytef*>(bytes.data());
  if (compress2(reinterpret_cast<Bytef*>(result.data()), &size, from, static_cast<uLong>(bytes.size()), kLevel) !=
      Z_OK) {
    return fail(ErrorCode::OutOfMemory, "not enough memory to compress a part of the page");
  }
  result.resize(size);
  return result;
}

}  // namespace

std::string base64_of(std::string_view bytes) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  result.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      three = three << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      result.push_back(i + j > bytes.size() ? '=' : kLetters[three >> (18 - 6 * j) & 63]);
    }
  }
  return result;
}

Result<std::string> PageBlock::base64() const {
  const std::string header = header_.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(header.size() >> shift & 0xff));
  bytes += header;
  bytes.resize((bytes.size() + 7) / 8 * 8);
  bytes += arrays_;
  const auto small = deflated(bytes);
  if (!small) return std::unexpected(small.error());
  return base64_of(*small);
}

}  // namespace llama::internal
