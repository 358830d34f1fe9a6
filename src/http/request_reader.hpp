#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "easyjwt/http/request.hpp"
#include "http/chunks.hpp"
#include "http/refusal.hpp"

namespace easyjwt::http {

/// Under what a stranger's request is read: bytes, and a number of fields.
struct ReadLimits {
  std::size_t head = 16 * 1024;
  std::size_t headers = 100;
  std::size_t uri = 8 * 1024;
  std::size_t body = 1024 * 1024;
};

/// Reads the requests of one connection, one after the other, out of one buffer that it keeps: the
/// caller fills room(), says how much was received, and advances. Knows no socket and no clock.
///
/// A head is looked at once it is there in whole, and what was found is kept as offsets, so how the
/// bytes were cut into packets cannot change what a request means. Beast's parser splits it; what
/// Beast lets pass and RFC 9112 does not (folded fields, repeated lengths, any transfer coding) is
/// refused here. Used bytes are wiped: they had passwords and tokens in them.
class RequestReader {
 public:
  enum class Progress { need_more, complete, refused };

  explicit RequestReader(const ReadLimits& limits) : limits_(limits) {}
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  /// Where to receive next; never empty. Ends all views. Throws std::bad_alloc.
  std::span<char> room();
  void received(std::size_t size) noexcept { end_ += size; }

  /// Goes on with the present request. After `refused` the connection is of no more use: where the
  /// next request would begin is anyone's guess.
  Progress advance();

  /// Whether a byte of the present request is there.
  bool started() const noexcept { return end_ > begin_; }
  bool head_done() const noexcept { return state_ != State::head; }
  /// Whether the client waits for "100 Continue"; true once for a request.
  bool wants_continue() noexcept;

  // Of a complete request, until next() or room():
  /// Fills in what was sent; peer, client_address, scheme and id (where the client sent none that is
  /// sound) are the connection's to fill in.
  void view(Request& request);
  /// Whether the client wants the connection to stay (RFC 9112 section 9.3).
  bool keep_alive() const noexcept { return head_.keep_alive; }
  bool http_1_0() const noexcept { return head_.http_1_0; }
  /// "OPTIONS *", which asks about the server and not about a path.
  bool asterisk() const noexcept { return head_.asterisk; }

  const Refusal& refusal() const noexcept { return refusal_; }

  /// Forgets the present request, and keeps what came behind it.
  void next() noexcept;

 private:
  class HeadParser;
  enum class State { head, body, complete };
  /// A part of the buffer, counted from where the request begins.
  struct Slice {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
  };
  struct Field {
    Slice name;
    Slice value;
  };
  struct Head {
    std::size_t size = 0;    ///< with the blank line
    std::size_t length = 0;  ///< of the body: Content-Length, or what the chunks carried so far
    Method method = Method::other;
    Slice method_name;
    Slice path;
    Slice query;
    Slice authority;  ///< of a target in absolute form
    Slice host;
    Slice id;
    bool http_1_0 = false;
    bool keep_alive = false;
    bool asterisk = false;
    bool close = false;
    bool expects_continue = false;
    bool has_length = false;
    bool has_host = false;
    bool chunked = false;
  };

  std::string_view bytes() const noexcept { return {buffer_.get() + begin_, end_ - begin_}; }
  std::string_view text(Slice slice) const noexcept {
    return {buffer_.get() + begin_ + slice.at, slice.size};
  }
  Slice slice(std::string_view part) const noexcept;

  Progress refuse(int status, std::string_view text) noexcept;
  Progress find_head();
  Progress read_head(std::size_t size);
  Refusal check_version(std::size_t line_size);
  Refusal take_target(std::string_view target);
  Refusal take_field(std::string_view name, std::string_view value);
  Refusal check_head();
  Progress read_chunks();
  void resize(std::size_t capacity);

  const ReadLimits limits_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;  ///< of the present request
  std::size_t end_ = 0;    ///< of what was received

  State state_ = State::head;
  bool blank_line_ = false;  ///< the one that is allowed before a request line was there
  std::size_t line_ = 0;     ///< where the head's present line begins
  std::size_t scanned_ = 0;  ///< up to where the head has been looked through
  Head head_;
  std::vector<Field> fields_;
  std::vector<Header> headers_;
  std::size_t used_ = 0;  ///< of a chunked body: where its next unread byte is
  std::optional<ChunkDecoder> chunks_;
  Refusal refusal_;
};

}  // namespace easyjwt::http
