#include "vectors/map.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <format>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "console.h"
#include "exit_status.h"
#include "llama-core/processor.h"
#include "llama-table/table_writer.h"
#include "llama-vectors/map_clusters.h"
#include "llama-vectors/map_page.h"
#include "llama-vectors/map_projection.h"
#include "llama-vectors/map_rows.h"
#include "llama-vectors/vector_file.h"
#include "progress.h"
#include "vectors/vector_input.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

// "Map: [████░░░░] layout, 40%": the parts of the work follow each other.
class PartsDisplay {
 public:
  explicit PartsDisplay(const Console& console) : quiet_(console.quiet), line_(stderr, console.terminal) {}
  void update(std::string_view part, double share) {
    if (quiet_ || !line_.is_due()) return;
    line_.draw(std::format("Map: {} {}, {:.0f}%", bar(share), part, 100 * share));
  }
  void clear() { line_.clear(); }

 private:
  bool quiet_;
  StatusLine line_;
};

// The file's name says most; a folder's may be anything.
std::string name_of_model(const Provenance& provenance) {
  const std::string& name = provenance.model_file.empty() ? provenance.model_source : provenance.model_file;
  const fs::path last = fs::path(name).filename();
  return last.extension() == ".gguf" ? last.stem().string() : last.string();
}

std::string about_line(const VectorFile& file, std::size_t points) {
  std::string about = std::format("{} {}", with_thousands(points), points == 1 ? "text" : "texts");
  if (points < file.table().rows()) about += std::format(" of {}", with_thousands(file.table().rows()));
  if (file.provenance().names_model()) about += " · " + name_of_model(file.provenance());
  return about + std::format(" · {} dimensions", file.dimension());
}

std::string default_title(const std::string& path) {
  fs::path name = fs::path(path).lexically_normal();
  if (!name.has_filename()) name = name.parent_path();
  return name.filename().string();
}

// Doubles have all whole numbers below this one.
constexpr double kFirstInexact = 0x1p53;

// A page keeps numbers as doubles, identifiers too.
void tell_of_large_numbers(const VectorFile& file, const std::vector<MapColumn>& columns) {
  for (const MapColumn& column : columns) {
    const auto* const numbers = std::get_if<std::vector<double>>(&column.cells);
    const auto& described = *std::ranges::find(file.table().columns(), column.name, &TableColumn::name);
    if (numbers == nullptr || !described.type.contains("int64")) continue;
    if (std::ranges::none_of(*numbers, [](double number) { return std::abs(number) >= kFirstInexact; })) continue;
    tell("Warning: column '{}' has whole numbers from 2^53 on, whose last digits the page does not keep", column.name);
  }
}

// Found out before the long work.
Step<void> check_page(const MapArguments& arguments, const VectorFile& file) {
  std::error_code ignored;
  for (const TableFilePart& part : file.table().files())
    if (fs::equivalent(part.path, arguments.output, ignored))
      return usage_error(std::format("the page would replace the vectors' file '{}'", part.path));
  if (auto checked = check_output({.path = arguments.output, .existing = ExistingFile::Replace}); !checked)
    return stop_with(checked.error(), kOutputError);
  return {};
}

Step<void> make_page(const MapArguments& arguments, const Console& console, const Interrupt& interrupt) {
  const std::stop_token stop = interrupt.token();
  std::error_code ignored;
  if (arguments.output == "-") return usage_error("map writes a file: -o names one");
  if (!arguments.force && fs::exists(arguments.output, ignored) && !fs::is_directory(arguments.output, ignored)) {
    return usage_error(std::format("'{}' is there already (--force replaces it)", arguments.output.string()));
  }
  const auto begun = std::chrono::steady_clock::now();
  const auto file = open_vectors(arguments, interrupt);
  if (!file) return std::unexpected(file.error());
  if (auto checked = check_page(arguments, *file); !checked) return checked;
  PartsDisplay display(console);
  const MapProgress progress = [&display](std::string_view part, double share) { display.update(part, share); };
  const MapRowsOptions reading{
      .sample = arguments.sample ? std::optional<std::uint64_t>(*arguments.sample) : std::nullopt,
      .seed = arguments.seed,
      .text_column = arguments.text_column.value_or("")};
  const auto rows = read_map_rows(*file, reading, progress, stop);
  if (!rows) return stop_with(rows.error(), vector_status(rows.error().code));
  if (arguments.color_by) {
    if (auto fine = check_map_color(rows->columns, *arguments.color_by); !fine)
      return usage_error(fine.error().message);
  }
  const ProjectionOptions options{
      .seed = arguments.seed,
      .neighbors = static_cast<std::size_t>(arguments.neighbors),
      .threads = static_cast<std::size_t>(arguments.threads > 0 ? arguments.threads : default_threads()),
      .progress = progress};
  const auto projection = project(rows->matrix(), options, stop);
  if (!projection) return stop_with(projection.error(), vector_status(projection.error().code));
  const std::vector<std::string_view> texts(rows->texts.begin(), rows->texts.end());
  const auto clusters = find_clusters(projection->places, texts, stop);
  if (!clusters) return stop_with(clusters.error(), vector_status(clusters.error().code));
  const std::string& text_column = arguments.text_column ? *arguments.text_column : file->text_column();
  const MapPage page{.title = arguments.title.value_or(default_title(arguments.file)),
                     .about = about_line(*file, texts.size()),
                     .text_column = text_column.empty() ? "text" : text_column,
                     .rows = rows->rows,
                     .texts = texts,
                     .columns = rows->columns,
                     .projection = &*projection,
                     .clusters = &*clusters,
                     .color_by = arguments.color_by,
                     .seed = arguments.seed};
  if (auto written = write_map_file(page, arguments.output, progress, stop); !written) {
    return stop_with(written.error(), kOutputError);
  }
  display.clear();
  tell_of_large_numbers(*file, rows->columns);
  if (rows->without_vector > 0) {
    tell("Warning: {} {} without a vector, or with one that is no direction, left out",
         with_thousands(rows->without_vector), rows->without_vector == 1 ? "row" : "rows");
  }
  console.line("{} {} in {} {}, in {}", with_thousands(texts.size()), texts.size() == 1 ? "text" : "texts",
               clusters->clusters.size(), clusters->clusters.size() == 1 ? "cluster" : "clusters",
               format_duration(std::chrono::steady_clock::now() - begun));
  console.line("Output written to: {} ({})", arguments.output.string(),
               format_size(fs::file_size(arguments.output, ignored)));
  return {};
}

}  // namespace

int run_map(const MapArguments& arguments, const Interrupt& interrupt) {
  const Console console{.quiet = arguments.quiet, .terminal = ::isatty(STDERR_FILENO) == 1, .stream = stdout};
  const auto made = make_page(arguments, console, interrupt);
  return made ? kDone : tell_failure(made.error(), interrupt);
}

}  // namespace llama
