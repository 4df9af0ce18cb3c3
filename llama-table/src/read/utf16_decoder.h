// Turn UTF-16 with a byte-order mark into UTF-8, in pieces cut anywhere.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace llama::internal {

class Utf16Decoder {
 public:
  // By the first bytes, at least four where there are so many; nothing where they are no UTF-16.
  [[nodiscard]] static std::optional<Utf16Decoder> find(std::string_view first_bytes);

  // The mark that it was found by.
  [[nodiscard]] std::string_view mark() const { return is_big_ ? "\xfe\xff" : "\xff\xfe"; }

  // Half characters become U+FFFD.
  void decode(std::string_view bytes, std::string& out);

 private:
  explicit Utf16Decoder(bool is_big) : is_big_(is_big) {}
  void add_unit(char32_t unit, std::string& out);
  bool is_big_;
  bool is_begun_ = false;              // the mark is dropped
  std::optional<unsigned char> half_;  // a byte of a unit
  std::optional<char32_t> surrogate_;  // a unit of a pair
};

}  // namespace llama::internal
