#include <format>
#include <string>

#include "llama-vectors/file_comparison.h"

namespace llama {
namespace {

std::string in_words(const std::string& value) { return value.empty() ? "not said" : value; }
std::string in_words(const std::optional<std::int32_t>& value) { return value ? std::to_string(*value) : "not said"; }
std::string in_words(const std::optional<bool>& value) { return !value ? "not said" : *value ? "yes" : "no"; }
std::string in_words(const std::optional<std::string>& value) { return value ? std::format("\"{}\"", *value) : "none"; }

std::string element_in_words(VectorElement element) {
  switch (element) {
    case VectorElement::Float32:
      return "float32";
    case VectorElement::Float16:
      return "float16";
    case VectorElement::Int8:
      return "int8";
    case VectorElement::Bits:
      break;
  }
  return "binary";
}

// Of llama.cpp's "bert 22M Q4_K - Medium (guessed)" the architecture and the size; those of the quantization are any
// number of words.
std::string without_quantization(const std::string& description) {
  const std::size_t size = description.find(' ');
  return size == std::string::npos ? description : description.substr(0, description.find(' ', size + 1));
}

}  // namespace

// Quantizations of one model have its space. Whether two files are of one model is told by what they say of it; of
// files that say nothing it is believed.
std::string why_no_cosine(const VectorFile& a, const VectorFile& b) {
  if (a.dimension() != b.dimension())
    return std::format("the vectors have {} and {} dimensions", a.dimension(), b.dimension());
  const Provenance& p = a.provenance();
  const Provenance& q = b.provenance();
  if (!p.names_model() || !q.names_model()) return "";
  if (p.architecture != q.architecture || p.model_dimension != q.model_dimension ||
      without_quantization(p.model_description) != without_quantization(q.model_description))
    return std::format("they are of different models ({}, {})", p.model_file, q.model_file);
  return "";
}

std::vector<std::string> provenance_differences(const VectorFile& a, const VectorFile& b) {
  std::vector<std::string> lines;
  const auto compare = [&](std::string_view what, const auto& x, const auto& y) {
    if (x != y) lines.push_back(std::format("{}: {}, {}", what, in_words(x), in_words(y)));
  };
  const Provenance& p = a.provenance();
  const Provenance& q = b.provenance();
  compare("model", p.model_file, q.model_file);
  compare("from", p.model_source, q.model_source);
  compare("SHA-256", p.model_sha256, q.model_sha256);
  compare("commit", p.model_commit, q.model_commit);
  compare("kind of model", p.model_description, q.model_description);
  if (a.dimension() != b.dimension()) lines.push_back(std::format("dimensions: {}, {}", a.dimension(), b.dimension()));
  if (a.table().vectors().element != b.table().vectors().element)
    lines.push_back(std::format("numbers: {}, {}", element_in_words(a.table().vectors().element),
                                element_in_words(b.table().vectors().element)));
  compare("first dimensions of the model's", p.dimensions, q.dimensions);
  compare("prompt", p.prompt, q.prompt);
  compare("pooling", p.pooling, q.pooling);
  compare("dense layers", p.dense_layers, q.dense_layers);
  compare("scaled to length 1", p.is_normalized, q.is_normalized);
  compare("tokens at most", p.max_length, q.max_length);
  compare("special tokens", p.special_tokens, q.special_tokens);
  compare("tokenizer", p.tokenizer, q.tokenizer);
  compare("kernels", p.kernels, q.kernels);
  compare("device", p.device, q.device);
  compare("program", p.program, q.program);
  return lines;
}

}  // namespace llama
