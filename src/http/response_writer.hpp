#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "easyjwt/http/response.hpp"

namespace easyjwt::http {

/// A Date field that is formatted once a second (RFC 9110 section 6.6.1). One per thread.
class DateField {
 public:
  /// "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n"
  std::string_view now();

 private:
  std::time_t second_ = -1;
  std::array<char, 37> text_{};
};

/// Request ids: 16 random hex digits of the thread and a count, so none is made twice. One per
/// thread.
class RequestIds {
 public:
  using Id = std::array<char, 32>;
  RequestIds();
  void next(Id& id) noexcept;

 private:
  std::array<char, 16> prefix_;
  std::uint64_t count_ = 0;
};

enum class Persistence {
  implied,     ///< stays, as HTTP/1.1 does by itself
  keep_alive,  ///< stays, and an HTTP/1.0 client must be told
  close,
};

/// Appends an answer as it goes out (RFC 9112). `with_body`: not for HEAD, whose Content-Length is
/// still the body's.
void append_response(std::string& out, const Response& response, Persistence persistence,
                     bool with_body, std::string_view id, std::string_view date);

}  // namespace easyjwt::http
