#include "vectors/inspect_report.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <format>

#include "progress.h"
#include "vectors/vector_input.h"

namespace llama {
namespace {

constexpr std::size_t kBarColumns = 40;
constexpr std::size_t kMaxShownColumns = 30;

// Eighths of a column: "███▌".
std::string bar_of(double columns) {
  constexpr std::string_view kParts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<std::size_t>(std::llround(columns * 8));
  std::string text;
  for (std::size_t i = 0; i < eighths / 8; ++i) text += "█";
  return text + std::string(kParts[eighths % 8]);
}

// What is the same to five digits has no shape worth a picture.
void print_histogram(const Console& console, const Distribution& d) {
  if (d.count < 2 || d.greatest - d.least <= 1e-5 * std::max(std::abs(d.greatest), std::abs(d.least))) return;
  const auto bins = d.histogram.bins();
  std::uint64_t most = 1;
  std::vector<std::string> lows;
  std::size_t width = 0;
  for (const Histogram::Bin& bin : bins) {
    most = std::max(most, bin.count);
    lows.push_back(std::format("{:.6g}", bin.low));
    width = std::max(width, lows.back().size());
  }
  for (std::size_t i = 0; i < bins.size(); ++i) {
    const double share = static_cast<double>(bins[i].count) / static_cast<double>(most);
    std::string bar = bar_of(share * kBarColumns);
    if (bar.empty() && bins[i].count > 0) bar = "▏";  // some are more than none
    console.line("  {:>{}} {}{}{}", lows[i], width, bar, bar.empty() ? "" : " ", with_thousands(bins[i].count));
  }
}

void print_distribution(const Console& console, std::string_view name, const Distribution& d) {
  if (d.count == 0) return;
  console.line("{}: {:.4g} to {:.4g}, mean {:.4g}", name, d.least, d.greatest, d.mean);
  print_histogram(console, d);
}

std::string rows_of(std::uint64_t count, std::string_view one, std::string_view several) {
  return std::format("{} {}", with_thousands(count), count == 1 ? one : several);
}

void print_table(const Console& console, const VectorTable& table) {
  std::uint64_t bytes = 0;
  for (const TableFilePart& file : table.files()) bytes += file.size_bytes;
  const std::string_view format = table.format() == "parquet" ? "Parquet" : "Arrow";
  const std::size_t files = table.files().size();
  if (files == 1) {
    console.line("File: {} ({}, {})", table.files().front().path, format, format_size(bytes));
  } else {
    console.line("Files: {} from {} to {} ({}, {})", with_thousands(files), table.files().front().path,
                 std::filesystem::path(table.files().back().path).filename().string(), format, format_size(bytes));
  }
  console.line("Rows: {} in {}", with_thousands(table.rows()),
               table.format() == "parquet" ? rows_of(table.pieces(), "row group", "row groups")
                                           : rows_of(table.pieces(), "record batch", "record batches"));
  console.line("Columns:");
  for (std::size_t i = 0; i < std::min(table.columns().size(), kMaxShownColumns); ++i)
    console.line("  {}: {}", table.columns()[i].name, table.columns()[i].type);
  if (table.columns().size() > kMaxShownColumns)
    console.line("  and {} more", table.columns().size() - kMaxShownColumns);
}

// Where they come from, in words.
void print_provenance(const Console& console, const Provenance& p) {
  if (!p.names_model()) {
    console.line("Model: the file does not say");
    return;
  }
  console.line("Model: {}{}, from {}{}", p.model_file,
               p.model_description.empty() ? "" : std::format(" ({})", p.model_description), p.model_source,
               p.model_commit.empty() ? "" : std::format(" at {}", p.model_commit.substr(0, 12)));
  if (!p.model_sha256.empty()) console.line("  SHA-256 {}", p.model_sha256);
  console.line("  prompt {}{}; pooling {}; {}; at most {} tokens{}",
               p.prompt ? std::format("\"{}\"", *p.prompt) : std::string("none"),
               p.prompt_name.empty() ? "" : std::format(" ({})", p.prompt_name), p.pooling,
               p.is_normalized.value_or(false) || p.dimensions ? "scaled to length 1" : "not scaled",
               p.max_length ? with_thousands(static_cast<std::uint64_t>(*p.max_length)) : "?",
               p.dimensions && p.model_dimension
                   ? std::format("; the first {} of {} dimensions", *p.dimensions, *p.model_dimension)
                   : "");
  if (!p.program.empty())
    console.line("  written by {} at {}{}", p.program, p.created, p.device.empty() ? "" : ", computed on " + p.device);
}

void print_counts(const Console& console, const Inspection& i) {
  const std::string about = i.counted_share > 1 ? "about " : "";
  if (!i.text_column.empty())
    console.line("Texts: column {}, {}{}", i.text_column,
                 i.duplicate_texts == 0 ? "all different"
                                        : about + rows_of(i.duplicate_texts, "repeats another", "repeat others"),
                 i.null_texts == 0 ? "" : std::format(", {} null", with_thousands(i.null_texts)));
  if (i.duplicate_vectors > 0)
    console.line("Equal vectors: {}{}", about, rows_of(i.duplicate_vectors, "repeats another", "repeat others"));
  if (i.counted_share > 1)
    console.line("  counted of one in {} by digests, for {} of memory", i.counted_share, format_size(i.digest_bytes));
}

}  // namespace

void print_inspection(const Console& console, const VectorFile& file, const Inspection& i) {
  print_table(console, file.table());
  const VectorColumn& column = file.table().vectors();
  console.line("Vectors: column {}, {} dimensions, {}", column.name, file.dimension(), dtype_name(column.element));
  print_provenance(console, file.provenance());
  console.line("");
  print_counts(console, i);
  if (column.element != VectorElement::Bits) print_distribution(console, "Lengths of the vectors", i.norms);
  if (i.tokens) print_distribution(console, std::format("Tokens ({})", i.token_column), *i.tokens);
  const std::string sample =
      i.sampled < i.vectors ? std::format(" in a sample of {}", with_thousands(i.sampled)) : std::string();
  if (i.pairs) print_distribution(console, std::format("Cosine of two rows{}", sample), *i.pairs);
  if (i.neighbours)
    print_distribution(console, std::format("Cosine to the nearest other row{}", sample), *i.neighbours);
}

}  // namespace llama
