// Write a map of characters in the format that GGUF files have it in.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace llama {

// Each node of the trie has a block of 256 units of its own for its children, at its number times 256.
inline std::vector<unsigned char> charsmap_bytes(const std::map<std::string, std::string>& replacements) {
  struct Unit {
    std::uint32_t block = 0;
    bool ends = false, is_value = false;
    std::uint32_t bits = 0;  // a label or a value
  };
  std::map<std::uint32_t, Unit> units{{0, {.block = 1}}};
  std::uint32_t blocks = 2;
  std::string texts;
  for (const auto& [key, replacement] : replacements) {
    std::uint32_t at = 0;
    for (const char c : key) {
      const std::uint32_t label = static_cast<unsigned char>(c), child = units[at].block * 256 + label;
      if (!units.contains(child)) units[child] = {.block = blocks++, .bits = label};
      at = child;
    }
    units[at].ends = true;
    units[units[at].block * 256] = {.is_value = true, .bits = static_cast<std::uint32_t>(texts.size())};
    texts += replacement + '\0';
  }
  std::vector<unsigned char> bytes;
  const auto put = [&](std::uint32_t unit) {
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<unsigned char>(unit >> shift));
  };
  put(blocks * 256 * 4);
  for (std::uint32_t at = 0; at < blocks * 256; ++at) {
    const auto found = units.find(at);
    if (found == units.end()) {
      put(0x80000000U);
    } else if (const Unit& unit = found->second; unit.is_value) {
      put(0x80000000U | unit.bits);
    } else {
      put((at ^ unit.block * 256) << 10 | (unit.ends ? 1U << 8 : 0) | unit.bits);
    }
  }
  bytes.insert(bytes.end(), texts.begin(), texts.end());
  return bytes;
}

}  // namespace llama
