// Parse and render Jinja, within bounds.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama::internal {

class Jinja {
 public:
  // Errors   InvalidModel, with the place.
  [[nodiscard]] static Result<Jinja> parse(std::string_view source);
  ~Jinja();
  Jinja(Jinja&&) noexcept;
  Jinja& operator=(Jinja&&) noexcept;

  // Errors   InvalidArgument: what raise_exception() was called with. InvalidModel: everything else.
  [[nodiscard]] Result<std::string> render(const nlohmann::ordered_json& variables,
                                           std::chrono::system_clock::time_point now) const;

 private:
  struct State;
  explicit Jinja(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Tags only, each on its line as far as that goes. What stands between tags is told as literals, or, where it is long,
// as `llama_text(i)`: minja's regular expressions call themselves for each character, and end the program at 100,000.
struct PreparedTemplate {
  std::string source;
  std::vector<std::string> texts;
};

// Spell out in minja's words what it does not know, and count steps, depth and bytes where a template could go on for
// ever. White space around tags is taken away here, as trim_blocks and lstrip_blocks want it.
//
// Errors   InvalidModel: too long, too deep, a loop that calls itself.
[[nodiscard]] Result<PreparedTemplate> prepare_template(std::string_view source);

}  // namespace llama::internal
