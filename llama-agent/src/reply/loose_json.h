// Read what is nearly JSON and write it as JSON, piece by piece: Python's literals and keyword arguments, and objects
// whose keys, or strings, have no quotes.
//
// (city='Paris', n=[1, True,]) and {city:<|"|>Paris<|"|>,n:[1,true]} both are {"city": "Paris", "n": [1, true]}. Digits
// of numbers are kept as they are. A comma before a closing bracket is left out.
// Threads  one at a time.
// Cost     one pass; held back are a number, a word and a key, and the beginning of a string's end.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json_text.h"

namespace llama::internal {

class LooseJson {
 public:
  struct Syntax {
    std::string_view quote{};        // a further one, without escapes inside it: <|"|>
    bool words_are_strings = false;  // others than true, false, null, none
  };
  enum class Took { More, Last, Wrong };

  // positions: names of the arguments that have none, in their order.
  explicit LooseJson(Syntax syntax, std::vector<std::string> positions = {});
  // The first byte is the bracket that opens an object, { or (.
  Took push(char c, std::string& json);

 private:
  enum class Place { Start, Item, Value, Colon, Next, String, Opening, Quoted, Word, WordEnd };
  Took take(char c, std::string& json);
  bool begin_item(char c, std::string& json);
  bool begin_value(char c, std::string& json);
  bool open(char frame, std::string& json);
  Took close(char c, std::string& json);
  void escape(char c);
  void feed(std::string_view text);
  void end_string(std::string& json);
  bool end_word(std::string& json);
  bool name_position(std::string& json);
  void key(std::string& json);
  [[nodiscard]] bool is_object() const { return frames_.back() == '{' || frames_.back() == 'a'; }

  Syntax syntax_;
  std::vector<std::string> positions_;
  std::size_t position_ = 0;
  Place place_ = Place::Start;
  std::string frames_;  // '{', '[', 't' a tuple, 'a' arguments
  bool has_item_ = false;
  bool is_key_ = false;      // what is read now
  bool is_literal_ = false;  // an item of arguments that has no name
  std::string word_, held_, text_;
  char quote_ = '"';
  bool escaped_ = false;
  int digits_ = 0;
  std::string code_;
  JsonString string_;
};

// A whole value as Python writes it (True, None, {'a': [1]}), as JSON; none: it is no such value, or a text.
[[nodiscard]] std::optional<std::string> json_of_python(std::string_view text);

}  // namespace llama::internal
