#pragma once

#include <string>
#include <vector>

#include "easyjwt/http/request.hpp"
#include "easyjwt/http/response.hpp"

namespace easyjwt::http {

/// CORS_* of the settings, as django-cors-headers has them.
struct CorsSettings {
  std::vector<std::string> allowed_origins;  ///< "https://app.example.com"
  bool allow_credentials = false;
  std::vector<std::string> allow_headers{"accept",     "authorization", "content-type",
                                         "user-agent", "x-csrftoken",   "x-requested-with"};
};

/// Tells browsers which other origins' pages may read our answers (Fetch, section 3.2). An origin
/// is allowed where it is one of the list, byte for byte: "null", which every sandboxed page has,
/// never is. Any thread.
class Cors {
 public:
  /// Throws SettingsError: an allowed origin that is none.
  explicit Cors(CorsSettings settings);

  /// Whether a browser asks what it may send, before it sends it.
  static bool is_preflight(const Request& request);
  /// The answer to that, without what add() adds.
  Response answer_preflight(const Request& request) const;
  /// To every answer: that it depends on the origin, and whether this one may read it.
  void add(const Request& request, Response& response) const;

 private:
  bool allows(const Request& request) const;

  CorsSettings settings_;
  std::string preflight_fields_;
};

}  // namespace easyjwt::http
