// Count in how many texts of each class a word is, and find the words that are typical of a class.
//
// A word's score in a class is what it adds to the difference between the class and the whole: p log(p / q), with p the
// share of the class's texts that have it, and q that of all texts.
//
// Words are what ICU's rules say, in any script; numbers are none. Upper and lower case are one word, shown as it is
// written most often.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "llama-base/error.h"

namespace llama::internal {

class WordCounts {
 public:
  // Errors  Internal: ICU lacks its rules.
  [[nodiscard]] static Result<WordCounts> create();
  ~WordCounts();
  WordCounts(WordCounts&&) noexcept;
  WordCounts& operator=(WordCounts&&) = delete;

  // The first thousand bytes of a text.
  void add(std::string_view text, std::size_t class_number);

  // The most typical words of each class, when classes[i] is merged into groups[i]: at most `most`.
  [[nodiscard]] std::vector<std::vector<std::string>> typical(const std::vector<std::size_t>& groups,
                                                              std::size_t group_count, std::size_t most) const;

 private:
  struct Rules;
  struct Word {
    std::string written;  // as most often, by the majority vote of Boyer and Moore
    std::uint32_t votes = 0;
    std::uint32_t texts = 0;
    double weight = 1;  // how much it can say
  };
  explicit WordCounts(std::unique_ptr<Rules> rules);

  std::unique_ptr<Rules> rules_;
  std::unordered_map<std::string, std::uint32_t> numbers_;  // by its folded form
  std::vector<Word> words_;
  std::vector<std::unordered_map<std::uint32_t, std::uint32_t>> counts_;  // of each class: word -> texts
  std::vector<std::uint32_t> texts_;                                      // of each class
  std::vector<std::uint32_t> seen_;                                       // words of one text
};

}  // namespace llama::internal
