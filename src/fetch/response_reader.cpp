// Beast 1.81 asserts that a last chunk that comes in pieces has five bytes; one that is the first
// has four. Without the assertion it goes on as it should (fuzz/http_response.cpp).
#define BOOST_DISABLE_ASSERTS

#include "fetch/response_reader.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "easyjwt/core/bytes.hpp"

namespace easyjwt::fetch {
namespace {

namespace beast = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

std::string_view to_std(string_view text) { return {text.data(), text.size()}; }

}  // namespace

/// Beast's parser, straight into a FetchedResponse.
class ResponseReader::Parser final : public beast::basic_parser<false> {
 public:
  Parser(FetchedResponse& response, const Limits& limits)
      : response_(response), max_body_(limits.max_body) {
    header_limit(static_cast<std::uint32_t>(limits.max_headers));
    body_limit(limits.max_body);
    eager(true);
  }

 private:
  void on_response_impl(int status, string_view, int, error_code&) override {
    response_.status = status;
  }
  void on_field_impl(beast::field, string_view name, string_view value, error_code&) override {
    if (head_ended_) return;  // a trailer must not be taken for the head (RFC 9110 section 6.5.1)
    response_.headers.push_back({std::string(to_std(name)), std::string(to_std(value))});
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>& size, error_code&) override {
    if (size) response_.body.reserve(static_cast<std::size_t>(*size));
  }
  std::size_t on_body_impl(string_view bytes, error_code& error) override {
    // Beast bounds what has a length; not all of it does.
    if (bytes.size() > max_body_ - response_.body.size()) {
      error = make_error_code(beast::error::body_limit);
      return 0;
    }
    response_.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code& error) override {
    return on_body_impl(bytes, error);
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  void on_header_impl(error_code&) override { head_ended_ = true; }
  void on_finish_impl(error_code&) override {}
  void on_request_impl(beast::verb, string_view, string_view, int, error_code&) override {}

  FetchedResponse& response_;
  const std::size_t max_body_;
  bool head_ended_ = false;
};

ResponseReader::ResponseReader(Limits limits) : limits_(limits), input_(4096) { begin(); }
ResponseReader::~ResponseReader() { wipe(input_.data(), used_); }

void ResponseReader::begin() {
  response_ = {};
  response_.headers.reserve(16);
  parser_ = std::make_unique<Parser>(response_, limits_);
  begun_ = can_follow_ = false;
  first_ = last_ = 0;
  why_.clear();
}

std::span<char> ResponseReader::space() {
  if (first_ == last_) first_ = last_ = 0;
  if (last_ == input_.size() && first_ > 0) {
    std::copy(input_.data() + first_, input_.data() + last_, input_.data());
    last_ -= first_;
    first_ = 0;
  }
  if (last_ == input_.size()) {
    // A head is parsed in one piece; its limit bounds this. Growing must leave no copy behind.
    std::vector<char> larger(2 * input_.size());
    std::copy(input_.begin(), input_.end(), larger.begin());
    wipe(input_.data(), input_.size());
    input_.swap(larger);
  }
  return std::span(input_).subspan(last_);
}

ResponseReader::State ResponseReader::failed(std::string_view why) {
  why_ = why;
  return State::failed;
}

ResponseReader::State ResponseReader::take(std::size_t count) {
  begun_ = true;
  last_ += count;
  used_ = std::max(used_, last_);
  return parse();
}

ResponseReader::State ResponseReader::parse() {
  for (;;) {
    error_code error;
    if (first_ < last_) {
      const boost::asio::const_buffer bytes(input_.data() + first_, last_ - first_);
      first_ += parser_->put(bytes, error);
    }
    if (error == beast::error::body_limit || error == beast::error::header_limit) {
      return failed("the answer is too large");
    }
    if (error && error != beast::error::need_more) return failed("no HTTP: " + error.message());
    if (!parser_->is_done()) {
      // Beast bounds a head that is there in whole.
      if (last_ - first_ > limits_.max_headers) return failed("the answer is too large");
      return State::more;
    }
    if (response_.status / 100 != 1) break;
    // An interim answer; the real one follows. Nobody asked for another protocol.
    if (response_.status == 101) return failed("no HTTP: another protocol");
    response_ = {};
    parser_ = std::make_unique<Parser>(response_, limits_);
    if (first_ == last_) return State::more;
  }
  // What is behind an answer was not asked for, and would be taken for the next one.
  can_follow_ = parser_->keep_alive() && first_ == last_;
  wipe(input_.data(), used_);  // tokens, perhaps
  used_ = 0;
  return State::done;
}

ResponseReader::State ResponseReader::take_end() {
  // Before the first byte, and behind an interim answer, Beast would take nothing for an answer.
  error_code error = beast::error::partial_message;
  if (parser_->got_some()) parser_->put_eof(error);  // what has no length is whole now
  if (error || !parser_->is_done()) return failed("closed in the middle of an answer");
  return parse();
}

}  // namespace easyjwt::fetch
