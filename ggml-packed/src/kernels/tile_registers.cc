#include "kernels/tile_registers.h"

#if defined(__x86_64__) && defined(__linux__)

#include <sys/syscall.h>
#include <unistd.h>

namespace ggml_packed {
namespace {

bool may_use_tiles() {
  if (!__builtin_cpu_supports("amx-tile") || !__builtin_cpu_supports("amx-bf16")) return false;
  constexpr long kAskForComponent = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
  return syscall(SYS_arch_prctl, kAskForComponent, kTileData) == 0;
}

}  // namespace

bool has_tile_registers() {
  static const bool kHas = may_use_tiles();
  return kHas;
}

}  // namespace ggml_packed

#else

namespace ggml_packed {

bool has_tile_registers() { return false; }

}  // namespace ggml_packed

#endif
