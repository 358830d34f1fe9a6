#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/refusal.hpp"

namespace easyjwt::http {

/// Takes the chunked transfer coding off a body (RFC 9112 section 7.1), strictly: what another
/// server on the way could read differently is refused, since there a request could be smuggled.
/// Trailer fields are checked and dropped.
class ChunkDecoder {
 public:
  /// `max_lines`: bytes of chunk extensions and trailers in all. Without a limit on the former, a
  /// small body could be stretched to any traffic.
  ChunkDecoder(std::size_t max_body, std::size_t max_lines)
      : max_body_(max_body), max_lines_(max_lines) {}

  enum class Progress { need_more, complete, refused };

  /// Reads what it can of `in`, adds to `used` how much that was, and moves what it carries to
  /// `out`, which it advances; `out` may be in the same buffer, at or before `in`. What was not
  /// read comes first in the next call's `in`.
  Progress advance(std::string_view in, std::size_t& used, char*& out);

  const Refusal& refusal() const noexcept { return refusal_; }

 private:
  enum class State { size_line, data, data_end, trailer };

  Progress refuse(int status, std::string_view text) noexcept;
  Refusal read_size(std::string_view line);
  Refusal read_trailer(std::string_view line);

  std::size_t max_body_;
  std::size_t max_lines_;
  State state_ = State::size_line;
  std::size_t scanned_ = 0;  ///< bytes of the present line known to have no LF
  std::size_t lines_ = 0;    ///< bytes of extensions and trailers so far
  std::uint64_t left_ = 0;   ///< of the present chunk
  std::uint64_t total_ = 0;
  Refusal refusal_;
};

}  // namespace easyjwt::http
