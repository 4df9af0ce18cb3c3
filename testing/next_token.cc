// Write what a model thinks of the next token, for a comparison of kernels.
//
//   next_token MODEL KERNELS WINDOW batch|single <TEXT >LOGITS
//
// The text's tokens are read in windows of WINDOW tokens, each in a conversation of its own; all tokens of a window at
// once (batch) or one after the other (single), as prompts and replies are. Out: for every token of the text, a shorter
// last window left out, float32 logits of the whole vocabulary. One thread: a test runs several of these side by side.
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama-core/generation_context.h"
#include "llama-core/kernels.h"
#include "llama-core/model.h"

namespace {

llama::Result<void> write_window(llama::GenerationContext& context, std::span<const llama::Token> window, bool single) {
  context.clear(0);
  std::vector<llama::PlacedToken> batch;
  for (std::size_t i = 0; i < window.size(); ++i) {
    batch.push_back({.token = window[i], .position = static_cast<std::int32_t>(i), .wants_logits = true});
    if (!single && i + 1 < window.size()) continue;
    if (auto done = context.decode(batch); !done) return done;
    for (std::size_t j = 0; j < batch.size(); ++j) {
      const auto logits = context.logits(j);
      if (!logits) return std::unexpected(logits.error());
      std::fwrite(logits->data(), sizeof(float), logits->size(), stdout);
    }
    batch.clear();
  }
  return {};
}

llama::Result<void> write_all(const std::filesystem::path& path, std::string_view kernels, std::size_t size,
                              bool single) {
  if (auto chosen = llama::choose_kernels(kernels); !chosen) return chosen;
  const auto model = llama::Model::load(std::array{path});
  if (!model) return std::unexpected(model.error());
  const std::string text(std::istreambuf_iterator<char>(std::cin), {});
  const auto tokens = (*model)->tokenize_part(text, llama::SpecialTokens::Text);
  if (!tokens) return std::unexpected(tokens.error());
  auto context = llama::GenerationContext::create(
      *model, {.context_tokens = static_cast<std::int32_t>(size), .batch_tokens = static_cast<std::int32_t>(size)});
  if (!context) return std::unexpected(context.error());
  for (std::size_t at = 0; at + size <= tokens->size(); at += size) {
    if (auto written = write_window(*context, std::span(*tokens).subspan(at, size), single); !written) return written;
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv, argv + argc);
  std::size_t window = 0;
  if (arguments.size() != 5 || std::from_chars(arguments[3].begin(), arguments[3].end(), window).ec != std::errc() ||
      window == 0) {
    std::fputs("usage: next_token MODEL KERNELS WINDOW batch|single <TEXT >LOGITS\n", stderr);
    return 2;
  }
  const auto written = write_all(arguments[1], arguments[2], window, arguments[4] == "single");
  if (!written) std::fprintf(stderr, "%s\n", written.error().message.c_str());
  return written ? 0 : 1;
}
