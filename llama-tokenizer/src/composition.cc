#include "llama-tokenizer/composition.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uniset.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

namespace llama {
namespace {

// NFC for the characters that Unicode 9.0 knew; null only where ICU lacks its data.
const icu::Normalizer2* composer() {
  static const auto kSet = [] {
    UErrorCode status = U_ZERO_ERROR;
    auto made = std::make_unique<icu::UnicodeSet>(icu::UnicodeString("[:Age=9.0:]"), status);
    if (U_FAILURE(status) != 0) made.reset();
    if (made) made->freeze();
    return made;
  }();
  static const auto kFiltered = [] {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
    std::unique_ptr<icu::FilteredNormalizer2> made;
    if (U_SUCCESS(status) != 0 && kSet) made = std::make_unique<icu::FilteredNormalizer2>(*nfc, *kSet);
    return made;
  }();
  return kFiltered.get();
}

}  // namespace

std::string compose(std::string_view text) {
  const bool ascii = std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  const icu::Normalizer2* nfc = ascii ? nullptr : composer();
  if (nfc == nullptr || text.size() > INT32_MAX) return std::string(text);
  std::string result;
  icu::StringByteSink sink(&result);
  UErrorCode status = U_ZERO_ERROR;
  nfc->normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())), sink, nullptr, status);
  return U_SUCCESS(status) != 0 ? result : std::string(text);
}

bool family_composes(std::string_view pre_tokenizer) {
  // Source of each row: the transformers library 5.12, the tokenizer class of the model type, and its normalizer.
  constexpr std::array kFamilies{
      std::string_view("qwen2"),      // Qwen2Tokenizer (qwen2, qwen3 and their kin): models/qwen2/tokenization_qwen2.py
      std::string_view("qwen35"),     // Qwen3_5Tokenizer: models/qwen3_5/tokenization_qwen3_5.py
      std::string_view("megrez"),     // a Qwen2 tokenizer (llama.cpp reads it as one)
      std::string_view("olmo"),       // GPTNeoXTokenizer (olmo, olmo2): models/gpt_neox/tokenization_gpt_neox.py
      std::string_view("mpt"),        // GPTNeoXTokenizer
      std::string_view("command-r"),  // CohereTokenizer: models/cohere/tokenization_cohere.py
  };
  return std::ranges::find(kFamilies, pre_tokenizer) != kFamilies.end();
}

}  // namespace llama
