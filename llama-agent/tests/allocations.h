// What the operator new of failing_new.h counts, of this thread.
#pragma once

#include <cstddef>

namespace llama {

inline thread_local long allocations_to_go = -1;  // the one after so many throws; negative: all succeed
inline thread_local long allocations_held = 0;    // more than were given back
inline thread_local std::ptrdiff_t bytes_held = 0, most_bytes_held = 0;

}  // namespace llama
