#pragma once

#include <cstddef>
#include <span>

namespace easyjwt {

/// The common passwords of one size: `count` of `size` bytes each, in order, with nothing between
/// them. Read where they lie in the program file: no start-up time, no memory of one's own.
struct CommonPasswordGroup {
  std::size_t size;
  std::size_t count;
  const char* text;
};

struct CodePointRange {
  char32_t first;
  char32_t last;
};

// Written by make_password_tables.py at build time.
extern const std::span<const CommonPasswordGroup> common_passwords;  ///< by size
extern const std::span<const CodePointRange> digits;                 ///< Python's str.isdigit()
extern const std::span<const CodePointRange> word_characters;        ///< \w of Python's re

}  // namespace easyjwt
