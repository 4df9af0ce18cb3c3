// Describe and hold computed columns: what is written beside the columns that go along.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace llama {

enum class ColumnType {
  Text,     // utf8
  Integer,  // int64
  Number,   // float64
  Boolean,
  UnsignedInteger32,  // uint32, uint64: of the plain call alone; Spark reads uint64 as a decimal and Iceberg has none
  UnsignedInteger64,
  Vector,  // fixed_size_list<element>[dimension]
};

enum class VectorElement {
  Float32,
  Float16,
  Int8,
  Bits,  // eight dimensions to a uint8, the first in the highest bit
};

// Bytes of one vector.
[[nodiscard]] constexpr std::size_t vector_bytes(VectorElement element, std::int32_t dimension) {
  const auto n = static_cast<std::size_t>(dimension);
  switch (element) {
    case VectorElement::Float32:
      return n * 4;
    case VectorElement::Float16:
      return n * 2;
    case VectorElement::Int8:
      return n;
    case VectorElement::Bits:
      return (n + 7) / 8;
  }
  return 0;
}

struct ColumnSpec {
  std::string name;
  ColumnType type = ColumnType::Text;
  bool nullable = false;
  VectorElement element = VectorElement::Float32;  // of vectors
  std::int32_t dimension = 0;
};

// The values of one column for some rows. The member of its type is filled; a null row has an entry all the same
// (of vectors: vector_bytes() bytes of any value).
struct ColumnValues {
  std::vector<std::string> texts;
  std::vector<std::int64_t> integers;  // also booleans (0, 1) and unsigned integers
  std::vector<double> numbers;
  std::vector<std::byte> vectors;  // one after the other, little endian
  std::vector<bool> valid;         // empty: no row is null
};

}  // namespace llama
