#include "http/request_reader.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <charconv>
#include <cstring>

#include "easyjwt/core/bytes.hpp"
#include "http/grammar.hpp"

namespace easyjwt::http {
namespace {

namespace beast = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t first_capacity = 4 * 1024;
constexpr std::size_t least_room = 1024;
/// What a connection may keep between two requests.
constexpr std::size_t kept_capacity = 64 * 1024;

std::string_view to_std(boost::beast::string_view text) { return {text.data(), text.size()}; }

Method to_method(beast::verb verb) {
  switch (verb) {
    case beast::verb::get: return Method::get;
    case beast::verb::head: return Method::head;
    case beast::verb::post: return Method::post;
    case beast::verb::put: return Method::put;
    case beast::verb::patch: return Method::patch;
    case beast::verb::delete_: return Method::delete_;
    case beast::verb::options: return Method::options;
    default: return Method::other;
  }
}

Refusal to_refusal(error_code error) {
  if (error == beast::error::bad_method || error == beast::error::bad_target ||
      error == beast::error::bad_version) {
    return {400, "Malformed request line."};
  }
  if (error == beast::error::bad_content_length || error == beast::error::multiple_content_length) {
    return {400, "Invalid Content-Length header."};
  }
  if (error == beast::error::bad_transfer_encoding) {
    return {400, "Invalid Transfer-Encoding header."};
  }
  return {400, "Malformed header field."};
}

/// What RFC 3986 lets a Host or an authority without user information have: no comma, white space,
/// '@' or '/', which others on the way could split it at.
constexpr auto host_chars = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 0x80; ++c) {
    const auto each = static_cast<char>(c);
    table[c] = is_digit(each) || is_letter(each) ||
               std::string_view("-._~%!$&'()*+;=:[]").find(each) != std::string_view::npos;
  }
  return table;
}();
bool is_host_char(char c) { return host_chars[static_cast<unsigned char>(c)]; }
bool is_host(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_host_char);
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || is_letter(c) || c == '.' || c == '_' || c == '-';
  });
}

bool has_word(std::string_view text, std::string_view word) {
  return std::search(text.begin(), text.end(), word.begin(), word.end(),
                     [](char a, char b) { return to_lower(a) == b; }) != text.end();
}

}  // namespace

/// Beast's parser over one whole head. It is never given a body: put() stops behind the head.
class RequestReader::HeadParser final : public beast::basic_parser<true> {
 public:
  explicit HeadParser(RequestReader& reader) : reader_(reader) {
    header_limit(static_cast<std::uint32_t>(reader.limits_.head) + 1);
    body_limit(boost::none);
  }
  const Refusal& refusal() const noexcept { return refusal_; }

 private:
  void refuse_with(Refusal refusal, error_code& error) {
    refusal_ = refusal;
    if (refusal.status != 0) error = beast::error::bad_value;
  }

  void on_request_impl(beast::verb verb, boost::beast::string_view name,
                       boost::beast::string_view target, int version, error_code& error) override {
    reader_.head_.method = to_method(verb);
    reader_.head_.method_name = reader_.slice(to_std(name));
    reader_.head_.http_1_0 = version == 10;
    refuse_with(reader_.take_target(to_std(target)), error);
  }
  void on_field_impl(beast::field field, boost::beast::string_view name,
                     boost::beast::string_view value, error_code& error) override {
    if (field == beast::field::connection && beast::token_list{value}.exists("close")) {
      reader_.head_.close = true;
    }
    refuse_with(reader_.take_field(to_std(name), to_std(value)), error);
  }
  void on_header_impl(error_code& error) override {
    reader_.head_.keep_alive = keep_alive() && !reader_.head_.close;
    refuse_with(reader_.check_head(), error);
  }

