#include <gguf.h>
#include <gtest/gtest.h>
#include <llama.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>

#include "llama-core/backend.h"
#include "llama-core/bf16.h"
#include "llama-core/model.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

// A folder of this test's, gone with it.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("bf16-writer-" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

// llama.cpp's own writer.
void quantize(const fs::path& input, const fs::path& output, llama_ftype type) {
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = type;
  params.allow_requantize = true;
  ASSERT_EQ(llama_model_quantize(input.c_str(), output.c_str(), &params), 0u);
}

struct Tensor {
  ggml_type type;
  std::string shape, bytes;
  bool operator==(const Tensor&) const = default;
};

std::map<std::string, Tensor> tensors_of(const fs::path& path) {
  const std::unique_ptr<gguf_context, decltype(&gguf_free)> header(
      gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = nullptr}), gguf_free);
  EXPECT_NE(header, nullptr);
  std::ifstream file(path, std::ios::binary);
  const std::string all(std::istreambuf_iterator<char>(file), {});
  std::map<std::string, Tensor> tensors;
  for (std::int64_t i = 0; header && i < gguf_get_n_tensors(header.get()); ++i) {
    const std::int64_t* extents = gguf_get_tensor_ne(header.get(), i);
    std::string shape;
    for (int d = 0; d < 4; ++d) shape += std::to_string(extents[d]) + " ";
    tensors[gguf_get_tensor_name(header.get(), i)] = {
        gguf_get_tensor_type(header.get(), i), shape,
        all.substr(gguf_get_data_offset(header.get()) + gguf_get_tensor_offset(header.get(), i),
                   gguf_get_tensor_size(header.get(), i))};
  }
  return tensors;
}

TEST(Bf16Writer, WritesWhatLlamaCppsQuantizerDoes) {
  ASSERT_TRUE(start_backends());
  const Folder folder;
  for (const char* name : {"bert.gguf", "qwen3.gguf"}) {
    const fs::path q8 = folder.path / "q8.gguf", theirs = folder.path / "theirs.gguf", ours = folder.path / "ours.gguf";
    quantize(fs::path(std::getenv("TEST_MODELS")) / name, q8, LLAMA_FTYPE_MOSTLY_Q8_0);
    quantize(q8, theirs, LLAMA_FTYPE_MOSTLY_BF16);
    for (const int threads : {1, 3}) {
      const auto written = write_as_bf16(std::span(&q8, 1), ours, threads, {});
      ASSERT_TRUE(written) << written.error().message;
      const auto expected = tensors_of(theirs), found = tensors_of(ours);
      EXPECT_EQ(found.size(), expected.size());
      std::size_t converted = 0;
      for (const auto& [tensor, facts] : expected) {
        EXPECT_TRUE(found.contains(tensor) && found.at(tensor) == facts) << name << ": " << tensor;
        converted += facts.type == GGML_TYPE_BF16 ? 1 : 0;
      }
      EXPECT_GT(converted, 4u);
      fs::remove(ours);
    }
    fs::remove(q8);
    fs::remove(theirs);
  }
}

// A reader takes the place of every tensor from the alignment that the file names.
TEST(Bf16Writer, WritesAFileThatCanBeReadWhateverTheSourceAligns) {
  ASSERT_TRUE(start_backends());
  const Folder folder;
  const fs::path model = fs::path(std::getenv("TEST_MODELS")) / "bert-aligned.gguf", output = folder.path / "out.gguf";
  ASSERT_TRUE(write_as_bf16(std::span(&model, 1), output, 1, {}));
  const auto source = tensors_of(model), found = tensors_of(output);
  ASSERT_EQ(found.size(), source.size());
  for (const auto& [name, facts] : source) {
    ASSERT_TRUE(found.contains(name)) << name;
    EXPECT_TRUE(facts.type != GGML_TYPE_F32 || found.at(name) == facts) << name;
  }
  EXPECT_TRUE(Model::load(std::span(&output, 1)));
}

TEST(Bf16Writer, LeavesNothingWhenItIsStoppedOrFails) {
  const Folder folder;
  const fs::path model = fs::path(std::getenv("TEST_MODELS")) / "bert.gguf", output = folder.path / "out.gguf";
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = write_as_bf16(std::span(&model, 1), output, 1, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
  const fs::path cut = folder.path / "cut.gguf";
  fs::copy_file(model, cut);
  fs::resize_file(cut, fs::file_size(cut) - 1000);
  EXPECT_FALSE(write_as_bf16(std::span(&cut, 1), output, 1, {}));
  const fs::path missing = folder.path / "missing.gguf";
  EXPECT_FALSE(write_as_bf16(std::span(&missing, 1), output, 1, {}));
  EXPECT_FALSE(fs::exists(output));
}

}  // namespace
}  // namespace llama
