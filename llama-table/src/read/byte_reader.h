// Read a file or standard input from its beginning, and look at what comes first: unpacked if it is gzip or zstd, as
// UTF-8 if a mark says that it is UTF-16.
//
// A stop is noticed while a pipe has nothing to read.
//
// Errors   NotFound, Io, InvalidText (a packed file that is damaged or cut short), Cancelled; with the file's name.
// Threads  one at a time.
#pragma once

#include <arrow/util/compression.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "llama-base/disk.h"
#include "llama-base/error.h"
#include "read/utf16_decoder.h"

namespace llama::internal {

enum class Packing { None, Gzip, Zstd };

[[nodiscard]] Packing packing_of(std::string_view first_bytes);

class InputBytes {
 public:
  // "-" is standard input.
  [[nodiscard]] static Result<std::unique_ptr<InputBytes>> open(const std::string& path);

  // Look further: what comes first, unpacked, as far as it was looked at. False: that is all there is.
  [[nodiscard]] std::string_view seen() const { return std::string_view(seen_).substr(given_); }
  [[nodiscard]] Result<bool> look_further(const std::stop_token& stop);

  // The next bytes, at least one; their number is 0 at the end.
  [[nodiscard]] Result<std::size_t> read(std::span<char> buffer, const std::stop_token& stop);

  // Would read() not wait?
  [[nodiscard]] bool is_ready() const;
  [[nodiscard]] bool is_utf16() const { return decoder_.has_value(); }  // as packing()
  // Says why what was looked at is no text in UTF-8, unpacked but as the file has it: for those that DuckDB reads by
  // itself.
  [[nodiscard]] Result<void> check_utf8() const;
  [[nodiscard]] bool is_regular() const { return is_regular_; }
  [[nodiscard]] Packing packing() const { return packing_; }       // known once something was looked at
  [[nodiscard]] const std::string& name() const { return name_; }  // "file 'x.txt'", "standard input"

 private:
  InputBytes(std::string name, FileHandle owned, int descriptor);
  Result<std::size_t> read_raw(std::span<char> buffer, const std::stop_token& stop);
  Result<std::size_t> read_decoded(std::span<char> buffer, const std::stop_token& stop);
  Result<std::size_t> read_unpacked(std::span<char> buffer, const std::stop_token& stop);
  Result<void> find_packing(const std::stop_token& stop);
  Result<bool> fill_raw(const std::stop_token& stop);

  std::string name_;
  FileHandle owned_;  // not standard input
  int descriptor_;
  bool is_regular_ = false;
  std::string seen_;  // unpacked
  std::size_t given_ = 0;
  std::string raw_;  // as it is stored, not used up
  std::size_t raw_begin_ = 0;
  bool is_known_ = false;  // packing_ is
  bool is_raw_end_ = false;
  Packing packing_ = Packing::None;
  std::unique_ptr<arrow::util::Codec> codec_;
  std::shared_ptr<arrow::util::Decompressor> unpacker_;
  std::string decoded_;  // not given out
  bool is_encoding_known_ = false;
  std::optional<Utf16Decoder> decoder_;
};

// Whether a packed file is whole, for those that DuckDB unpacks: it takes what it can get of one that is cut short
// (zstd) or damaged (gzip), and says nothing.
//
// Errors   as InputBytes'. Nothing is wrong with a file that is not packed.
// Cost     unpacks it.
[[nodiscard]] Result<void> check_archive(const std::string& path, const std::stop_token& stop);

}  // namespace llama::internal
