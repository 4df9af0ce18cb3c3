// Bound what a template may do: steps, depth, and bytes that it makes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "minja_engine.h"

namespace llama::internal {

// The contexts that have something in them which holds them: a macro is stored in the context that it was written in.
// So they would live for ever, and all messages with them; they are emptied instead.
class OwnedContexts {
 public:
  explicit OwnedContexts(std::shared_ptr<minja::Context> context) { add(std::move(context)); }
  ~OwnedContexts();
  OwnedContexts(const OwnedContexts&) = delete;
  OwnedContexts& operator=(const OwnedContexts&) = delete;
  void add(std::shared_ptr<minja::Context> context);

 private:
  std::vector<std::shared_ptr<minja::Context>> all_;
};

// The functions that prepare_template() puts into a template, "llama_step" and so on, and those of minja's that need a
// bound. They throw where one is passed. Both outlive the context. source: bytes of what minja has parsed.
void add_bounds(minja::Context& context, OwnedContexts& owned, const std::vector<std::string>& texts,
                std::size_t source);

}  // namespace llama::internal
