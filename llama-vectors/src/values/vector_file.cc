#include "llama-vectors/vector_file.h"

#include <algorithm>
#include <format>
#include <string_view>
#include <utility>

namespace llama {
namespace {

// What embed calls the column of its vectors: the metadata is about no other.
constexpr std::string_view kOurColumn = "embedding";

std::string choose_text(const VectorTable& table, const Provenance& provenance) {
  std::vector<std::string> texts;
  for (const TableColumn& column : table.columns())
    if (column.kind == CellKind::Text && !column.is_of_folders) texts.push_back(column.name);
  for (const std::string& name : {provenance.text_column, std::string("text")})
    if (!name.empty() && std::ranges::contains(texts, name)) return name;
  std::erase(texts, "text_hash");
  std::erase(texts, "error");
  return texts.size() == 1 ? texts.front() : "";
}

std::string what_differs(const Provenance& first, const Provenance& other) {
  const auto differs = [](const auto& a, const auto& b) { return a != b; };
  if (differs(first.model_source, other.model_source) || differs(first.model_file, other.model_file) ||
      differs(first.model_sha256, other.model_sha256) || differs(first.model_size_bytes, other.model_size_bytes))
    return "another model";
  if (differs(first.prompt, other.prompt)) return "another prompt";
  if (differs(first.pooling, other.pooling)) return "another pooling";
  const auto& a = first.int8_scales;
  const auto& b = other.int8_scales;
  if (a.has_value() != b.has_value() || (a && (a->starts != b->starts || a->steps != b->steps))) return "other scales";
  return "";
}

}  // namespace

Result<VectorFile> VectorFile::open(const VectorInput& input, const std::stop_token& stop) {
  VectorFile file;
  auto table = VectorTable::open(input, stop);
  if (!table) return std::unexpected(table.error());
  file.table_ = std::move(*table);
  if (auto compared = file.compare_files(); !compared) return std::unexpected(compared.error());
  file.text_column_ = choose_text(*file.table_, file.provenance_);
  return file;
}

Result<void> VectorFile::compare_files() {
  if (table_->vectors().name != kOurColumn) return {};
  for (const TableFilePart& part : table_->files()) {
    auto found = read_provenance(part.metadata);
    if (!found) return fail(found.error().code, std::format("file '{}': {}", part.path, found.error().message));
    if (found->int8_scales && table_->vectors().element != VectorElement::Int8) found->int8_scales.reset();
    if (found->int8_scales && dimension() > 0 && std::cmp_not_equal(found->int8_scales->starts.size(), dimension())) {
      return fail(ErrorCode::Corrupt, std::format("file '{}': its vectors have {} dimensions, and scales for {}",
                                                  part.path, dimension(), found->int8_scales->starts.size()));
    }
    if (&part == &table_->files().front()) {
      provenance_ = std::move(*found);
    } else if (const std::string reason = what_differs(provenance_, *found); !reason.empty()) {
      odd_files_.push_back(
          std::format("file '{}' is of {} than '{}'", part.path, reason, table_->files().front().path));
    }
  }
  return {};
}

}  // namespace llama
