// A call written as Llama 3 writes those of its built-in tools, behind their name: brave_search.call(query="apples").
//
// A reader of what stands between the parentheses, told as JSON: strings in either quotes, numbers, True, False, None
// and their spellings in JSON.
// Threads  one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "call_reader.h"
#include "json_text.h"

namespace llama::internal {

class DottedCall final : public CallReader {
 public:
  DottedCall(std::int32_t number, std::string name) : number_(number), name_(std::move(name)) {}
  std::size_t push(std::string_view text, ReplyEvents& events) override;
  void finish(bool is_whole, ReplyEvents& events) override;
  [[nodiscard]] bool is_over() const override { return place_ == Place::Over; }
  [[nodiscard]] bool has_begun() const override { return begun_; }
  [[nodiscard]] const std::string& untold() const override { return raw_; }

 private:
  enum class Place { Key, Value, InString, InWord, Next, Over };
  bool take(char c, ReplyEvents& events);  // false: the byte is not ours
  bool take_in_string(char c);
  bool begin_value(char c);
  bool end_word();
  void begin(ReplyEvents& events);
  void end(bool is_complete, ReplyEvents& events);
  void tell(ReplyEvents& events);

  std::int32_t number_;
  Place place_ = Place::Key;
  std::string name_, raw_, key_, word_, json_;
  std::string told_;                // all of it, as JSON
  std::optional<std::string> hex_;  // the digits behind \u so far
  bool begun_ = false, has_one_ = false, escaped_ = false;
  char quote_ = '"';
};

}  // namespace llama::internal
