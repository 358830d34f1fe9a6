#pragma once

#include <string>
#include <string_view>

namespace easyjwt::http {

/// An answer. The server adds Date, Content-Length, Connection, X-Request-Id and the fields that
/// every answer carries (nosniff and so on); the router adds Allow.
struct Response {
  int status = 200;
  std::string body;
  std::string_view content_type = "application/json";  ///< a string literal; empty: no field
  std::string fields;  ///< more header fields, each "Name: value\r\n"
  /// The router's: the fields that every answer of a view has; it keeps them.
  std::string_view view_fields = {};

  static Response json(std::string body, int status = 200) {
    return Response{status, std::move(body), "application/json", {}, {}};
  }

  /// Adds a header field. A line break or NUL in `value` throws std::invalid_argument: with it a
  /// value could become a header or a body of its own (response splitting).
  void add(std::string_view name, std::string_view value);
};

}  // namespace easyjwt::http
