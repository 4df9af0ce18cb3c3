// A reply format for tests of the engine.
#pragma once

#include <format>
#include <memory>
#include <string>

#include "../src/reply/reply_format.h"

namespace llama::internal {

// Tells what it is given, "a[b]c" where b is a control token, and ends with "!".
class Echo final : public ReplyFormat {
 public:
  void push(const ReplyPiece& piece, ReplyEvents& events) override {
    is_over_ = piece.text == "!";
    tell_text(piece.control ? std::format("[{}]", piece.text) : std::string(piece.text), events);
  }
  void finish(ReplyEnd, ReplyEvents&) override {}
  [[nodiscard]] bool is_over() const override { return is_over_; }

 private:
  bool is_over_ = false;
};
inline const ReplyFormatKind kEcho{
    .name = "echo",
    .make = [](const ReplyFormatOptions&) -> std::unique_ptr<ReplyFormat> { return std::make_unique<Echo>(); }};

}  // namespace llama::internal
