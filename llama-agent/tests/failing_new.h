// Let the memory run out: the allocation number k of a thread throws, once.
//
// It replaces the global operator new of the program that includes it (in one file).
#pragma once

#include <cstdlib>
#include <new>

namespace llama {

// Of this thread; negative: all succeed.
inline thread_local long allocations_to_go = -1;

}  // namespace llama

void* operator new(std::size_t size) {
  if (llama::allocations_to_go >= 0 && llama::allocations_to_go-- == 0) throw std::bad_alloc();
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
