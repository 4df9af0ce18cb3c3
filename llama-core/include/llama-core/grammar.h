// Hold a model to texts of a grammar (GBNF), token by token.
//
// Threads  one at a time.
// Cost     allows() looks at one token; restrict_to() at the whole vocabulary.
// Source   llama.cpp, grammars/README.md. Its engine throws, and aborts the process at an end-of-generation token
//          where the grammar may not end: both are kept inside here.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "llama-base/error.h"
#include "llama-core/model.h"

struct llama_sampler;

namespace llama {

class Grammar {
 public:
  // A grammar whose text begins with the rule "root".
  //
  // Errors   InvalidArgument: it is not UTF-8, has more than 1 MiB, or what is wrong and where.
  [[nodiscard]] static Result<Grammar> parse(std::shared_ptr<const Model> model, std::string_view gbnf);
  // Another one at the same place, without reading the text again.
  //
  // Errors   OutOfMemory.
  [[nodiscard]] Result<Grammar> copy() const;
  ~Grammar();
  Grammar(Grammar&&) noexcept;
  Grammar& operator=(Grammar&&) noexcept;

  // May this token come next? One that ends generation: may the text end here?
  [[nodiscard]] bool allows(Token token) const;
  [[nodiscard]] bool may_end() const;

  // Set the logits of all tokens that may not come next to minus infinity. Where a grammar names tokens, allows() and
  // this let some pass that accept() refuses: those that begin in characters and reach over the place of a named one.
  void restrict_to(std::span<float> logits) const;

  // Go on after a token.
  //
  // Errors   InvalidArgument for one that is not allowed, OutOfMemory: the grammar stays where it was. Internal:
  //          nothing is allowed any more.
  // Cost     of a grammar that names tokens a copy of it.
  [[nodiscard]] Result<void> accept(Token token);

 private:
  struct Free {
    void operator()(llama_sampler* sampler) const noexcept;
  };
  Grammar(std::shared_ptr<const Model> model, llama_sampler* sampler, bool names_tokens);
  [[nodiscard]] Result<void> go_on(Token token);
  std::shared_ptr<const Model> model_;
  std::unique_ptr<llama_sampler, Free> sampler_;
  bool names_tokens_;
  bool is_lost_ = false;
};

}  // namespace llama
