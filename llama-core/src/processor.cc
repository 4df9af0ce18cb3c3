#include "llama-core/processor.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <format>
#include <fstream>
#include <istream>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

#ifdef __linux__
#include <sched.h>
#endif

namespace llama {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxCpus = 1 << 16;

// What /proc/cpuinfo tells of each core on arm64. Source: arch/arm64/kernel/cpuinfo.c of Linux.
constexpr std::array<std::string_view, 4> kArmNumbers = {"CPU implementer", "CPU part", "CPU variant", "CPU revision"};

// All of `text` as a number.
std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value >= kMaxCpus) return std::nullopt;
  return value;
}

std::string_view without_newline(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

#ifdef __linux__

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::vector<int> allowed_cpus() {
  std::vector<int> allowed;
  // The kernel refuses a set smaller than its own.
  for (int size = CPU_SETSIZE; size <= kMaxCpus; size *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(size));
    if (set == nullptr) return {};
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(size));
    CPU_ZERO_S(bytes, set);
    const bool known = ::sched_getaffinity(0, bytes, set) == 0;
    for (int cpu = 0; known && cpu < size; ++cpu) {
      if (CPU_ISSET_S(static_cast<std::size_t>(cpu), bytes, set)) allowed.push_back(cpu);
    }
    CPU_FREE(set);
    if (known) break;
  }
  return allowed;
}

// The tightest limit of the process's group and of those above it.
std::optional<double> group_quota() {
  const fs::path root = "/sys/fs/cgroup";
  fs::path group = root;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::/")) group = root / line.substr(4);
  }
  std::optional<double> least;
  for (;; group = group.parent_path()) {
    const auto quota = parse_cpu_quota(first_line(group / "cpu.max"));
    if (quota && (!least || *quota < *least)) least = quota;
    if (group == root || !group.has_relative_path()) return least;
  }
}

ProcessorFacts facts_of_this_process() {
  ProcessorFacts facts{.allowed = allowed_cpus(), .siblings = {}, .quota = group_quota()};
  for (const int cpu : facts.allowed) {
    facts.siblings.push_back(
        parse_cpu_list(first_line(std::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu))));
  }
  return facts;
}

#else

ProcessorFacts facts_of_this_process() {
  std::vector<int> allowed(std::max(1U, std::thread::hardware_concurrency()));
  for (std::size_t i = 0; i < allowed.size(); ++i) allowed[i] = static_cast<int>(i);
  return {.allowed = std::move(allowed), .siblings = {}, .quota = std::nullopt};
}

#endif

}  // namespace

int threads_for(const ProcessorFacts& facts) {
  std::set<int> cores;  // each by the lowest of its hardware threads
  for (std::size_t i = 0; i < facts.allowed.size(); ++i) {
    const bool known = i < facts.siblings.size() && !facts.siblings[i].empty();
    cores.insert(known ? std::ranges::min(facts.siblings[i]) : facts.allowed[i]);
  }
  int threads = std::max(1, static_cast<int>(cores.size()));
  if (facts.quota && *facts.quota > 0 && *facts.quota < threads) {
    threads = std::max(1, static_cast<int>(std::ceil(*facts.quota)));
  }
  return threads;
}

int default_threads() { return threads_for(facts_of_this_process()); }

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  return parse_processor_name(file);
}

std::string parse_processor_name(std::istream& cpuinfo) {
  std::array<std::string, 4> numbers;
  for (std::string line; std::getline(cpuinfo, line);) {
    const auto colon = line.find(": ");
    const std::string value = colon == std::string::npos ? "" : line.substr(colon + 2);
    if (line.starts_with("model name")) return value;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (line.starts_with(kArmNumbers[i]) && numbers[i].empty()) numbers[i] = value;
    }
  }
  if (numbers[0].empty()) return {};
  return std::format("arm {} {} {} {}", numbers[0], numbers[1], numbers[2], numbers[3]);
}

std::vector<int> parse_cpu_list(std::string_view text) {
  std::vector<int> cpus;
  std::string_view rest = without_newline(text);
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const auto dash = part.find('-');
    const auto first = number(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number(part.substr(dash + 1));
    if (!first || !last || *last < *first) return {};
    for (int cpu = *first; cpu <= *last; ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

std::optional<double> parse_cpu_quota(std::string_view text) {
  std::istringstream words{std::string(text)};
  double quota = 0, period = 0;
  if (!(words >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

}  // namespace llama
