#pragma once

#include <cstddef>
#include <string>

#include "easyjwt/core/error.hpp"

namespace easyjwt {

/// A whole file of at most `max_size` bytes. Errc::refused with a reason that does not name it.
Result<std::string> read_file(const std::string& path, std::size_t max_size);

/// Makes a file that only its owner may read, and writes it to the disk. One that is there already
/// is left alone: Errc::refused. Reasons name the file.
Result<void> create_private_file(const std::string& path, std::string_view content);

}  // namespace easyjwt
