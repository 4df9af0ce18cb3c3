// Measure what keeping texts and vectors costs: store-speed FOLDER [TEXTS [VECTOR_BYTES]]
//
// New texts are looked up and answered in windows of 1,000, as a run does; then all are looked up again in another
// order, and as a resumed run does. Prints times per text, the CPU's share of them, and sizes.
#include <sys/resource.h>

#include <charconv>
#include <chrono>
#include <print>
#include <random>
#include <string_view>

#include "store/journal.h"

namespace llama::internal {
namespace {

double wall() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double cpu() {
  struct rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Watch {
  double wall_before = wall(), cpu_before = cpu();
  void print(std::string_view what, std::uint64_t count) const {
    struct rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    std::println("{:28} {:7.2f} us per text, {:6.2f} us of the CPU; {} MB at most", what,
                 (wall() - wall_before) * 1e6 / static_cast<double>(count),
                 (cpu() - cpu_before) * 1e6 / static_cast<double>(count), usage.ru_maxrss / 1024);
  }
};

// A run's digests are as random.
TextDigest digest_at(std::uint64_t i) {
  std::mt19937_64 random(i);
  TextDigest digest{};
  for (std::byte& byte : digest) byte = static_cast<std::byte>(random());
  return digest;
}

int measure(const std::filesystem::path& folder, std::uint64_t texts, std::size_t vector_bytes) {
  const auto path = folder / "speed.journal";
  const JournalBinding binding{
      .input = "", .input_fingerprint = "x", .model = "", .model_identity = "", .settings = {}, .way_out = ""};
  {
    auto journal = Journal::open(path, binding, true);
    if (!journal) return std::println(stderr, "{}", journal.error().message), 1;
    const Watch watch;
    double adding = 0;
    std::vector<TextStore::Answered> answers;
    for (std::uint64_t i = 0; i < texts; ++i) {
      const TextDigest digest = digest_at(i);
      const auto number = journal->texts().number_of(digest);
      if (!number || !number->is_new) return std::println(stderr, "text {} is not new", i), 1;
      answers.push_back({.text = digest, .answer = {}});
      answers.back().answer.vector.resize(vector_bytes, static_cast<std::byte>(i));
      if (answers.size() < 1000 && i + 1 < texts) continue;
      const double before = wall();
      if (auto added = journal->texts().add(answers, i); !added)
        return std::println(stderr, "{}", added.error().message), 1;
      adding += wall() - before;
      answers.clear();
    }
    watch.print("new texts", texts);
    std::println("{:28} {:7.2f} us per text", "  of it on the main thread", adding * 1e6 / static_cast<double>(texts));
    const Watch again;
    for (std::uint64_t i = 0; i < texts; ++i) {
      const auto number = journal->texts().number_of(digest_at((i * 7919) % texts));
      if (!number || number->is_new) return std::println(stderr, "a text was lost"), 1;
    }
    again.print("known texts, any order", texts);
  }
  const auto size = std::filesystem::file_size(path);
  std::println("{:28} {:7.1f} bytes per text beside the vector ({} MB)", "journal",
               static_cast<double>(size) / static_cast<double>(texts) - static_cast<double>(vector_bytes), size >> 20);
  auto journal = Journal::open(path, binding, false);
  if (!journal) return std::println(stderr, "{}", journal.error().message), 1;
  const Watch resumed;
  for (std::uint64_t i = 0; i < texts; ++i) {
    const auto number = journal->texts().number_of(digest_at(i));
    if (!number || number->number != i + 1) return std::println(stderr, "a text was lost"), 1;
    if (!journal->texts().answer(i + 1)) return std::println(stderr, "an answer was lost"), 1;
  }
  resumed.print("resumed, vectors read", texts);
  return journal->remove() ? 0 : 1;
}

}  // namespace
}  // namespace llama::internal

int main(int count, char** arguments) {
  const auto number = [&](int i, std::uint64_t otherwise) {
    if (i >= count) return otherwise;
    const std::string_view text = arguments[i];
    std::from_chars(text.data(), text.data() + text.size(), otherwise);
    return otherwise;
  };
  return llama::internal::measure(count > 1 ? arguments[1] : ".", number(2, 1'000'000), number(3, 1536));
}
