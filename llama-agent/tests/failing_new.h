// Let the memory run out: the allocation number k of a thread throws, once. And count what a thread holds.
//
// It replaces the global operator new of the program that includes it (in one file).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "allocations.h"

extern "C" std::size_t malloc_usable_size(void* memory) noexcept;  // of the C library's <malloc.h>

inline void* counted(void* memory) {
  llama::bytes_held += static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
  llama::most_bytes_held = std::max(llama::most_bytes_held, llama::bytes_held);
  return memory;
}

// Never inlined, so that the compiler does not see memory of malloc() given to delete, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (llama::allocations_to_go >= 0 && llama::allocations_to_go-- == 0) throw std::bad_alloc();
  ++llama::allocations_held;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return counted(memory);
  throw std::bad_alloc();
}
// Of the library's own, this is the only other that does not come down to the one above: a sanitizer brings its own,
// whose memory free() may not be given.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++llama::allocations_held;
  return counted(std::malloc(size == 0 ? 1 : size));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  if (memory != nullptr) --llama::allocations_held;
  llama::bytes_held -= static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
