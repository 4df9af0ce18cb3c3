#include <fcntl.h>
#include <ggml.h>
#include <gguf.h>
#include <llama.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <format>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "llama-base/disk.h"
#include "llama-core/bf16.h"
#include "llama-core/processor.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSliceValues = 1 << 20;  // that one thread converts between two looks at the stop

struct FreeGguf {
  void operator()(gguf_context* context) const noexcept { gguf_free(context); }
};
struct FreeGgml {
  void operator()(ggml_context* context) const noexcept { ggml_free(context); }
};
struct CloseStream {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using Gguf = std::unique_ptr<gguf_context, FreeGguf>;
using Stream = std::unique_ptr<std::FILE, CloseStream>;

// A file to read: its header, and its bytes through a descriptor.
struct SourceFile {
  fs::path path;
  Gguf header;
  std::unique_ptr<ggml_context, FreeGgml> tensors;  // no data, shapes only
  internal::FileHandle bytes;

  static Result<SourceFile> open(const fs::path& path) {
    ggml_context* tensors = nullptr;
    SourceFile file{.path = path, .header = {}, .tensors = {}, .bytes = {}};
    file.header.reset(gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = &tensors}));
    file.tensors.reset(tensors);
    if (!file.header) return fail(ErrorCode::InvalidModel, std::format("model '{}' is not readable", path.string()));
    file.bytes = internal::FileHandle(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.bytes) return internal::disk_error("opened", path, errno);
    return file;
  }
};

bool becomes_bf16(const ggml_tensor& tensor) { return ggml_is_quantized(tensor.type); }

// The weights are read, converted and written in batches of a slice per thread, a slice being a few whole rows. Each
// thread converts one slice to 32-bit floats and those to BF16, rounding to nearest even as ggml's converter does; the
// order in the file is that of the source. The stop is looked at between two batches.
// Cost: reading and writing dominate; converting takes about a second per gigabyte and thread.
class Bf16Writer {
 public:
  Bf16Writer(std::vector<SourceFile> sources, fs::path output, int threads, std::stop_token stop)
      : sources_(std::move(sources)), output_(std::move(output)), threads_(threads), stop_(std::move(stop)) {}

  Result<void> run() {
    stream_.reset(std::fopen(output_.c_str(), "wbx"));
    if (!stream_) return internal::disk_error("created", output_, errno);
    auto written = write_all();
    if (written && std::fclose(stream_.release()) != 0) written = failed();
    stream_.reset();
    if (!written) ::unlink(output_.c_str());
    return written;
  }

 private:
  std::unexpected<Error> failed() const { return internal::disk_error("written", output_, errno); }

  Result<void> write_all() {
    const Gguf header = output_header();
    alignment_ = gguf_get_alignment(header.get());
    if (!gguf_write_to_file_ptr(header.get(), stream_.get(), true)) return failed();
    for (const SourceFile& source : sources_) {
      for (std::int64_t i = 0; i < gguf_get_n_tensors(source.header.get()); ++i) {
        if (auto written = write_tensor(source, i); !written) return written;
      }
    }
    return {};
  }

  // One file's, whatever the number of parts was.
  [[nodiscard]] Gguf output_header() const {
    Gguf header(gguf_init_empty());
    gguf_set_kv(header.get(), sources_.front().header.get());
    // ggml writes with its own alignment, whatever the key says.
    for (const char* key : {"general.alignment", "split.no", "split.count", "split.tensors.count"})
      gguf_remove_key(header.get(), key);
    gguf_set_val_u32(header.get(), "general.file_type", LLAMA_FTYPE_MOSTLY_BF16);
    for (const SourceFile& source : sources_) {
      for (std::int64_t i = 0; i < gguf_get_n_tensors(source.header.get()); ++i) {
        const char* name = gguf_get_tensor_name(source.header.get(), i);
        const ggml_tensor* tensor = ggml_get_tensor(source.tensors.get(), name);
        gguf_add_tensor(header.get(), tensor);
        if (becomes_bf16(*tensor)) gguf_set_tensor_type(header.get(), name, GGML_TYPE_BF16);
      }
    }
    return header;
  }

