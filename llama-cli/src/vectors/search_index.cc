#include "vectors/search_index.h"

#include <cctype>
#include <chrono>
#include <format>
#include <optional>
#include <system_error>
#include <utility>

#include "exit_status.h"
#include "llama-base/atomic_file.h"
#include "llama-core/processor.h"
#include "vectors/vector_input.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

constexpr double kIndexRecall = 0.97;
// Where no recall is asked for: less would save no time that is felt.
constexpr std::size_t kNarrowest = 64;

std::string escaped(std::string_view column) {
  std::string name;
  for (const unsigned char byte : column) {
    const bool is_plain = std::isalnum(byte) != 0 || byte == '_' || byte == '-' || byte >= 0x80;
    name += is_plain ? std::string(1, static_cast<char>(byte)) : std::format("%{:02X}", byte);
  }
  return name;
}

int index_threads(const SearchArguments& arguments) {
  return arguments.threads > 0 ? arguments.threads : default_threads();
}

// Whether it can be kept, found out before the long work.
bool can_be_kept(const fs::path& path) {
  const auto tried = internal::AtomicFile::create(path, {.is_durable = false});
  if (!tried) tell("Warning: the index is used once and not kept: {}", tried.error().message);
  return tried.has_value();
}

Step<VectorIndex> build_index(const SearchArguments& arguments, const VectorFile& file, const fs::path& path,
                              const Interrupt& interrupt, const Console& console) {
  const auto started = std::chrono::steady_clock::now();
  const bool is_kept = can_be_kept(path);
  RowsDisplay building(console, "Building the index", file.table().rows());
  std::optional<RowsDisplay> measuring;  // its time begins then
  auto index = VectorIndex::build(file,
                                  {.threads = index_threads(arguments),
                                   .on_rows = [&](std::uint64_t rows) { building.update(rows); },
                                   .on_measured =
                                       [&](std::uint64_t rows) {
                                         building.clear();
                                         if (!measuring)
                                           measuring.emplace(console, "Measuring its recall", file.table().rows());
                                         measuring->update(rows);
                                       }},
                                  interrupt.token());
  building.clear();
  if (measuring) measuring->clear();
  if (!index) {
    Error error = std::move(index.error());
    if (error.code == ErrorCode::OutOfMemory) error.message += "; without --index the file is read in blocks";
    const int status = vector_status(error.code);
    return stop_with(std::move(error), status);
  }
  const auto seconds = std::chrono::steady_clock::now() - started;
  if (!is_kept) return std::move(*index);
  if (auto saved = index->save(path, file, index_threads(arguments), interrupt.token()); !saved) {
    if (saved.error().code == ErrorCode::Cancelled) return stop_with(saved.error(), kInternalError);
    tell("Warning: the index is used once and not kept: {}", saved.error().message);
    return std::move(*index);
  }
  std::error_code ignored;
  if (!console.quiet)
    tell("Index written to: {} ({} vectors, {}, {})", path.string(), with_thousands(index->vectors()),
         format_size(fs::file_size(path, ignored)), format_duration(seconds));
  return std::move(*index);
}

}  // namespace

fs::path index_path(const std::string& file, std::string_view column) {
  fs::path path = file;
  if (!path.has_filename()) path = path.parent_path();  // "parts/"
  if (path == "." || path.filename() == "..") {
    std::error_code error;
    if (fs::path whole = fs::canonical(path, error); !error) path = std::move(whole);
  }
  path += column == "embedding" ? ".hnsw" : "." + escaped(column) + ".hnsw";
  return path;
}

Step<void> check_index_arguments(const SearchArguments& arguments) {
  if (!arguments.index) return {};
  std::error_code ignored;
  if (!fs::exists(arguments.file, ignored) && arguments.file.find_first_of("*?[") != std::string::npos)
    return usage_error(std::format("--index is kept beside a file or a folder, and '{}' is a pattern: name the folder",
                                   arguments.file));
  return {};
}

Step<VectorIndex> open_index(const SearchArguments& arguments, const VectorFile& file, const Interrupt& interrupt,
                             const Console& console) {
  const fs::path path = index_path(arguments.file, file.table().vectors().name);
  auto kept = VectorIndex::load(path, file, index_threads(arguments), interrupt.token());
  if (kept) return std::move(*kept);
  switch (kept.error().code) {
    case ErrorCode::Cancelled:
    case ErrorCode::OutOfMemory:
      return stop_with(kept.error(), kInternalError);
    case ErrorCode::NotFound:
      break;
    default:
      if (!console.quiet) tell("Note: {}; it is built anew", kept.error().message);
  }
  return build_index(arguments, file, path, interrupt, console);
}

std::size_t choose_breadth(const SearchArguments& arguments, const VectorIndex& index, const Console& console) {
  if (index.recalls().empty()) return IndexSearchOptions().breadth;
  const double wished = arguments.index_recall.value_or(kIndexRecall);
  const IndexRecall chosen = index.breadth_for(wished, arguments.index_recall ? 1 : kNarrowest);
  if (!console.quiet)
    tell("Index: recall@10 {:.4f} (breadth {}, {} rows asked both ways)", chosen.recall, chosen.breadth,
         index.sampled());
  if (chosen.recall < wished)
    tell("Warning: the index finds fewer of the best rows than {:g}; without --index all are found", wished);
  return chosen.breadth;
}

}  // namespace llama
