// Compose characters and their marks (NFC: e and an accent → é), as published tokenizers of some families do first.
//
// Source   Unicode Standard Annex 15. The tokenizers library normalizes as of Unicode 9.0: characters that came later
//          stay as they are.
#pragma once

#include <string>
#include <string_view>

namespace llama {

// Requires valid UTF-8.
// Cost     linear; text that is composed already is only looked at.
// Threads  any number at once.
[[nodiscard]] std::string compose(std::string_view text);

// Whether a family's published tokenizer composes, where the GGUF does not say (tokenizer.ggml.normalizer.nfc came in
// 2026): by the name of its pre-tokenizer in the GGUF (tokenizer.ggml.pre).
[[nodiscard]] bool family_composes(std::string_view pre_tokenizer);

}  // namespace llama
