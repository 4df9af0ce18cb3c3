#include "shards_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "progress.h"

namespace llama {
namespace {

std::string_view name_of(ShardState state) {
  switch (state) {
    case ShardState::Whole:
      return "whole";
    case ShardState::Missing:
      return "missing";
    case ShardState::CutShort:
      return "cut short";
    case ShardState::Foreign:
      return "foreign";
  }
  return "";
}

}  // namespace

void print_shards(const ShardReport& report, const Console& console) {
  for (const CheckedShard& shard : report.shards) {
    if (shard.state == ShardState::Whole) continue;
    console.line("Shard {}/{}: {}{}", shard.shard.index, shard.shard.count, name_of(shard.state),
                 shard.reason.empty() ? "" : ": " + shard.reason);
  }
  for (const StrayFile& file : report.strays) console.line("File '{}': {}", file.path.string(), file.reason);
  for (const std::string& note : report.notes) console.line("Note: {}", note);
  const auto whole = std::ranges::count(report.shards, ShardState::Whole, &CheckedShard::state);
  const ShardCounts& c = report.counts;
  console.line("{} of {} shards are whole; rows in: {} = {} embedded + {} null + {} skipped; rows out: {}", whole,
               report.shards.size(), with_thousands(c.rows_in), with_thousands(c.embedded), with_thousands(c.null),
               with_thousands(c.skipped), with_thousands(c.rows_out));
}

Result<void> print_shards_json(const ShardReport& report) {
  nlohmann::ordered_json shards = nlohmann::ordered_json::array(), strays = nlohmann::ordered_json::array();
  for (const CheckedShard& shard : report.shards)
    shards.push_back({{"shard", shard.shard.index}, {"state", name_of(shard.state)}, {"reason", shard.reason}});
  for (const StrayFile& file : report.strays) strays.push_back({{"file", file.path.string()}, {"reason", file.reason}});
  const ShardCounts& c = report.counts;
  const nlohmann::ordered_json whole = {{"is_whole", report.is_whole()},
                                        {"shards", std::move(shards)},
                                        {"strays", std::move(strays)},
                                        {"notes", report.notes},
                                        {"rows_in", c.rows_in},
                                        {"embedded", c.embedded},
                                        {"null", c.null},
                                        {"skipped", c.skipped},
                                        {"rows_out", c.rows_out}};
  return print_result(whole.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace llama