  void on_response_impl(int, boost::beast::string_view, int, error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(boost::beast::string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view, error_code&) override {
    return 0;
  }
  void on_finish_impl(error_code&) override {}

  RequestReader& reader_;
  Refusal refusal_;
};

RequestReader::~RequestReader() {
  if (buffer_) wipe(buffer_.get(), capacity_);
}

std::span<char> RequestReader::room() {
  if (capacity_ - end_ < least_room && chunks_) {
    // The framing of the chunks behind us is of no more use.
    char* const unread = buffer_.get() + begin_ + used_;
    const std::size_t left = end_ - begin_ - used_;
    used_ = head_.size + head_.length;
    std::memmove(buffer_.get() + begin_ + used_, unread, left);
    end_ = begin_ + used_ + left;
  }
  if (capacity_ - end_ < least_room && begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (capacity_ - end_ < least_room) resize(std::max(first_capacity, capacity_ * 2));
  return {buffer_.get() + end_, capacity_ - end_};
}

void RequestReader::resize(std::size_t capacity) {
  std::unique_ptr<char[]> larger(new char[capacity]);
  if (buffer_) {
    std::memcpy(larger.get(), buffer_.get(), end_);
    wipe(buffer_.get(), capacity_);
  }
  buffer_ = std::move(larger);
  capacity_ = capacity;
}

void RequestReader::next() noexcept {
  const std::size_t size = chunks_ ? used_ : head_.size + head_.length;
  wipe(buffer_.get() + begin_, size);
  begin_ += size;
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (capacity_ > kept_capacity) {
      buffer_.reset();
      capacity_ = 0;
    }
  }
  chunks_.reset();
  state_ = State::head;
  blank_line_ = false;
  line_ = scanned_ = used_ = 0;
  head_ = {};
  fields_.clear();
}

RequestReader::Slice RequestReader::slice(std::string_view part) const noexcept {
  return {static_cast<std::uint32_t>(part.data() - (buffer_.get() + begin_)),
          static_cast<std::uint32_t>(part.size())};
}

bool RequestReader::wants_continue() noexcept {
  // A client that sends its body at once does not wait for leave.
  const bool body_began = end_ - begin_ > head_.size;
  return std::exchange(head_.expects_continue, false) && !body_began;
}

RequestReader::Progress RequestReader::refuse(int status, std::string_view text) noexcept {
  refusal_ = {status, text};
  return Progress::refused;
}

RequestReader::Progress RequestReader::advance() {
  if (refusal_.status != 0) return Progress::refused;
  if (state_ == State::head) {
    const auto progress = find_head();
    if (progress != Progress::complete) return progress;
  }
  if (state_ == State::body) {
    const auto progress = chunks_                                      ? read_chunks()
                          : bytes().size() - head_.size < head_.length ? Progress::need_more
                                                                       : Progress::complete;
    if (progress != Progress::complete) return progress;
    state_ = State::complete;
  }
  return Progress::complete;
}

RequestReader::Progress RequestReader::find_head() {
  if (line_ == 0 && !blank_line_ && bytes().starts_with('\r')) {
    // RFC 9112 section 2.2: old clients send an empty line behind a body. One, not a stream of
    // them.
    if (bytes().size() < 2) return Progress::need_more;
    if (bytes()[1] == '\n') {
      begin_ += 2;
      blank_line_ = true;
    }
  }
  if (!bytes().empty() && !is_token_char(bytes()[0])) {
    return refuse(400, "Malformed request line.");  // TLS on a plain port, for one
  }
  const auto head = bytes().substr(0, limits_.head);
  for (;;) {
    const auto end = head.find('\n', scanned_);
    if (end == std::string_view::npos) {
      scanned_ = head.size();
      if (head.size() < limits_.head) return Progress::need_more;
      if (line_ == 0) return refuse(414, "Request URI is too long.");
      return refuse(431, "Request header fields are too large.");
    }
    scanned_ = end + 1;
    // Some servers take a bare LF for the end of a line and others do not: that is how a request is
    // hidden in another's header.
    if (end == 0 || head[end - 1] != '\r') return refuse(400, "Malformed line ending.");
    if (end - 1 == line_) return read_head(end + 1);
    if (head[line_] == ' ' || head[line_] == '\t') return refuse(400, "Folded header field.");
    if (line_ == 0) {
      refusal_ = check_version(end - 1);
      if (refusal_.status != 0) return Progress::refused;
    }
    line_ = end + 1;
  }
}

Refusal RequestReader::check_version(std::size_t line_size) {
  constexpr std::string_view name = "HTTP/";
  constexpr std::size_t size = name.size() + 3;  // HTTP/1.1
  if (line_size < size) return {};
  char* const version = buffer_.get() + begin_ + line_size - size;
  if (std::string_view(version, name.size()) != name || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7])) {
    return {};  // Beast says what is wrong with it
  }
  if (version[5] != '1') return {505, "HTTP version is not supported."};
  // RFC 9110 section 6.2: a minor version above ours is read as our highest.
  if (version[7] > '1') version[7] = '1';
  return {};
}

RequestReader::Progress RequestReader::read_head(std::size_t size) {
  head_.size = size;
  HeadParser parser(*this);
  error_code error;
  const auto used = parser.put({buffer_.get() + begin_, size}, error);
  if (parser.refusal().status != 0) {
    refusal_ = parser.refusal();
    return Progress::refused;
  }
  if (error || used != size || !parser.is_header_done()) {
    refusal_ = to_refusal(error);
    return Progress::refused;
  }
  if (head_.chunked) {
    used_ = size;
    chunks_.emplace(limits_.body, limits_.head);
  }
  state_ = State::body;
  return Progress::complete;
}

