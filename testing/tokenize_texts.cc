// Tokenize texts as embedding does, for comparison with other tokenizers:
//
//   tokenize_texts MODEL.gguf [llama.cpp] < texts > tokens
//   tokenize_texts --characters LOWERCASE STRIP_ACCENTS < texts > tokens      (each 0 or 1)
//   tokenize_texts --unigram PIECES CHARSMAP < texts > tokens
//
// The third form is Unigram with the pieces of a file, one a line: its score, a tab, the piece; the first is <unk>. The
// second form is WordPiece with a vocabulary of every character, so that nothing hides behind [UNK]: token 0 is
// [UNK], 1 + 2 c a word's first character c, 2 + 2 c a later one.
// Texts come as records of a 32-bit length and their bytes; tokens go out as a 32-bit count and 32-bit numbers, in the
// machine's byte order. Nothing is truncated.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <print>
#include <string>

#include "llama-loader/model_loader.h"
#include "text_tokenizer.h"

namespace {

using llama::Result;
using llama::Token;
using Tokenize = std::function<std::vector<Token>(const std::string&)>;

Result<Tokenize> from_model(const std::string& name, llama::TokenizerChoice choice) {
  const auto source = llama::ModelSource::parse(name);
  if (!source) return std::unexpected(source.error());
  const auto loaded = llama::ModelLoader().load_model({.source = *source, .on_progress = {}, .stop = {}});
  if (!loaded) return std::unexpected(loaded.error());
  auto made = llama::internal::TextTokenizer::create(loaded->model, {.special = llama::SpecialTokens::Parse,
                                                                     .choice = choice,
                                                                     .max_length = std::size_t{1} << 30,
                                                                     .append_eos = false});
  if (!made) return std::unexpected(made.error());
  std::println(stderr, "tokenizer: {}", made->description());
  return [tokenizer = std::make_shared<llama::internal::TextTokenizer>(std::move(*made))](const std::string& text) {
    const auto result = (*tokenizer)(text);
    return result ? result->tokens : std::vector<Token>();
  };
}

std::string utf8(char32_t c) {
  std::string bytes;
  const auto put = [&](char32_t byte) { bytes += static_cast<char>(byte); };
  if (c < 0x80) return put(c), bytes;
  if (c < 0x800) return put(0xc0 | c >> 6), put(0x80 | (c & 0x3f)), bytes;
  if (c < 0x10000) return put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f)), bytes;
  return put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f)), bytes;
}

Result<Tokenize> from_characters(bool lowercase, bool strip_accents) {
  std::vector<llama::VocabularyEntry> vocabulary{{"[UNK]", llama::TokenKind::Control}};
  for (char32_t c = 0; c < 0x110000; ++c) {
    const bool surrogate = c >= 0xd800 && c < 0xe000;
    vocabulary.push_back({surrogate ? "" : "\u2581" + utf8(c)});
    vocabulary.push_back({surrogate ? "" : utf8(c)});
  }
  auto made = llama::WordPieceTokenizer::create(vocabulary,
                                                {.lowercase = lowercase, .strip_accents = strip_accents, .unknown = 0});
  if (!made) return std::unexpected(made.error());
  return [tokenizer = std::make_shared<llama::WordPieceTokenizer>(std::move(*made))](const std::string& text) {
    return tokenizer->tokenize(text, llama::SpecialTokens::Text);
  };
}

Result<Tokenize> from_pieces(const std::string& pieces, const std::string& charsmap) {
  std::ifstream map_file(charsmap, std::ios::binary), file(pieces, std::ios::binary);
  const std::vector<unsigned char> map{std::istreambuf_iterator<char>(map_file), {}};
  std::vector<llama::VocabularyEntry> vocabulary;
  for (std::string line; std::getline(file, line);) {
    const std::size_t tab = line.find('\t');
    vocabulary.push_back({.text = line.substr(tab + 1), .kind = llama::TokenKind::Normal, .score = std::stof(line)});
  }
  auto made = llama::UnigramTokenizer::create(vocabulary, map, {.unknown = 0});
  if (!made) return std::unexpected(made.error());
  return [tokenizer = std::make_shared<llama::UnigramTokenizer>(std::move(*made))](const std::string& text) {
    return tokenizer->tokenize(text, llama::SpecialTokens::Text);
  };
}

bool read(void* to, std::size_t size) { return std::fread(to, 1, size, stdin) == size; }

int run(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return std::println(stderr, "usage: tokenize_texts MODEL.gguf [llama.cpp]"), 2;
  const auto tokenize = arguments[0] == "--unigram" && arguments.size() == 3 ? from_pieces(arguments[1], arguments[2])
                        : arguments.size() == 3
                            ? from_characters(arguments[1] == "1", arguments[2] == "1")
                            : from_model(arguments[0], arguments.size() == 2 ? llama::TokenizerChoice::LlamaCpp
                                                                             : llama::TokenizerChoice::Published);
  if (!tokenize) return std::println(stderr, "{}", tokenize.error().message), 1;

  std::chrono::nanoseconds spent{0};
  std::size_t bytes = 0;
  std::string text;
  for (std::uint32_t length = 0; read(&length, sizeof length);) {
    text.resize(length);
    if (!read(text.data(), length)) return 1;
    const auto started = std::chrono::steady_clock::now();
    const std::vector<Token> tokens = (*tokenize)(text);
    spent += std::chrono::steady_clock::now() - started;
    bytes += length;
    const auto count = static_cast<std::uint32_t>(tokens.size());
    std::fwrite(&count, sizeof count, 1, stdout);
    std::fwrite(tokens.data(), sizeof(Token), tokens.size(), stdout);
    std::fflush(stdout);
  }
  std::println(stderr, "{} bytes tokenized in {:.3f} s", bytes, std::chrono::duration<double>(spent).count());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run({argv + 1, argv + argc}); }
