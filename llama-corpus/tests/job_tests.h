// What the tests of a job share: a model, a folder, a run.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "llama-corpus/embed_job.h"
#include "memory_table.h"

namespace llama {

// A folder that goes with the test.
struct TestFolder {
  TestFolder() {
    static int count = 0;
    path = std::filesystem::temp_directory_path() / std::format("job-{}-{}", ::getpid(), count++);
    std::filesystem::create_directories(path);
  }
  ~TestFolder() { std::filesystem::remove_all(path); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path)) found.push_back(entry.path().filename());
    std::ranges::sort(found);
    return found;
  }
  std::filesystem::path path;
};

inline std::shared_ptr<const EmbeddingModel> load_model(const std::string& name,
                                                        const std::function<void(EmbeddingConfig&)>& change = {}) {
  EmbeddingConfig config(ModelSource(LocalSource{std::getenv("TEST_MODELS"), name}));
  if (change) change(config);
  auto model = EmbeddingModel::load(config);
  EXPECT_TRUE(model) << model.error().message;
  return model.value_or(nullptr);
}

inline const std::shared_ptr<const EmbeddingModel>& bert_model() {
  static const auto kModel = load_model("bert.gguf");
  return kModel;
}

inline double cosine_of(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

// Vector i of a column of float32; {} where there are fewer.
inline std::vector<float> vector_at(const WrittenTable& table, std::size_t i, std::size_t dimension = 64) {
  const std::span<const std::byte> all = table.column("embedding").vectors;
  if (all.size() < (i + 1) * dimension * sizeof(float)) return {};
  std::vector<float> values(dimension);
  std::memcpy(values.data(), all.data() + i * dimension * sizeof(float), dimension * sizeof(float));
  return values;
}

inline JobOptions options_in(const TestFolder& folder) {
  JobOptions options;
  options.scratch_folder = folder.path;
  return options;
}

struct JobRun {
  WrittenTable table;
  Result<JobSummary> summary = fail(ErrorCode::Internal, "not run");
};

// writer_fails_at: the call of the writer that fails; its opening is call 0.
inline JobRun run_job(std::unique_ptr<RowReader> reader, const JobOptions& options, int writer_fails_at = -1,
                      const std::shared_ptr<const EmbeddingModel>& model = bert_model()) {
  JobRun run;
  const OpenWriter open = [&](const std::vector<ColumnSpec>& columns,
                              const TableMetadata& metadata) -> Result<std::unique_ptr<RowWriter>> {
    run.table.columns = columns;
    run.table.metadata = metadata;
    if (writer_fails_at == 0) return fail(ErrorCode::NoSpace, "the disk is full");
    return std::make_unique<MemoryWriter>(run.table, writer_fails_at);
  };
  run.summary = run_embed_job(model, std::move(reader), open, options);
  return run;
}

inline std::unique_ptr<MemoryReader> reader_of(const std::vector<Cell>& cells, std::size_t batch_rows = 7) {
  std::deque<Result<RowBatch>> batches;
  for (std::size_t at = 0; at < cells.size(); at += batch_rows) {
    const auto begin = cells.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = cells.begin() + static_cast<std::ptrdiff_t>(std::min(cells.size(), at + batch_rows));
    batches.emplace_back(batch_of(std::vector<Cell>(begin, end), at));
  }
  return std::make_unique<MemoryReader>(std::move(batches));
}

// rows_in = embedded + null + skipped.
inline void expect_sum(const JobSummary& s) {
  EXPECT_EQ(s.rows_in, s.embedded + s.null + s.skipped_blank + s.skipped_empty + s.skipped_failed + s.skipped_long);
}

}  // namespace llama
