// Embed texts with what they begin with in common computed once per pass, and each whole, in turn.
//
//   shared_prefix MODEL ROUNDS PREFIX:OWN…
//
// For each pair a call's texts have PREFIX tokens in common and OWN of their own, all chosen by chance; 0 is no prefix.
// Prints a table for doc/performance.md: medians of the rounds, which alternate.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <print>
#include <random>
#include <string>

#include "embedder.h"

namespace {

constexpr std::size_t kTokensOfCall = 3000;  // each text whole; and four texts at least
constexpr std::int32_t kBudget = 512;

template <class T>
T or_exit(llama::Result<T> result) {
  if (result) return std::move(*result);
  std::println(stderr, "{}", result.error().message);
  std::exit(1);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

std::vector<std::vector<llama::Token>> make_texts(std::size_t prefix, std::size_t own, std::int32_t vocabulary) {
  std::mt19937 random(1);
  std::uniform_int_distribution<llama::Token> token(0, std::min(vocabulary, 40'000) - 1);
  std::vector<llama::Token> beginning(prefix);
  for (llama::Token& t : beginning) t = token(random);
  std::vector<std::vector<llama::Token>> texts(std::max<std::size_t>(4, kTokensOfCall / (prefix + own)), beginning);
  for (auto& text : texts) {
    for (std::size_t i = 0; i < own; ++i) text.push_back(token(random));
  }
  return texts;
}

struct Way {
  std::vector<double> seconds, cpu;
  std::vector<llama::internal::EmbeddedText> last;
};

void compare(const std::shared_ptr<const llama::EmbeddingModel>& model, int rounds, std::size_t prefix,
             std::size_t own) {
  const auto texts = make_texts(prefix, own, model->model().vocabulary_size());
  const std::vector<std::span<const llama::Token>> views(texts.begin(), texts.end());
  llama::internal::Embedder embedder(model, model->config().batch_size);
  Way whole, shared;
  const auto run = [&](Way& way, bool share) {
    embedder.share_prefixes(share);
    const double cpu = cpu_seconds();
    const auto started = std::chrono::steady_clock::now();
    way.last = or_exit(embedder.embed(views, {}));
    way.seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
    way.cpu.push_back(cpu_seconds() - cpu);
  };
  for (int round = -1; round < rounds; ++round) {
    run(whole, false);
    run(shared, true);
    if (round < 0) whole = shared = Way();  // the context is made, the weights are packed
  }
  double least = 1;
  for (std::size_t i = 0; i < texts.size(); ++i)
    least = std::min(least, cosine(whole.last[i].vector, shared.last[i].vector));
  const auto count = static_cast<double>(texts.size());
  std::println("| {} | {} | {:.1f} | {:.1f} | {:.2f} | {:.2f} | {:.6f} |", prefix, own, count / median(whole.seconds),
               count / median(shared.seconds), median(whole.seconds) / median(shared.seconds),
               median(whole.cpu) / median(shared.cpu), least);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::println(stderr, "usage: shared_prefix MODEL ROUNDS PREFIX:OWN…");
    return 2;
  }
  const std::filesystem::path path(argv[1]);
  llama::EmbeddingConfig config(
      llama::ModelSource(llama::LocalSource{path.parent_path().string(), path.filename().string()}));
  config.token_budget = kBudget;
  const auto model = or_exit(llama::EmbeddingModel::load(std::move(config)));
  std::println("| prefix, tokens | own tokens | whole, texts/s | shared | ratio | of CPU time | lowest cosine |");
  std::println("|---|---|---|---|---|---|---|");
  for (int i = 3; i < argc; ++i) {
    const std::string pair = argv[i];
    const std::size_t colon = pair.find(':');
    if (colon == std::string::npos) continue;
    compare(model, std::atoi(argv[2]), std::stoul(pair), std::stoul(pair.substr(colon + 1)));
    std::fflush(stdout);
  }
}
