#include "llama-core/grammar.h"

#include <llama.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <format>
#include <limits>
#include <utility>
#include <vector>

#include "grammar_check.h"
#include "llama-base/utf8.h"
#include "llama-core/log.h"

namespace llama {
namespace {

// Larger than any grammar that llama.cpp reads in sensible time.
constexpr std::size_t kLargestGrammar = 1 << 20;

bool apply(llama_sampler* sampler, std::span<llama_token_data> candidates) {
  llama_token_data_array array{.data = candidates.data(), .size = candidates.size(), .selected = -1, .sorted = false};
  try {
    llama_sampler_apply(sampler, &array);
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

}  // namespace

void Grammar::Free::operator()(llama_sampler* sampler) const noexcept { llama_sampler_free(sampler); }

Grammar::Grammar(std::shared_ptr<const Model> model, llama_sampler* sampler, bool names_tokens)
    : model_(std::move(model)), sampler_(sampler), names_tokens_(names_tokens) {}
Grammar::~Grammar() = default;
Grammar::Grammar(Grammar&&) noexcept = default;
Grammar& Grammar::operator=(Grammar&&) noexcept = default;

Result<Grammar> Grammar::parse(std::shared_ptr<const Model> model, std::string_view gbnf) {
  if (model == nullptr) return fail(ErrorCode::InvalidArgument, "a grammar needs a model");
  if (gbnf.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return fail(ErrorCode::InvalidArgument, "the grammar is empty");
  }
  if (gbnf.size() > kLargestGrammar) {
    return fail(ErrorCode::InvalidArgument,
                std::format("the grammar has {} bytes, at most {} are read", gbnf.size(), kLargestGrammar));
  }
  if (gbnf.contains('\0')) return fail(ErrorCode::InvalidArgument, "the grammar contains a NUL byte");
  // llama.cpp takes the bytes after the first of a character as they come, a closing quote too.
  if (!internal::is_utf8(gbnf)) return fail(ErrorCode::InvalidArgument, "the grammar is not UTF-8");
  const auto facts = internal::check_grammar(gbnf);
  if (!facts) return std::unexpected(facts.error());
  const std::string text(gbnf);
  internal::take_first_log_error();
  llama_sampler* sampler = nullptr;
  std::string reason;
  try {
    sampler = llama_sampler_init_grammar(llama_model_get_vocab(model->model_.get()), text.c_str(), "root");
  } catch (const std::exception& thrown) {
    reason = thrown.what();
  }
  if (sampler == nullptr) {
    if (reason.empty()) reason = internal::take_first_log_error();
    return fail(ErrorCode::InvalidArgument,
                std::format("the grammar cannot be used{}{}", reason.empty() ? "" : ": ", reason));
  }
  return Grammar(std::move(model), sampler, facts->names_tokens);
}

Result<Grammar> Grammar::copy() const {
  llama_sampler* sampler = nullptr;
  try {
    sampler = llama_sampler_clone(sampler_.get());
  } catch (const std::exception&) {
    sampler = nullptr;
  }
  if (sampler == nullptr) return fail(ErrorCode::OutOfMemory, "a grammar cannot be copied");
  Grammar copied(model_, sampler, names_tokens_);
  copied.is_lost_ = is_lost_;
  return copied;
}

bool Grammar::allows(Token token) const {
  if (is_lost_ || token < 0 || token >= model_->vocabulary_size()) return false;
  llama_token_data candidate{.id = token, .logit = 0.0F, .p = 0.0F};
  return apply(sampler_.get(), std::span(&candidate, 1)) && std::isfinite(candidate.logit);
}

bool Grammar::may_end() const {
  const llama_vocab* vocab = llama_model_get_vocab(model_->model_.get());
  for (const Token end : {llama_vocab_eos(vocab), llama_vocab_eot(vocab)}) {
    if (end != LLAMA_TOKEN_NULL && llama_vocab_is_eog(vocab, end)) return allows(end);
  }
  return false;
}

void Grammar::restrict_to(std::span<float> logits) const {
  if (is_lost_) return std::ranges::fill(logits, -std::numeric_limits<float>::infinity()), void();
  std::vector<llama_token_data> candidates(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    candidates[i] = {.id = static_cast<Token>(i), .logit = logits[i], .p = 0.0F};
  }
  if (!apply(sampler_.get(), candidates)) return;
  for (const auto& candidate : candidates) logits[static_cast<std::size_t>(candidate.id)] = candidate.logit;
}

Result<void> Grammar::accept(Token token) {
  if (!allows(token)) {
    return fail(ErrorCode::InvalidArgument, std::format("token {} is not allowed by the grammar", token));
  }
  // After the end nothing can follow, and llama.cpp would abort at a second end.
  if (model_->ends_generation(token)) return {};
  if (!names_tokens_) return go_on(token);
  auto tried = copy();
  if (!tried) return std::unexpected(tried.error());
  if (!tried->go_on(token)) {
    return fail(ErrorCode::InvalidArgument, std::format("token {} does not end where the grammar names one", token));
  }
  sampler_ = std::move(tried->sampler_);
  return {};
}

// What cannot be gone on with cannot be asked for anything either: llama.cpp would abort.
Result<void> Grammar::go_on(Token token) {
  try {
    llama_sampler_accept(sampler_.get(), token);
  } catch (const std::exception& thrown) {
    is_lost_ = true;
    return fail(ErrorCode::Internal, std::format("llama.cpp's grammar cannot go on: {}", thrown.what()));
  }
  return {};
}

}  // namespace llama
