#include <format>
#include <nlohmann/json.hpp>

#include "progress.h"
#include "vectors/terminal_text.h"
#include "verify/verify.h"

namespace llama {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxShown = 50;

std::string_view name_of_wrong(WrongKind kind) {
  switch (kind) {
    case WrongKind::Text:
      return "text";
    case WrongKind::NoHash:
      return "no_hash";
    case WrongKind::NonFinite:
      return "non_finite";
    case WrongKind::OtherLength:
      return "other_length";
    case WrongKind::Vector:
      return "vector";
    case WrongKind::OneValue:
      return "one_value";
    case WrongKind::LastBits:
      return "last_bits";
    case WrongKind::NoVector:
      break;
  }
  return "no_vector";
}

void print_wrong(const Verification& found) {
  std::size_t shown = 0;
  for (const WrongRow& row : found.wrong) {
    if (shown++ == kMaxShown) break;
    put_line(stdout, fitted(std::format("Row {}: {}: {}", row.row, row.what, row.text), terminal_columns()));
  }
  const std::uint64_t all = found.wrong_texts + found.wrong_vectors;
  if (all > kMaxShown)
    put_line(stdout, std::format("and {} more (--json lists a thousand)", with_thousands(all - kMaxShown)));
}

}  // namespace

void print_verification(const Console& console, const VerifyResult& result) {
  const Verification& v = result.found;
  print_wrong(v);
  if (v.hash_column.empty()) {
    console.line("Texts: not checked, there is no column 'text_hash' beside them");
  } else {
    console.line("Texts: {} of {} have the MD5 that the file says{}{}", with_thousands(v.texts - v.other_md5s),
                 with_thousands(v.texts),
                 v.without_md5 > 0
                     ? std::format("; of {} more the text or its MD5 is missing", with_thousands(v.without_md5))
                     : "",
                 v.null_texts > 0 ? std::format("; {} are null", with_thousands(v.null_texts)) : "");
  }
  if (v.nulls + v.zeros + v.non_finite + v.other_lengths > 0)
    console.line("Vectors: {} null, {} all zeros, {} with NaN or infinity, {} of other dimensions",
                 with_thousands(v.nulls), with_thousands(v.zeros), with_thousands(v.non_finite),
                 with_thousands(v.other_lengths));
  if (!result.model.empty()) {
    console.line("Computed again with {}: {} of {} rows; {} the same in every bit, lowest cosine {:.7f}", result.model,
                 with_thousands(v.computed), with_thousands(v.rows), with_thousands(v.same_bits), v.lowest_cosine);
    console.line("  tolerance: cosine {} ({}){}", result.least_cosine, result.tolerance_reason,
                 v.is_exact ? "; here every bit must be the same, because those of nearly all are" : "");
  }
  if (result.agreement) {
    const NeighbourAgreement& a = *result.agreement;
    if (a.compared < 2)
      console.line("Against {}: fewer than two texts, which have no neighbours to compare", result.against);
    else
      console.line(
          "Against {}: of the {} nearest of {} texts {:.1f} % are the same (recall@{}), rank correlation {:.4f}",
          result.against, a.k, with_thousands(a.compared), 100 * a.recall, a.k, a.rank_correlation);
  }
  if (v.is_right()) {
    console.line("All right");
  } else {
    tell("Wrong: {} texts, {} vectors", with_thousands(v.wrong_texts), with_thousands(v.wrong_vectors));
  }
}

std::string json_of_verification(const VectorFile& file, const VerifyResult& result) {
  const Verification& v = result.found;
  Json wrong = Json::array();
  for (const WrongRow& row : v.wrong)
    wrong.push_back({{"row", row.row},
                     {"kind", name_of_wrong(row.kind)},
                     {"what", row.what},
                     {"cosine", row.cosine ? Json(*row.cosine) : Json(nullptr)},
                     {"text", row.text}});
  const bool computed = !result.model.empty();
  Json whole = {{"rows", v.rows},
                {"dimension", file.dimension()},
                {"is_right", v.is_right()},
                {"texts", v.hash_column.empty() ? Json(nullptr) : Json(v.texts)},
                {"wrong_texts", v.wrong_texts},
                {"null_texts", v.null_texts},
                {"nulls", v.nulls},
                {"zero", v.zeros},
                {"non_finite", v.non_finite},
                {"other_lengths", v.other_lengths},
                {"model", computed ? Json(result.model) : Json(nullptr)},
                {"sampled", v.sampled},
                {"computed", v.computed},
                {"same_bits", v.same_bits},
                {"exact", v.is_exact},
                {"tolerance", computed ? Json(result.least_cosine) : Json(nullptr)},
                {"lowest_cosine", v.computed > 0 ? Json(v.lowest_cosine) : Json(nullptr)},
                {"wrong_vectors", v.wrong_vectors}};
  const bool has_neighbours = result.agreement && result.agreement->compared >= 2;
  if (result.agreement)
    whole["against"] = {
        {"model", result.against},
        {"compared", result.agreement->compared},
        {"k", result.agreement->k},
        {"recall", has_neighbours ? Json(result.agreement->recall) : Json(nullptr)},
        {"rank_correlation", has_neighbours ? Json(result.agreement->rank_correlation) : Json(nullptr)}};
  whole["wrong"] = std::move(wrong);
  return whole.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace llama
