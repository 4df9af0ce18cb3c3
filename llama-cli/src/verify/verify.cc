#include "verify/verify.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <string_view>

#include "exit_status.h"
#include "llama-core/processor.h"
#include "llama-embedding/embedding_result.h"
#include "vectors/file_model.h"
#include "vectors/vector_input.h"

namespace llama {
namespace {

constexpr int kWrongRows = 1;
// Kernels round sums of float weights in their last bits; those of quantized weights round the activations as well, and
// each in its own way.
constexpr double kFloatCosine = 0.9999, kQuantizedCosine = 0.998;
constexpr std::size_t kNeighbours = 10;
constexpr std::size_t kMaxCompared = 2'000;  // each with each

struct SampleWish {
  std::optional<std::uint64_t> rows;  // nothing: all
};

Step<SampleWish> read_sample(const std::string& wish) {
  if (wish == "all") return SampleWish{};
  std::uint64_t rows = 0;
  const char* const end = wish.data() + wish.size();
  const auto read = std::from_chars(wish.data(), end, rows);
  if (read.ec != std::errc() || read.ptr != end || wish.empty())
    return usage_error(std::format("--sample is a number of rows, or all, not '{}'", wish));
  return SampleWish{rows};
}

bool has_column(const VectorFile& file, const std::string& name) {
  return std::ranges::contains(file.table().columns(), name, &TableColumn::name);
}

std::string in_lower_case(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name;
}

// What embed may call a column of its own.
bool is_name_of_embed(const VectorFile& file, const std::string& name) {
  static constexpr std::array<std::string_view, 11> kNames = {
      "text_hash", "embedding", "sequence_length", "processing_time_ms", "token_count", "truncated",
      "error",     "row",       "chunk_index",     "chunk_start",        "chunk_end"};
  const std::string lower = in_lower_case(name);
  return lower == in_lower_case(file.text_column()) || std::ranges::contains(kNames, lower);
}

// A column of the input that has one of our names was written as NAME_input, or with more "_" after it where that was
// there.
std::string written_name(const VectorFile& file, const std::string& name) {
  if (!is_name_of_embed(file, name) || !has_column(file, name + "_input")) return name;
  std::string written = name + "_input";
  while (has_column(file, written + "_")) written += "_";
  return written;
}

Step<std::vector<std::string>> columns_of_prompt(const VectorFile& file, const PromptTemplate& prompt) {
  std::vector<std::string> columns;
  for (const std::string& name : prompt.columns()) {
    columns.push_back(written_name(file, name));
    if (!has_column(file, columns.back()))
      return stop_with({ErrorCode::InvalidArgument,
                        std::format("the prompt '{}' needs the column '{}', which '{}' does not have: its vectors "
                                    "cannot be computed again; --sample 0 checks the texts alone",
                                    prompt.source(), name, file.table().files().front().path)},
                       kInputError);
  }
  return columns;
}

// The first two thousand texts of the sample and their vectors, to compare another model's with.
struct ComparedTexts {
  std::vector<std::string> texts;
  std::vector<std::vector<float>> vectors;

  void keep(const std::vector<std::string>& more, const std::vector<Result<std::vector<float>>>& computed) {
    for (std::size_t i = 0; i < more.size() && texts.size() < kMaxCompared; ++i) {
      texts.push_back(more[i]);
      vectors.push_back(computed[i].value_or(std::vector<float>()));
    }
  }
};

bool has_float_weights(const EmbeddingModel& model) {
  const std::string& description = model.model().description();
  return description.contains("F16") || description.contains("F32");
}

class Verifier {
 public:
  Verifier(const VerifyArguments& arguments, const VectorFile& file, const Interrupt& interrupt, const Console& console)
      : arguments_(arguments), file_(file), interrupt_(interrupt), console_(console) {}

  Step<VerifyResult> run() {
    const auto sample = read_sample(arguments_.sample);
    if (!sample) return std::unexpected(sample.error());
    if (sample->rows == 0 && arguments_.against) return usage_error("--against needs a --sample");
    options_.sample = sample->rows;
    options_.text_column = arguments_.text_column;
    options_.seed = arguments_.seed;
    options_.threads = arguments_.threads > 0 ? arguments_.threads : default_threads();
    const bool computes = sample->rows != 0 && file_.table().rows() > 0 && file_.dimension() > 0;
    if (computes)
      if (auto loaded = load(); !loaded) return std::unexpected(loaded.error());
    RowsDisplay display(console_, "Reading", file_.table().rows());
    options_.on_rows = [&](std::uint64_t rows) { display.update(rows); };
    const std::uint64_t rows = file_.table().rows();
    RowsDisplay checking(console_, "Computing", std::min(sample->rows.value_or(rows), rows));
    options_.on_check = [&](std::uint64_t done) { checking.update(done); };
    auto found = verify_vectors(file_, options_, interrupt_.token());
    display.clear();
    checking.clear();
    if (!found) return stop_with(found.error(), status_of(found.error()));
    result_.found = std::move(*found);
    if (result_.found.hash_column.empty() && !computes)
      return usage_error(
          std::format("'{}' has no column 'text_hash' beside its texts, and no vector was to be "
                      "computed: there is nothing to check",
                      file_.table().files().front().path));
    if (arguments_.against && computes)
      if (auto compared = compare(); !compared) return std::unexpected(compared.error());
    return std::move(result_);
  }

