#include <nlohmann/json.hpp>

#include "vectors/inspect_report.h"
#include "vectors/vector_input.h"

namespace llama {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json json_of(const Distribution& d) {
  if (d.count == 0) return nullptr;
  Json counts = Json::array();
  const auto bins = d.histogram.bins();
  for (const Histogram::Bin& bin : bins) counts.push_back(bin.count);
  return {{"count", d.count},
          {"min", d.least},
          {"max", d.greatest},
          {"mean", d.mean},
          {"histogram", {{"low", bins.front().low}, {"high", bins.back().high}, {"counts", std::move(counts)}}}};
}

Json json_of(const std::optional<Distribution>& d) { return d ? json_of(*d) : Json(nullptr); }

Json json_of(const Provenance& p) {
  if (!p.names_model() && p.program.empty()) return nullptr;
  return {{"program", text_or_null(p.program)},
          {"created", text_or_null(p.created)},
          {"model_source", text_or_null(p.model_source)},
          {"model_file", text_or_null(p.model_file)},
          {"model_sha256", text_or_null(p.model_sha256)},
          {"model_commit", text_or_null(p.model_commit)},
          {"model_size_bytes", or_null(p.model_size_bytes)},
          {"architecture", text_or_null(p.architecture)},
          {"model_description", text_or_null(p.model_description)},
          {"pooling", text_or_null(p.pooling)},
          {"dense_layers", text_or_null(p.dense_layers)},
          {"dimension", or_null(p.model_dimension)},
          {"dimensions", or_null(p.dimensions)},
          {"normalized", or_null(p.is_normalized)},
          {"max_length", or_null(p.max_length)},
          {"prompt", or_null(p.prompt)},
          {"prompt_name", text_or_null(p.prompt_name)},
          {"special_tokens", text_or_null(p.special_tokens)},
          {"tokenizer", text_or_null(p.tokenizer)},
          {"kernels", text_or_null(p.kernels)},
          {"device", text_or_null(p.device)},
          {"text_column", text_or_null(p.text_column)},
          {"on_long", text_or_null(p.on_long)}};
}

Json json_of(const VectorTable& table) {
  Json columns = Json::array(), files = Json::array();
  for (const TableColumn& column : table.columns()) columns.push_back({{"name", column.name}, {"type", column.type}});
  for (const TableFilePart& file : table.files())
    files.push_back({{"path", file.path}, {"rows", file.rows}, {"size_bytes", file.size_bytes}});
  return {{"format", table.format()},
          {"files", std::move(files)},
          {"pieces", table.pieces()},
          {"rows", table.rows()},
          {"columns", std::move(columns)},
          {"vector_column", table.vectors().name},
          {"dtype", dtype_name(table.vectors().element)},
          {"dimension", table.vectors().dimension}};
}

}  // namespace

std::string_view name_of_finding(FindingKind kind) {
  switch (kind) {
    case FindingKind::Nulls:
      return "nulls";
    case FindingKind::OtherLengths:
      return "other_lengths";
    case FindingKind::NonFinite:
      return "non_finite";
    case FindingKind::Zeros:
      return "zero";
    case FindingKind::SharedVectors:
      return "shared_vectors";
    case FindingKind::Collapsed:
      return "collapsed";
    case FindingKind::NotNormalized:
      return "not_normalized";
    case FindingKind::LengthsDiffer:
      return "lengths_differ";
    case FindingKind::OtherDimension:
      return "other_dimension";
    case FindingKind::OddFiles:
      return "odd_files";
    case FindingKind::Truncated:
      break;
  }
  return "truncated";
}

std::string json_of_inspection(const VectorFile& file, const Inspection& i, std::span<const Finding> findings) {
  Json whole = json_of(file.table());
  Json examples = Json::array(), warnings = Json::array();
  for (const auto& [row, other] : i.shared.examples) examples.push_back({row, other});
  for (const Finding& finding : findings)
    warnings.push_back(
        {{"kind", name_of_finding(finding.kind)}, {"fault", finding.is_fault}, {"message", finding.message}});
  whole.update(
      {{"vectors", i.vectors},
       {"nulls", i.nulls},
       {"other_lengths", i.other_lengths},
       {"non_finite", i.non_finite},
       {"zero", i.zeros},
       {"text_column", text_or_null(i.text_column)},
       {"null_texts", i.null_texts},
       {"duplicate_texts", i.duplicate_texts},
       {"duplicate_vectors", i.duplicate_vectors},
       {"shared_vectors", {{"vectors", i.shared.vectors}, {"rows", i.shared.rows}, {"examples", std::move(examples)}}},
       {"counted_share", i.counted_share},
       {"truncated", or_null(i.truncated)},
       {"norms", json_of(i.norms)},
       {"tokens", json_of(i.tokens)},
       {"sampled", i.sampled},
       {"pair_similarity", json_of(i.pairs)},
       {"neighbour_similarity", json_of(i.neighbours)},
       {"provenance", json_of(file.provenance())},
       {"warnings", std::move(warnings)}});
  return whole.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace llama
