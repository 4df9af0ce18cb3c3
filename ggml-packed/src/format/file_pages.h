// The pages of a model's file that are in memory for nothing once its weights are packed.
//
// Threads  any.
#pragma once

#include <cstddef>

namespace ggml_packed {

// Takes the bytes of a weight out of the process's memory, where they are a file's that is mapped to be read (a later
// read gets them from the system's cache of the file); elsewhere nothing happens. Ranges are collected, so that the
// latest ones may stay.
void release_file_pages(void* data, std::size_t bytes);

}  // namespace ggml_packed