 private:
  int status_of(const Error& error) const {
    if (error.code == ErrorCode::InvalidModel) return kModelError;
    return error.message.starts_with("the model has") ? kModelError : vector_status(error.code);
  }

  Step<void> load() {
    const std::optional<std::string>& pattern = arguments_.prompt ? arguments_.prompt : file_.provenance().prompt;
    if (pattern) {
      auto parsed = PromptTemplate::parse(*pattern);
      if (!parsed) return stop_with(parsed.error(), arguments_.prompt ? kUsageError : kInputError);
      prompt_ = std::move(*parsed);
      auto columns = columns_of_prompt(file_, *prompt_);
      if (!columns) return std::unexpected(columns.error());
      options_.more_columns = std::move(*columns);
    }
    auto model = load_file_model(file_, arguments_.loader, arguments_.threads, interrupt_, console_);
    if (!model) return std::unexpected(model.error());
    model_ = std::move(*model);
    const Provenance& p = file_.provenance();
    const std::string other = what_is_other(p, *model_);
    if (!other.empty())
      tell("Warning: the model '{}' is not the one that the vectors are of: {}", model_->metadata().filename, other);
    result_.model = model_->metadata().filename;
    options_.compares_lengths = p.is_normalized.has_value() || p.dimensions.has_value();
    has_same_kernels_ = other.empty() && p.kernels == model_->kernels() && p.program == "llama-cli " LLAMA_CLI_VERSION;
    // Others' vectors depend on their neighbours in a batch, in the last bits.
    options_.gives_same_bits =
        has_same_kernels_ && p.kernels.starts_with("packed") && model_->model().device() == "CPU";
    choose_tolerance();
    options_.compute = [this](std::span<const Row> rows) {
      const std::vector<std::string> texts = texts_of_rows(rows, prompt_);
      auto computed = compute_vectors(model_, texts, interrupt_.token());
      if (computed && arguments_.against) compared_.keep(texts, *computed);
      return computed;
    };
    return {};
  }

  void choose_tolerance() {
    const bool is_float = has_float_weights(*model_);
    if (arguments_.tolerance) {
      result_.least_cosine = static_cast<double>(*arguments_.tolerance);
      result_.tolerance_reason = "as asked";
    } else if (has_same_kernels_) {
      result_.least_cosine = kFloatCosine;
      result_.tolerance_reason = "the same kernels";
    } else {
      result_.least_cosine = is_float ? kFloatCosine : kQuantizedCosine;
      result_.tolerance_reason =
          is_float ? "other kernels round in the last bits" : "other kernels round activations otherwise";
    }
    options_.least_cosine = result_.least_cosine;
  }

  Step<void> compare() {
    LoaderFlags loader = arguments_.loader;
    loader.model = *arguments_.against;
    loader.filename.reset();
    loader.quant.reset();
    const auto other = load_file_model(file_, loader, arguments_.threads, interrupt_, console_);
    if (!other) return std::unexpected(other.error());
    const auto computed = compute_vectors(*other, compared_.texts, interrupt_.token());
    if (!computed) return stop_with(computed.error(), kModelError);
    std::vector<std::vector<float>> vectors;
    for (const auto& vector : *computed) vectors.push_back(cut(vector.value_or(std::vector<float>())));
    for (std::vector<float>& vector : compared_.vectors) vector = cut(std::move(vector));
    auto agreement = compare_neighbours(compared_.vectors, vectors, kNeighbours, options_.threads, interrupt_.token());
    if (!agreement) return stop_with(agreement.error(), kModelError);
    result_.against = (*other)->metadata().filename;
    result_.agreement = std::move(*agreement);
    return {};
  }

  std::vector<float> cut(std::vector<float> vector) const {
    const auto dimension = static_cast<std::size_t>(file_.dimension());
    if (file_.provenance().dimensions && vector.size() > dimension) vector.resize(dimension);
    return vector;
  }

  const VerifyArguments& arguments_;
  const VectorFile& file_;
  const Interrupt& interrupt_;
  const Console& console_;
  VerifyOptions options_;
  std::optional<PromptTemplate> prompt_;
  FileModel model_;
  bool has_same_kernels_ = false;  // as the file was made with
  ComparedTexts compared_;
  VerifyResult result_;
};

}  // namespace

int run_verify(const VerifyArguments& arguments, const Interrupt& interrupt) {
  const Console console{.quiet = arguments.quiet, .terminal = ::isatty(STDERR_FILENO) == 1, .stream = stdout};
  const auto file = open_vectors(arguments, interrupt);
  if (!file) return tell_failure(file.error(), interrupt);
  if (auto checked = check_one_model(*file); !checked) return tell_failure(checked.error(), interrupt);
  const auto result = Verifier(arguments, *file, interrupt, console).run();
  if (!result) return tell_failure(result.error(), interrupt);
  if (arguments.json) {
    if (auto printed = print_result(json_of_verification(*file, *result)); !printed)
      return tell_failure({printed.error(), kOutputError}, interrupt);
  } else {
    Console report = console;
    bool is_cut = false;
    report.is_cut = &is_cut;
    print_verification(report, *result);
    if (is_cut) return tell_failure(cut_off(), interrupt);
  }
  return result->found.is_right() ? kDone : kWrongRows;
}

}  // namespace llama
