#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace easyjwt::http {

/// Django's ALLOWED_HOSTS (django.http.request: split_domain_port, validate_host). A Host that an
/// attacker chose would end up in links and redirects.
class AllowedHosts {
 public:
  explicit AllowedHosts(std::vector<std::string> patterns);

  /// `host` is a Host field. An empty one (HTTP/1.0) is allowed where every name is.
  bool allow(std::string_view host) const;

 private:
  bool any_ = false;
  std::vector<std::string> patterns_;
};

}  // namespace easyjwt::http