Refusal RequestReader::take_target(std::string_view target) {
  constexpr Refusal malformed{400, "Malformed request target."};
  if (target.size() > limits_.uri) return {414, "Request URI is too long."};
  const bool plain = std::all_of(target.begin(), target.end(),
                                 [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  if (!plain) return malformed;
  if (target == "*") {
    head_.asterisk = true;
    return head_.method == Method::options ? Refusal{} : malformed;
  }
  if (!target.starts_with('/')) {
    const auto scheme_end = target.find("://");
    if (scheme_end == std::string_view::npos) return malformed;
    const auto scheme = target.substr(0, scheme_end);
    if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https")) {
      return malformed;
    }
    target.remove_prefix(scheme_end + 3);
    const auto authority = target.substr(0, target.find_first_of("/?"));
    if (!is_host(authority)) return malformed;
    head_.authority = slice(authority);
    target.remove_prefix(authority.size());
  }
  const auto question = target.find('?');
  head_.path = slice(target.substr(0, question));
  if (question != std::string_view::npos) head_.query = slice(target.substr(question + 1));
  return {};
}

Refusal RequestReader::take_field(std::string_view name, std::string_view value) {
  if (fields_.size() == limits_.headers) return {431, "Too many request header fields."};
  fields_.push_back({slice(name), slice(value)});
  if (equal_ignoring_case(name, "host")) {
    if (std::exchange(head_.has_host, true)) return {400, "More than one Host header."};
    if (!is_host(value)) return {400, "Invalid Host header."};
    head_.host = slice(value);
  } else if (equal_ignoring_case(name, "content-length")) {
    // Even two equal ones: not every proxy takes the one that we would take.
    if (std::exchange(head_.has_length, true)) return {400, "Invalid Content-Length header."};
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), head_.length);
    if (error != std::errc{} || end != value.data() + value.size()) {
      return {400, "Invalid Content-Length header."};
    }
  } else if (equal_ignoring_case(name, "transfer-encoding")) {
    if (head_.chunked || head_.http_1_0) return {400, "Invalid Transfer-Encoding header."};
    if (!equal_ignoring_case(value, "chunked")) {
      // "chunked, chunked", "xchunked": made for a proxy that reads it otherwise.
      if (value.empty() || has_word(value, "chunked")) {
        return {400, "Invalid Transfer-Encoding header."};
      }
      return {501, "Transfer coding is not implemented."};
    }
    head_.chunked = true;
  } else if (equal_ignoring_case(name, "expect")) {
    if (!equal_ignoring_case(value, "100-continue")) return {417, "Expectation failed."};
    head_.expects_continue = !head_.http_1_0;
  } else if (equal_ignoring_case(name, "x-request-id")) {
    if (head_.id.size == 0 && is_request_id(value)) head_.id = slice(value);
  }
  return {};
}

Refusal RequestReader::check_head() {
  if (head_.chunked && head_.has_length) {
    return {400, "Both Content-Length and Transfer-Encoding."};
  }
  if (!head_.has_host && !head_.http_1_0) return {400, "Missing Host header."};
  if (head_.authority.size > 0) {
    // RFC 9112 section 3.2.2 lets the target win; a Host that differs is nobody's honest mistake.
    if (head_.has_host && !equal_ignoring_case(text(head_.host), text(head_.authority))) {
      return {400, "Host header and request target differ."};
    }
    head_.host = head_.authority;
  }
  if (head_.length > limits_.body) return {413, "Request body is too large."};
  return {};
}

RequestReader::Progress RequestReader::read_chunks() {
  char* const body = buffer_.get() + begin_ + head_.size;
  char* out = body + head_.length;
  const auto progress = chunks_->advance(bytes().substr(used_), used_, out);
  head_.length = static_cast<std::size_t>(out - body);
  if (progress == ChunkDecoder::Progress::need_more) return Progress::need_more;
  if (progress == ChunkDecoder::Progress::complete) return Progress::complete;
  refusal_ = chunks_->refusal();
  return Progress::refused;
}

void RequestReader::view(Request& request) {
  headers_.clear();
  for (const auto& field : fields_) headers_.push_back({text(field.name), text(field.value)});
  request.method = head_.method;
  request.method_name = text(head_.method_name);
  request.path = head_.path.size > 0 ? text(head_.path) : "/";
  request.query = text(head_.query);
  request.headers = headers_;
  request.body = {buffer_.get() + begin_ + head_.size, head_.length};
  request.host = text(head_.host);
  request.id = text(head_.id);
  request.params = {};
}

}  // namespace easyjwt::http
