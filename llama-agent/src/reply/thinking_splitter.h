// Part what a model thinks from what it answers.
//
// Thinking is what stands between the template's markers, at the beginning of a reply; a prompt may have opened it
// already. White space around it belongs to neither.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace llama::internal {

struct ReplyPart {
  std::string thinking;
  std::string answer;
};

class ThinkingSplitter {
 public:
  // Without markers everything is the answer.
  ThinkingSplitter() = default;
  ThinkingSplitter(std::string opener, std::string closer, bool is_open);

  [[nodiscard]] ReplyPart push(std::string_view text);
  [[nodiscard]] ReplyPart finish();
  [[nodiscard]] bool is_thinking() const { return place_ == Place::Thinking; }

 private:
  enum class Place { Before, Thinking, After, Answer };
  void advance(ReplyPart& part, bool ended);

  std::string opener_, closer_;
  std::string held_;
  Place place_ = Place::Answer;
  bool has_thought_ = false;  // something but white space
};

}  // namespace llama::internal