  Result<void> write_tensor(const SourceFile& source, std::int64_t number) {
    const ggml_tensor* tensor =
        ggml_get_tensor(source.tensors.get(), gguf_get_tensor_name(source.header.get(), number));
    const auto offset = gguf_get_data_offset(source.header.get()) + gguf_get_tensor_offset(source.header.get(), number);
    const std::int64_t row = tensor->ne[0], rows = ggml_nrows(tensor);
    const std::size_t row_bytes = ggml_row_size(tensor->type, row);
    const std::int64_t slice = std::max<std::int64_t>(1, kSliceValues / row), batch = slice * threads_;
    std::size_t written = 0;
    for (std::int64_t done = 0; done < rows; done += batch) {
      if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "making a BF16 copy was stopped");
      const std::int64_t count = std::min(batch, rows - done);
      bytes_.resize(row_bytes * static_cast<std::size_t>(count));
      if (auto read = read_at(source, offset + row_bytes * static_cast<std::size_t>(done)); !read) return read;
      const std::span<const std::byte> out =
          becomes_bf16(*tensor) ? convert(*tensor, count, slice) : std::span<const std::byte>(bytes_);
      if (std::fwrite(out.data(), 1, out.size(), stream_.get()) != out.size()) return failed();
      written += out.size();
    }
    const std::string padding((alignment_ - written % alignment_) % alignment_, '\0');
    return std::fwrite(padding.data(), 1, padding.size(), stream_.get()) == padding.size() ? Result<void>() : failed();
  }

  Result<void> read_at(const SourceFile& source, std::size_t offset) {
    for (std::span<std::byte> left(bytes_); !left.empty();) {
      const ssize_t count = ::pread(source.bytes.get(), left.data(), left.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return internal::disk_error("read", source.path, errno);
      if (count == 0)
        return fail(ErrorCode::InvalidModel, std::format("model '{}' ends inside a tensor", source.path.string()));
      left = left.subspan(static_cast<std::size_t>(count));
      offset += static_cast<std::size_t>(count);
    }
    return {};
  }

  std::span<const std::byte> convert(const ggml_tensor& tensor, std::int64_t rows, std::int64_t slice) {
    const std::int64_t row = tensor.ne[0];
    const std::size_t row_bytes = ggml_row_size(tensor.type, row);
    const auto to_float = ggml_get_type_traits(tensor.type)->to_float;
    converted_.resize(static_cast<std::size_t>(rows * row));
    floats_.resize(static_cast<std::size_t>(threads_));
    std::vector<std::jthread> workers;
    for (std::int64_t first = 0; first < rows; first += slice) {
      workers.emplace_back([&, first, number = workers.size()] {
        const std::int64_t values = std::min(slice, rows - first) * row;
        floats_[number].resize(static_cast<std::size_t>(values));
        to_float(bytes_.data() + row_bytes * static_cast<std::size_t>(first), floats_[number].data(), values);
        ggml_fp32_to_bf16_row_ref(floats_[number].data(), converted_.data() + first * row, values);
      });
    }
    workers.clear();  // waits for them
    return std::as_bytes(std::span(converted_));
  }

  std::vector<SourceFile> sources_;
  fs::path output_;
  int threads_;
  std::stop_token stop_;
  Stream stream_;
  std::size_t alignment_ = 0;
  std::vector<std::byte> bytes_;
  std::vector<ggml_bf16_t> converted_;
  std::vector<std::vector<float>> floats_;  // of each thread
};

}  // namespace

Result<void> write_as_bf16(std::span<const fs::path> files, const fs::path& output, int threads,
                           const std::stop_token& stop) {
  std::vector<SourceFile> sources;
  for (const fs::path& path : files) {
    auto source = SourceFile::open(path);
    if (!source) return std::unexpected(source.error());
    sources.push_back(std::move(*source));
  }
  if (sources.empty()) return fail(ErrorCode::InvalidArgument, "a BF16 copy needs a model's files");
  return Bf16Writer(std::move(sources), output, threads > 0 ? threads : default_threads(), stop).run();
}

}  // namespace llama
