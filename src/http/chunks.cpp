#include "http/chunks.hpp"

#include <algorithm>
#include <cstring>

#include "http/grammar.hpp"

namespace easyjwt::http {
namespace {

/// Longer ones are an attack: 16 digits of size, and extensions that nobody uses.
constexpr std::size_t max_size_line = 1024;

/// chunk-ext = *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )
bool is_chunk_extension(std::string_view text) {
  const auto skip_blanks = [&] {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  };
  const auto skip_token = [&] {
    const auto end = std::find_if_not(text.begin(), text.end(), is_token_char);
    const auto size = static_cast<std::size_t>(end - text.begin());
    text.remove_prefix(size);
    return size > 0;
  };
  const auto skip_quoted = [&] {
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (!is_field_char(text[i])) return false;
      if (text[i] == '"') return text.remove_prefix(i + 1), true;
      if (text[i] == '\\' && (++i == text.size() || !is_field_char(text[i]))) return false;
    }
    return false;
  };
  while (!text.empty()) {
    skip_blanks();
    if (text.empty() || text.front() != ';') return false;
    text.remove_prefix(1);
    skip_blanks();
    if (!skip_token()) return false;
    const auto after_name = text;
    skip_blanks();
    if (text.empty() || text.front() != '=') {
      text = after_name;
      continue;
    }
    text.remove_prefix(1);
    skip_blanks();
    if (text.empty()) return false;
    if (!(text.front() == '"' ? skip_quoted() : skip_token())) return false;
  }
  return true;
}

}  // namespace

ChunkDecoder::Progress ChunkDecoder::refuse(int status, std::string_view text) noexcept {
  refusal_ = {status, text};
  return Progress::refused;
}

ChunkDecoder::Progress ChunkDecoder::advance(std::string_view in, std::size_t& used, char*& out) {
  const auto take = [&](std::size_t size) {
    in.remove_prefix(size);
    used += size;
  };
  for (;;) {
    if (state_ == State::data) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
      std::memmove(out, in.data(), size);
      out += size;
      take(size);
      left_ -= size;
      if (left_ > 0) return Progress::need_more;
      state_ = State::data_end;
    }
    if (state_ == State::data_end) {
      if (!in.empty() && in[0] != '\r') return refuse(400, "Malformed chunk.");
      if (in.size() < 2) return Progress::need_more;
      if (in[1] != '\n') return refuse(400, "Malformed chunk.");
      take(2);
      state_ = State::size_line;
    }
    const std::size_t limit = state_ == State::size_line ? max_size_line : max_lines_ - lines_;
    const auto seen = in.substr(0, limit);
    const auto end = seen.find('\n', scanned_);
    if (end == std::string_view::npos) {
      scanned_ = seen.size();
      if (in.size() < limit) return Progress::need_more;
      if (state_ == State::size_line) return refuse(400, "Malformed chunk.");
      return refuse(431, "Trailer fields are too large.");
    }
    if (end == 0 || in[end - 1] != '\r') return refuse(400, "Malformed chunk.");
    scanned_ = 0;
    const auto line = in.substr(0, end - 1);
    const bool last = state_ == State::trailer && line.empty();
    refusal_ = state_ == State::size_line ? read_size(line) : read_trailer(line);
    if (refusal_.status != 0) return Progress::refused;
    take(end + 1);
    if (last) return Progress::complete;
  }
}

Refusal ChunkDecoder::read_size(std::string_view line) {
  std::uint64_t size = 0;
  std::size_t digits = 0;
  for (; digits < line.size() && hex_value(line[digits]) >= 0; ++digits) {
    if (size >> 60 != 0) return {400, "Malformed chunk size."};
    size = size << 4 | static_cast<std::uint64_t>(hex_value(line[digits]));
  }
  const auto extension = line.substr(digits);
  if (digits == 0 || !is_chunk_extension(extension)) return {400, "Malformed chunk size."};
  lines_ += extension.size();
  if (lines_ > max_lines_) return {431, "Chunk extensions are too large."};
  if (size > max_body_ - total_) return {413, "Request body is too large."};
  total_ += size;
  left_ = size;
  state_ = size == 0 ? State::trailer : State::data;
  return {};
}

Refusal ChunkDecoder::read_trailer(std::string_view line) {
  lines_ += line.size() + 2;
  if (line.empty()) return {};
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)) ||
      !std::all_of(line.begin() + static_cast<std::ptrdiff_t>(colon), line.end(), is_field_char)) {
    return {400, "Malformed trailer field."};
  }
  return {};
}

}  // namespace easyjwt::http
