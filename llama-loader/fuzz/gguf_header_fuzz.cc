// A GGUF header of any bytes: no crash, no hang, memory in proportion to the bytes; and either an error of one line or
// a header whose tensors lie inside the bytes, one after the other. What passes is checked as a model as well.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <print>
#include <source_location>
#include <span>
#include <string>
#include <vector>

#include "gguf/header_prefix.h"
#include "gguf/header_reader.h"
#include "gguf/model_check.h"
#include "gguf/tensor_type.h"

namespace {

using namespace llama;

std::size_t allocated = 0;

void require(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::println(stderr, "gguf_header_fuzz: line {} does not hold", where.line());
  std::abort();
}

void check_error(const Error& error) {
  require(error.code == ErrorCode::InvalidModel);
  require(error.message.size() < 1000);
  require(std::ranges::all_of(error.message, [](unsigned char c) { return c >= 0x20 && c < 0x7f; }));
}

void check_tensors(const GgufHeader& header, std::uint64_t size) {
  require(header.tensor_count == header.tensors.size());
  std::uint64_t end = 24;
  for (const GgufTensor& tensor : header.tensors) {
    require(tensor.offset >= end && tensor.offset <= size);
    require(tensor.size_bytes > 0 && tensor.size_bytes <= size - tensor.offset);
    end = tensor.offset + tensor.size_bytes;

    const auto type = internal::tensor_type(tensor.type);
    std::uint64_t elements = 1;
    for (const std::uint64_t extent : tensor.shape) {
      require(extent > 0 && extent <= 256 * size);
      elements *= extent;
    }
    require(tensor.size_bytes == elements / type.block * type.bytes && elements % type.block == 0);
    require(!tensor.name.empty() && tensor.name.size() < 64);
  }
}

// As a whole model, as the first of two parts, and as both.
void check_models(const GgufHeader& header) {
  const std::vector<std::filesystem::path> parts{"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"};
  const std::vector both{header, header};
  const std::vector<std::filesystem::path> whole{"m.gguf"};
  for (const auto& result : {internal::check_model(std::span(both).first(1), whole),
                             internal::check_model(std::span(both).first(1), std::span(parts).first(1)),
                             internal::check_model(both, parts)}) {
    if (!result) check_error(result.error());
  }
}

}  // namespace

// Every allocation counts, and freed ones still do: that bounds the work as well.
void* operator new(std::size_t size) {
  allocated += size;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const std::size_t before = allocated;
  const auto prefix = internal::read_header_prefix(bytes);
  require(allocated - before <= 64 * size + 8192);
  if (prefix) {
    if (auto model = check_is_model(*prefix, "m.gguf"); !model) check_error(model.error());
  }
  const std::size_t between = allocated;
  const auto header = internal::read_gguf_header(bytes, "m.gguf");
  require(allocated - between <= 64 * size + 8192);
  if (header) {
    // What is sound is read alike.
    require(prefix.has_value() && prefix->tensor_count == header->tensor_count);
    for (const auto& [key, value] : prefix->values) {
      const GgufValue* whole = header->find(key);
      require(whole != nullptr && whole->text == value.text && whole->type == value.type);
    }
  }
  if (!header) {
    check_error(header.error());
    return 0;
  }
  check_tensors(*header, size);
  if (!header->tensors.empty()) {
    const GgufTensor& last = header->tensors.back();
    require(!internal::read_gguf_header(bytes.first(last.offset + last.size_bytes - 1), "m.gguf"));
  }
  check_models(*header);
  return 0;
}
