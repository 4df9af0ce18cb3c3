#include "embed/embed_summary.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "progress.h"

namespace llama {
namespace {

std::uint64_t per_second(std::uint64_t count, double seconds) {
  return static_cast<std::uint64_t>(static_cast<double>(count) / seconds);
}

std::uint64_t skipped(const JobSummary& s) {
  return s.skipped_failed + s.skipped_blank + s.skipped_long + s.skipped_empty;
}

// "Rows in: 1,000 = 990 embedded + 0 null + 10 skipped (7 empty, 3 failed); rows out: 990"
std::string row_line(const JobSummary& s) {
  std::string why;
  for (const auto& [count, name] :
       std::vector<std::pair<std::uint64_t, std::string_view>>{{s.skipped_blank, "blank"},
                                                               {s.skipped_empty, "empty"},
                                                               {s.skipped_long, "too long"},
                                                               {s.skipped_failed, "failed"}}) {
    if (count > 0) why += std::format("{}{} {}", why.empty() ? "" : ", ", with_thousands(count), name);
  }
  return std::format("Rows in: {} = {} embedded + {} null + {} skipped{}; rows out: {}", with_thousands(s.rows_in),
                     with_thousands(s.embedded), with_thousands(s.null), with_thousands(skipped(s)),
                     why.empty() ? "" : " (" + why + ")", with_thousands(s.rows_out));
}

std::string where_from(const JobSummary& s) {
  std::string line = std::format("Distinct texts: {}", with_thousands(s.distinct));
  if (s.from_journal > 0) line += std::format(", {} of them from the interrupted run", with_thousands(s.from_journal));
  if (s.from_store > 0) line += std::format(", {} from the vector store", with_thousands(s.from_store));
  return line;
}

}  // namespace

void print_summary(const Console& console, const EmbedArguments& arguments, const JobSummary& s, Seconds elapsed) {
  const double seconds = std::max(elapsed.count(), 1e-9);
  if (s.embedded > 0) {
    // What an interrupted run has done took no time in this one.
    if (const std::uint64_t now = s.embedded - std::min(s.embedded, s.rows_before); now > 0)
      console.line("Average processing time: {:.1f}ms per text", seconds * 1e3 / static_cast<double>(now));
  } else {
    const bool had_texts = s.distinct + s.skipped_failed + s.skipped_long > 0;
    tell("Warning: {}; the output has no {}", had_texts ? "no text could be embedded" : "the input has no texts",
         s.rows_out == 0 ? "rows" : "vectors");
  }
  console.line("Total embeddings: {}", with_thousands(s.embedded));
  console.line("Tokens: {} ({} tokens/s)", with_thousands(s.tokens), with_thousands(per_second(s.tokens, seconds)));
  if (is_plain_output(arguments)) {
    console.line("Truncated: {}, skipped blank lines: {}, failed: {}", with_thousands(s.truncated),
                 with_thousands(s.skipped_blank), with_thousands(s.skipped_failed + s.skipped_long));
  } else {
    console.line("Truncated: {}", with_thousands(s.truncated));
    console.line("{}", where_from(s));
    console.line("{}", row_line(s));
  }
  const std::size_t parts = s.output.parts.size();
  console.line("Output written to: {} ({}{})",
               arguments.output.path == "-" ? "standard output" : arguments.output.path.string(),
               parts > 1 ? std::format("{} parts, ", parts) : "", format_size(s.output.size_bytes));
}

Result<void> print_json_summary(const EmbedArguments& arguments, const JobSummary& s, Seconds elapsed) {
  const double seconds = std::max(elapsed.count(), 1e-9);
  nlohmann::ordered_json parts = nlohmann::ordered_json::array();
  for (const WrittenPart& part : s.output.parts)
    parts.push_back({{"path", part.path.string()}, {"rows", part.rows}, {"bytes", part.size_bytes}});
  const nlohmann::ordered_json summary = {
      {"rows_in", s.rows_in},
      {"embedded", s.embedded},
      {"null", s.null},
      {"skipped", skipped(s)},
      {"skipped_blank", s.skipped_blank},
      {"skipped_empty", s.skipped_empty},
      {"skipped_long", s.skipped_long},
      {"skipped_failed", s.skipped_failed},
      {"rows_out", s.rows_out},
      {"distinct", s.distinct},
      {"computed", s.computed},
      {"from_journal", s.from_journal},
      {"from_store", s.from_store},
      {"truncated", s.truncated},
      {"tokens", s.tokens},
      {"seconds", elapsed.count()},
      {"compute_seconds", Seconds(s.compute_time).count()},
      {"rows_per_second", static_cast<double>(s.rows_in - s.rows_before) / seconds},
      {"tokens_per_second", static_cast<double>(s.tokens) / seconds},
      {"device", s.device},
      {"output", arguments.output.path.string()},
      {"output_bytes", s.output.size_bytes},
      {"parts", std::move(parts)},
  };
  // Names of files may be any bytes.
  return print_result(summary.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace llama
