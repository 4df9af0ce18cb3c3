#include "llama-corpus/shard.h"

#include <charconv>
#include <format>
#include <utility>

namespace llama {
namespace {

using Variable = std::function<std::optional<std::string>(std::string_view)>;

constexpr std::uint32_t kMaxShards = 99'999;  // part names of one length, which sort in the order of their numbers

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// `said`: what the numbers were read from, for people.
Result<Shard> checked_shard(std::uint64_t index, std::uint64_t count, std::string_view said) {
  if (count == 0 || count > kMaxShards)
    return fail(ErrorCode::InvalidArgument, std::format("{}: there may be 1 to {} shards", said, kMaxShards));
  if (index >= count)
    return fail(ErrorCode::InvalidArgument, std::format("{}: shards are counted from 0, so the last of {} is {}/{}",
                                                        said, count, count - 1, count));
  return Shard{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(count)};
}

Result<std::optional<std::uint64_t>> number_of(std::string_view name, const Variable& variable) {
  const auto value = variable(name);
  if (!value || value->empty()) return std::nullopt;
  const auto number = whole_number(*value);
  if (!number)
    return fail(ErrorCode::InvalidArgument, std::format("shard 'auto': {}='{}' is not a whole number", name, *value));
  return number;
}

// Which shard a scheduler says that this process is; nothing where it says nothing.
struct Claim {
  std::string_view variable;  // that says which
  Shard shard;
};

// Schedulers that count from 0 and say how many there are.
struct CountedFromZero {
  std::string_view index, count;
  std::string_view way_out;  // where the count is missing
};

constexpr CountedFromZero kCountedFromZero[] = {
    {"RANK", "WORLD_SIZE", "set it too"},
    {"JOB_COMPLETION_INDEX", "JOB_COMPLETIONS",
     "Kubernetes does not set it: write it into the container's env, the same as .spec.completions"},
    {"AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE", "set it too"},
};

Result<std::optional<Claim>> claim_of(const CountedFromZero& scheduler, const Variable& variable) {
  const auto index = number_of(scheduler.index, variable);
  if (!index) return std::unexpected(index.error());
  if (!*index) return std::nullopt;
  const auto count = number_of(scheduler.count, variable);
  if (!count) return std::unexpected(count.error());
  if (!*count)
    return fail(ErrorCode::InvalidArgument,
                std::format("shard 'auto': {} is {}, but {} is not set ({}); or say {}/N", scheduler.index, **index,
                            scheduler.count, scheduler.way_out, **index));
  const auto said = std::format("shard 'auto': {}={}, {}={}", scheduler.index, **index, scheduler.count, **count);
  return checked_shard(**index, **count, said).transform([&](Shard shard) {
    return std::optional<Claim>({scheduler.index, shard});
  });
}

// An array may begin anywhere and have steps (--array=1-16:5), but no gaps beyond them: of --array=1,5,7 nobody but the
// scheduler knows which task is the second.
// Source   sbatch(1), "OUTPUT ENVIRONMENT VARIABLES".
Result<std::optional<Claim>> slurm_claim(const Variable& variable) {
  constexpr std::string_view kIndex = "SLURM_ARRAY_TASK_ID";
  std::optional<std::uint64_t> id, first, last, step, count;
  for (const auto& [name, number] : {std::pair{kIndex, &id},
                                     {"SLURM_ARRAY_TASK_MIN", &first},
                                     {"SLURM_ARRAY_TASK_MAX", &last},
                                     {"SLURM_ARRAY_TASK_STEP", &step},
                                     {"SLURM_ARRAY_TASK_COUNT", &count}}) {
    auto read = number_of(name, variable);
    if (!read) return std::unexpected(std::move(read.error()));
    *number = *read;
  }
  if (!id) return std::nullopt;
  if (!first || !last || *last < *first || step == std::uint64_t{0})
    return fail(ErrorCode::InvalidArgument,
                std::format("shard 'auto': {} is {}, but SLURM_ARRAY_TASK_MIN and SLURM_ARRAY_TASK_MAX do not say of "
                            "which array; say I/N",
                            kIndex, *id));
  const std::uint64_t width = step.value_or(1);
  const std::uint64_t tasks = (*last - *first) / width + 1;
  if (*id < *first || *id > *last || (*id - *first) % width != 0 || count.value_or(tasks) != tasks)
    return fail(
        ErrorCode::InvalidArgument,
        std::format("shard 'auto': {} is {} of an array from {} to {} with gaps; submit it with the indexes 0-{}, or "
                    "say I/N",
                    kIndex, *id, *first, *last, count.value_or(tasks) - 1));
  return checked_shard((*id - *first) / width, tasks, std::format("shard 'auto': {}={}", kIndex, *id))
      .transform([&](Shard shard) { return std::optional<Claim>({kIndex, shard}); });
}

Result<Shard> scheduled_shard(const Variable& variable) {
  std::optional<Claim> found;
  const auto take = [&](Result<std::optional<Claim>> claim) -> Result<void> {
    if (!claim) return std::unexpected(std::move(claim.error()));
    if (!*claim) return {};
    if (found && found->shard != (*claim)->shard)
      return fail(
          ErrorCode::InvalidArgument,
          std::format("shard 'auto': {} says {}/{} and {} says {}/{}; say I/N", found->variable, found->shard.index,
                      found->shard.count, (*claim)->variable, (*claim)->shard.index, (*claim)->shard.count));
    found = *claim;
    return {};
  };
  if (auto taken = take(slurm_claim(variable)); !taken) return std::unexpected(std::move(taken.error()));
  for (const CountedFromZero& scheduler : kCountedFromZero)
    if (auto taken = take(claim_of(scheduler, variable)); !taken) return std::unexpected(std::move(taken.error()));
  if (!found)
    return fail(ErrorCode::InvalidArgument,
                "shard 'auto': no scheduler says which one this is (SLURM_ARRAY_TASK_ID, RANK and WORLD_SIZE, "
                "JOB_COMPLETION_INDEX, AWS_BATCH_JOB_ARRAY_INDEX); say I/N, counted from 0");
  return found->shard;
}

}  // namespace

Result<Shard> parse_shard(std::string_view text, const Variable& variable) {
  if (text == "auto") return scheduled_shard(variable);
  const std::size_t slash = text.find('/');
  const auto index = whole_number(text.substr(0, slash));
  const auto count = slash == std::string_view::npos ? std::nullopt : whole_number(text.substr(slash + 1));
  if (!index || !count)
    return fail(ErrorCode::InvalidArgument,
                std::format("shard '{}': I/N is wanted, counted from 0 (0/8 to 7/8), or auto", text));
  return checked_shard(*index, *count, std::format("shard '{}'", text));
}

std::string part_name(const Shard& shard) { return std::format("part-{:05}-of-{:05}", shard.index, shard.count); }

}  // namespace llama
