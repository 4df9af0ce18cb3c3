// A call whose argument is program text, up to the end of the reply: the tool is told {"code": "…"}.
//
// Llama 3 writes code so behind <|python_tag|>, Functionary 3.2 behind the name "python".
// Threads  one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "call_reader.h"

namespace llama::internal {

// The name by which the tools have the one that runs code: "ipython", "python" or "code_interpreter"; written: what
// the model calls it, which is kept where it is one of these.
[[nodiscard]] std::string code_tool(const std::vector<std::string>& tools, std::string_view written);
[[nodiscard]] bool is_code_tool(std::string_view name);

class CodeCall final : public CallReader {
 public:
  CodeCall(std::int32_t number, std::string name) : number_(number), name_(std::move(name)) {}
  std::size_t push(std::string_view text, ReplyEvents& events) override;
  void finish(bool is_whole, ReplyEvents& events) override;
  [[nodiscard]] bool is_over() const override { return over_; }
  [[nodiscard]] bool has_begun() const override { return begun_; }
  [[nodiscard]] const std::string& untold() const override { return blanks_; }

 private:
  std::int32_t number_;
  std::string name_;
  std::string blanks_;  // that may be the last ones, which nobody needs
  bool begun_ = false, over_ = false;
};

}  // namespace llama::internal
