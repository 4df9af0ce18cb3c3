// Make a block of a map's page: named arrays of numbers with a header, deflated, as base64.
//
// The bytes: the header's length (uint32, little-endian), the header (JSON, with the arrays' names, types and lengths
// in "arrays"), then the arrays, each at a multiple of 8. src/map/page/block.js reads them.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "llama-base/error.h"

namespace llama::internal {

class PageBlock {
 public:
  explicit PageBlock(nlohmann::ordered_json header) : header_(std::move(header)) {
    header_["arrays"] = nlohmann::ordered_json::array();
  }

  template <class Number>
  void add(std::string_view name, const std::vector<Number>& numbers) {
    static_assert(std::is_trivially_copyable_v<Number>);
    const char kind = std::is_floating_point_v<Number> ? 'f' : 'u';
    header_["arrays"].push_back({name, kind + std::to_string(sizeof(Number)), numbers.size()});
    arrays_.resize((arrays_.size() + 7) / 8 * 8);
    const auto bytes = std::as_bytes(std::span(numbers));
    arrays_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  // Errors  OutOfMemory.
  [[nodiscard]] Result<std::string> base64() const;

 private:
  nlohmann::ordered_json header_;
  std::string arrays_;
};

[[nodiscard]] std::string base64_of(std::string_view bytes);

}  // namespace llama::internal
