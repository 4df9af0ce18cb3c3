#include <array>
#include <chrono>
#include <cstdint>
#include <random>

#include "llama-agent/session.h"

namespace llama {

std::string new_ulid() {
  static constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  auto time = static_cast<std::uint64_t>(now.count());
  std::string id(26, '0');
  for (std::size_t i = 10; i-- > 0; time /= 32) id[i] = kDigits[time % 32];
  thread_local std::random_device random;
  for (std::size_t i = 10; i < id.size(); ++i) id[i] = kDigits[random() % 32];
  return id;
}

}  // namespace llama
