#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/fetch/fetcher.hpp"

namespace easyjwt::fetch {

/// Reads one HTTP/1.x answer after the other from the bytes of a connection, however they were cut
/// into pieces. Wipes what it has read.
class ResponseReader {
 public:
  struct Limits {
    std::size_t max_headers = 0;
    std::size_t max_body = 0;
  };
  enum class State { more, done, failed };

  explicit ResponseReader(Limits limits);
  ~ResponseReader();
  ResponseReader(const ResponseReader&) = delete;
  ResponseReader& operator=(const ResponseReader&) = delete;

  /// Begins an answer. What is there already is a part of none: can_follow() said so.
  void begin();
  /// Where the next bytes go; then take() them.
  std::span<char> space();
  State take(std::size_t count);
  /// The peer has ended the connection.
  State take_end();

  /// Whether any byte of the answer has come.
  bool has_begun() const noexcept { return begun_; }
  const std::string& why() const noexcept { return why_; }
  /// Once done: whether the connection can carry another exchange.
  bool can_follow() const noexcept { return can_follow_; }
  FetchedResponse response() { return std::move(response_); }

 private:
  class Parser;

  State parse();
  State failed(std::string_view why);

  const Limits limits_;
  std::unique_ptr<Parser> parser_;
  FetchedResponse response_;
  std::vector<char> input_;
  std::size_t first_ = 0;  ///< of input_, what has come and was not parsed
  std::size_t last_ = 0;
  std::size_t used_ = 0;  ///< of input_, what has ever been written
  bool begun_ = false;
  bool can_follow_ = false;
  std::string why_;
};

}  // namespace easyjwt::fetch
